#include "config.h"

#include "engine/phys/zone_parts.h"

#include "engine/base/check.h"

/* Smaller parts would often be empty; more of them are more to look through. */
#define PART_ORDER_MIN 12u
#define PARTS_PER_CPU 2u
/* Of a part's pageblocks, as a power of two: fewer that are wholly free are few. */
#define PLENTY_SHIFT 3u
/* With 6 an order-9 request in five thousand failed in churn of orders 0 to 9 at 90 %, with 8 one in forty. */
#define SMALL_ORDER_MAX 4u

static unsigned part_shift_of(const struct zone_shape *shape, uint64_t span)
{
	unsigned most = shape->cpus > 1 ? shape->cpus * PARTS_PER_CPU : 1;
	unsigned shift = shape->buddy.max_order > PART_ORDER_MIN ? shape->buddy.max_order : PART_ORDER_MIN;

	while (((span - 1) >> shift) + 1 > most)
		shift++;
	return shift;
}

/* The frames of a part, as a shape. */
static struct buddy_shape shape_of_part(const struct zone *zone, const struct buddy_shape *whole,
					unsigned part)
{
	struct buddy_shape shape = *whole;
	pfn_t first = zone->parts_base + ((pfn_t)part << zone->part_shift);
	pfn_t end = first + ((pfn_t)1 << zone->part_shift);

	shape.first = first > zone->first ? first : zone->first;
	shape.pages = (end < zone->end ? end : zone->end) - shape.first;
	return shape;
}

static size_t bytes_of_parts(const struct zone *zone, const struct buddy_shape *whole)
{
	size_t bytes = zone->parts * sizeof(struct zone_part);

	for (unsigned i = 0; i < zone->parts; i++) {
		struct buddy_shape shape = shape_of_part(zone, whole, i);
		size_t part = typed_buddy_bytes(&shape);

		if (part == 0)
			return 0;
		bytes += part;
	}
	return bytes;
}

static enum status make_parts(struct zone *zone, const struct buddy_shape *whole)
{
	unsigned char *free = (unsigned char *)(zone->part + zone->parts);
	enum status status = STATUS_OK;

	for (unsigned i = 0; i < zone->parts && status == STATUS_OK; i++) {
		struct buddy_shape shape = shape_of_part(zone, whole, i);

		status = typed_buddy_create(&zone->part[i].buddy, &shape, &zone->pageblocks, free);
		free += typed_buddy_bytes(&shape);
	}
	return status;
}

enum status zone_create_parts(struct zone *zone, const struct zone_shape *shape)
{
	unsigned alignment = shape->buddy.max_order;

	if (shape->buddy.pages == 0 || alignment > BUDDY_ORDER_MAX)
		return STATUS_BAD_ARGUMENT;
	zone->parts_base = zone->first >> alignment << alignment;
	zone->part_shift = part_shift_of(shape, zone->end - zone->parts_base);
	zone->parts = (unsigned)((zone->end - zone->parts_base - 1) >> zone->part_shift) + 1;
	size_t bytes = bytes_of_parts(zone, &shape->buddy);

	if (bytes == 0)
		return STATUS_BAD_ARGUMENT;
	enum status status = reservation_create(&zone->maps, bytes, PAGE_BYTES);

	if (status == STATUS_OK)
		status = pageblocks_create(&zone->pageblocks, zone->first, zone->end - zone->first);
	if (status != STATUS_OK)
		return status;
	zone->part = zone->maps.memory;
	return make_parts(zone, &shape->buddy);
}

void zone_parts_add(struct zone *zone, pfn_t pfn, uint64_t pages)
{
	pfn_t end = pfn + pages;

	while (pfn < end) {
		struct zone_part *part = zone_part_of(zone, pfn);
		pfn_t stop = part->buddy.map.end < end ? part->buddy.map.end : end;

		counted_lock_acquire(&part->lock);
		typed_buddy_add(&part->buddy, pfn, stop - pfn);
		zone_part_unlock(part);
		pfn = stop;
	}
}

static bool has_plenty(const struct typed_buddy *buddy)
{
	uint64_t pageblocks = (buddy->map.end - buddy->map.first) >> PAGEBLOCK_ORDER;

	return typed_buddy_whole_pageblocks(buddy) > pageblocks >> PLENTY_SHIFT;
}

/* From free blocks of at most order `largest`, or, where whole pageblocks are plenty, any. */
static uint32_t take_from(struct zone_part *part, const struct zone_request *request, unsigned largest,
			  struct buddy_frames *frames)
{
	uint32_t taken = 0;

	counted_lock_acquire(&part->lock);
	if (has_plenty(&part->buddy))
		largest = part->buddy.map.max_order;
	if (request->order == 0)
		taken = typed_buddy_allocate_frames(&part->buddy, request->type, largest, frames);
	for (; request->order > 0 && taken < frames->wanted; taken++) {
		pfn_t pfn = typed_buddy_allocate(&part->buddy, request->order, request->type, largest);

		if (pfn == PFN_NONE)
			break;
		frames->first[taken] = (uint32_t)pfn;
	}
	zone_part_unlock(part);
	return taken;
}

static uint32_t take_mixed(struct zone_part *part, const struct zone_request *request,
			   struct buddy_frames *frames)
{
	counted_lock_acquire(&part->lock);
	pfn_t pfn = typed_buddy_fall_back(&part->buddy, request->order, request->type);

	zone_part_unlock(part);
	*frames->first = (uint32_t)pfn;
	return pfn != PFN_NONE;
}

/* The orders that could serve the request as its own or fresh, as they look without the lock. */
static uint32_t able_orders(const struct zone_part *part, const struct zone_request *request)
{
	uint64_t own = atomic_load_explicit(&part->seen_own, memory_order_relaxed);
	uint32_t orders = atomic_load_explicit(&part->seen.orders, memory_order_relaxed);

	orders &= ~((1u << HUGE_ORDER) - 1);
	orders |= (uint32_t)(own >> (16 * (unsigned)request->type)) & ((1u << HUGE_ORDER) - 1);
	return orders >> request->order << request->order;
}

/* The nth part after the home part. */
static unsigned nth_part(const struct zone *zone, const struct zone_request *request, unsigned nth)
{
	unsigned number = zone_home_part(zone, request->cpu) + nth;

	return number < zone->parts ? number : number - zone->parts;
}

/* The part with the smallest sufficient block, the nearest of several, and its order; or NULL. */
static struct zone_part *best_part(struct zone *zone, const struct zone_request *request, unsigned *smallest)
{
	struct zone_part *best = NULL;

	*smallest = BUDDY_ORDERS;
	for (unsigned i = 0; i < zone->parts; i++) {
		struct zone_part *part = &zone->part[nth_part(zone, request, i)];
		uint32_t orders = able_orders(part, request);

		if (orders == 0 || (unsigned)__builtin_ctz(orders) >= *smallest)
			continue;
		*smallest = (unsigned)__builtin_ctz(orders);
		best = part;
	}
	return best;
}

/* When another CPU was quicker than what was seen, what is seen is news. */
static uint32_t take_from_best(struct zone *zone, const struct zone_request *request,
			       struct buddy_frames *frames)
{
	uint32_t taken = 0;

	while (taken == 0) {
		unsigned smallest = 0;
		struct zone_part *best = best_part(zone, request, &smallest);

		if (!best)
			break;
		taken = take_from(best, request, smallest, frames);
	}
	return taken;
}

static uint32_t take_mixed_from_any(struct zone *zone, const struct zone_request *request,
				    struct buddy_frames *frames)
{
	uint32_t taken = 0;

	for (unsigned i = 0; i < zone->parts && taken == 0; i++)
		taken = take_mixed(&zone->part[nth_part(zone, request, i)], request, frames);
	return taken;
}

uint32_t zone_parts_take(struct zone *zone, const struct zone_request *request, struct buddy_frames *frames)
{
	unsigned largest = request->order > SMALL_ORDER_MAX ? request->order : SMALL_ORDER_MAX;

	if (zone->parts == 1)
		largest = zone_max_order(zone);
	uint32_t taken = take_from(&zone->part[nth_part(zone, request, 0)], request, largest, frames);

	if (taken == 0 && zone->parts > 1)
		taken = take_from_best(zone, request, frames);
	if (taken == 0 && !(request->flags & ALLOC_NOFRAGMENT))
		taken = take_mixed_from_any(zone, request, frames);
	return taken;
}

void zone_parts_split(struct zone *zone, pfn_t pfn, unsigned order)
{
	struct zone_part *part = zone_part_of(zone, pfn);

	counted_lock_acquire(&part->lock);
	buddy_split(&part->buddy.map, pfn, order, 0);
	zone_part_unlock(part);
}

void zone_parts_give(struct zone_parts_free *batch, pfn_t pfn, unsigned order)
{
	struct zone_part *part = zone_part_of(batch->zone, pfn);

	if (part != batch->held) {
		zone_parts_end(batch);
		counted_lock_acquire(&part->lock);
		batch->held = part;
	}
	typed_buddy_free(&part->buddy, pfn, order);
}

void zone_parts_end(struct zone_parts_free *batch)
{
	if (batch->held)
		zone_part_unlock(batch->held);
	batch->held = NULL;
}

const char *zone_parts_check(const struct zone *zone)
{
	pfn_t first = zone->first;

	for (unsigned i = 0; i < zone->parts; i++) {
		const struct typed_buddy *buddy = &zone->part[i].buddy;
		const char *broken = typed_buddy_check(buddy);

		if (broken)
			return broken;
		if (buddy->map.first != first)
			return "the parts follow each other";
		first = buddy->map.end;
	}
	return first == zone->end ? NULL : "the parts end with the zone";
}

/* --- Questions about all parts -------------------------------------------------------------------------------------- */

uint64_t zone_parts_seen_pages(const struct zone *zone)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < zone->parts; i++)
		pages += atomic_load_explicit(&zone->part[i].seen.free_pages, memory_order_relaxed);
	return pages;
}

const struct pcp_behind *zone_parts_richest(const struct zone *zone)
{
	const struct pcp_behind *richest = &zone->part[0].seen;
	uint64_t most = 0;

	for (unsigned i = 0; i < zone->parts; i++) {
		uint64_t pages = atomic_load_explicit(&zone->part[i].seen.free_pages, memory_order_relaxed);

		if (pages > most) {
			richest = &zone->part[i].seen;
			most = pages;
		}
	}
	return richest;
}

uint32_t zone_parts_seen_orders(const struct zone *zone)
{
	uint32_t orders = 0;

	for (unsigned i = 0; i < zone->parts; i++)
		orders |= atomic_load_explicit(&zone->part[i].seen.orders, memory_order_relaxed);
	return orders;
}
