/* written_trace.h: a trace of everything that a trace can hold, written call by call and opened again. */
#ifndef FAULTLINE_TESTS_UNIT_WRITTEN_TRACE_H
#define FAULTLINE_TESTS_UNIT_WRITTEN_TRACE_H

#include "traces/flt.h"

struct written_trace {
	char *path;
	struct flt_writer *writer;
	struct event_sink *sink;
	struct trace_error error;
};

/* Each fails the test when it does not succeed. */
void written_trace_begin(struct written_trace *trace);
void written_event(struct written_trace *trace, struct event event);
uint32_t written_region(struct written_trace *trace, struct event_region region);
uint32_t written_file(struct written_trace *trace, const char *path, uint64_t inode, uint64_t bytes);

/* A snapshot and its event, of thread and process. */
void written_snapshot(struct written_trace *trace, const char *name, const char *text, struct event who);

/* A part of a snapshot of the machine's frames, and its event: `frames` of one value (traces/frame_kinds.h) from `first` on. */
void written_frames(struct written_trace *trace, uint64_t first, uint64_t frames, unsigned value);

/* One reference of the thread. */
void written_access(struct written_trace *trace, uint32_t thread, struct access access);

/* The trace is whole; its file is gone when the reader is closed. */
struct flt_reader *written_trace_open(struct written_trace *trace);

/* Its file goes: of a trace that was finished and not opened. */
void written_trace_drop(struct written_trace *trace);

#endif
