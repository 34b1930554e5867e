/* session_state.h: what a recording is made of while it runs. For session.c and session_summary.c alone. */
#ifndef FAULTLINE_TRACES_RECORD_SESSION_STATE_H
#define FAULTLINE_TRACES_RECORD_SESSION_STATE_H

#include "traces/flt.h"
#include "traces/record/access_merge.h"
#include "traces/record/access_tee.h"
#include "traces/record/arena_file.h"
#include "traces/record/clock.h"
#include "traces/record/follower.h"
#include "traces/record/heap_merge.h"
#include "traces/record/launch.h"
#include "traces/record/ordering.h"
#include "traces/record/session.h"
#include "traces/record/watch.h"

struct session {
	const struct session_options *options;
	struct session_result *result;
	struct arena_file file;
	struct ordering ordering;
	struct heap_merge merge;
	struct tick_clock clock;
	struct watch watch;
	struct launched launched;
	struct follower *follower; /* of the kernel's side; NULL = only the heap is recorded */
	bool gated; /* the first heap record waits for what the kernel may still tell of the time before it */
	struct access_merge accesses; /* in use when accesses are recorded */
	struct flt_writer *writer;    /* NULL: no trace is written */
	struct access_tee tee;	      /* of the trace and the receiver, if there are both */
	uint64_t started_ns;
	uint64_t stuck_ns; /* since when no record could be taken although numbers are out; 0 = not stuck */
	uint64_t sampled_ticks, sampled_events, waited_ticks, lost_events;
	bool merging; /* the clock is calibrated and the merge has started */
	bool full;    /* the trace has reached its bound */
	char *command_line;
};

/* Takes over what the process in `slot` counted. */
void session_collect_counts(struct session *session, uint32_t slot);

/* The process in `slot` went on as another program that did not register: says so. */
void session_note_unrecorded(struct session *session, uint32_t slot);

/* Fills in the result, once everything is merged. */
void session_fill_result(struct session *session);

/* Writes what the result counts as the trace's warnings, if there is a trace. */
enum trace_status session_write_warnings(struct session *session, struct trace_error *error) TRACE_MUST_USE;

#endif
