#include "config.h"

#include "traces/import/warnings.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct ear {
	struct import_listener listener;
	char heard[4096];
};

static void hear(struct import_listener *listener, const char *sentence)
{
	struct ear *ear = (struct ear *)listener;
	size_t used = strlen(ear->heard);

	(void)snprintf(ear->heard + used, sizeof(ear->heard) - used, "%s\n", sentence);
}

static void the_first_of_each_kind_are_shown(void **state)
{
	struct ear ear = {.listener = {hear, NULL}};
	struct warnings warnings = {.file = "f", .listener = &ear.listener};
	struct trace_error error = {""};

	(void)state;
	for (warnings.line = 1; warnings.line <= 5; warnings.line++) {
		assert_int_equal(warnings_add(&warnings, "one", &error, "is %d", 1), TRACE_OK);
		if (warnings.line > 3)
			assert_int_equal(warnings_add(&warnings, "two", &error, "is %s", "2"), TRACE_OK);
	}
	assert_string_equal(ear.heard, "f:1: is 1\nf:2: is 1\nf:3: is 1\nf:4: is 2\nf:5: is 2\n");
	assert_int_equal(warnings.kinds, 2);
	assert_int_equal(warnings.kind[0].count, 5);
	assert_int_equal(warnings.kind[1].count, 2);
	assert_int_equal(warnings_total(&warnings), 7);
	assert_string_equal(error.message, "");
}

static void strict_makes_an_error(void **state)
{
	struct warnings warnings = {.file = "f", .line = 9, .strict = true};
	struct trace_error error;

	(void)state;
	assert_int_equal(warnings_add(&warnings, "one", &error, "is %d", 1), TRACE_BAD_INPUT);
	assert_string_equal(error.message, "f:9: is 1");
	assert_int_equal(warnings_refuse(&warnings, &error, "%s", "no"), TRACE_BAD_INPUT);
	assert_string_equal(error.message, "f:9: no");
}

static void kinds_are_bounded(void **state)
{
	static char names[WARNING_KINDS_MAX + 5][8];
	struct warnings warnings = {.file = "f"};
	struct trace_error error;

	(void)state;
	for (size_t index = 0; index < WARNING_KINDS_MAX + 5; index++) {
		(void)snprintf(names[index], sizeof(names[index]), "%zu", index);
		assert_int_equal(warnings_add(&warnings, names[index], &error, "x"), TRACE_OK);
	}
	assert_int_equal(warnings.kinds, WARNING_KINDS_MAX);
	assert_int_equal(warnings_total(&warnings), WARNING_KINDS_MAX + 5);
}

static void excerpts_are_fit_for_a_terminal(void **state)
{
	char excerpt[WARNING_EXCERPT_BYTES], line[100];

	(void)state;
	assert_string_equal(warning_excerpt(excerpt, "a\033[2Jb\303\244", 8), "\"a?[2Jb??\"");
	memset(line, 'x', sizeof(line));
	warning_excerpt(excerpt, line, sizeof(line));
	assert_int_equal(strlen(excerpt), WARNING_EXCERPT_BYTES - 1);
	assert_string_equal(excerpt + strlen(excerpt) - 5, "x...\"");
	assert_string_equal(warning_excerpt(excerpt, "", 0), "\"\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_first_of_each_kind_are_shown),
	    cmocka_unit_test(strict_makes_an_error),
	    cmocka_unit_test(kinds_are_bounded),
	    cmocka_unit_test(excerpts_are_fit_for_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
