/* memblock.h: the memory of a machine before its page allocator exists: two sorted lists of ranges.
 *
 *   memory     |-----------|        |-------------------------|      what the machine has
 *   reserved      |--|  |--|            |----|                       what nobody may have later
 *   free       |--|  |--|           |---|    |----------------|      memory without reserved: goes to the zones
 *
 * Boot adds and reserves ranges and may allocate from what is free; when the zones are built, the free ranges become
 * their frames. Reserved frames never enter a free list. Ranges are in frames; neighbours and overlaps are merged.
 *
 * Invariants, proved by memblock_check(), of both lists:
 *   I1: ranges are not empty, sorted, and neither overlap nor touch
 *   I2: no more than MEMBLOCK_RANGES
 */
#ifndef FAULTLINE_ENGINE_PHYS_MEMBLOCK_H
#define FAULTLINE_ENGINE_PHYS_MEMBLOCK_H

#include "engine/base/status.h"
#include "engine/base/units.h"

#define MEMBLOCK_RANGES 128u

struct memblock_range {
	pfn_t first;
	pfn_t end; /* one past the last */
};

struct memblock_list {
	unsigned count;
	struct memblock_range range[MEMBLOCK_RANGES];
};

struct memblock {
	struct memblock_list memory, reserved;
};

/* An empty one. */
void memblock_create(struct memblock *memblock);

/* Adds memory, and reserves frames (which need not be memory). STATUS_LIMIT, and no change, when the list is full;
 * STATUS_BAD_ARGUMENT when the range wraps. An empty range changes nothing. */
MUST_USE enum status memblock_add(struct memblock *memblock, pfn_t first, uint64_t pages);
MUST_USE enum status memblock_reserve(struct memblock *memblock, pfn_t first, uint64_t pages);

/* Takes a range out of the reserved ones again. STATUS_LIMIT, and no change, when that would split a range and the list is
 * full. */
MUST_USE enum status memblock_unreserve(struct memblock *memblock, pfn_t first, uint64_t pages);

/* Reserves and returns the highest free run of `pages`, aligned to `alignment_pages` (a power of two) and below the frame
 * `limit`; PFN_NONE when there is none or the list is full. */
pfn_t memblock_allocate(struct memblock *memblock, uint64_t pages, uint64_t alignment_pages, pfn_t limit);

/* The first free range that ends beyond `from`, cut at `from`; false when there is none. */
bool memblock_next_free(const struct memblock *memblock, pfn_t from, struct memblock_range *range);

/* Frames in a list. */
uint64_t memblock_pages(const struct memblock_list *list);

/* NULL, or the text of the first invariant that does not hold. */
const char *memblock_check(const struct memblock *memblock);

#endif
