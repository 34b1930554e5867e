#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/interval.h"

#include <math.h>

/* Order of the bounds for 95 %, from the table of binomial tails. */
static void orders_are_those_of_the_table(void **state)
{
	static const struct {
		size_t samples, order;
	} table[] = {{0, 0},  {1, 0},  {5, 0},	{6, 1},	 {7, 1},  {8, 1},   {9, 2},   {11, 2},
		     {12, 3}, {14, 3}, {15, 4}, {20, 6}, {25, 8}, {30, 10}, {50, 18}, {100, 40}};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(interval_order(table[i].samples), table[i].order);
}

static void the_median_and_its_bounds(void **state)
{
	const double seven[] = {7, 1, 6, 2, 5, 3, 4};
	struct interval interval = interval_of(seven, 7);

	(void)state;
	assert_true(interval.exists && interval.median == 4 && interval.low == 1 && interval.high == 7);
	interval = interval_of(seven, 4); /* 1 2 6 7 */
	assert_true(!interval.exists && interval.median == 4 && isnan(interval.low));
	interval = interval_of(seven, 0);
	assert_true(!interval.exists && isnan(interval.median));
}

static void missing_samples_are_left_out(void **state)
{
	const double samples[] = {NAN, 3, 1, NAN, 2};
	struct interval interval = interval_of(samples, 5);

	(void)state;
	assert_int_equal(interval.samples, 3);
	assert_true(interval.median == 2);
}

/* Rounds that are slow for both sides do not touch the ratio. */
static void ratios_cancel_what_a_round_shares(void **state)
{
	double left[9], right[9];

	(void)state;
	for (int i = 0; i < 9; i++) {
		left[i] = 8.0 * (1 << i);
		right[i] = 10.0 * (1 << i);
	}
	struct interval interval = interval_of_ratios(left, right, 9);

	assert_true(interval.median == 0.8 && interval.low == 0.8 && interval.high == 0.8);
	right[3] = 0;
	left[4] = NAN;
	assert_int_equal(interval_of_ratios(left, right, 9).samples, 7);
}

/* The promise itself: at least 95 % of the intervals of random samples hold the true median. */
static void the_interval_holds_the_median_often_enough(void **state)
{
	unsigned held = 0, trials = 20000;
	uint64_t z = 1;

	(void)state;
	for (unsigned trial = 0; trial < trials; trial++) {
		double samples[7];

		for (int i = 0; i < 7; i++) {
			z = z * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			samples[i] = pow((double)(z >> 11) / 9007199254740992.0, 3); /* skewed; median 1/8 */
		}
		struct interval interval = interval_of(samples, 7);

		held += interval.low <= 0.125 && 0.125 <= interval.high;
	}
	assert_true(held >= trials * 95 / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(orders_are_those_of_the_table),
	    cmocka_unit_test(the_median_and_its_bounds),
	    cmocka_unit_test(missing_samples_are_left_out),
	    cmocka_unit_test(ratios_cancel_what_a_round_shares),
	    cmocka_unit_test(the_interval_holds_the_median_often_enough),
	};

	return cmocka_run_group_tests_name("interval", tests, NULL, NULL);
}
