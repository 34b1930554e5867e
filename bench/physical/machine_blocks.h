/* machine_blocks.h: the migrate type of every pageblock of a recorded machine at the start (machine_frames.h).
 *
 * /proc/pagetypeinfo tells how many pageblocks of a zone have each type, not which. Which is found
 *
 *   by events     the first one after the start that takes pages of a pageblock from a zone's list or puts them there names the list's
 *                 type, and a fall-back names the type that the pageblock had
 *   by contents   of the others, those with the most frames of the kernel are Unmovable and Reclaimable, as many as are missing
 *                 from the counts; of these, those with the most slab pages are Reclaimable, as many as are missing
 *   else          it is Movable, as at boot
 *   by sums       those that events do not tell then change types until the free blocks of each type and order are as counted, as far as
 *                 that is possible (block_types.h)
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_MACHINE_BLOCKS_H
#define FAULTLINE_BENCH_PHYSICAL_MACHINE_BLOCKS_H

#include "bench/physical/block_types.h"
#include "bench/physical/machine_frames.h"
#include "bench/physical/pagetypeinfo_text.h"
#include "engine/phys/pageblock.h"

struct machine_blocks {
	uint64_t blocks;
	uint8_t *type; /* enum migrate_type; MIGRATE_TYPES: not known yet */
	uint64_t told; /* by events */
};

/* The pageblocks of frames 0 .. frames-1. TRACE_NO_MEMORY. */
enum trace_status machine_blocks_create(struct machine_blocks *blocks, uint64_t frames,
					struct trace_error *error) TRACE_MUST_USE;
void machine_blocks_destroy(struct machine_blocks *blocks);

/* Takes an event after the start in. */
void machine_blocks_event(struct machine_blocks *blocks, const struct event *event);

/* The frames first .. end-1 of a zone: gives all of its pageblocks a type. A zone that pagetypeinfo does not tell of (NULL) has Movable
 * ones only, but for what events told. TRACE_NO_MEMORY. */
enum trace_status machine_blocks_infer(struct machine_blocks *blocks, const struct machine_frames *frames,
				       const uint64_t zone[2], const struct pagetypeinfo_zone *told,
				       struct trace_error *error) TRACE_MUST_USE;

#endif
