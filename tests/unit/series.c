#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/report/series.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
	char directory[64];
	int at;
};

static int make_directory(void **state)
{
	static struct fixture fixture;

	(void)strcpy(fixture.directory, "/tmp/faultline-series.XXXXXX");
	if (!mkdtemp(fixture.directory))
		return -1;
	fixture.at = open(fixture.directory, O_PATH | O_DIRECTORY);
	*state = &fixture;
	return fixture.at < 0 ? -1 : 0;
}

static int remove_directory(void **state)
{
	struct fixture *fixture = *state;

	(void)unlinkat(fixture->at, "s.tsv", 0);
	(void)close(fixture->at);
	return rmdir(fixture->directory);
}

static void put(const struct fixture *fixture, const char *content, size_t bytes)
{
	int file = openat(fixture->at, "s.tsv", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(file >= 0);
	assert_int_equal(write(file, content, bytes), bytes);
	assert_int_equal(close(file), 0);
}

static const struct series_need need = {"s.tsv", 3, 2, false};

static void expect_usable(const struct fixture *fixture, const char *content, bool expected)
{
	struct trace_error error;
	bool usable = !expected;

	put(fixture, content, strlen(content));
	assert_int_equal(series_check(fixture->at, ".", &need, &usable, &error), TRACE_OK);
	assert_int_equal(usable, expected);
}

static void expect_refused(const struct fixture *fixture, const char *content, const char *message)
{
	struct trace_error error;
	bool usable;

	put(fixture, content, strlen(content));
	assert_int_equal(series_check(fixture->at, ".", &need, &usable, &error), TRACE_BAD_INPUT);
	assert_non_null(strstr(error.message, message));
}

static void test_usable(void **state)
{
	expect_usable(*state, "# header\n1\t2\t3\n", true);
	expect_usable(*state, "malloc\t-2.5e3\t?\n", true);
	expect_usable(*state, "1\t?\t3\n1\t2\t3",
		      true); /* one number is enough, and the last line need not end */
	expect_usable(*state, "1\t2\t3\t4\t5\n", true);
}

static void test_nothing_to_draw(void **state)
{
	expect_usable(*state, "", false);
	expect_usable(*state, "# only a header\n#\n", false);
	expect_usable(*state, "1\t?\t3\n", false);
}

static void test_nothing_above_0(void **state)
{
	static const struct series_need above_0 = {"s.tsv", 3, 2, true};
	const struct fixture *fixture = *state;
	struct trace_error error;
	bool usable = true;

	put(fixture, "1\t0\t3\n2\t?\t3\n", 12);
	assert_int_equal(series_check(fixture->at, ".", &above_0, &usable, &error), TRACE_OK);
	assert_false(usable);
	put(fixture, "1\t0\t3\n2\t.5\t3\n", 13);
	assert_int_equal(series_check(fixture->at, ".", &above_0, &usable, &error), TRACE_OK);
	assert_true(usable);
}

static void test_refused(void **state)
{
	expect_refused(*state, "1\t2\t3\n1\t2\n", "s.tsv:2: a line has too few fields");
	expect_refused(*state, "\n", "s.tsv:1: a line has too few fields");
	expect_refused(*state, "#\n1\ttwo\t3\n", "s.tsv:2: a field is neither a number");
	expect_refused(*state, "1\t\t3\n", "neither a number");
	expect_refused(*state, "1\tnan\t3\n", "neither a number");
	expect_refused(*state, "1\t1e999\t3\n", "neither a number");
	expect_refused(*state, "\"a\"\t1\t3\n", "no number and no word");
	expect_refused(*state, "a#b\t1\t3\n", "no number and no word");
}

static void test_too_long(void **state)
{
	struct trace_error error;
	bool usable;
	char *long_line = malloc((size_t)SERIES_MAX_LINE_BYTES * 2);

	assert_non_null(long_line);
	memset(long_line, '1', (size_t)SERIES_MAX_LINE_BYTES * 2);
	put(*state, long_line, (size_t)SERIES_MAX_LINE_BYTES * 2);
	free(long_line);
	assert_int_equal(series_check(((struct fixture *)*state)->at, ".", &need, &usable, &error),
			 TRACE_BAD_INPUT);
	assert_non_null(strstr(error.message, "s.tsv:1: a line is too long"));
}

static void test_absent(void **state)
{
	const struct fixture *fixture = *state;
	struct trace_error error;
	bool usable = true;

	(void)unlinkat(fixture->at, "s.tsv", 0);
	assert_int_equal(series_check(fixture->at, ".", &need, &usable, &error), TRACE_OK);
	assert_false(usable);
	assert_int_equal(series_check(fixture->at, "absent/deeper", &need, &usable, &error), TRACE_OK);
	assert_false(usable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_usable),	    cmocka_unit_test(test_nothing_to_draw),
	    cmocka_unit_test(test_nothing_above_0), cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_too_long),	    cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
