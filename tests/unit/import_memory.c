#include "config.h"

#include "traces/import/importer.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The linker sends every allocation of our own code through these (--wrap); libraries keep theirs. */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *block, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);

static unsigned countdown; /* the allocation that fails, counted down; 0 = none */

static bool fails(void)
{
	return countdown > 0 && --countdown == 0;
}

void *__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *block, size_t bytes)
{
	return fails() ? NULL : __real_realloc(block, bytes);
}

static enum trace_status put(struct event_sink *sink, const struct event *event, struct trace_error *error)
{
	(void)sink;
	(void)event;
	(void)error;
	return TRACE_OK;
}

/* Imports with the n-th allocation failing, for n = 1, 2, ... until none fails: each time the import must end
 * with the status and the words of a lack of memory. Returns how many allocations there were. */
static unsigned fail_each(const char *text, size_t length, const char *format)
{
	for (unsigned nth = 1; nth < 1000; nth++) {
		struct importer_options options = {.format = format};
		struct event_sink sink = {.put = put};
		struct importer *importer = NULL;
		struct trace_error error = {""};
		struct input *input;
		enum trace_status status;
		bool all_served;

		countdown = nth;
		status = input_open_memory(&input, text, length, "in", &error);
		if (status == TRACE_OK)
			status = importer_create(&importer, input, &options, &error);
		if (status == TRACE_OK)
			status = importer_run(importer, &sink, &error);
		all_served = countdown > 0;
		countdown = 0;
		if (status == TRACE_OK || all_served)
			assert_string_equal(error.message, "");
		else
			assert_non_null(strstr(error.message, "no memory"));
		assert_int_equal(status, all_served ? TRACE_OK : TRACE_NO_MEMORY);
		importer_destroy(importer);
		if (all_served)
			return nth - 1;
	}
	fail_msg("more than 1000 allocations");
	return 0;
}

/* Enough blocks for the map of addresses to grow, enough threads for their table to. */
static void every_allocation_of_an_import(void **state)
{
	size_t lines = 6000, used = 0;
	char *text = malloc(lines * 40);

	(void)state;
	assert_non_null(text);
	for (size_t line = 0; line < lines; line++)
		used += (size_t)snprintf(text + used, 40, "%zu: malloc 0x%zx 8\n", line < 400 ? line : 0,
					 16 * (line + 1));
	assert_in_range(fail_each(text, used, "aosp"), 400, 999);
	free(text);
}

static void every_allocation_of_a_munged_log(void **state)
{
	const char *text = "1 1 malloc(32)=#1\n1 1 free(#2)\n2 1 free(#4)\n90 1 free(#4)\n1 1 free(#1)\n";

	(void)state;
	assert_in_range(fail_each(text, strlen(text), "logalloc"), 5, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_allocation_of_an_import),
	    cmocka_unit_test(every_allocation_of_a_munged_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
