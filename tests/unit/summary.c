#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/report/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RUNS 4

static char trace_name[] = "t";

/* Runs a, b, c and null of one trace, in which nothing is known. */
static struct comparison *made(struct run_summary run[RUNS], struct run_group *group)
{
	static const char *const targets[RUNS] = {"a", "b", "c", "null"};
	static struct comparison comparison;

	for (size_t i = 0; i < RUNS; i++) {
		run[i] = (struct run_summary){.target = targets[i],
					      .trace_name = trace_name,
					      .resolution_ns = 10,
					      .events = 5,
					      .threads = NAN};
		for (unsigned row = 0; row < ROWS; row++)
			run[i].value[row] = NAN;
	}
	*group = (struct run_group){.first = 0, .runs = RUNS};
	comparison = (struct comparison){.run = run, .runs = RUNS, .group = group, .groups = 1};
	return &comparison;
}

static void expect_best_of(unsigned row, const double values[RUNS], const char *expected)
{
	struct run_summary run[RUNS];
	struct run_group group;
	const struct comparison *comparison = made(run, &group);
	char best[RUNS + 1] = "";

	for (size_t i = 0; i < RUNS; i++)
		run[i].value[row] = values[i];
	for (size_t i = 0; i < RUNS; i++)
		best[i] = summary_is_best(comparison, &group, row, i) ? '*' : '-';
	assert_string_equal(best, expected);
}

static void expect_best(double a, double b, double c, double null, const char *expected)
{
	const double values[RUNS] = {a, b, c, null};

	expect_best_of(ROW_MALLOC_P99, values, expected);
}

static void test_highest_is_best(void **state)
{
	const double values[RUNS] = {30, 20, 30, NAN};

	(void)state;
	expect_best_of(ROW_FREE_HUGE, values, "*-*-");
	expect_best_of(ROW_KERNEL_HUGE, values, "-*--");
}

static void test_best(void **state)
{
	(void)state;
	expect_best(30, 20, 40, 10, "-*--");	/* the null target does not compete */
	expect_best(30, 20, 20.2, NAN, "-**-"); /* what reads the same is as good */
	expect_best(0, 5, 9, NAN, "***-");	/* all below the clock's step */
	expect_best(NAN, 20, 30, NAN, "-*--");
	expect_best(NAN, 20, NAN, 10, "----"); /* nobody to compare with */
	expect_best(NAN, NAN, NAN, NAN, "----");
}

static void test_no_best(void **state)
{
	struct run_summary run[RUNS];
	struct run_group group;
	const struct comparison *comparison = made(run, &group);

	(void)state;
	run[0].value[ROW_METADATA] = 1;
	run[1].value[ROW_METADATA] = 2;
	assert_true(summary_has(comparison, &group, ROW_METADATA));
	assert_false(summary_has(comparison, &group, ROW_NET));
	assert_false(summary_is_best(comparison, &group, ROW_METADATA, 0));
}

static char *printed(const struct comparison *comparison, bool colours)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	assert_non_null(file);
	summary_print(file, comparison, colours);
	assert_int_equal(fclose(file), 0);
	return text;
}

static void test_table(void **state)
{
	struct run_summary run[RUNS];
	struct run_group group;
	const struct comparison *comparison = made(run, &group);

	(void)state;
	run[0].value[ROW_NET] = 12.34;
	run[1].value[ROW_NET] = 1234.5;
	char *text = printed(comparison, false);

	assert_string_equal(
	    text, "t: 5 events\n"
		  "                                       a            b            c         null \n"
		  "net time per event               12.3 ns*      1.2 µs            –            – \n\n");
	free(text);
	text = printed(comparison, true);
	assert_non_null(strstr(text, "\033[1m     12.3 ns*\033[0m"));
	free(text);
}

static void test_comparable(void **state)
{
	struct run_summary run[RUNS];
	struct run_group group[2];
	struct comparison *comparison = made(run, group);

	(void)state;
	assert_false(summary_comparable(comparison));
	group[0].runs = 2;
	group[1] = (struct run_group){.first = 2, .runs = 2};
	comparison->groups = 2;
	assert_false(summary_comparable(comparison)); /* a b, c null */
	run[2].target = "a";
	run[3].target = "b";
	assert_true(summary_comparable(comparison));
	group[1].runs = 1;
	assert_false(summary_comparable(comparison));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_best),       cmocka_unit_test(test_highest_is_best),
	    cmocka_unit_test(test_no_best),    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_comparable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
