/* feed.h: cuts a plan into the chunks that the child replays.
 *
 * A chunk ends where the session's memory is full, at a sampling point, before an operation on a lane whose thread has exited in
 * this chunk (mode parallel: threads of a chunk are made before it runs), and at the end.
 *
 * In mode parallel the operations of a chunk are sorted by lane, keeping their order within a lane, and hand-overs are marked: where
 * two neighbouring operations on one slot are of different lanes, the first posts and the second waits. Between chunks all lanes
 * have finished, so that nothing need be marked across them.
 *
 *   planned   A:malloc s0   A:malloc s1   B:free s0   B:malloc s2
 *   chunk     A: malloc s0 (post), malloc s1      B: free s0 (wait for s0's sequence 1), malloc s2
 */
#ifndef FAULTLINE_BENCH_REPLAY_FEED_H
#define FAULTLINE_BENCH_REPLAY_FEED_H

#include "bench/replay/plan.h"
#include "bench/replay/session.h"

struct feed_slot {
	uint32_t last;	   /* mode parallel: index + 1 of the chunk's last operation on the slot, 0 = none */
	uint32_t sequence; /* posts so far in the pass */
};

struct feed {
	struct plan *plan;
	struct session *session;
	uint64_t every;		    /* operations between sampling points; 0 = no sampling points */
	uint64_t extra;		    /* one more sampling point after this operation; UINT64_MAX = none */
	uint64_t position;	    /* operations handed to the child so far */
	uint64_t count;		    /* operations in the present chunk */
	uint64_t *event;	    /* per operation of the chunk as the child sees it: its event number */
	uint64_t *object;	    /* the same: id of the block that it makes; PASS_PLACEMENT, else NULL */
	const struct planned *rest; /* of the plan, not yet in a chunk */
	uint64_t rest_count;
	struct planned last; /* the last operation of the present chunk, in trace order */
	uint64_t first_time_ns;
	/* mode parallel */
	struct planned *gathered; /* the chunk in trace order */
	struct feed_slot *slot;
	uint32_t *fill; /* per lane */
	bool *exited;	/* per lane: in this chunk */
};

/* Rewinds the plan. */
enum trace_status feed_create(struct feed *feed, struct plan *plan, struct session *session,
			      struct trace_error *error) TRACE_MUST_USE;

/* Fills the session with the next chunk; an empty one at the end. */
enum trace_status feed_fill(struct feed *feed, struct trace_error *error) TRACE_MUST_USE;

void feed_destroy(struct feed *feed);

#endif
