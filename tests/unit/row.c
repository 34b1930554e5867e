#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/report/row.h"

#include <math.h>
#include <string.h>

static void expect_text(unsigned row, double value, double resolution_ns, const char *expected)
{
	char text[ROW_TEXT_BYTES];

	row_text(row_at(row), value, resolution_ns, text);
	assert_string_equal(text, expected);
}

static void test_times(void **state)
{
	(void)state;
	expect_text(ROW_NET, 20.04, 10, "20.0 ns");
	expect_text(ROW_NET, 3, 10, "3.0 ns"); /* a mean over many events is finer than the clock */
	expect_text(ROW_NET, 1234, 10, "1.2 µs");
	expect_text(ROW_MALLOC_P99, 160, 10, "160 ns");
	expect_text(ROW_MALLOC_P99, 123456, 10, "123 µs");
	expect_text(ROW_MALLOC_P99, 2.5e6, 10, "2.5 ms");
	expect_text(ROW_MALLOC_P99, 2.5e9, 10, "2.5 s");
}

static void test_below_the_clock(void **state)
{
	(void)state;
	expect_text(ROW_MALLOC_P50, 0, 10, "<10 ns");
	expect_text(ROW_MALLOC_P50, 10, 10, "10 ns");
	expect_text(ROW_MALLOC_P50, 0, NAN, "0 ns");
}

static void test_bytes(void **state)
{
	(void)state;
	expect_text(ROW_FOOTPRINT_PEAK, 0, NAN, "0 B");
	expect_text(ROW_FOOTPRINT_PEAK, 1023, NAN, "1023 B");
	expect_text(ROW_FOOTPRINT_PEAK, 1024, NAN, "1.0 KiB");
	expect_text(ROW_FOOTPRINT_PEAK, -4096, NAN, "-4.0 KiB"); /* a footprint may end below its baseline */
}

/* Whatever a file claims, the text fits. */
static void test_absurd_values(void **state)
{
	char text[ROW_TEXT_BYTES];

	(void)state;
	for (unsigned i = 0; i < ROWS + MMU_ROWS; i++) {
		row_text(row_at(i), 1e300, 1e300, text);
		assert_true(strlen(text) > 0 && strlen(text) < ROW_TEXT_BYTES);
		row_text(row_at(i), -1e300, 1e300, text);
		assert_true(strlen(text) > 0 && strlen(text) < ROW_TEXT_BYTES);
	}
}

static void test_others(void **state)
{
	(void)state;
	expect_text(ROW_FOOTPRINT_OVER_LIVE, 1.0644, NAN, "1.064");
	expect_text(ROW_INTERNAL_FRAGMENTATION, 0.0612, NAN, "6.1 %");
	expect_text(ROW_FAULTS_MINOR, 12345, NAN, "12,345");
	expect_text(ROWS + MMU_ROW_WALKS, 0.0693, NAN, "0.069");
	expect_text(ROWS + MMU_ROW_WALKS, 1.234, NAN, "1.23");
	expect_text(ROWS + MMU_ROWS + MMU_ROW_WALK_CYCLES, 123.44, NAN, "123.4");
	expect_text(ROW_NET, NAN, 10, "–");
	expect_text(ROW_MALLOC_P50, NAN, 10, "–");
	expect_text(ROW_FOOTPRINT_PEAK, INFINITY, 10, "–");
}

static void test_counts(void **state)
{
	char text[ROW_TEXT_BYTES];
	static const struct {
		double count;
		const char *text;
	} cases[] = {{0, "0"},	{999, "999"}, {1000, "1,000"}, {1234567, "1,234,567"},
		     {-1, "–"}, {NAN, "–"},   {1e19, "–"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		row_count_text(cases[i].count, text);
		assert_string_equal(text, cases[i].text);
	}
}

/* The table of rows itself: every path lies in one of the two halves of a run, and says so. */
static void test_paths(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ROWS; i++) {
		const struct row *row = row_at(i);

		assert_non_null(row->path);
		assert_true(strncmp(row->path, row->in_model ? "model." : "host.", 5) == 0);
		assert_true(strlen(row->name) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_times),  cmocka_unit_test(test_below_the_clock),
	    cmocka_unit_test(test_bytes),  cmocka_unit_test(test_absurd_values),
	    cmocka_unit_test(test_others), cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
