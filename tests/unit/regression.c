#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/regression.h"

#include <math.h>
#include <string.h>

static void add_batch(struct session_regression *regression, const unsigned counts[LATENCY_KINDS],
		      double duration)
{
	regression->batches++;
	for (unsigned i = 0; i < LATENCY_KINDS; i++) {
		regression->calls[i] += counts[i];
		regression->durations[i] += counts[i] * duration;
		for (unsigned j = 0; j < LATENCY_KINDS; j++)
			regression->products[i][j] += (double)counts[i] * counts[j];
	}
}

/* Batches of mallocs and frees in changing proportion, with an error that the clock would make. */
static void means_come_back(void **state)
{
	struct session_regression regression;
	double means[LATENCY_KINDS];

	(void)state;
	memset(&regression, 0, sizeof(regression));
	for (unsigned i = 0; i < 1000; i++) {
		unsigned mallocs = i * 7 % 65, counts[LATENCY_KINDS] = {mallocs, 0, 0, 0, 64 - mallocs};

		add_batch(&regression, counts, mallocs * 8.5 + (64 - mallocs) * 5.25 + (i % 2 ? 5 : -5));
	}
	regression_solve(&regression, means);
	assert_true(fabs(means[LATENCY_MALLOC] - 8.5) < 0.1);
	assert_true(fabs(means[LATENCY_FREE] - 5.25) < 0.1);
	assert_true(isnan(means[LATENCY_CALLOC]) && isnan(means[LATENCY_REALLOC]));
}

/* As many frees as mallocs in every batch: their sum is known, their parts are not. */
static void what_never_comes_apart_has_no_mean(void **state)
{
	struct session_regression regression;
	const unsigned counts[LATENCY_KINDS] = {32, 0, 0, 0, 32};
	double means[LATENCY_KINDS];

	(void)state;
	memset(&regression, 0, sizeof(regression));
	for (unsigned i = 0; i < 1000; i++)
		add_batch(&regression, counts, 500);
	regression_solve(&regression, means);
	for (unsigned kind = 0; kind < LATENCY_KINDS; kind++)
		assert_true(isnan(means[kind]));
}

static void rare_kinds_take_no_part(void **state)
{
	struct session_regression regression;
	double means[LATENCY_KINDS];

	(void)state;
	memset(&regression, 0, sizeof(regression));
	for (unsigned i = 0; i < 100; i++) {
		const unsigned counts[LATENCY_KINDS] = {64 - i % 2, i % 2, 0, 0, 0};

		add_batch(&regression, counts, 640);
	}
	regression_solve(&regression, means);
	assert_true(fabs(means[LATENCY_MALLOC] - 10) < 0.2);
	assert_true(isnan(means[LATENCY_CALLOC]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(means_come_back),
	    cmocka_unit_test(what_never_comes_apart_has_no_mean),
	    cmocka_unit_test(rare_kinds_take_no_part),
	};

	return cmocka_run_group_tests_name("regression", tests, NULL, NULL);
}
