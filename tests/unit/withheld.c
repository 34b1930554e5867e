#include "config.h"

#include "bench/physical/withheld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH "withheld-test.flt"

static void put(struct flt_writer *writer, struct event event)
{
	struct trace_error error;

	assert_int_equal(flt_writer_add(writer, &event, &error), TRACE_OK);
}

static void switch_to(struct flt_writer *writer, uint32_t who, uint64_t cpu)
{
	put(writer, (struct event){.kind = EVENT_SWITCH, .thread = who, .process = who, .count = cpu});
}

/* Process 0 allocates now and then, 1 runs often and never does, 2 runs once. */
static void write_trace(void)
{
	const struct flt_description description = {.source = "test"};
	struct flt_writer *writer;
	struct event_sink *sink;
	struct trace_error error;

	assert_int_equal(flt_writer_create(&writer, PATH, &description, &error), TRACE_OK);
	sink = flt_writer_sink(writer);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(sink->process(sink, i, i, 100 + i, "p", &error), TRACE_OK);
		assert_int_equal(sink->thread(sink, i, i, 100 + i, "t", &error), TRACE_OK);
	}
	for (uint32_t i = 0; i < WITHHELD_SWITCHES; i++) {
		switch_to(writer, 0, 0);
		put(writer, (struct event){.kind = EVENT_PAGE_ALLOC, .kernel.frame = i});
		switch_to(writer, 1, 0);
	}
	switch_to(writer, 2, 0);
	assert_int_equal(flt_writer_finish(writer, &error), TRACE_OK);
}

static void who_is_withheld_and_when(void **state)
{
	struct withheld withheld;
	struct flt_reader *reader;
	struct trace_error error;
	struct event event;

	(void)state;
	write_trace();
	assert_int_equal(flt_reader_open(&reader, PATH, &error), TRACE_OK);
	assert_int_equal(withheld_find(&withheld, reader, &error), TRACE_OK);
	assert_false(withheld.process[0]);
	assert_true(withheld.process[1]);
	assert_false(withheld.process[2]);
	while (flt_reader_next(reader, &event, &error) == TRACE_OK)
		withheld_event(&withheld, &event);
	assert_int_equal(withheld.changes, 2 * WITHHELD_SWITCHES);
	assert_false(withheld.runs[0]);
	withheld_destroy(&withheld);
	flt_reader_close(reader);
	assert_int_equal(unlink(PATH), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_is_withheld_and_when),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
