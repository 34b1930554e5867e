#include "config.h"

#include "engine/phys/typed_buddy_step.h"

static const char I1[] = "I1: bitmap_check() holds for every bitmap";
static const char I2[] =
    "I2: bit g of a type's bitmap of an order is set <=> granule g has a free block and lies "
    "in a pageblock of the type";
static const char I3[] = "I3: only a block that exists and is in use is divided";
static const char I4[] =
    "I4: blocks of a type and order = free ones in its pageblocks; a bit of nonempty is set "
    "<=> there are some; from order 9 on as in a plain buddy";
static const char I5[] = "I5: free_pages = frames in free blocks, at most managed_pages";
static const char I6[] =
    "I6: a pageblock that is wholly free is Movable, and none is of a type that requests do not have";
static const char I7[] = "I7: hint and recent are granules, and newest is below BUDDY_RECENT";

/* The granules that lie in the range hold the order's free blocks: counted by type. */
struct census {
	uint64_t blocks[MIGRATE_PCPTYPES];
};

static bool has_pageblock(const struct typed_buddy *buddy, pfn_t pfn)
{
	return pfn < buddy->map.end && pfn + PAGEBLOCK_PAGES > buddy->map.first;
}

static const char *check_granules(const struct typed_buddy *buddy, unsigned order, struct census *census)
{
	const struct buddy_order *order_of = &buddy->order[0][order];

	for (uint64_t granule = 0; granule < order_of->free.bits; granule++) {
		uint64_t free = granule_free(order_of, granule, order);
		pfn_t pfn = granule_pfn(buddy, granule, order);
		enum migrate_type owner = MIGRATE_TYPES;

		if (has_pageblock(buddy, pageblock_start(pfn)))
			owner = pageblock_kept_type(buddy->pageblocks, pfn);
		for (unsigned type = 0; type < MIGRATE_PCPTYPES; type++) {
			if (bitmap_test(&buddy->order[type][order].free, granule) !=
			    (free != 0 && type == owner))
				return I2;
		}
		if (free != 0)
			census->blocks[owner] += (unsigned)__builtin_popcountll(free);
	}
	return NULL;
}

static const char *check_small_order(const struct typed_buddy *buddy, unsigned order, uint64_t *pages)
{
	const struct buddy_order *of = &buddy->map.order[order];
	struct census census = {{0}};
	uint64_t words = (buddy->order[0][order].free.bits << granule_shift(order)) >> PAIR_WORD_SHIFT;
	const char *broken = check_granules(buddy, order, &census);

	if (broken)
		return broken;
	for (uint64_t word = 0; word < words; word++) {
		if (of->words[word] != 0 && !buddy_is_division_right(&buddy->map, order, word))
			return I3;
	}
	for (unsigned type = 0; type < MIGRATE_PCPTYPES; type++) {
		*pages += census.blocks[type] << order;
		if (buddy->order[type][order].blocks != census.blocks[type] ||
		    (buddy->nonempty[type] >> order & 1) != (census.blocks[type] > 0))
			return I4;
	}
	return of->blocks == 0 ? NULL : I4;
}

static const char *check_whole_order(const struct typed_buddy *buddy, unsigned order, uint64_t *pages)
{
	const char *broken = buddy_check_order(&buddy->map, order, pages);

	if (!broken)
		return NULL;
	return broken[1] == '3' ? I3 : I4;
}

static const char *check_types(const struct typed_buddy *buddy)
{
	for (pfn_t pfn = pageblock_start(buddy->map.first); pfn < buddy->map.end; pfn += PAGEBLOCK_PAGES) {
		enum migrate_type type = pageblock_type(buddy->pageblocks, pfn);
		pfn_t first = 0;
		unsigned order = 0;

		if (!migrate_type_is_mergeable(type))
			return I6;
		if (buddy_find_free(&buddy->map, pfn, &first, &order) && order >= HUGE_ORDER &&
		    type != MIGRATE_MOVABLE)
			return I6;
	}
	return NULL;
}

static const char *check_searches(const struct typed_buddy *buddy)
{
	const struct buddy *map = &buddy->map;

	for (unsigned order = 0; order < HUGE_ORDER; order++) {
		for (unsigned type = 0; type < MIGRATE_PCPTYPES; type++) {
			if (bitmap_check(&buddy->order[type][order].free))
				return I1;
			if (!buddy_are_hints_right(&buddy->order[type][order]))
				return I7;
		}
	}
	for (unsigned order = HUGE_ORDER; order <= map->max_order; order++) {
		if (bitmap_check(&map->order[order].free))
			return I1;
		if (!buddy_are_hints_right(&map->order[order]))
			return I7;
	}
	return NULL;
}

const char *typed_buddy_check(const struct typed_buddy *buddy)
{
	const char *broken = check_searches(buddy);
	uint64_t pages = 0;

	if (!broken)
		broken = check_types(buddy);
	for (unsigned order = 0; order <= buddy->map.max_order && !broken; order++)
		broken = order < HUGE_ORDER ? check_small_order(buddy, order, &pages)
					    : check_whole_order(buddy, order, &pages);
	if (broken)
		return broken;
	if (buddy->map.nonempty >> (buddy->map.max_order + 1) != 0 ||
	    (buddy->map.nonempty & ((1u << HUGE_ORDER) - 1)) != 0)
		return I4;
	return buddy->map.free_pages == pages && pages <= buddy->map.managed_pages ? NULL : I5;
}
