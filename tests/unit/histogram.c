#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 200000

static uint64_t random_state = 20261123;

static uint64_t next_random(void)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static int compare_values(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* The bins tile the numbers: each begins where the one before ended, and every value falls between its bin's bounds. */
static void bins_tile_the_numbers(void **state)
{
	(void)state;
	assert_int_equal(histogram_bin_low(0), 0);
	for (uint32_t bin = 1; bin < HISTOGRAM_BINS; bin++) {
		assert_int_equal(histogram_bin_low(bin), histogram_bin_high(bin - 1) + 1);
		assert_int_equal(histogram_bin(histogram_bin_low(bin)), bin);
		assert_int_equal(histogram_bin(histogram_bin_high(bin)), bin);
	}
	assert_int_equal(histogram_bin_high(HISTOGRAM_BINS - 1), (UINT64_C(1) << HISTOGRAM_VALUE_BITS) - 1);
	assert_int_equal(histogram_bin(UINT64_MAX), HISTOGRAM_BINS - 1);
}

static void a_bin_is_narrow(void **state)
{
	(void)state;
	for (uint32_t bin = 2 * HISTOGRAM_SUB; bin < HISTOGRAM_BINS; bin++)
		assert_true((histogram_bin_high(bin) - histogram_bin_low(bin) + 1) * HISTOGRAM_SUB <=
			    histogram_bin_low(bin));
}

/* Against the exact percentiles of the sorted samples, for shapes that latencies have. */
static void check_quantiles(uint64_t (*draw)(void))
{
	static const double quantiles[] = {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
	struct histogram *histogram = calloc(1, sizeof(*histogram));
	uint64_t *values = malloc(SAMPLES * sizeof(values[0]));

	assert_non_null(histogram);
	assert_non_null(values);
	for (size_t i = 0; i < SAMPLES; i++) {
		values[i] = draw();
		histogram_add(histogram, values[i]);
	}
	assert_null(histogram_check(histogram));
	qsort(values, SAMPLES, sizeof(values[0]), compare_values);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		uint64_t exact = values[(size_t)ceil(quantiles[i] * SAMPLES) - 1];

		assert_int_equal(histogram_bin(histogram_quantile(histogram, quantiles[i])),
				 histogram_bin(exact));
	}
	assert_int_equal(histogram->maximum, values[SAMPLES - 1]);
	free(values);
	free(histogram);
}

static uint64_t draw_small(void)
{
	return next_random() % 5;
}

static uint64_t draw_wide(void)
{
	return next_random() >> (24 + next_random() % 40);
}

static uint64_t draw_two_humps(void)
{
	return next_random() % 100 ? 2 + next_random() % 3 : 20000 + next_random() % 5000;
}

static void quantiles_are_those_of_the_sorted_samples(void **state)
{
	(void)state;
	check_quantiles(draw_small);
	check_quantiles(draw_wide);
	check_quantiles(draw_two_humps);
}

static void merging_is_adding(void **state)
{
	struct histogram *parts = calloc(3, sizeof(parts[0]));

	(void)state;
	assert_non_null(parts);
	for (int i = 0; i < 1000; i++) {
		uint64_t value = draw_wide();

		histogram_add(&parts[i % 2], value);
		histogram_add_shared(&parts[2], value);
	}
	histogram_merge(&parts[0], &parts[1]);
	assert_memory_equal(&parts[0], &parts[2], sizeof(parts[0]));
	free(parts);
}

static void a_percentile_needs_samples(void **state)
{
	(void)state;
	assert_false(histogram_supports(19, 0.5));
	assert_true(histogram_supports(20, 0.5));
	assert_false(histogram_supports(999, 0.99));
	assert_true(histogram_supports(1000, 0.99));
	assert_true(histogram_supports(100000, 0.9999));
	assert_false(histogram_supports(99000, 0.9999));
	assert_false(histogram_supports(UINT64_MAX, 1));
}

static void an_empty_histogram_has_no_quantile(void **state)
{
	struct histogram *histogram = calloc(1, sizeof(*histogram));

	(void)state;
	assert_non_null(histogram);
	assert_int_equal(histogram_quantile(histogram, 0.5), 0);
	assert_null(histogram_check(histogram));
	free(histogram);
}

static void each_invariant_is_checked(void **state)
{
	struct histogram *histogram = calloc(1, sizeof(*histogram));

	(void)state;
	assert_non_null(histogram);
	histogram_add(histogram, 7);
	histogram->samples++;
	assert_string_equal(histogram_check(histogram), "I1: samples = sum of bin[i]");
	histogram->samples--;
	histogram->maximum = 8;
	assert_string_equal(histogram_check(histogram),
			    "I2: the maximum's bin is filled and no bin above it");
	free(histogram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bins_tile_the_numbers),
	    cmocka_unit_test(a_bin_is_narrow),
	    cmocka_unit_test(quantiles_are_those_of_the_sorted_samples),
	    cmocka_unit_test(merging_is_adding),
	    cmocka_unit_test(a_percentile_needs_samples),
	    cmocka_unit_test(an_empty_histogram_has_no_quantile),
	    cmocka_unit_test(each_invariant_is_checked),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
