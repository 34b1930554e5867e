/* access_output.h: where a recording of references goes: into a trace, or to somebody else. */
#ifndef FAULTLINE_TRACES_RECORD_ACCESS_OUTPUT_H
#define FAULTLINE_TRACES_RECORD_ACCESS_OUTPUT_H

#include "traces/error.h"
#include "traces/event.h"

#include <stdbool.h>
#include <stdint.h>

struct flt_access_room;

struct access_output {
	struct event_sink *sink; /* with file, region and accesses */
	/* As flt_writer_accesses_skipped; context is the caller's. */
	enum trace_status (*skipped)(void *context, uint32_t thread, uint64_t count,
				     struct trace_error *error);
	/* As flt_writer_access_room; NULL: references go through sink->accesses. */
	enum trace_status (*room)(void *context, uint32_t thread, struct flt_access_room *room,
				  struct trace_error *error);
	void *context;
	bool
	    as_placed; /* references to blocks are told as those to mappings: where this allocator put them */
};

#endif
