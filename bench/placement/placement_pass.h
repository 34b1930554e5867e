/* placement_pass.h: records where a live allocator puts the blocks of a trace.
 *
 * The trace is replayed twice. When both takes are equal to the byte, one is kept; an allocator that places otherwise in every run
 * gets PLACEMENT_SPREAD_TAKES of them, so that figures that depend on the placement can be given with their spread.
 */
#ifndef FAULTLINE_BENCH_PLACEMENT_PLACEMENT_PASS_H
#define FAULTLINE_BENCH_PLACEMENT_PLACEMENT_PASS_H

#include "bench/placement/placement.h"
#include "bench/replay/plan.h"
#include "bench/targets/target.h"

#define PLACEMENT_SPREAD_TAKES 5u

struct placement_request {
	const struct target *target; /* a live one */
	struct plan *plan;	     /* made for `mode`, which is single or baton */
	enum replay_mode mode;
	enum replay_pace pace;
	bool thp_disable;
	unsigned watchdog_s;
};

/* TRACE_UNSUPPORTED for a target that has no placement: null, and the engine where sanitizers are built in. Other failures name the
 * target and the event. */
enum trace_status placement_make(struct placement **placement, const struct placement_request *request,
				 struct trace_error *error) TRACE_MUST_USE;

/* Is the placement that of this request? TRACE_BAD_INPUT says what differs; `name` is the placement's. */
enum trace_status placement_fits(const struct placement *placement, const struct placement_request *request,
				 const char *name, struct trace_error *error) TRACE_MUST_USE;

#endif
