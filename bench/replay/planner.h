/* planner.h: the rule that turns one event of one process into operations; plan.h describes it.
 *
 * The planner is fed every event of the trace in order and appends to its output what the events of the chosen process become.
 * While it *follows* an ancestor (until the fork that makes the chosen process, or its next ancestor), it only keeps the live set.
 */
#ifndef FAULTLINE_BENCH_REPLAY_PLANNER_H
#define FAULTLINE_BENCH_REPLAY_PLANNER_H

#include "bench/replay/block_table.h"
#include "bench/replay/plan.h"
#include "bench/replay/slot_pool.h"
#include "traces/event.h"

#define LANE_NONE UINT32_MAX

struct planner {
	enum replay_mode mode;
	struct plan_totals totals;
	struct block_table live;
	struct slot_pool slots;
	uint64_t live_bytes;
	/* Processes from the oldest ancestor to the chosen one; ancestors[following] is the one whose events count now. */
	const uint32_t *ancestors;
	uint32_t following, last;
	uint32_t *lane_of; /* per thread number of the trace */
	uint32_t threads;
	uint32_t *free_lanes; /* ring of PLAN_MAX_LANES */
	uint32_t free_first, free_count;
	uint32_t current;	/* mode baton: the lane that has the baton */
	bool leaving;		/* mode baton: the current lane's thread has exited */
	bool gone;		/* the process has exited */
	struct planned *output; /* appended to; emptied by the owner */
	size_t output_count, output_capacity;
};

/* `ancestors` [0..last] stays with the caller. False when there is no memory. */
bool planner_create(struct planner *planner, enum replay_mode mode, const uint32_t *ancestors, uint32_t last,
		    uint32_t threads);

/* Takes event number `position`. */
enum trace_status planner_event(struct planner *planner, uint64_t position, const struct event *event,
				struct trace_error *error) TRACE_MUST_USE;

/* After the last event: what is still owed (mode baton: the end of a leaving thread). */
enum trace_status planner_finish(struct planner *planner, uint64_t position,
				 struct trace_error *error) TRACE_MUST_USE;

void planner_destroy(struct planner *planner);

#endif
