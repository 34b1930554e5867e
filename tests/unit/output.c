#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/report/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64], path[96];

static int make_directory(void **state)
{
	(void)state;
	(void)strcpy(directory, "/tmp/faultline-output.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/page", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(directory); /* fails, and with it the test, when anything was left behind */
}

static void expect_content(const char *expected)
{
	char content[16] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_int_equal(fread(content, 1, sizeof(content) - 1, file), strlen(expected));
	assert_string_equal(content, expected);
	assert_int_equal(fclose(file), 0);
}

static void test_appears_whole(void **state)
{
	struct output output;
	struct trace_error error;
	struct stat status;
	mode_t mask = umask(027);

	(void)state;
	assert_int_equal(output_create(&output, path, &error), TRACE_OK);
	assert_true(fputs("first", output.stream) >= 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(output_finish(&output, TRACE_OK, &error), TRACE_OK);
	expect_content("first");
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
	(void)umask(mask);
}

static void test_or_not_at_all(void **state)
{
	struct output output;
	struct trace_error error = {.message = "the first failure"};

	(void)state;
	assert_int_equal(output_create(&output, path, &error), TRACE_OK);
	assert_true(fputs("second", output.stream) >= 0);
	assert_int_equal(output_finish(&output, TRACE_BAD_INPUT, &error), TRACE_BAD_INPUT);
	assert_string_equal(error.message, "the first failure");
	expect_content("first");
}

static void test_refused(void **state)
{
	struct output output;
	struct trace_error error;

	(void)state;
	assert_int_equal(output_create(&output, "/nonexistent/page", &error), TRACE_IO);
	assert_non_null(strstr(error.message, "cannot write /nonexistent/page"));
	assert_int_equal(output_create(&output, directory, &error), TRACE_OK);
	assert_int_equal(output_finish(&output, TRACE_OK, &error),
			 TRACE_IO); /* a directory is in its place */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_appears_whole),
	    cmocka_unit_test(test_or_not_at_all),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
