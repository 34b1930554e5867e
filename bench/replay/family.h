/* family.h: which process of a trace to replay, and whose memory it was born with. */
#ifndef FAULTLINE_BENCH_REPLAY_FAMILY_H
#define FAULTLINE_BENCH_REPLAY_FAMILY_H

#include "traces/error.h"
#include "traces/flt.h"

struct family {
	uint32_t *line; /* from the oldest ancestor whose fork is in the trace to the chosen process itself */
	uint32_t last;	/* index of the chosen process in `line` */
	uint64_t heap_events; /* of the chosen process */
};

/* Chooses `process`, or the one with the most heap events when it is UINT32_MAX, by one pass over `reader` from its start (none
 * for a trace of one process). TRACE_BAD_INPUT when the trace has no such process. */
enum trace_status family_find(struct family *family, struct flt_reader *reader, uint32_t process,
			      struct trace_error *error) TRACE_MUST_USE;

void family_destroy(struct family *family);

#endif
