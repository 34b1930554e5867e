/* machine_state.h: a recorded machine as it was when its recording began.
 *
 *   zoneinfo       zones: spans, managed pages, watermarks, page sets      \
 *   iomem          holes                                                    \
 *   frames         what is reserved, free, in use (machine_frames.h)         >  the state, of which machine_boot.h builds
 *   pagetypeinfo   pageblocks of each migrate type (machine_blocks.h)       /   a simulated memory
 *   buddyinfo      free blocks, and which event is the start              /
 *   all events     page sets (machine_sets.h)                            /
 *
 * The start is the event at which /proc/buddyinfo was read, the last of the texts before; the end is the one at which it was read
 * again. A machine that has more memory than its kernel initialised so far (managed < present - reserved) holds the rest back: it
 * lies at the end of its zone.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_MACHINE_STATE_H
#define FAULTLINE_BENCH_PHYSICAL_MACHINE_STATE_H

#include "bench/physical/buddyinfo_text.h"
#include "bench/physical/machine_blocks.h"
#include "bench/physical/machine_frames.h"
#include "bench/physical/machine_sets.h"
#include "bench/physical/zoneinfo_text.h"
#include "traces/flt.h"

struct machine_state {
	struct zoneinfo zoneinfo;
	struct memory_description description;
	struct buddyinfo before, after;
	struct pagetypeinfo types;
	bool has_types, has_after;
	struct machine_frames frames;
	struct machine_blocks blocks;
	struct machine_sets sets;
	uint64_t start;	   /* events before it are in the state */
	uint64_t start_ns; /* of the recorded time */
	uint64_t end;	   /* the event at which the buddyinfo after was read, or the number of all events */
};

/* Reads the state from a recording, from its first event to its last, and goes back to the first. Large: not for the stack.
 * TRACE_UNSUPPORTED when it has not the snapshots that it takes, TRACE_BAD_INPUT when they make no sense, TRACE_NO_MEMORY. */
enum trace_status machine_state_read(struct machine_state *state, struct flt_reader *reader,
				     struct trace_error *error) TRACE_MUST_USE;
void machine_state_destroy(struct machine_state *state);

#endif
