/* frame_sets.h: the moments of a kernel recording at which all frames of the machine were looked at (traces/frame_kinds.h).
 *
 *   snapshot     1        2       3        4          5       6        7
 *   name      zoneinfo  frames  frames  buddyinfo   frames  frames  buddyinfo
 *   frames                0..     2^22..              0..     2^22..
 *                       └── set 0 ───┘              └── set 1 ───┘
 *
 * A set is of parts that rise, so the next one begins where they fall back. A recording has a set before its events and one after them;
 * of more, which no recorder makes, the third and all behind it are left out.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_FRAME_SETS_H
#define FAULTLINE_BENCH_PHYSICAL_FRAME_SETS_H

#include "traces/flt.h"

#define FRAME_SETS 2u
#define FRAME_SETS_FRAMES_MAX (UINT64_C(1) << 32) /* 16 TiB */

/* Numbers of snapshots: first .. end-1, between which others may lie. */
struct frame_set {
	uint32_t first, end;
	uint64_t begin_ns; /* of the trace, when its first part began to be read */
};

struct frame_sets {
	struct frame_set set[FRAME_SETS]; /* before, after */
	unsigned count;
	uint64_t frames; /* of the machine: all parts lie in 0 .. frames-1 */
};

/* Finds them. TRACE_BAD_INPUT when the beginning of a part makes no sense or lies beyond FRAME_SETS_FRAMES_MAX; nothing is said of the
 * runs behind it. */
enum trace_status frame_sets_find(struct frame_sets *sets, struct flt_reader *reader,
				  struct trace_error *error) TRACE_MUST_USE;

/* What is done with each part. */
struct frame_visitor {
	enum trace_status (*take)(void *context, const struct event_snapshot *part,
				  struct trace_error *error);
	void *context;
};

/* Takes the parts of a set in their order, until one is not taken, and answers what became of the last. */
enum trace_status frame_set_visit(const struct frame_set *set, struct flt_reader *reader,
				  const struct frame_visitor *visitor,
				  struct trace_error *error) TRACE_MUST_USE;

#endif
