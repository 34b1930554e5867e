#include "config.h"

#include "tests/unit/flt_file.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct trace_error flt_file_error;

static char directory[64];
static char path[96];

int flt_file_make_directory(void **state)
{
	(void)state;
	(void)snprintf(directory, sizeof(directory), "/tmp/faultline-flt.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/t.flt", directory);
	return 0;
}

int flt_file_remove_directory(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(directory); /* which fails when a test left something behind */
}

const char *flt_file_path(void)
{
	return path;
}

static void register_stacks(struct flt_writer *writer, unsigned stacks)
{
	for (unsigned i = 1; i <= stacks; i++) {
		const uint64_t address[] = {UINT64_C(0x7f0000001000) + i, 0x400000u + i * 7919u,
					    UINT64_MAX - i, 0};
		uint32_t number, again;

		assert_ok(flt_writer_stack(writer, address, 1 + i % 4, &number, &flt_file_error));
		assert_ok(flt_writer_stack(writer, address, 1 + i % 4, &again, &flt_file_error));
		assert_int_equal(number, i);
		assert_int_equal(again, i);
	}
}

static void register_names(struct flt_writer *writer)
{
	for (unsigned i = 0; i < EVENT_NAMES * FLT_EVENTS_NAMES; i++) {
		const enum event_names table = i % 2 ? EVENT_NAMES_GFP : EVENT_NAMES_CACHE;
		uint32_t number;
		char name[32];

		(void)snprintf(name, sizeof(name), "name %u", i / 2);
		assert_ok(flt_writer_name(writer, table, name, &number, &flt_file_error));
		assert_int_equal(number, i / 2 + 1);
		assert_ok(flt_writer_name(writer, table, name, &number, &flt_file_error));
		assert_int_equal(number, i / 2 + 1);
	}
}

/* Threads are named when they first appear. */
static void name_thread(struct flt_writer *writer, const struct event *event)
{
	struct event_sink *sink = flt_writer_sink(writer);
	char name[32];

	(void)snprintf(name, sizeof(name), "thread %u", event->thread);
	if (event->process == 0)
		assert_ok(sink->process(sink, 0, 0, 2000, "recorder", &flt_file_error));
	assert_ok(
	    sink->thread(sink, event->thread, event->process, 1000u + event->thread, name, &flt_file_error));
}

void flt_file_write(const struct flt_events_options *options, const struct event *events, size_t count,
		    size_t block_events)
{
	const struct flt_description description = {
	    "unit test", "a command", NULL, options->time, options->stacks > 0, options->kernel ? 2000 : 0};
	struct flt_writer *writer;
	bool named[64] = {false};

	assert_ok(flt_writer_create(&writer, path, &description, &flt_file_error));
	if (block_events)
		assert_ok(flt_writer_block_events(writer, block_events, &flt_file_error));
	register_stacks(writer, options->stacks);
	if (options->kernel)
		register_names(writer);
	for (size_t i = 0; i < count; i++) {
		if (!named[events[i].thread])
			name_thread(writer, &events[i]);
		named[events[i].thread] = true;
		assert_ok(flt_writer_add(writer, &events[i], &flt_file_error));
	}
	assert_ok(flt_writer_warn(writer, "something odd", 3, &flt_file_error));
	assert_ok(flt_writer_finish(writer, &flt_file_error));
}

struct flt_file_bytes flt_file_load(void)
{
	struct flt_file_bytes loaded;
	struct stat status;
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	assert_int_equal(stat(path, &status), 0);
	loaded.count = (size_t)status.st_size;
	loaded.bytes = malloc(loaded.count + 1);
	assert_non_null(loaded.bytes);
	assert_int_equal(fread(loaded.bytes, 1, loaded.count, file), loaded.count);
	(void)fclose(file);
	return loaded;
}

void flt_file_assert_event(const struct event *got, const struct event *expected, size_t position)
{
	if (got->time_ns != expected->time_ns || got->object != expected->object ||
	    got->old_object != expected->old_object || got->size != expected->size ||
	    got->count != expected->count || got->alignment != expected->alignment ||
	    got->stack != expected->stack || got->thread != expected->thread ||
	    got->process != expected->process || got->kind != expected->kind ||
	    got->flags != expected->flags ||
	    memcmp(&got->kernel, &expected->kernel, sizeof(got->kernel)) != 0)
		fail_msg("event %zu (%s) came back as another (%s)", position,
			 event_kind_name(expected->kind), event_kind_name(got->kind));
}

struct event *flt_file_events(const struct flt_events_options *options, size_t count)
{
	struct event *events = calloc(count + 1, sizeof(*events));

	assert_non_null(events);
	flt_events_make(options, events, count);
	return events;
}
