/* zone.h: a range of frames that are good for the same purposes, with the keeper of its free blocks and the CPUs' page
 * sets in front of it.
 *
 *   x86-64   | DMA | DMA32 ................| Normal .........| Movable ..      0, 16 MiB, 4 GiB
 *   i386     | DMA | Normal ......| HighMem ............................      0, 16 MiB, 896 MiB
 *
 *   spanned    first .. end-1
 *   present    of them, what is memory                      the rest is holes
 *   managed    of them, what boot gave the zone             the rest is reserved, or not initialised yet
 *
 * A zone has four watermarks in free frames. A request is refused when the zone would not stay above the one it names, plus
 * what lowmem_reserve keeps of this zone for requests that cannot be served by better ones (memory.h says who computes them):
 *
 *      0 ------- min ------- low ------- high ------- promo ----------- managed
 *        only those        reclaim     reclaim
 *        who may dig       starts      stops
 *        (zone_request.h)
 *
 * A *boost* raises all of them for a while, after a pageblock had to change its migrate type: reclaim then frees enough to
 * keep types apart again (mm/page_alloc.c: boost_watermark, Linux 6.18).
 *
 * The zone's lock guards its keeper. What a request's test reads of the keeper, its free pages and which orders have a free
 * block, is published when the lock is released: so the test needs no lock, as in Linux. A keeper in parts (zone_parts.h) has a
 * lock per part instead; a part's free pages alone are enough to let most requests in, and the others are added up only when
 * they are not.
 *
 * Invariants, proved by zone_check() while nothing runs:
 *   I1: the keeper's invariants, and its range is the zone's
 *   I2: watermark min <= low <= high <= promo
 *   I3: a block in a page set is allocated in the keeper, with the same order; and pcp_check()
 *   I4: managed_pages of the keeper are the zone's, at most present_pages, which are at most the frames of the range
 *   I5: what is published is what the keeper has
 */
#ifndef FAULTLINE_ENGINE_PHYS_ZONE_H
#define FAULTLINE_ENGINE_PHYS_ZONE_H

#include "engine/base/counted_lock.h"
#include "engine/base/reservation.h"
#include "engine/phys/buddy.h"
#include "engine/phys/fragmentation.h"
#include "engine/phys/free_lists.h"
#include "engine/phys/page_runs.h"
#include "engine/phys/pcp.h"
#include "engine/phys/typed_buddy.h"
#include "engine/phys/zone_request.h"

#include <stdatomic.h>

/* How a zone keeps its free blocks. */
enum zone_keeper {
	ZONE_BITMAPS, /* buddy.h: a bitmap per order. Migrate types are not told apart */
	ZONE_TYPED, /* typed_buddy.h: bitmaps that tell them apart, in a part per CPU. Placement order-first only */
	ZONE_LISTS, /* free_lists.h: as Linux does. Orders up to 10. The pages of neighbours in use are looked at, too, so
		       * one thread at a time uses the machine */
};

struct zone_shape {
	enum zone_kind kind;
	unsigned node;
	struct buddy_shape buddy; /* the frames, and how they are kept */
	unsigned cpus;		  /* page sets; 0 = none */
	unsigned local_cpus;	  /* of them, those of the zone's node: they share what the sets may hold */
	enum pcp_tuning tuning;
	enum zone_keeper keeper;
	struct page_array
	    *array; /* with ZONE_LISTS: holds the frames' pages, and lives as long as the zone */
};

struct zone_part; /* zone_parts.h */

struct zone {
	const char *name;
	enum zone_kind kind;
	unsigned node;
	struct counted_lock lock;
	pfn_t first, end; /* the span: first .. end-1 */
	uint64_t spanned_pages;
	enum zone_keeper keeper;
	struct buddy buddy;	    /* the keeper with ZONE_BITMAPS; else without frames */
	struct free_lists *lists;   /* the keeper with ZONE_LISTS, else NULL */
	struct zone_part *part;	    /* the keeper with ZONE_TYPED, else NULL */
	unsigned parts, part_shift; /* how many; 2^part_shift frames each, counted from parts_base */
	pfn_t parts_base;
	struct pageblocks pageblocks; /* of the lists, or the parts */
	uint64_t present_pages;
	uint64_t managed_pages;
	uint64_t watermark[WATERMARKS];	     /* frames, without the boost */
	uint64_t lowmem_reserve[ZONE_KINDS]; /* frames kept from requests whose best zone is of that kind */
	uint64_t allocations, frees;	     /* blocks, the page sets' batches included */
	_Atomic uint64_t refusals;	     /* for lack of a block, or under the watermark */
	_Atomic uint64_t boost;		     /* frames added to all watermarks */
	_Atomic uint64_t seen_free_pages;    /* these two are not used with parts, which have their own */
	_Atomic uint32_t seen_orders;	     /* bit k: there is a free block of order k for any request */
	/* With lists: of seen_free_pages, what only some requests may have, and the orders that are there. */
	_Atomic uint64_t seen_cma_pages, seen_highatomic_pages;
	_Atomic uint32_t seen_cma_orders, seen_highatomic_orders;
	_Atomic bool is_boosted; /* reclaim is to be woken, because watermarks were raised */
	uint64_t boosts;	 /* of the lists' requests for a boost, those that were answered */
	/* What is seen at a glance must be above: the high watermark, its boost and the reserve; UINT64_MAX while below_high. */
	_Atomic uint64_t glance_mark[ZONE_KINDS];
	const struct pcp_behind *first_behind; /* with parts: what the first one publishes */
	_Atomic bool
	    below_high; /* free pages were below the high watermark when last seen; page sets shrink */
	unsigned cpus, local_cpus;
	struct pcp *pcp;	       /* one per CPU */
	struct reservation maps, sets; /* memory of the keeper, and of the page sets */
};

/* "DMA", "DMA32", "Normal", "HighMem", "Movable": as the kernel prints them. */
const char *zone_kind_name(enum zone_kind kind);

/* A zone without frames. STATUS_BAD_ARGUMENT or STATUS_NO_MEMORY. */
MUST_USE enum status zone_create(struct zone *zone, const struct zone_shape *shape);
void zone_destroy(struct zone *zone);

/* Boot: gives the zone free frames. */
void zone_add(struct zone *zone, pfn_t pfn, uint64_t pages);

/* Sets the watermarks: `min_pages` stay free, and each of the next three lies `distance_pages` higher. The figures of the page
 * sets follow (mm/page_alloc.c: zone_batchsize, zone_highsize, Linux 6.18), with tuning fixed as far as they have room. */
void zone_set_watermarks(struct zone *zone, uint64_t min_pages, uint64_t distance_pages);

/* Sets what is kept from requests whose best zone is of a kind. */
void zone_set_reserve(struct zone *zone, enum zone_kind highest, uint64_t pages);

/* The figures that the kernel gives the page sets of such a zone. */
struct pcp_figures zone_pcp_figures(const struct zone *zone);

/* Raises the watermarks by a pageblock, at most to 1.5 times the high one. False when the zone is too small for that. */
bool zone_boost(struct zone *zone);
/* Takes back at most `pages` of it: reclaim has freed so many. */
void zone_unboost(struct zone *zone, uint64_t pages);

/* The keeper may be used between these two only, by whoever goes past the functions below. One in parts is guarded by their
 * locks; this one keeps those apart who use its runs. */
static inline void zone_lock(struct zone *zone)
{
	counted_lock_acquire(&zone->lock);
}

/* Says to others what the lists have. */
void zone_publish_lists(struct zone *zone);

static inline void zone_unlock(struct zone *zone)
{
	if (zone->lists) {
		zone_publish_lists(zone);
	} else if (!zone->part) {
		atomic_store_explicit(&zone->seen_free_pages, zone->buddy.free_pages, memory_order_relaxed);
		atomic_store_explicit(&zone->seen_orders, zone->buddy.nonempty, memory_order_relaxed);
	}
	counted_lock_release(&zone->lock);
}

/* How often the zone's locks were taken, and how often their takers had to wait. */
struct zone_lock_counts {
	uint64_t taken, contended;
};
struct zone_lock_counts zone_lock_counts(const struct zone *zone);

uint64_t zone_parts_seen_pages(const struct zone *zone);
uint32_t zone_parts_seen_orders(const struct zone *zone);

/* Free frames of the keeper when it was last unlocked: what Linux calls NR_FREE_PAGES. */
static inline uint64_t zone_seen_free_pages(const struct zone *zone)
{
	return zone->part ? zone_parts_seen_pages(zone)
			  : atomic_load_explicit(&zone->seen_free_pages, memory_order_relaxed);
}

/* The orders of which it had a block that any request may have: bit k. */
static inline uint32_t zone_seen_orders(const struct zone *zone)
{
	return zone->part ? zone_parts_seen_orders(zone)
			  : atomic_load_explicit(&zone->seen_orders, memory_order_relaxed);
}

/* The part that a CPU takes from first. */
static inline unsigned zone_home_part(const struct zone *zone, int cpu)
{
	return (unsigned)cpu < zone->cpus ? (unsigned)cpu * zone->parts / zone->cpus : 0;
}

/* The watermark with its boost. */
static inline uint64_t zone_mark(const struct zone *zone, enum zone_watermark watermark)
{
	return zone->watermark[watermark] + atomic_load_explicit(&zone->boost, memory_order_relaxed);
}

/* Would the zone stay above this mark (in frames) after such an allocation, and has it a block for it? As __zone_watermark_ok
 * of mm/page_alloc.c, Linux 6.18; zone_request.h has the fractions. */
bool zone_stays_above(const struct zone *zone, const struct zone_request *request, uint64_t mark);

/* The slow half of zone_admits(). */
bool zone_admits_slowly(struct zone *zone, const struct zone_request *request);

/* The CPU's set, when it may serve this order; else NULL. */
static inline struct pcp *zone_set(const struct zone *zone, int cpu, unsigned order)
{
	return (unsigned)cpu < zone->cpus && pcp_holds(&zone->pcp[cpu], order) ? &zone->pcp[cpu] : NULL;
}

/* The set's list for a type: where types are not told apart, all blocks of an order are alike. */
static inline struct pcp_list *zone_set_list(const struct zone *zone, struct pcp *pcp, unsigned order,
					     enum migrate_type type)
{
	return &pcp->list[pcp_index(zone->keeper == ZONE_BITMAPS ? MIGRATE_MOVABLE : type, order)];
}

/* Does the part that the CPU looks at alone have more than this, and a block that is large enough? It is the CPU's own, until that
 * has little; then the one that had most (zone_admits_slowly()). */
static inline bool zone_part_admits(const struct zone *zone, const struct zone_request *request,
				    uint64_t mark)
{
	const struct pcp_behind *behind =
	    (unsigned)request->cpu < zone->cpus ? zone->pcp[request->cpu].behind : zone->first_behind;
	uint64_t beyond = ((uint64_t)1 << request->order) - 1;
	uint64_t free = atomic_load_explicit(&behind->free_pages, memory_order_relaxed);

	return free > beyond && free - beyond > mark &&
	       (request->order == 0 ||
		atomic_load_explicit(&behind->orders, memory_order_relaxed) >> request->order != 0);
}

/* May the request be served from this zone, by its watermark? One compare for most: of what the zone has free, or the CPU's
 * part of it. */
static inline bool zone_admits(struct zone *zone, const struct zone_request *request)
{
	uint64_t mark = atomic_load_explicit(&zone->glance_mark[request->highest], memory_order_relaxed);

	if (zone->part ? zone_part_admits(zone, request, mark)
		       : request->order == 0 &&
			     atomic_load_explicit(&zone->seen_free_pages, memory_order_relaxed) > mark)
		return true;
	return zone_admits_slowly(zone, request);
}

/* The slow halves of zone_take() and zone_free(). */
pfn_t zone_take_slowly(struct zone *zone, const struct zone_request *request);
void zone_free_slowly(struct zone *zone, int cpu, pfn_t pfn, unsigned order);

/* Takes a block without asking for a watermark: PFN_NONE when there is none. */
static inline pfn_t zone_take(struct zone *zone, const struct zone_request *request)
{
	struct pcp *pcp = zone_set(zone, request->cpu, request->order);

	if (!pcp)
		return zone_take_slowly(zone, request);
	struct pcp_list *list = zone_set_list(zone, pcp, request->order, request->type);

	if (pcp->free_count != 0)
		pcp->free_count >>= 1;
	if (list->blocks == 0)
		return zone_take_slowly(zone, request);
	pcp->count -= 1u << request->order;
	return pcp_list_pop(list);
}

/* Takes a block if the zone admits the request. PFN_NONE when refused. */
static inline pfn_t zone_allocate(struct zone *zone, const struct zone_request *request)
{
	return zone_admits(zone, request) ? zone_take(zone, request) : PFN_NONE;
}

/* Does the frame lie in the zone's range? */
static inline bool zone_holds(const struct zone *zone, pfn_t pfn)
{
	return pfn - zone->first < zone->spanned_pages;
}

/* The type of the frame's pageblock: Movable where types are not told apart. */
static inline enum migrate_type zone_type_of(const struct zone *zone, pfn_t pfn)
{
	return zone->keeper == ZONE_BITMAPS ? MIGRATE_MOVABLE : pageblock_type(&zone->pageblocks, pfn);
}

/* Gives a block back, with the order it was taken with. `cpu` as in struct zone_request. */
static inline void zone_free(struct zone *zone, int cpu, pfn_t pfn, unsigned order)
{
	struct pcp *pcp = zone_set(zone, cpu, order);

	if (!pcp || pcp->count + (1u << order) >= pcp->room || !zone_holds(zone, pfn)) {
		zone_free_slowly(zone, cpu, pfn, order);
		return;
	}
	pcp_list_push(zone_set_list(zone, pcp, order, zone_type_of(zone, pfn)), pfn);
	pcp->count += 1u << order;
}

/* Makes blocks of order 0 of a block that was taken with `order`: each can be given back by itself. */
void zone_split(struct zone *zone, pfn_t pfn, unsigned order);

/* Gives the blocks of a CPU's set back: the CPU goes away, or memory is short. */
void zone_drain(struct zone *zone, unsigned cpu);

/* A second has passed for a CPU: its set shrinks towards high_min, as Linux's vmstat worker makes it. */
void zone_decay(struct zone *zone, unsigned cpu);

/* After an allocation with ALLOC_HIGHATOMIC: its pageblock is kept for such. Only lists do that. */
void zone_reserve(struct zone *zone, pfn_t pfn, unsigned order);

/* Gives a reserved pageblock to a type, the last one only when forced; false when there was none. */
bool zone_unreserve(struct zone *zone, enum migrate_type type, bool is_forced);

/* The keeper's runs of pages, to be used between zone_lock() and zone_unlock(). */
struct page_runs zone_runs(struct zone *zone);

/* Of the keeper, by whatever keeper: free frames; whether the frame, one of the zone's, lies in a free block; and which. */
uint64_t zone_kept_pages(const struct zone *zone);
bool zone_is_free(const struct zone *zone, pfn_t pfn);
bool zone_find_free(const struct zone *zone, pfn_t pfn, pfn_t *first, unsigned *order);

/* Boot of a machine in use: with ZONE_TYPED the Movable pageblock of the frame, unless it is wholly free, gets a type below
 * MIGRATE_PCPTYPES, with all that is free in it. Other keepers do nothing. */
void zone_convert(struct zone *zone, pfn_t pfn, enum migrate_type type);

/* Free frames: the keeper's, and those in page sets (which may be changing under another CPU). */
uint64_t zone_free_pages(const struct zone *zone);

/* The free blocks of the keeper, per order. */
void zone_free_blocks(const struct zone *zone, struct free_blocks *free);

/* Of them, those of an order in pageblocks of a type; where types are not told apart, all are Movable. */
uint64_t zone_free_blocks_of_type(const struct zone *zone, unsigned order, enum migrate_type type);

/* The largest order that the keeper has. */
unsigned zone_max_order(const struct zone *zone);

/* NULL, or the text of the first invariant that does not hold. */
const char *zone_check(const struct zone *zone);

#endif
