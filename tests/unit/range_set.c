#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/placement/range_set.h"
#include "engine/base/random.h"

#include <string.h>

#define CELLS 64u

static void is(const struct range_set *set, const char *drawing)
{
	assert_null(range_set_check(set));
	for (uint64_t i = 0; drawing[i]; i++)
		assert_int_equal(range_set_holds(set, i, i + 1), drawing[i] == '#');
}

static void neighbours_become_one(void **state)
{
	struct range_set set = {0};

	(void)state;
	assert_true(range_set_add(&set, 2, 4));
	assert_true(range_set_add(&set, 6, 8));
	is(&set, "..##..##..");
	assert_int_equal(set.count, 2);
	assert_true(range_set_add(&set, 4, 6));
	is(&set, "..######..");
	assert_int_equal(set.count, 1);
	assert_true(range_set_holds(&set, 2, 8));
	assert_false(range_set_holds(&set, 2, 9));
	range_set_clear(&set);
}

static void a_hole_makes_two(void **state)
{
	struct range_set set = {0};

	(void)state;
	assert_true(range_set_add(&set, 0, 10));
	assert_true(range_set_remove(&set, 4, 6));
	is(&set, "####..####.");
	assert_true(range_set_meets(&set, 5, 7));
	assert_false(range_set_meets(&set, 4, 6));
	assert_false(range_set_meets(&set, 10, 20));
	assert_false(range_set_holds(&set, 3, 5));
	range_set_clear(&set);
}

static void empty_ranges_change_nothing(void **state)
{
	struct range_set set = {0};

	(void)state;
	assert_true(range_set_add(&set, 5, 5));
	assert_true(range_set_add(&set, 6, 5));
	assert_int_equal(set.count, 0);
	assert_true(range_set_add(&set, 0, 10));
	assert_true(range_set_remove(&set, 5, 5));
	is(&set, "##########.");
	range_set_clear(&set);
}

static void the_same_as_an_array_of_cells(void **state)
{
	struct range_set set = {0};
	bool cell[CELLS] = {false};
	struct random random;

	(void)state;
	random.state = 1;
	for (unsigned round = 0; round < 4000; round++) {
		uint64_t start = random_below(&random, CELLS),
			 end = start + random_below(&random, CELLS - start + 1);
		bool add = random_below(&random, 2), all = true, any = false;

		for (uint64_t i = start; i < end; i++) {
			all = all && cell[i];
			any = any || cell[i];
			cell[i] = add;
		}
		if (start < end)
			assert_int_equal(range_set_holds(&set, start, end), all);
		assert_int_equal(range_set_meets(&set, start, end), any);
		assert_true(add ? range_set_add(&set, start, end) : range_set_remove(&set, start, end));
		assert_null(range_set_check(&set));
		for (uint64_t i = 0; i < CELLS; i++)
			assert_int_equal(range_set_holds(&set, i, i + 1), cell[i]);
	}
	range_set_clear(&set);
}

static void each_invariant_is_watched(void **state)
{
	struct range one[2] = {{1, 1}, {2, 3}}, two[2] = {{1, 3}, {3, 4}};
	struct range_set set = {.range = one, .count = 2, .capacity = 2};

	(void)state;
	assert_string_equal(range_set_check(&set), "I1: no range is empty");
	set.range = two;
	assert_string_equal(range_set_check(&set), "I2: ranges are in order and neither overlap nor touch");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(neighbours_become_one),	   cmocka_unit_test(a_hole_makes_two),
	    cmocka_unit_test(empty_ranges_change_nothing), cmocka_unit_test(the_same_as_an_array_of_cells),
	    cmocka_unit_test(each_invariant_is_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
