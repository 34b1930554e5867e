#include "config.h"

#include "engine/virt/pte.h"

#include "engine/base/random.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static const pte_t flags[] = {
    PTE_PRESENT, PTE_WRITE, PTE_USER,	PTE_WRITE_THROUGH, PTE_CACHE_DISABLE, PTE_ACCESSED,
    PTE_DIRTY,	 PTE_HUGE,  PTE_GLOBAL, PTE_SOFT_DIRTY,	   PTE_NO_EXECUTE,
};

#define FLAGS (sizeof(flags) / sizeof(flags[0]))
#define ROUNDS 20000u

/* The bits where the manual has them. */
static void test_flags_are_the_manual_s(void **state)
{
	(void)state;
	assert_int_equal(PTE_PRESENT | PTE_WRITE | PTE_USER, 7);
	assert_int_equal(PTE_ACCESSED | PTE_DIRTY, 0x60);
	assert_int_equal(PTE_HUGE | PTE_GLOBAL, 0x180);
	assert_int_equal(PTE_SOFT_DIRTY, 0x800);
	assert_true(PTE_NO_EXECUTE == 0x8000000000000000u);
	assert_true(PTE_FRAME_MASK == 0x000ffffffffff000u);
}

/* Flags are single bits, disjoint, and none is in the frame. */
static void test_flags_are_disjoint(void **state)
{
	pte_t all = 0;

	(void)state;
	for (size_t i = 0; i < FLAGS; i++) {
		assert_true(is_power_of_two(flags[i]));
		assert_true((all & flags[i]) == 0);
		all |= flags[i];
	}
	assert_true(all == PTE_FLAGS);
	assert_true((all & PTE_FRAME_MASK) == 0);
}

/* set and clear are idempotent, undo each other, commute for different flags, and leave the frame alone. */
static void test_algebra_of_set_and_clear(void **state)
{
	struct random random = {2};

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		pte_t entry = random_next(&random);
		pte_t a = flags[random_below(&random, FLAGS)];
		pte_t b = flags[random_below(&random, FLAGS)];

		assert_true(pte_set(pte_set(entry, a), a) == pte_set(entry, a));
		assert_true(pte_clear(pte_clear(entry, a), a) == pte_clear(entry, a));
		assert_true(pte_has(pte_set(entry, a), a));
		assert_false(pte_has(pte_clear(entry, a), a));
		assert_true(pte_clear(pte_set(entry, a), a) == pte_clear(entry, a));
		assert_true(pte_set(pte_set(entry, a), b) == pte_set(pte_set(entry, b), a));
		if (a != b)
			assert_true(pte_set(pte_clear(entry, a), b) == pte_clear(pte_set(entry, b), a));
		assert_true(pte_frame(pte_set(entry, a)) == pte_frame(entry));
		assert_true(pte_frame(pte_clear(entry, a)) == pte_frame(entry));
		assert_int_equal(pte_has(entry, a | b), pte_has(entry, a) && pte_has(entry, b));
	}
}

static void test_frame_and_flags_are_independent(void **state)
{
	struct random random = {3};

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		pfn_t frame = random_next(&random) >> 24;
		pfn_t other = random_next(&random) >> 24;
		pte_t some = random_next(&random) & PTE_FLAGS;
		pte_t entry = pte_make(frame, some);

		assert_true(pte_frame(entry) == frame);
		assert_true((entry & PTE_FLAGS) == some);
		assert_true(pte_with_frame(entry, other) == pte_make(other, some));
		assert_true(pte_with_frame(pte_with_frame(entry, other), frame) == entry);
	}
}

/* Every entry is exactly one of empty, present, swap. */
static void test_three_kinds_exclude_each_other(void **state)
{
	struct random random = {4};

	(void)state;
	assert_true(pte_is_empty(0) && !pte_is_present(0) && !pte_is_swap(0));
	for (unsigned round = 0; round < ROUNDS; round++) {
		pte_t entry = random_next(&random) >> random_below(&random, 64);

		assert_int_equal(pte_is_empty(entry) + pte_is_present(entry) + pte_is_swap(entry), 1);
	}
}

static void test_swap_entries(void **state)
{
	struct random random = {5};

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned device = (unsigned)random_below(&random, 1u << PTE_SWAP_DEVICE_BITS);
		uint64_t offset = random_below(&random, PTE_SWAP_OFFSET_MASK);
		pte_t entry = pte_make_swap(device, offset);

		assert_true(pte_is_swap(entry));
		assert_int_equal(pte_swap_device(entry), device);
		assert_true(pte_swap_offset(entry) == offset);
		assert_true(pte_swap_offset(entry | PTE_SWAP_SOFT_DIRTY) == offset);
	}
	/* Offset 0 has every bit of the frame set: no speculative load finds memory there. */
	assert_true(pte_make_swap(0, 0) == 0x07fffffffffffe00u);
	assert_true(pte_make_swap(1, 0x2a) >> 59 == 1);
}

static void test_derived_changes(void **state)
{
	pte_t entry = pte_make(0x1234, PTE_PRESENT | PTE_WRITE | PTE_USER);

	(void)state;
	assert_true(pte_has(pte_make_dirty(entry), PTE_DIRTY | PTE_SOFT_DIRTY));
	assert_true(pte_write_protect(entry) == pte_make(0x1234, PTE_PRESENT | PTE_USER));
	assert_true(pte_write_protect(pte_make_dirty(entry)) == pte_make_dirty(pte_write_protect(entry)));
}

static void test_text(void **state)
{
	char text[PTE_TEXT_BYTES];

	(void)state;
	pte_text(0, text);
	assert_string_equal(text, "empty");
	pte_text(pte_make(1, PTE_PRESENT | PTE_WRITE | PTE_NO_EXECUTE), text);
	assert_string_equal(text, "present write no-execute");
	pte_text(pte_make_swap(1, 42) | PTE_SWAP_SOFT_DIRTY, text);
	assert_string_equal(text, "swap device 1 offset 0x2a soft-dirty");
	pte_text(UINT64_MAX, text);
	assert_string_equal(
	    text, "present write user write-through cache-disable accessed dirty huge global soft-dirty "
		  "no-execute");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_flags_are_the_manual_s),
	    cmocka_unit_test(test_flags_are_disjoint),
	    cmocka_unit_test(test_algebra_of_set_and_clear),
	    cmocka_unit_test(test_frame_and_flags_are_independent),
	    cmocka_unit_test(test_three_kinds_exclude_each_other),
	    cmocka_unit_test(test_swap_entries),
	    cmocka_unit_test(test_derived_changes),
	    cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
