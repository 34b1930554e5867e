#include "config.h"

#include "engine/phys/zone_parts.h"

static const char I1[] = "I1: the keeper's invariants, and its range is the zone's";
static const char I2[] = "I2: watermark min <= low <= high <= promo";
static const char I3[] =
    "I3: a block in a page set is allocated in the keeper, with the same order; and pcp_check()";
static const char I4[] =
    "I4: managed_pages of the keeper are the zone's, at most present_pages, which are at "
    "most the frames of the range";
static const char I5[] = "I5: what is published is what the keeper has";

static const char *check_list(const struct zone *zone, const struct pcp_list *list, unsigned order)
{
	for (uint32_t i = 0; i < list->blocks; i++) {
		pfn_t pfn = list->block[(list->first + i) & list->mask];
		pfn_t first;
		unsigned found;

		if (!zone_holds(zone, pfn))
			return I3;
		const struct buddy *map = zone->part ? &zone_part_of(zone, pfn)->buddy.map : &zone->buddy;

		if (zone->lists ? zone_is_free(zone, pfn)
				: buddy_find(map, pfn, &first, &found) != BUDDY_ALLOCATED || first != pfn ||
				      found != order)
			return I3;
	}
	return NULL;
}

static const char *check_set(const struct zone *zone, const struct pcp *pcp)
{
	const char *broken = pcp_check(pcp) ? I3 : NULL;

	for (unsigned i = 0; i < PCP_LISTS && !broken; i++)
		broken = check_list(zone, &pcp->list[i], pcp_order(i));
	return broken;
}

static bool is_keeper_sound(const struct zone *zone)
{
	const struct free_lists *lists = zone->lists;

	if (zone->part)
		return !pageblocks_check(&zone->pageblocks) && !zone_parts_check(zone);
	if (lists)
		return !pageblocks_check(&zone->pageblocks) && !free_lists_check(lists) &&
		       lists->first == zone->first && lists->end == zone->end;
	return !buddy_check(&zone->buddy) && zone->buddy.first == zone->first && zone->buddy.end == zone->end;
}

static bool are_parts_published(const struct zone *zone)
{
	for (unsigned i = 0; i < zone->parts; i++) {
		const struct zone_part *part = &zone->part[i];

		if (part->seen.free_pages != part->buddy.map.free_pages ||
		    part->seen.orders != typed_buddy_orders(&part->buddy) ||
		    part->seen_own != zone_part_own_orders(part))
			return false;
	}
	return true;
}

static bool is_published(const struct zone *zone)
{
	if (zone->part)
		return are_parts_published(zone);

	const struct free_lists *lists = zone->lists;
	uint32_t orders = 0;

	for (unsigned type = 0; lists && type < MIGRATE_PCPTYPES; type++)
		orders |= lists->nonempty[type];
	return zone_seen_free_pages(zone) == zone_kept_pages(zone) &&
	       atomic_load_explicit(&zone->seen_orders, memory_order_relaxed) ==
		   (lists ? orders : zone->buddy.nonempty) &&
	       atomic_load_explicit(&zone->seen_cma_pages, memory_order_relaxed) ==
		   (lists ? lists->free_cma_pages : 0) &&
	       atomic_load_explicit(&zone->seen_highatomic_pages, memory_order_relaxed) ==
		   (lists ? lists->free_highatomic_pages : 0);
}

const char *zone_check(const struct zone *zone)
{
	const char *broken = NULL;

	if (!is_keeper_sound(zone))
		return I1;
	for (unsigned i = 1; i < WATERMARKS; i++) {
		if (zone->watermark[i - 1] > zone->watermark[i])
			return I2;
	}
	for (unsigned cpu = 0; cpu < zone->cpus && !broken; cpu++)
		broken = check_set(zone, &zone->pcp[cpu]);
	if (broken)
		return broken;
	uint64_t managed = zone->lists ? zone->lists->managed_pages : zone->buddy.managed_pages;

	for (unsigned i = 0; i < zone->parts; i++)
		managed += zone->part[i].buddy.map.managed_pages;
	if (managed != zone->managed_pages || zone->managed_pages > zone->present_pages ||
	    zone->present_pages > zone->end - zone->first)
		return I4;
	return is_published(zone) ? NULL : I5;
}
