/* live_sets.h: the live sets of all processes of a trace, and how an event changes them.
 *
 * The lighter brother of census.h: no counts, only who holds what. It is how a reader that starts in the middle of a
 * trace, at a checkpoint, gets to the state at an event.
 */
#ifndef FAULTLINE_TRACES_LIVE_SETS_H
#define FAULTLINE_TRACES_LIVE_SETS_H

#include "traces/error.h"
#include "traces/event.h"
#include "traces/live.h"

#include <stdint.h>

struct live_sets {
	struct live_set *process; /* by number */
	uint32_t processes, capacity;
};

/* No processes: all zero. */
#define LIVE_SETS_EMPTY                                                                                      \
	{                                                                                                    \
		0                                                                                            \
	}

void live_sets_clear(struct live_sets *sets);

/* The set of `process` (below EVENT_MAX_PROCESSES), which begins empty; NULL when memory is short. The pointer is valid
 * until a higher process is asked for. */
struct live_set *live_sets_of(struct live_sets *sets, uint32_t process);

/* Gives `child` a copy of `parent`'s set instead of its own. False when memory is short. */
bool live_sets_fork(struct live_sets *sets, uint32_t parent, uint32_t child);

/* What `event` creates, ends, copies and drops. TRACE_BAD_INPUT when it ends an object that is not alive or creates one
 * that is; TRACE_NO_MEMORY. */
enum trace_status live_sets_apply(struct live_sets *sets, const struct event *event,
				  struct trace_error *error) TRACE_MUST_USE;

#endif
