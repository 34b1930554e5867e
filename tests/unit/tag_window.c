#include "config.h"

#include "engine/virt/tag_window.h"

#include "engine/base/random.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static void test_a_key_comes_back(void **state)
{
	struct random random = {3};
	struct tag_windows windows;

	(void)state;
	for (unsigned low_bits = TAG_LOW_BITS_MIN; low_bits <= 20; low_bits += 4) {
		assert_int_equal(tag_windows_create(&windows, low_bits), STATUS_OK);
		for (unsigned i = 0; i < 2000; i++) {
			uint64_t key = random_next(&random);
			uint32_t tag = tag_windows_make(&windows, key);

			assert_true(tag_windows_key(&windows, tag) == key);
			assert_int_equal(tag_windows_find(&windows, key), tag);
			assert_int_equal(tag_windows_make(&windows, key), tag);
			assert_int_not_equal(tag, TAG_NONE);
		}
		assert_null(tag_windows_check(&windows));
		tag_windows_destroy(&windows);
	}
}

/* Different keys, different tags: neighbours in a window, and the same low bits in neighbouring windows. */
static void test_tags_are_as_different_as_keys(void **state)
{
	struct tag_windows windows;

	(void)state;
	assert_int_equal(tag_windows_create(&windows, 20), STATUS_OK);
	assert_int_equal(tag_windows_find(&windows, 5), TAG_NONE);
	assert_int_equal(tag_windows_make(&windows, 0x7f0000005), 5);
	assert_int_equal(tag_windows_make(&windows, 0x7f0000006), 6);
	assert_int_equal(tag_windows_make(&windows, 0x7f0100005), (1 << 20) + 5);
	assert_int_equal(tag_windows_make(&windows, (uint64_t)1 << 63 | 0x7f0000005), (2 << 20) + 5);
	assert_int_equal(tag_windows_find(&windows, 5), TAG_NONE);
	assert_int_equal(windows.count, 3);
	tag_windows_destroy(&windows);
}

/* Keys of one window, then of as many as have numbers: at once as one by one, or not at all. */
static void test_many_tags_are_made_at_once(void **state)
{
	enum { KEYS = 300 };
	struct random random = {5};
	struct tag_windows windows;
	uint64_t keys[KEYS];
	uint32_t tags[KEYS];
	unsigned made = 0;

	(void)state;
	assert_int_equal(tag_windows_create(&windows, 20), STATUS_OK);
	for (unsigned spread = 0; spread <= 40; spread++) {
		for (unsigned i = 0; i < KEYS; i++)
			keys[i] = 0x7f0000000 + (random_below(&random, spread + 1) << 20) +
				  random_below(&random, 1 << 20);
		/* The last one's window is new. */
		keys[KEYS - 1] = 0x7f0000000 + ((uint64_t)spread << 20);
		assert_false(tag_windows_make_all(&windows, keys, KEYS, tags));
		(void)tag_windows_make(&windows, keys[KEYS - 1]);
		if (!tag_windows_make_all(&windows, keys, KEYS, tags))
			continue;
		for (unsigned i = 0; i < KEYS; i++)
			assert_int_equal(tags[i], tag_windows_find(&windows, keys[i]));
		made++;
	}
	/* Of few windows all are where they are looked for first. */
	assert_in_range(made, 20, 41);
	assert_null(tag_windows_check(&windows));
	tag_windows_destroy(&windows);
}

/* All numbers are given; those of every third window are kept, and the others can be had again. */
static void test_numbers_are_taken_back(void **state)
{
	static uint32_t used[1 << 12];
	struct tag_windows windows;

	(void)state;
	assert_int_equal(tag_windows_create(&windows, 20), STATUS_OK);
	for (uint64_t i = 0; i < windows.limit; i++)
		assert_int_equal(tag_windows_make(&windows, i << 40), i << 20);
	assert_false(tag_windows_have_room(&windows, 1));
	for (uint32_t i = 0; i < windows.limit; i++)
		used[i] = i % 3 == 0;
	tag_windows_keep(&windows, used);
	assert_int_equal(windows.count, windows.limit / 3);
	assert_true(tag_windows_have_room(&windows, windows.limit - windows.limit / 3));
	assert_null(tag_windows_check(&windows));
	for (uint64_t i = 0; i < windows.limit; i++) {
		uint32_t tag = tag_windows_find(&windows, i << 40 | 1);

		assert_int_equal(tag, i % 3 == 0 ? i / 3 << 20 | 1 : TAG_NONE);
		assert_true(i % 3 != 0 || used[i] == i / 3);
	}
	while (tag_windows_have_room(&windows, 1))
		(void)tag_windows_make(&windows, (uint64_t)(windows.limit + windows.count) << 40);
	assert_null(tag_windows_check(&windows));
	tag_windows_destroy(&windows);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct tag_windows windows;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(tag_windows_create(&windows, 24), STATUS_OK);
		for (uint64_t key = 0; key < 9; key++)
			(void)tag_windows_make(&windows, key << 30);
		assert_null(tag_windows_check(&windows));
		if (i == 0)
			windows.count = windows.limit + 1;
		else if (i == 1)
			windows.upper[3]++;
		else
			windows.upper[3] = windows.upper[4];
		assert_memory_equal(tag_windows_check(&windows), "I1: ", 4);
		tag_windows_destroy(&windows);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_key_comes_back),
	    cmocka_unit_test(test_tags_are_as_different_as_keys),
	    cmocka_unit_test(test_many_tags_are_made_at_once),
	    cmocka_unit_test(test_numbers_are_taken_back),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
