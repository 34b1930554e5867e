#include "config.h"

#include "tests/unit/flt_file.h"
#include "traces/export/aosp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_TEXT_BYTES (1u << 20)

/* Exports the scratch trace over itself and returns the text; free() it. */
static char *export_scratch(const struct aosp_export_options *options, struct aosp_export_losses *losses)
{
	struct flt_reader *reader;
	struct flt_output output;

	assert_ok(flt_reader_open(&reader, flt_file_path(), &flt_file_error));
	assert_ok(flt_output_open(&output, flt_file_path(), &flt_file_error));
	assert_ok(aosp_export(reader, &output, options, losses, &flt_file_error));
	assert_ok(flt_output_commit(&output, &flt_file_error));
	flt_reader_close(reader);
	struct flt_file_bytes loaded = flt_file_load();

	loaded.bytes[loaded.count] = 0;
	return (char *)loaded.bytes;
}

static void write_plain(const struct event *events, size_t count, bool time)
{
	const struct flt_events_options options = {.time = time};

	flt_file_write(&options, events, count, 0);
}

static void test_every_call(void **state)
{
	static const struct event events[] = {
	    {.kind = EVENT_THREAD_START},
	    {.kind = EVENT_MALLOC, .object = 1, .size = 24},
	    {.kind = EVENT_CALLOC, .object = 2, .size = 60, .count = 5},
	    {.kind = EVENT_MEMALIGN, .object = 3, .size = 100, .alignment = 4096},
	    {.kind = EVENT_REALLOC, .old_object = 1, .object = 4, .size = 30},
	    {.kind = EVENT_REALLOC, .object = 5, .size = 0, .thread = 1},
	    {.kind = EVENT_MALLOC, .size = 1000, .flags = EVENT_FAILED},
	    {.kind = EVENT_CALLOC, .size = UINT64_MAX, .count = 4, .flags = EVENT_FAILED},
	    {.kind = EVENT_REALLOC, .old_object = 2},
	    {.kind = EVENT_FREE, .object = 4},
	    {.kind = EVENT_FREE},
	    {.kind = EVENT_FREE_SIZED, .object = 3, .size = 100},
	    {.kind = EVENT_MARKER, .size = 7},
	    {.kind = EVENT_THREAD_EXIT, .thread = 1},
	};
	const struct aosp_export_options options = {0};
	struct aosp_export_losses losses;

	(void)state;
	write_plain(events, sizeof(events) / sizeof(events[0]), false);
	char *text = export_scratch(&options, &losses);

	assert_string_equal(text, "1000: malloc 0x10000 24\n"
				  "1000: calloc 0x10020 5 12\n"
				  "1000: memalign 0x11000 4096 100\n"
				  "1000: realloc 0x11070 0x10000 30\n"
				  "1001: realloc 0x11090 0x0 0\n"
				  "1000: malloc 0x0 1000\n"
				  "1000: calloc 0x0 4 4611686018427387904\n"
				  "1000: realloc 0x0 0x10020 0\n"
				  "1000: free 0x11070\n"
				  "1000: free 0x0\n"
				  "1000: free 0x11000\n"
				  "1001: thread_done 0x0\n");
	assert_int_equal(losses.events_without_line, 2);
	assert_int_equal(losses.sized_frees, 1);
	assert_int_equal(losses.foreign + losses.inherited, 0);
	free(text);
}

static void test_times(void **state)
{
	static const struct event events[] = {
	    {.kind = EVENT_MALLOC, .object = 1, .size = 24, .time_ns = 10},
	    {.kind = EVENT_FREE, .object = 1, .time_ns = 20},
	    {.kind = EVENT_THREAD_EXIT, .time_ns = 30},
	};
	const struct aosp_export_options options = {0};
	struct aosp_export_losses losses;

	(void)state;
	write_plain(events, 3, true);
	char *text = export_scratch(&options, &losses);

	assert_string_equal(
	    text, "1000: malloc 0x10000 24 10 10\n1000: free 0x10000 20 20\n1000: thread_done 0x0 30\n");
	free(text);
}

static void test_foreign(void **state)
{
	static const struct event events[] = {
	    {.kind = EVENT_FREE, .object = 1, .flags = EVENT_FOREIGN},
	    {.kind = EVENT_REALLOC, .old_object = 2, .object = 3, .size = 9, .flags = EVENT_FOREIGN},
	    {.kind = EVENT_REALLOC, .old_object = 4, .size = 9, .flags = EVENT_FOREIGN | EVENT_FAILED},
	    {.kind = EVENT_FREE, .object = 4},
	};
	const struct aosp_export_options keep = {0}, skip = {.skip_foreign = true};
	struct aosp_export_losses losses;

	(void)state;
	write_plain(events, 4, false);
	char *text = export_scratch(&keep, &losses);

	assert_string_equal(
	    text, "1000: free 0x10000\n1000: realloc 0x10020 0x10010 9\n1000: realloc 0x0 0x10030 9\n"
		  "1000: free 0x10030\n");
	assert_int_equal(losses.foreign, 3);
	free(text);
	write_plain(events, 4, false);
	text = export_scratch(&skip, &losses);
	assert_string_equal(text, "1000: malloc 0x10000 9\n1000: malloc 0x0 9\n");
	free(text);
}

static void test_one_of_two_processes(void **state)
{
	static const struct event events[] = {
	    {.kind = EVENT_MALLOC, .object = 1, .size = 24},
	    {.kind = EVENT_MALLOC, .object = 2, .size = 8},
	    {.kind = EVENT_FORK, .count = 1},
	    {.kind = EVENT_FREE, .object = 1},
	    {.kind = EVENT_FREE, .object = 2, .thread = 1, .process = 1},
	    {.kind = EVENT_FREE, .object = 1, .thread = 1, .process = 1},
	};
	const struct aosp_export_options child = {.process = 1}, missing = {.process = 2};
	struct aosp_export_losses losses;
	struct flt_reader *reader;
	struct flt_output output;

	(void)state;
	write_plain(events, 6, false);
	assert_ok(flt_reader_open(&reader, flt_file_path(), &flt_file_error));
	assert_ok(flt_output_open(&output, flt_file_path(), &flt_file_error));
	assert_status(aosp_export(reader, &output, &missing, &losses, &flt_file_error), TRACE_BAD_INPUT);
	flt_output_abandon(&output);
	flt_reader_close(reader);
	char *text = export_scratch(&child, &losses);

	assert_string_equal(text, "1001: malloc 0x10000 24\n1001: malloc 0x10020 8\n1001: free 0x10020\n"
				  "1001: free 0x10000\n");
	assert_int_equal(losses.inherited, 2);
	free(text);
}

/* Sizes that no address space holds are refused, not wrapped around. */
static void test_giants(void **state)
{
	static const struct event events[] = {
	    {.kind = EVENT_MALLOC, .object = 1, .size = UINT64_C(1) << 62},
	    {.kind = EVENT_FREE, .object = 1},
	    {.kind = EVENT_MALLOC, .object = 2, .size = UINT64_C(1) << 62},
	};
	const struct aosp_export_options options = {0};
	struct aosp_export_losses losses;
	struct flt_reader *reader;
	struct flt_output output;

	(void)state;
	write_plain(events, 3, false);
	assert_ok(flt_reader_open(&reader, flt_file_path(), &flt_file_error));
	assert_ok(flt_output_open(&output, flt_file_path(), &flt_file_error));
	assert_status(aosp_export(reader, &output, &options, &losses, &flt_file_error), TRACE_UNSUPPORTED);
	assert_non_null(strstr(flt_file_error.message, "event 2"));
	flt_output_abandon(&output);
	flt_reader_close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_call), cmocka_unit_test(test_times),
	    cmocka_unit_test(test_foreign),    cmocka_unit_test(test_one_of_two_processes),
	    cmocka_unit_test(test_giants),
	};

	return cmocka_run_group_tests_name("export_aosp", tests, flt_file_make_directory,
					   flt_file_remove_directory);
}
