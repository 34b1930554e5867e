/* zone_parts.h: the parts of a zone whose free blocks are kept by type (ZONE_TYPED): each with a lock and a buddy of its own, so that
 * CPUs do not wait for each other.
 *
 *   CPU 0             CPU 1
 *     | set             | set                  pcp.h
 *     v  \  when empty  v
 *   | part 0 | part 1 | part 2 | part 3 |      2^part_shift frames each, the first and the last fewer
 *
 * A CPU takes from its home part first, then from the others, nearest first, the first after the last:
 *
 *   1  a block of the request's type, or a part of a whole pageblock (typed_buddy.h), from    home part
 *      any free block while an eighth of the part's pageblocks is wholly free; then only
 *      from a small one, of order 4 or the request's
 *   2  the same from the smallest free block that will do                                     the part that has it
 *   3  a block of another type, unless the request has ALLOC_NOFRAGMENT                       any part
 *
 * So two CPUs that each use less than half of a zone never touch the same line. Where memory becomes short, large blocks are broken
 * only when no part has a smaller one: if every CPU broke those of its own part, 87 % of the order-9 requests would fail in churn of
 * orders 0 to 9 in four parts, 90 % full, where one buddy serves them all (and so do the parts). Types are mixed last. No request fails
 * that one buddy could serve, as blocks never reach beyond a part. What is freed goes to the part it lies in. With one CPU there is
 * one part.
 *
 * Each part publishes its free pages and orders when its lock is released, as a zone of one piece does; what the zone has is their
 * sum. Private to the zone.
 */
#ifndef FAULTLINE_ENGINE_PHYS_ZONE_PARTS_H
#define FAULTLINE_ENGINE_PHYS_ZONE_PARTS_H

#include "engine/phys/zone.h"

struct zone_part {
	_Alignas(64) struct counted_lock lock;
	struct pcp_behind seen;
	_Atomic uint64_t
	    seen_own; /* bit 16 * type + k: below order 9, the type has a free block of order k */
	struct typed_buddy buddy;
};

/* The parts, and the pageblocks, of a zone's span. STATUS_BAD_ARGUMENT, also for a placement other than order-first;
 * STATUS_NO_MEMORY. */
MUST_USE enum status zone_create_parts(struct zone *zone, const struct zone_shape *shape);

/* Gives the parts free frames. */
void zone_parts_add(struct zone *zone, pfn_t pfn, uint64_t pages);

/* Takes some blocks for a request: all from one part. Returns how many there were: 0 when no part has any. */
uint32_t zone_parts_take(struct zone *zone, const struct zone_request *request, struct buddy_frames *frames);

/* Blocks that are given back one after the other: the lock of the part that the last one went to is held until another part's is
 * needed. */
struct zone_parts_free {
	struct zone *zone;
	struct zone_part *held; /* NULL: none */
};

/* As zone_split(). */
void zone_parts_split(struct zone *zone, pfn_t pfn, unsigned order);

void zone_parts_give(struct zone_parts_free *batch, pfn_t pfn, unsigned order);
void zone_parts_end(struct zone_parts_free *batch);

/* The part of a frame of the zone. */
static inline struct zone_part *zone_part_of(const struct zone *zone, pfn_t pfn)
{
	return &zone->part[(pfn - zone->parts_base) >> zone->part_shift];
}

/* What a part publishes of its buddy: seen_own. */
static inline uint64_t zone_part_own_orders(const struct zone_part *part)
{
	uint64_t orders = 0;

	for (unsigned type = 0; type < MIGRATE_PCPTYPES; type++)
		orders |= (uint64_t)part->buddy.nonempty[type] << (16 * type);
	return orders;
}

/* Says to others what the part has, and unlocks it. */
static inline void zone_part_unlock(struct zone_part *part)
{
	atomic_store_explicit(&part->seen_own, zone_part_own_orders(part), memory_order_relaxed);
	atomic_store_explicit(&part->seen.free_pages, part->buddy.map.free_pages, memory_order_relaxed);
	atomic_store_explicit(&part->seen.orders, typed_buddy_orders(&part->buddy), memory_order_relaxed);
	counted_lock_release(&part->lock);
}

/* The runs of pages of all parts, as movable memory: one that is longer than a block of the largest order may lie in several. Each
 * call locks the parts it needs, those of such a run all, the lowest first; who frees or allocates blocks holds one at a time. */
struct page_runs zone_parts_runs(struct zone *zone);

/* What the part with the most free pages publishes: enough of it, and a request of order 0 needs no sum. */
const struct pcp_behind *zone_parts_richest(const struct zone *zone);

/* NULL, or the text of the first invariant that a part's buddy breaks; and whether the parts cover the zone. */
const char *zone_parts_check(const struct zone *zone);

#endif
