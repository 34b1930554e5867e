#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/report/comparison.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[64];

static int make_directory(void **state)
{
	(void)state;
	(void)strcpy(directory, "/tmp/faultline-compare.XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/compare.json", directory);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/run.json", directory);
	(void)unlink(path);
	return rmdir(directory);
}

static void put(const char *name, const char *content)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(content, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

#define RUN(trace, target) "{\"schema\":1,\"trace\":{\"path\":\"" trace "\"},\"target\":\"" target "\"}"

/* Runs that come trace by trace or target by target end up in the same groups: I1, I2. */
static void test_groups(void **state)
{
	struct comparison *comparison;
	struct trace_error error;

	(void)state;
	put("compare.json",
	    "{\"schema\":1,\"runs\":[" RUN("x/a.flt", "t1") "," RUN("x/b.flt", "t1") "," RUN(
		"x/a.flt",
		"t2") "," RUN("y/a.flt",
			      "t1") "," RUN("x/b.flt",
					    "t2") "],\"verdicts\":[\"one\",{\"sentence\":\"two\"},3]}");
	assert_int_equal(comparison_read(&comparison, directory, &error), TRACE_OK);
	assert_int_equal(comparison->runs, 5);
	assert_int_equal(comparison->groups, 3);
	size_t next = 0;

	for (size_t g = 0; g < comparison->groups; g++) {
		const struct run_group *group = &comparison->group[g];

		assert_int_equal(group->first, next);
		for (size_t i = group->first; i < group->first + group->runs; i++)
			assert_string_equal(comparison->run[i].trace_path,
					    comparison->run[group->first].trace_path);
		next += group->runs;
	}
	assert_int_equal(next, comparison->runs);
	assert_string_equal(comparison->run[0].trace_path, "x/a.flt");
	assert_string_equal(comparison->run[1].target, "t2");
	assert_string_equal(comparison->run[2].directory, "./b/t1");
	assert_int_equal(comparison_verdicts(comparison), 3);
	assert_string_equal(comparison_verdict(comparison, 0), "one");
	assert_string_equal(comparison_verdict(comparison, 1), "two");
	assert_string_equal(comparison_verdict(comparison, 2), "");
	comparison_destroy(comparison);
}

static void test_single_run(void **state)
{
	struct comparison *comparison;
	struct trace_error error;

	(void)state;
	(void)remove_directory(state);
	assert_int_equal(make_directory(state), 0);
	put("run.json", RUN("a.flt", "glibc"));
	assert_int_equal(comparison_read(&comparison, directory, &error), TRACE_OK);
	assert_int_equal(comparison->runs, 1);
	assert_string_equal(comparison->run[0].directory, ".");
	assert_int_equal(comparison_verdicts(comparison), 0);
	comparison_destroy(comparison);
}

static void test_directory_names(void **state)
{
	static const char *const names[][2] = {
	    {"engine", "engine"},
	    {"a:b=c,d", "a_b_c_d"},
	    {"../etc", "_._etc"},
	    {"..", "_."},
	    {".", "_"},
	    {"", "_"},
	    {"a b/\303\274", "a_b___"},
	    {"-o", "-o"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *name = comparison_directory_name(names[i][0]);

		assert_string_equal(name, names[i][1]);
		free(name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_groups),
	    cmocka_unit_test(test_single_run),
	    cmocka_unit_test(test_directory_names),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
