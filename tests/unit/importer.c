#include "config.h"

#include "traces/import/importer.h"

#include "tests/unit/census_sink.h"
#include "tests/unit/foreign.h"
#include "traces/import/formats.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void each_format_is_told_from_the_others(void **state)
{
	const struct import_format *format;

	(void)state;
	for (size_t index = 0; (format = import_format_at(index)); index++) {
		char text[256];

		(void)snprintf(text, sizeof(text), "%s%s\n",
			       strcmp(format->name, "malloclab") == 0 ? "1\n1\n" : "", format->sample);
		assert_ptr_equal(import_format_find(format->name), format);
		/* Those whose samples are no text have their own tests. */
		if (strcmp(format->name, "champsim") != 0 && strcmp(format->name, "trace-dat") != 0)
			assert_ptr_equal(import_format_detect(text, strlen(text)), format);
	}
	assert_null(import_format_find("auto"));
	assert_null(import_format_detect("", 0));
	assert_null(import_format_detect("hello\n\001\002\n17\n", 13));
}

static void noise_around_does_not_deceive(void **state)
{
	struct foreign_options options = {0};
	struct foreign foreign;
	const char *text = "202: malloc 0x10 1\n--1-- malloc(1) = 0x10\nnoise\n--1-- free(0x10)\n";

	(void)state;
	foreign_import(&foreign, text, strlen(text), &options);
	assert_string_equal(foreign.format, "valgrind");
	foreign_drop(&foreign);
}

static void what_cannot_be_imported(void **state)
{
	struct foreign_options automatic = {0}, unknown = {.format = "frob"}, aosp = {.format = "aosp"};

	(void)state;
	foreign_expect_failure(
	    &automatic, "\177ELF\001\002\n\n",
	    "in:1: none of the formats aosp, malloclab, mtrace, valgrind, logalloc, heaptrack, strace, "
	    "perf-script, lackey, pinatrace, champsim, perf-data, ftrace, trace-dat is recognised in its "
	    "first 8 bytes; name the format with --from");
	foreign_expect_failure(
	    &unknown, "1: malloc 0x10 1\n",
	    "there is no format 'frob'; there are auto, aosp, malloclab, mtrace, valgrind, logalloc, "
	    "heaptrack, strace, perf-script, lackey, pinatrace, champsim, perf-data, ftrace, trace-dat");
	foreign_expect_failure(
	    &aosp, "a 0 1\nf 0\n",
	    "in:2: the file ended without one event; a line of format aosp looks like \"202: malloc "
	    "0xb4827400 1024\"");
	foreign_expect_failure(&automatic, "",
			       "in: holds no data; a recording in one of the formats of `faultline import "
			       "--list` was expected");
}

static void a_line_too_long_is_skipped(void **state)
{
	struct foreign_options options = {0};
	struct foreign foreign;
	size_t length = 100000;
	char *text = malloc(length + 64);
	int used;

	(void)state;
	assert_non_null(text);
	used = sprintf(text, "1: malloc 0x10 1\n");
	memset(text + used, ' ', length);
	used += (int)length;
	used += sprintf(text + used, "1: malloc 0x20 1\n1: free 0x10\n");
	foreign_import(&foreign, text, (size_t)used, &options);
	assert_string_equal(foreign.log.text, "malloc 1 1\nfree 1\n");
	assert_string_equal(foreign.warnings, "line too long: 1\n");
	assert_non_null(strstr(foreign.said, "in:2: "));
	foreign_drop(&foreign);
	free(text);
}

static void the_sinks_failure_ends_the_import(void **state)
{
	struct foreign_options options = {.refuse_at = 2};
	struct foreign foreign;
	const char *text = "1: malloc 0x10 1\n1: malloc 0x20 1\n1: malloc 0x30 1\n";

	(void)state;
	foreign_import(&foreign, text, strlen(text), &options);
	assert_int_equal(foreign.status, TRACE_IO);
	assert_string_equal(foreign.error.message, "the log is full");
	assert_string_equal(foreign.log.text, "malloc 1 1\n");
	foreign_drop(&foreign);
}

static void progress_is_told(void **state)
{
	struct foreign_options options = {0};
	struct foreign foreign;
	size_t lines = 140000, used = 0;
	char *text = malloc(lines * 20);

	(void)state;
	assert_non_null(text);
	for (size_t line = 0; line < lines; line++)
		used += (size_t)sprintf(text + used, "1: free 0x0\n");
	foreign_import(&foreign, text, used, &options);
	assert_int_equal(foreign.progress, 2);
	foreign_drop(&foreign);
	free(text);
}

/* --- The golden counts of the Android trace --- */

static void the_android_trace(void **state)
{
	const char *folder = getenv("FAULTLINE_SHARED_TRACES");
	struct importer_options options = {.format = "auto", .strict = true};
	struct census_sink sink;
	struct trace_error error = {""};
	struct importer *importer;
	struct input *input;
	char path[4096];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/aosp/systemui.zip", folder ? folder : ".");
	if (access(path, R_OK) != 0) {
		print_message("# %s is not there\n", path);
		skip();
	}
	census_sink_start(&sink);
	assert_int_equal(input_open(&input, path, &error), TRACE_OK);
	assert_int_equal(importer_create(&importer, input, &options, &error), TRACE_OK);
	assert_int_equal(importer_run(importer, &sink.sink, &error), TRACE_OK);
	assert_string_equal(error.message, "");
	assert_int_equal(warnings_total(&importer->warnings), 0);
	assert_int_equal(importer->roster.threads, 393);
	importer_destroy(importer);
	assert_int_equal(sink.census.events, 786454);
	assert_int_equal(sink.census.kinds[EVENT_MALLOC], 383154);
	assert_int_equal(sink.census.kinds[EVENT_CALLOC], 7847);
	assert_int_equal(sink.census.kinds[EVENT_REALLOC], 29167);
	assert_int_equal(sink.census.kinds[EVENT_MEMALIGN], 1066);
	assert_int_equal(sink.census.kinds[EVENT_FREE], 364863);
	assert_int_equal(sink.census.kinds[EVENT_THREAD_EXIT], 357);
	assert_int_equal(sink.census.null_frees, 15818);
	assert_int_equal(sink.census.live_peak_bytes, 10441709);
	assert_int_equal(sink.census.live_peak_objects, 60097);
	assert_int_equal(sink.census.live_bytes, 8396631);
	assert_int_equal(sink.census.live_objects, 53645);
	assert_int_equal(sink.census.requested_bytes, 202033137);
	assert_int_equal(sink.census.cross_thread_frees, 39466);
	census_sink_end(&sink);
}

/* Real output of each tool: what is known of it. */
struct sample {
	const char *file, *format;
	uint64_t events, warnings;
};

static void real_samples(void **state)
{
	static const struct sample samples[] = {
	    {"glibc-mtrace.txt", "mtrace", 10, 0},
	    {"valgrind-trace-malloc.txt", "valgrind", 87, 0},
	    {"heaptrack-raw.txt", "heaptrack", 14, 0},
	};
	const char *folder = getenv("FAULTLINE_SHARED_TRACES");

	(void)state;
	for (size_t index = 0; index < sizeof(samples) / sizeof(samples[0]); index++) {
		struct importer_options options = {.format = "auto", .strict = true};
		struct census_sink sink;
		struct trace_error error = {""};
		struct importer *importer;
		struct input *input;
		char path[4096];

		(void)snprintf(path, sizeof(path), "%s/samples/%s", folder ? folder : ".",
			       samples[index].file);
		if (access(path, R_OK) != 0) {
			print_message("# %s is not there\n", path);
			skip();
		}
		census_sink_start(&sink);
		assert_int_equal(input_open(&input, path, &error), TRACE_OK);
		assert_int_equal(importer_create(&importer, input, &options, &error), TRACE_OK);
		assert_string_equal(importer->format->name, samples[index].format);
		assert_int_equal(importer_run(importer, &sink.sink, &error), TRACE_OK);
		assert_int_equal(warnings_total(&importer->warnings), samples[index].warnings);
		assert_int_equal(sink.census.events, samples[index].events);
		assert_int_equal(sink.census.live_objects, 0);
		importer_destroy(importer);
		census_sink_end(&sink);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_format_is_told_from_the_others),
	    cmocka_unit_test(noise_around_does_not_deceive),
	    cmocka_unit_test(what_cannot_be_imported),
	    cmocka_unit_test(a_line_too_long_is_skipped),
	    cmocka_unit_test(the_sinks_failure_ends_the_import),
	    cmocka_unit_test(progress_is_told),
	    cmocka_unit_test(the_android_trace),
	    cmocka_unit_test(real_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
