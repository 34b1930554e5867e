/* cma.h: a contiguous memory area: pageblocks set apart at boot for an owner who needs ranges of frames in a row, and lent to movable
 * pages until then (mm/cma.c).
 *
 *   zone   | ........ | C m C . . . m m | ........ |       C taken by the owner   m lent   . free
 *                     [ area, type CMA  ]
 *
 * A bitmap says which frames are the owner's. A request takes the first run of them that is free in the bitmap and fits its
 * alignment, and has whatever was lent moved away (contiguous.h). When something cannot be moved, the next run is tried, one
 * alignment step further.
 *
 * Invariants, proved by cma_check():
 *   I1: taken_pages = bits that are set, none beyond the area
 *   I2: every pageblock of the area has the type CMA, or is isolated and had it
 */
#ifndef FAULTLINE_ENGINE_PRESSURE_CMA_H
#define FAULTLINE_ENGINE_PRESSURE_CMA_H

#include "engine/base/reservation.h"
#include "engine/pressure/contiguous.h"

struct cma {
	struct contiguous *contiguous;
	pfn_t first;
	uint64_t pages;
	uint64_t *taken; /* a bit per frame */
	uint64_t taken_pages;
	uint64_t allocations, failures; /* cma_alloc_success, cma_alloc_fail of /proc/vmstat, in requests */
	struct reservation memory;
};

/* The area of frames first .. first+pages-1, whole pageblocks of the zone of `contiguous`, all free: they become CMA's.
 * STATUS_BAD_ARGUMENT when they are not whole pageblocks, or cannot be emptied; STATUS_NO_MEMORY. */
MUST_USE enum status cma_create(struct cma *cma, struct contiguous *contiguous, pfn_t first, uint64_t pages);
void cma_destroy(struct cma *cma);

/* Takes `pages` (at least 1) frames in a row, the first a multiple of 2^alignment_order frames; PFN_NONE when there is no such run, or
 * none that can be emptied. */
pfn_t cma_allocate(struct cma *cma, uint64_t pages, unsigned alignment_order);

/* Gives back frames that were taken. */
void cma_free(struct cma *cma, pfn_t first, uint64_t pages);

/* NULL, or the text of the first invariant that does not hold. */
const char *cma_check(const struct cma *cma);

#endif
