#include "config.h"

#include "engine/phys/page_runs.h"

#include "engine/phys/buddy.h"
#include "engine/phys/free_lists.h"

static pfn_t allocate_of_buddy(void *keeper, uint64_t pages)
{
	return buddy_allocate_pages(keeper, pages);
}

static void release_to_buddy(void *keeper, pfn_t pfn, uint64_t pages)
{
	buddy_free_range(keeper, pfn, pages);
}

static bool claim_of_buddy(void *keeper, pfn_t pfn, uint64_t pages)
{
	return buddy_claim(keeper, pfn, pages);
}

static bool is_free_in_buddy(const void *keeper, pfn_t pfn)
{
	pfn_t first;
	unsigned order;

	return buddy_find_free(keeper, pfn, &first, &order);
}

static const char *check_buddy(const void *keeper)
{
	return buddy_check(keeper);
}

struct page_runs page_runs_of_buddy(struct buddy *buddy)
{
	return (struct page_runs){.keeper = buddy,
				  .allocate = allocate_of_buddy,
				  .release = release_to_buddy,
				  .claim = claim_of_buddy,
				  .is_free = is_free_in_buddy,
				  .check = check_buddy,
				  .huge_map_bytes = BUDDY_HUGE_MAP_BYTES};
}

static pfn_t allocate_of_lists(void *keeper, uint64_t pages)
{
	return free_lists_allocate_pages(keeper, MIGRATE_MOVABLE, pages);
}

static void release_to_lists(void *keeper, pfn_t pfn, uint64_t pages)
{
	free_lists_free_range(keeper, pfn, pages);
}

static bool claim_of_lists(void *keeper, pfn_t pfn, uint64_t pages)
{
	return free_lists_claim(keeper, pfn, pages);
}

static bool is_free_in_lists(const void *keeper, pfn_t pfn)
{
	pfn_t first;
	unsigned order;

	return free_lists_find(keeper, pfn, &first, &order);
}

static const char *check_lists(const void *keeper)
{
	return free_lists_check(keeper);
}

struct page_runs page_runs_of_lists(struct free_lists *lists)
{
	return (struct page_runs){.keeper = lists,
				  .allocate = allocate_of_lists,
				  .release = release_to_lists,
				  .claim = claim_of_lists,
				  .is_free = is_free_in_lists,
				  .check = check_lists,
				  .huge_map_bytes = sizeof(*lists->pageblocks->bits)};
}
