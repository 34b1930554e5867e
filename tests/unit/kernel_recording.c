#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/physical/kernel_recording.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A trace from that source, with one event of the kind; EVENT_KINDS: none. */
static char *write_trace(const char *source, unsigned kind)
{
	const struct flt_description description = {.source = source};
	const struct event start = {.kind = EVENT_THREAD_START},
			   event = {.kind = (uint8_t)kind, .kernel = {.address = 8}};
	const struct event page = {.kind = (uint8_t)kind, .kernel = {.frame = 8}};
	char *path = strdup("/tmp/faultline-test.XXXXXX");
	struct flt_writer *writer;
	struct trace_error error;
	int descriptor = path ? mkstemp(path) : -1;

	assert_true(descriptor >= 0);
	(void)close(descriptor);
	assert_int_equal(flt_writer_create(&writer, path, &description, &error), TRACE_OK);
	assert_int_equal(flt_writer_add(writer, &start, &error), TRACE_OK);
	if (kind != EVENT_KINDS)
		assert_int_equal(flt_writer_add(writer, kind == EVENT_PAGE_FREE ? &page : &event, &error),
				 TRACE_OK);
	assert_int_equal(flt_writer_finish(writer, &error), TRACE_OK);
	return path;
}

static void expect(const char *source, unsigned kind, bool is, const char *fault)
{
	char *path = write_trace(source, kind);
	struct flt_reader *reader;
	struct trace_error error;

	assert_int_equal(flt_reader_open(&reader, path, &error), TRACE_OK);
	assert_int_equal(kernel_recording_is(flt_reader_summary(reader)), is);
	assert_int_equal(kernel_recording_is_at(path), is);
	const enum trace_status status = kernel_recording_need_pages(reader, &error);

	assert_int_equal(status, fault ? TRACE_BAD_INPUT : TRACE_OK);
	if (fault)
		assert_non_null(strstr(error.message, fault));
	flt_reader_close(reader);
	(void)unlink(path);
	free(path);
}

static void test_kinds(void **state)
{
	(void)state;
	expect("record kernel", EVENT_PAGE_FREE, true, NULL);
	expect("import perf-data", EVENT_PAGE_FREE, true, NULL);
	expect("import ftrace", EVENT_KMEM_FREE, true,
	       "without events of its page allocator; `faultline record");
	expect("record kernel", EVENT_KINDS, true, "a kernel recording without any event of the kernel");
	expect("record heap", EVENT_KINDS, false, "it has no events of a kernel's page allocator");
	expect(NULL, EVENT_KINDS, false, "it has no events of a kernel's page allocator");
}

static void test_what_cannot_be_read(void **state)
{
	(void)state;
	assert_false(kernel_recording_is_at("/nowhere/at/all.flt"));
	assert_false(kernel_recording_is_at("-"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_kinds),
					   cmocka_unit_test(test_what_cannot_be_read)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
