#include "config.h"

#include "traces/flt.h"

#include "tests/unit/flt_events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/faultline-flt.XXXXXX";
static char path[64];
static struct trace_error error;

#define assert_ok(call) assert_status((call), TRACE_OK)
#define assert_status(call, expected)                                                                                  \
	do {                                                                                                           \
		const enum trace_status status_ = (call);                                                              \
		if (status_ != (expected))                                                                             \
			fail_msg("status %d, expected %d: %s", (int)status_, (int)(expected), error.message);          \
	} while (0)

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/t.flt", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(directory);
}

static void register_stacks(struct flt_writer *writer, unsigned stacks)
{
	for (unsigned i = 1; i <= stacks; i++) {
		const uint64_t address[] = {UINT64_C(0x7f0000001000) + i, 0x400000u + i * 7919u, UINT64_MAX - i, 0};
		uint32_t number;

		assert_ok(flt_writer_stack(writer, address, 1 + i % 4, &number, &error));
		assert_int_equal(number, i);
	}
}

static void write_events(const struct flt_events_options *options, const struct event *events, size_t count)
{
	const struct flt_description description = {"unit test", "a command", NULL, options->time, options->stacks > 0};
	struct flt_writer *writer;

	assert_ok(flt_writer_create(&writer, path, &description, &error));
	register_stacks(writer, options->stacks);
	for (size_t i = 0; i < count; i++)
		assert_ok(flt_writer_add(writer, &events[i], &error));
	assert_ok(flt_writer_warn(writer, "something odd", 3, &error));
	assert_ok(flt_writer_finish(writer, &error));
}

static void assert_event(const struct event *got, const struct event *expected, size_t position)
{
	if (got->time_ns != expected->time_ns || got->object != expected->object ||
	    got->old_object != expected->old_object || got->size != expected->size || got->count != expected->count ||
	    got->alignment != expected->alignment || got->stack != expected->stack ||
	    got->thread != expected->thread || got->process != expected->process || got->kind != expected->kind ||
	    got->flags != expected->flags)
		fail_msg("event %zu (%s) came back as another (%s)", position, event_kind_name(expected->kind),
			 event_kind_name(got->kind));
}

static void read_events(const struct event *events, size_t count)
{
	struct flt_reader *reader;
	struct event event;

	assert_ok(flt_reader_open(&reader, path, &error));
	assert_int_equal(flt_reader_summary(reader)->events, count);
	for (size_t i = 0; i < count; i++) {
		assert_ok(flt_reader_next(reader, &event, &error));
		assert_event(&event, &events[i], i);
	}
	assert_status(flt_reader_next(reader, &event, &error), TRACE_END);
	assert_status(flt_reader_next(reader, &event, &error), TRACE_END);
	flt_reader_close(reader);
}

static void round_trip(const struct flt_events_options *options, size_t count)
{
	struct event *events = calloc(count + 1, sizeof(*events));

	assert_non_null(events);
	flt_events_make(options, events, count);
	write_events(options, events, count);
	read_events(events, count);
	free(events);
}

static void test_round_trips(void **state)
{
	static const size_t counts[] = {0, 1, 2, 100, 32767, 32768, 32769, 70000};

	(void)state;
	for (unsigned variant = 0; variant < 16; variant++) {
		const struct flt_events_options options = {
			.seed = variant + 1,
			.threads = variant & 1 ? 40 : 1,
			.processes = variant & 1 ? 5 : 1,
			.stacks = variant & 2 ? 50 : 0,
			.time = variant & 4,
			.oddities = variant & 8,
		};

		round_trip(&options, counts[variant % 8]);
		round_trip(&options, counts[7 - variant % 8]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
	};

	return cmocka_run_group_tests_name("flt", tests, make_directory, remove_directory);
}
