#include "config.h"

#include "traces/record/number_map.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEYS 512

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

/* Random puts and takes beside an array that has a place for each key. */
static void agrees_with_an_array(void **unused)
{
	struct number_map map = {0};
	uint64_t value[KEYS] = {0}, state = 7;
	size_t entries = 0;

	(void)unused;
	for (uint64_t step = 1; step <= 40000; step++) {
		uint64_t index = next_random(&state) % KEYS, key = 0x7f0000000010 + 16 * index, previous;
		if (next_random(&state) % 5 < (step / 4000 % 2 ? 2 : 3)) {
			assert_true(number_map_put(&map, key, step, &previous));
			assert_int_equal(previous, value[index]);
			entries += value[index] == 0;
			value[index] = step;
		} else {
			assert_int_equal(number_map_take(&map, key), value[index]);
			entries -= value[index] != 0;
			value[index] = 0;
		}
		assert_int_equal(map.entries, entries);
		assert_int_equal(number_map_get(&map, key), value[index]);
		if (step % 64 == 0)
			assert_null(number_map_check(&map));
	}
	number_map_clear(&map);
}

static void an_empty_map_has_nothing(void **unused)
{
	struct number_map map = {0};

	(void)unused;
	assert_int_equal(number_map_get(&map, 5), 0);
	assert_int_equal(number_map_take(&map, 5), 0);
	assert_null(number_map_check(&map));
}

static void a_copy_is_its_own(void **unused)
{
	struct number_map map = {0}, copy = {0};
	uint64_t previous;

	(void)unused;
	for (uint64_t key = 1; key <= 100; key++)
		assert_true(number_map_put(&map, key, 10 * key, &previous));
	assert_true(number_map_copy(&copy, &map));
	assert_int_equal(number_map_take(&map, 50), 500);
	assert_int_equal(number_map_get(&copy, 50), 500);
	assert_int_equal(copy.entries, 100);
	assert_null(number_map_check(&copy));
	number_map_clear(&map);
	number_map_clear(&copy);
}

static void every_invariant_is_noticed(void **unused)
{
	struct number_map map = {0};
	uint64_t previous;
	size_t used = 0;

	(void)unused;
	for (uint64_t key = 1; key <= 20; key++)
		assert_true(number_map_put(&map, 16 * key, key, &previous));
	map.entries = map.capacity;
	assert_string_equal(number_map_check(&map),
			    "I1: entries <= capacity / 2, capacity is a power of two or 0");
	map.entries = 19;
	assert_string_equal(number_map_check(&map), "I2: an empty slot has key 0; no key is 0");
	map.entries = 20;
	while (map.slot[used].key == 0 || map.slot[(used + 1) % map.capacity].key != 0 ||
	       map.slot[(used + 2) % map.capacity].key != 0)
		used++;
	map.slot[(used + 2) % map.capacity] = map.slot[used];
	map.slot[used] = (struct number_map_slot){0};
	assert_string_equal(number_map_check(&map),
			    "I3: from the home slot of a key to the slot that holds it, no slot is empty");
	number_map_clear(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_map_has_nothing),
	    cmocka_unit_test(agrees_with_an_array),
	    cmocka_unit_test(a_copy_is_its_own),
	    cmocka_unit_test(every_invariant_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
