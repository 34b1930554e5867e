/* zone.h: a range of frames that are good for the same purposes, with the buddy that keeps its free ones.
 *
 *   x86-64   | DMA | DMA32 ................| Normal ....................      0, 16 MiB, 4 GiB
 *   i386     | DMA | Normal ......| HighMem ............................      0, 16 MiB, 896 MiB
 *
 * A zone has three watermarks in free frames. An ordinary allocation is refused when it would leave fewer than `min` free
 * (the caller then tries the next zone, node.h); `low` and `high` are where reclaim is to start and to stop.
 *
 *      0 ------- min ------- low ------- high ------------------------ managed
 *        only those        reclaim     reclaim
 *        who may dig       starts      stops
 *
 * The zone's lock guards its buddy. Per-CPU lists (pcp.h) stand in front of it for single frames: their owner uses them
 * without a lock.
 *
 * Invariants, proved by zone_check() while nothing runs:
 *   I1: the buddy's invariants, and its range is the zone's
 *   I2: watermark min <= low <= high
 *   I3: a frame in a per-CPU list is allocated in the buddy, as a block of order 0; and pcp_check()
 *   I4: managed_pages of the buddy are the frames that boot gave
 */
#ifndef FAULTLINE_ENGINE_PHYS_ZONE_H
#define FAULTLINE_ENGINE_PHYS_ZONE_H

#include "engine/base/counted_lock.h"
#include "engine/base/reservation.h"
#include "engine/phys/buddy.h"
#include "engine/phys/fragmentation.h"
#include "engine/phys/pcp.h"

enum zone_watermark {
	WATERMARK_MIN,
	WATERMARK_LOW,
	WATERMARK_HIGH,
	WATERMARKS,
};

struct zone_shape {
	const char *name; /* static text */
	struct buddy_shape buddy;
	unsigned cpus; /* per-CPU lists; 0 = none */
};

struct zone {
	const char *name;
	struct counted_lock lock;
	struct buddy buddy;
	uint64_t boot_pages;		/* frames that boot gave */
	uint64_t watermark[WATERMARKS]; /* frames */
	uint64_t allocations, frees;	/* blocks, the per-CPU lists' batches included */
	uint64_t refusals;		/* for lack of a block, or under the watermark */
	unsigned cpus;
	struct pcp *pcp;		/* one per CPU */
	struct reservation maps, lists; /* memory of the buddy and of the per-CPU lists */
};

/* A zone without frames. STATUS_BAD_ARGUMENT or STATUS_NO_MEMORY. */
MUST_USE enum status zone_create(struct zone *zone, const struct zone_shape *shape);
void zone_destroy(struct zone *zone);

/* Boot: gives the zone free frames. */
void zone_add(struct zone *zone, pfn_t pfn, uint64_t pages);

/* Boot: sets the watermarks from the frames that must stay free in this zone: low is a quarter above min, high a half. */
void zone_set_watermarks(struct zone *zone, uint64_t min_pages);

/* Takes a block of 2^order frames. With `watermark` the free frames stay at or above it; WATERMARKS asks for nothing.
 * `cpu` is the calling CPU (whose list serves order 0), or -1. PFN_NONE when refused. */
pfn_t zone_allocate(struct zone *zone, int cpu, unsigned order, enum zone_watermark watermark);

/* Gives it back, with the order it was allocated with. */
void zone_free(struct zone *zone, int cpu, pfn_t pfn, unsigned order);

/* Gives the frames of a CPU's list back to the buddy: the CPU goes away, or memory is short. */
void zone_drain(struct zone *zone, unsigned cpu);

/* Does the frame lie in the zone's range? */
static inline bool zone_holds(const struct zone *zone, pfn_t pfn)
{
	return pfn >= zone->buddy.first && pfn < zone->buddy.end;
}

/* Free frames: those of the buddy, and those in per-CPU lists (which may be changing under another CPU). */
uint64_t zone_free_pages(const struct zone *zone);

/* The free blocks of the buddy, per order. */
void zone_free_blocks(const struct zone *zone, struct free_blocks *free);

/* NULL, or the text of the first invariant that does not hold. */
const char *zone_check(const struct zone *zone);

#endif
