#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/written_trace.h"

#include "tests/unit/scratch_path.h"
#include "traces/frame_kinds.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void demand(const struct written_trace *trace, enum trace_status status)
{
	if (status != TRACE_OK)
		fail_msg("%s", trace->error.message);
}

void written_trace_begin(struct written_trace *trace)
{
	const struct flt_description description = {.source = "test"};

	*trace = (struct written_trace){.error = {""}, .path = scratch_path()};
	demand(trace, flt_writer_create(&trace->writer, trace->path, &description, &trace->error));
	trace->sink = flt_writer_sink(trace->writer);
}

void written_event(struct written_trace *trace, struct event event)
{
	demand(trace, trace->sink->put(trace->sink, &event, &trace->error));
}

uint32_t written_region(struct written_trace *trace, struct event_region region)
{
	uint32_t number = 0;

	demand(trace, trace->sink->region(trace->sink, &region, &number, &trace->error));
	return number;
}

uint32_t written_file(struct written_trace *trace, const char *path, uint64_t inode, uint64_t bytes)
{
	const struct event_file file = {.path = path, .inode = inode, .bytes = bytes};
	uint32_t number = 0;

	demand(trace, trace->sink->file(trace->sink, &file, &number, &trace->error));
	return number;
}

void written_snapshot(struct written_trace *trace, const char *name, const char *text, struct event who)
{
	const struct event_snapshot snapshot = {.name = name, .bytes = text, .length = strlen(text)};
	uint32_t number = 0;

	demand(trace, trace->sink->snapshot(trace->sink, &snapshot, &number, &trace->error));
	who.kind = EVENT_SNAPSHOT;
	who.count = number;
	written_event(trace, who);
}

void written_frames(struct written_trace *trace, uint64_t first, uint64_t frames, unsigned value)
{
	const uint64_t times[2] = {1, 2};
	struct frame_writer writer;
	uint32_t number = 0;
	uint8_t bytes[256];

	frame_writer_start(&writer, bytes, sizeof(bytes));
	frame_writer_header(&writer, first, frames, times);
	for (uint64_t i = 0; i < frames; i++)
		frame_writer_add(&writer, value);
	frame_writer_finish(&writer);
	const struct event_snapshot snapshot = {FRAME_KINDS_SNAPSHOT, bytes, writer.used};

	demand(trace, trace->sink->snapshot(trace->sink, &snapshot, &number, &trace->error));
	written_event(trace, (struct event){.kind = EVENT_SNAPSHOT, .count = number});
}

void written_access(struct written_trace *trace, uint32_t thread, struct access access)
{
	demand(trace, trace->sink->accesses(trace->sink, thread, &access, 1, &trace->error));
}

void written_trace_drop(struct written_trace *trace)
{
	(void)unlink(trace->path);
	free(trace->path);
	trace->path = NULL;
}

struct flt_reader *written_trace_open(struct written_trace *trace)
{
	struct flt_reader *reader;

	demand(trace, flt_writer_finish(trace->writer, &trace->error));
	demand(trace, flt_reader_open(&reader, trace->path, &trace->error));
	written_trace_drop(trace);
	return reader;
}
