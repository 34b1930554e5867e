#include "config.h"

#include "engine/base/check.h"
#include "engine/phys/zone_parts.h"

static void lock_parts(struct zone *zone, pfn_t pfn, pfn_t end)
{
	const struct zone_part *last = zone_part_of(zone, end - 1);

	for (struct zone_part *part = zone_part_of(zone, pfn); part <= last; part++)
		counted_lock_acquire(&part->lock);
}

static void unlock_parts(struct zone *zone, pfn_t pfn, pfn_t end)
{
	const struct zone_part *last = zone_part_of(zone, end - 1);

	for (struct zone_part *part = zone_part_of(zone, pfn); part <= last; part++)
		zone_part_unlock(part);
}

/* Where the run goes on in the next part, or ends. */
static pfn_t end_in_part(const struct zone_part *part, pfn_t end)
{
	return part->buddy.map.end < end ? part->buddy.map.end : end;
}

static bool is_wholly_free(const struct zone *zone, pfn_t pfn, pfn_t end)
{
	while (pfn < end) {
		unsigned order;

		if (!zone_find_free(zone, pfn, &pfn, &order))
			return false;
		pfn += (pfn_t)1 << order;
	}
	return true;
}

static void claim_locked(struct zone *zone, pfn_t pfn, pfn_t end)
{
	while (pfn < end) {
		struct zone_part *part = zone_part_of(zone, pfn);
		pfn_t stop = end_in_part(part, end);

		typed_buddy_claim(&part->buddy, pfn, stop - pfn);
		pfn = stop;
	}
}

static bool claim(void *keeper, pfn_t pfn, uint64_t pages)
{
	struct zone *zone = keeper;

	if (!zone_holds(zone, pfn) || pages > zone->end - pfn)
		return false;
	pfn_t end = pfn + pages;

	lock_parts(zone, pfn, end);
	bool is_free = is_wholly_free(zone, pfn, end);

	if (is_free)
		claim_locked(zone, pfn, end);
	unlock_parts(zone, pfn, end);
	return is_free;
}

static void release(void *keeper, pfn_t pfn, uint64_t pages)
{
	struct zone *zone = keeper;

	CHECK(zone_holds(zone, pfn) && pages <= zone->end - pfn,
	      "a freed run lies in its zone (foreign pfn)");
	for (pfn_t end = pfn + pages; pfn < end;) {
		struct zone_part *part = zone_part_of(zone, pfn);
		pfn_t stop = end_in_part(part, end);

		counted_lock_acquire(&part->lock);
		typed_buddy_free_range(&part->buddy, pfn, stop - pfn);
		zone_part_unlock(part);
		pfn = stop;
	}
}

/* The lowest neighbouring free blocks of the largest order that have so many pages together. */
static pfn_t find_top_run(const struct zone *zone, uint64_t pages)
{
	pfn_t top = (pfn_t)1 << zone_max_order(zone);
	pfn_t start = zone->parts_base;

	for (pfn_t pfn = start; pfn + top <= zone->end; pfn += top) {
		if (pfn < zone->first || !typed_buddy_has_top(&zone_part_of(zone, pfn)->buddy, pfn))
			start = pfn + top;
		else if (pfn + top - start >= pages)
			return start;
	}
	return PFN_NONE;
}

static pfn_t allocate_top_run(struct zone *zone, uint64_t pages)
{
	lock_parts(zone, zone->first, zone->end);
	pfn_t pfn = find_top_run(zone, pages);

	if (pfn != PFN_NONE)
		claim_locked(zone, pfn, pfn + pages);
	unlock_parts(zone, zone->first, zone->end);
	return pfn;
}

static pfn_t allocate(void *keeper, uint64_t pages)
{
	struct zone *zone = keeper;
	uint32_t frame = 0;
	struct buddy_frames frames = {&frame, 1};

	CHECK(pages > 0, "a request asks for at least one page");
	if (pages > (uint64_t)1 << zone_max_order(zone))
		return allocate_top_run(zone, pages);
	struct zone_request request = {.order = order_of_pages(pages), .type = MIGRATE_MOVABLE, .cpu = -1};
	uint64_t block = (uint64_t)1 << request.order;

	if (zone_parts_take(zone, &request, &frames) == 0)
		return PFN_NONE;
	if (block > pages)
		release(zone, frame + pages, block - pages);
	return frame;
}

static bool is_free(const void *keeper, pfn_t pfn)
{
	const struct zone *zone = keeper;

	return zone_holds(zone, pfn) && zone_is_free(zone, pfn);
}

static const char *check(const void *keeper)
{
	return zone_parts_check(keeper);
}

struct page_runs zone_parts_runs(struct zone *zone)
{
	return (struct page_runs){.keeper = zone,
				  .allocate = allocate,
				  .release = release,
				  .claim = claim,
				  .is_free = is_free,
				  .check = check,
				  .huge_map_bytes = TYPED_BUDDY_HUGE_MAP_BYTES};
}

void zone_convert(struct zone *zone, pfn_t pfn, enum migrate_type type)
{
	pfn_t first;
	unsigned order;

	if (!zone->part)
		return;
	struct zone_part *part = zone_part_of(zone, pfn);

	counted_lock_acquire(&part->lock);
	bool is_whole = zone_find_free(zone, pfn, &first, &order) && order >= PAGEBLOCK_ORDER;

	if (!is_whole && pageblock_kept_type(&zone->pageblocks, pfn) == MIGRATE_MOVABLE &&
	    type != MIGRATE_MOVABLE)
		typed_buddy_convert(&part->buddy, pfn, type);
	zone_part_unlock(part);
}
