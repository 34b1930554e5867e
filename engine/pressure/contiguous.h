/* contiguous.h: takes a given range of frames out of a zone, moving away what is in it (mm/page_alloc.c: alloc_contig_range; Linux
 * 6.18). Contiguous areas (cma.h) and the removal of memory are made of it.
 *
 *   | . m . m | m m . . | . m . . |      1. every pageblock of the range is isolated: nothing is allocated from it any more
 *       [ range ------------- ]          2. what can be moved is moved to frames outside
 *   | . . X X | X X X X | X X m . |      3. the range is free and is taken as a whole; isolation ends
 *
 * It fails without a trace when something cannot be moved: the pageblocks are then as before, but for what was moved in time. The
 * reasons are counted as compaction counts them (page_mover.h).
 *
 * Pages in per-CPU lists are nobody's that can be moved: the owner of the zone drains them first. Nobody else may use the zone
 * meanwhile but the mover.
 */
#ifndef FAULTLINE_ENGINE_PRESSURE_CONTIGUOUS_H
#define FAULTLINE_ENGINE_PRESSURE_CONTIGUOUS_H

#include "engine/phys/free_lists.h"
#include "engine/pressure/page_mover.h"

struct contiguous {
	struct free_lists *lists;
	struct page_mover mover;
	uint64_t ranges, failures;     /* asked for; of them, those that could not be had */
	uint64_t moved;		       /* pages */
	uint64_t not_moved[MOVE_ENDS]; /* frames that stood in the way, by the reason */
	uint64_t removed_pages;	       /* by contiguous_remove */
};

/* For the zone of these lists. */
void contiguous_create(struct contiguous *contiguous, struct free_lists *lists, struct page_mover mover);

/* Takes exactly the frames first .. first+pages-1; they are the caller's. False when they cannot be had: also when a pageblock of
 * theirs lies partly outside the zone, or is isolated already. */
bool contiguous_take(struct contiguous *contiguous, pfn_t first, uint64_t pages);

/* Gives back frames that were taken, frame by frame (free_contig_range). */
void contiguous_give(struct contiguous *contiguous, pfn_t first, uint64_t pages);

/* Hot-remove: takes a pageblock out of the zone for good, moving away what is in it. False when it cannot be emptied. */
bool contiguous_remove(struct contiguous *contiguous, pfn_t pfn);

#endif
