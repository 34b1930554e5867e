#include "config.h"

#include "tests/unit/flt_file.h"
#include "traces/flt_verify.h"
#include "traces/slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENTS 4000

static const struct flt_events_options options = {
    .seed = 21, .threads = 12, .processes = 4, .stacks = 6, .time = true, .oddities = true, .kernel = true};

/* Slices the scratch file and opens the result, which is checked against every rule. */
static struct flt_reader *slice_scratch(const struct slice_options *slice)
{
	const struct flt_description description = {"slice", NULL, NULL, true, true, 2000};
	struct flt_reader *reader;
	struct flt_writer *writer;

	assert_ok(flt_reader_open(&reader, flt_file_path(), &flt_file_error));
	assert_ok(flt_writer_create(&writer, flt_file_path(), &description, &flt_file_error));
	assert_ok(slice_copy(reader, writer, slice, &flt_file_error));
	assert_ok(flt_writer_finish(writer, &flt_file_error));
	flt_reader_close(reader);
	assert_ok(flt_reader_open(&reader, flt_file_path(), &flt_file_error));
	assert_ok(flt_verify(reader, &flt_file_error));
	assert_ok(flt_reader_seek(reader, 0, &flt_file_error));
	return reader;
}

/* What a slice never changes. */
static void assert_kept(const struct event *got, const struct event *original)
{
	assert_int_equal(got->kind, original->kind);
	assert_true(got->time_ns == original->time_ns && got->size == original->size);
	assert_true(got->alignment == original->alignment);
	assert_int_equal(got->object != 0, original->object != 0);
	assert_int_equal(got->old_object != 0, original->old_object != 0);
	assert_int_equal(got->stack != 0, original->stack != 0);
	assert_int_equal(got->flags & EVENT_FAILED, original->flags & EVENT_FAILED);
}

static void test_by_events(void **state)
{
	static const uint64_t places[][2] = {
	    {0, UINT64_MAX}, {0, 10}, {1000, 3000}, {3999, UINT64_MAX}, {EVENTS, EVENTS}};
	struct event *events = flt_file_events(&options, EVENTS), event;

	(void)state;
	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const struct slice_options slice = {places[i][0], places[i][1], SLICE_ALL, SLICE_ALL, false};
		const uint64_t end = slice.end < EVENTS ? slice.end : EVENTS;

		flt_file_write(&options, events, EVENTS, 500);
		struct flt_reader *reader = slice_scratch(&slice);

		assert_int_equal(flt_reader_summary(reader)->events, end - slice.first);
		for (uint64_t position = slice.first; position < end; position++) {
			assert_ok(flt_reader_next(reader, &event, &flt_file_error));
			assert_kept(&event, &events[position]);
		}
		flt_reader_close(reader);
	}
	free(events);
}

/* Numbers of names are given anew: the name that the original number had, `name 0` for 1 and so on, and then that number. */
static void restore_name(const struct flt_summary *summary, enum event_names table, uint32_t *number,
			 uint32_t original)
{
	char name[32];

	assert_int_equal(*number != 0, original != 0);
	(void)snprintf(name, sizeof(name), "name %u", original - 1);
	if (original)
		assert_string_equal(summary->name[table][*number - 1], name);
	*number = original;
}

static void restore_names(const struct flt_reader *reader, struct event *event, const struct event *original)
{
	const struct flt_summary *summary = flt_reader_summary(reader);

	restore_name(summary, EVENT_NAMES_GFP, &event->kernel.gfp, original->kernel.gfp);
	restore_name(summary, EVENT_NAMES_CACHE, &event->kernel.cache, original->kernel.cache);
}

/* A slice of everything is the trace. */
static void test_whole_is_identical(void **state)
{
	const struct slice_options slice = {0, UINT64_MAX, SLICE_ALL, SLICE_ALL, false};
	struct event *events = flt_file_events(&options, EVENTS), event;

	(void)state;
	flt_file_write(&options, events, EVENTS, 0);
	struct flt_reader *reader = slice_scratch(&slice);

	for (size_t i = 0; i < EVENTS; i++) {
		assert_ok(flt_reader_next(reader, &event, &flt_file_error));
		event.stack = events[i].stack; /* stacks are numbered anew */
		restore_names(reader, &event, &events[i]);
		flt_file_assert_event(&event, &events[i], i);
	}
	assert_string_equal(flt_reader_summary(reader)->thread[3].name, "thread 3");
	flt_reader_close(reader);
	free(events);
}

static void test_by_thread_and_process(void **state)
{
	struct event *events = flt_file_events(&options, EVENTS), event;

	(void)state;
	for (unsigned chosen = 0; chosen < 4; chosen++) {
		const struct slice_options by_process = {0, UINT64_MAX, chosen, SLICE_ALL, false};
		const struct slice_options by_thread = {100, UINT64_MAX, SLICE_ALL, chosen, false};
		const struct slice_options *slice = chosen % 2 ? &by_process : &by_thread;

		flt_file_write(&options, events, EVENTS, 0);
		struct flt_reader *reader = slice_scratch(slice);

		for (size_t i = slice->first; i < EVENTS; i++) {
			if ((chosen % 2 ? events[i].process : events[i].thread) != chosen)
				continue;
			assert_ok(flt_reader_next(reader, &event, &flt_file_error));
			assert_kept(&event, &events[i]);
		}
		assert_status(flt_reader_next(reader, &event, &flt_file_error), TRACE_END);
		flt_reader_close(reader);
	}
	free(events);
}

/* With the live set in front nothing but what was foreign before is foreign. */
static void test_with_live(void **state)
{
	const struct flt_events_options plain = {.seed = 9, .threads = 5, .processes = 1, .time = true};
	const struct slice_options slice = {2500, UINT64_MAX, SLICE_ALL, SLICE_ALL, true};
	struct event *events = flt_file_events(&plain, EVENTS), event;
	struct flt_reader *reader;

	(void)state;
	flt_file_write(&plain, events, EVENTS, 0);
	assert_ok(flt_reader_open(&reader, flt_file_path(), &flt_file_error));
	const uint64_t live_end_bytes = flt_reader_summary(reader)->live_end_bytes;

	flt_reader_close(reader);
	reader = slice_scratch(&slice);
	assert_int_equal(flt_reader_summary(reader)->foreign, 0);
	assert_int_equal(flt_reader_summary(reader)->live_end_bytes, live_end_bytes);
	const uint64_t prologue = flt_reader_summary(reader)->events - (EVENTS - 2500);

	assert_true(prologue > 0);
	for (uint64_t i = 0; i < prologue; i++) {
		assert_ok(flt_reader_next(reader, &event, &flt_file_error));
		assert_int_equal(event.kind, EVENT_MALLOC);
		assert_true(event.time_ns == events[2500].time_ns);
	}
	assert_ok(flt_reader_next(reader, &event, &flt_file_error));
	assert_kept(&event, &events[2500]);
	flt_reader_close(reader);
	free(events);
}

static void test_refuses(void **state)
{
	static const struct slice_options bad[] = {{EVENTS + 1, UINT64_MAX, SLICE_ALL, SLICE_ALL, false},
						   {0, UINT64_MAX, 99, SLICE_ALL, false},
						   {0, UINT64_MAX, SLICE_ALL, 99, false}};
	const struct flt_description description = {"slice", NULL, NULL, true, true, 0};
	struct event *events = flt_file_events(&options, EVENTS);
	struct flt_reader *reader;
	struct flt_writer *writer;

	(void)state;
	flt_file_write(&options, events, EVENTS, 0);
	assert_ok(flt_reader_open(&reader, flt_file_path(), &flt_file_error));
	for (unsigned i = 0; i < 3; i++) {
		assert_ok(flt_writer_create(&writer, flt_file_path(), &description, &flt_file_error));
		assert_status(slice_copy(reader, writer, &bad[i], &flt_file_error), TRACE_BAD_INPUT);
		flt_writer_abandon(writer);
	}
	flt_reader_close(reader);
	free(events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_by_events),
	    cmocka_unit_test(test_whole_is_identical),
	    cmocka_unit_test(test_by_thread_and_process),
	    cmocka_unit_test(test_with_live),
	    cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests_name("slice", tests, flt_file_make_directory,
					   flt_file_remove_directory);
}
