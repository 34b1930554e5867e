#include "config.h"

#include "engine/base/check.h"
#include "engine/phys/free_lists_step.h"

#define TOP_PAGES ((uint64_t)1 << FREE_LISTS_ORDER_MAX)

/* Gives back first .. end-1, which begin at a frame that nobody holds, as the largest aligned blocks. */
static void free_pieces(struct free_lists *lists, pfn_t first, pfn_t end, unsigned flags)
{
	while (first < end) {
		unsigned order = 63u - (unsigned)__builtin_clzll(end - first);

		if (first != 0 && (unsigned)__builtin_ctzll(first) < order)
			order = (unsigned)__builtin_ctzll(first);
		order = order < FREE_LISTS_ORDER_MAX ? order : FREE_LISTS_ORDER_MAX;
		free_lists_free(lists, first, order, flags);
		first += (pfn_t)1 << order;
	}
}

static bool is_in_range(const struct free_lists *lists, pfn_t pfn, uint64_t pages)
{
	return pfn >= lists->first && pfn < lists->end && pages <= lists->end - pfn;
}

void free_lists_add(struct free_lists *lists, pfn_t pfn, uint64_t pages)
{
	CHECK(is_in_range(lists, pfn, pages), "added frames lie in the range");
	lists->managed_pages += pages;
	free_pieces(lists, pfn, pfn + pages, FREE_TO_TAIL);
}

void free_lists_free_range(struct free_lists *lists, pfn_t pfn, uint64_t pages)
{
	CHECK(is_in_range(lists, pfn, pages), "a freed run lies in the range");
	free_pieces(lists, pfn, pfn + pages, 0);
}

/* Takes a free block out of its list, whatever its type. */
static void take_block(struct free_lists *lists, pfn_t pfn, unsigned order)
{
	struct free_block block = {pfn, order, pageblock_type(lists->pageblocks, pfn)};

	free_lists_leave(lists, block);
	free_lists_account(lists, -((uint64_t)1 << order), block.type);
}

/* Is it a free block of order 10 that a request of any type may claim? */
static bool is_top_block(const struct free_lists *lists, pfn_t pfn)
{
	return free_lists_is_block(lists, pfn, FREE_LISTS_ORDER_MAX) &&
	       migrate_type_is_mergeable(pageblock_type(lists->pageblocks, pfn));
}

/* The first of `blocks` neighbouring free blocks of order 10, or PFN_NONE. */
static pfn_t find_top_run(const struct free_lists *lists, uint64_t blocks)
{
	uint64_t run = 0;

	if (free_lists_blocks_of_order(lists, FREE_LISTS_ORDER_MAX) < blocks)
		return PFN_NONE;
	for (pfn_t pfn = round_up(lists->first, TOP_PAGES); pfn < lists->end; pfn += TOP_PAGES) {
		run = is_top_block(lists, pfn) ? run + 1 : 0;
		if (run == blocks)
			return pfn - (blocks - 1) * TOP_PAGES;
	}
	return PFN_NONE;
}

static pfn_t allocate_top_run(struct free_lists *lists, enum migrate_type type, uint64_t pages)
{
	uint64_t blocks = (pages + TOP_PAGES - 1) >> FREE_LISTS_ORDER_MAX;
	pfn_t first = find_top_run(lists, blocks);

	if (first == PFN_NONE) {
		lists->counts.refused++;
		return PFN_NONE;
	}
	for (pfn_t pfn = first; pfn < first + blocks * TOP_PAGES; pfn += TOP_PAGES) {
		take_block(lists, pfn, FREE_LISTS_ORDER_MAX);
		free_lists_convert(lists, pfn, FREE_LISTS_ORDER_MAX, type);
	}
	lists->counts.own_type++;
	free_pieces(lists, first + pages, first + blocks * TOP_PAGES, 0);
	return first;
}

pfn_t free_lists_allocate_pages(struct free_lists *lists, enum migrate_type type, uint64_t pages)
{
	CHECK(pages > 0, "a request asks for at least one page");
	if (pages > TOP_PAGES)
		return allocate_top_run(lists, type, pages);
	struct zone_request request = {.order = order_of_pages(pages), .type = type, .cpu = -1};
	pfn_t pfn = free_lists_allocate(lists, &request);

	if (pfn != PFN_NONE)
		free_pieces(lists, pfn + pages, pfn + ((pfn_t)1 << request.order), 0);
	return pfn;
}

/* Finds the free block that holds the frame, unless it is isolated. */
static bool find_usable(const struct free_lists *lists, pfn_t pfn, pfn_t *first, unsigned *order)
{
	return free_lists_find(lists, pfn, first, order) &&
	       pageblock_type(lists->pageblocks, *first) != MIGRATE_ISOLATE;
}

static bool is_wholly_free(const struct free_lists *lists, pfn_t pfn, pfn_t end)
{
	while (pfn < end) {
		unsigned order = 0;

		if (!find_usable(lists, pfn, &pfn, &order))
			return false;
		pfn += (pfn_t)1 << order;
	}
	return true;
}

bool free_lists_claim(struct free_lists *lists, pfn_t pfn, uint64_t pages)
{
	pfn_t end = pfn + pages;
	pfn_t first = pfn;
	pfn_t next = pfn;

	if (!is_in_range(lists, pfn, pages) || !is_wholly_free(lists, pfn, end))
		return false;
	while (next < end) {
		pfn_t head = 0;
		unsigned order = 0;

		CHECK(free_lists_find(lists, next, &head, &order), "a claimed frame is free");
		take_block(lists, head, order);
		first = head < first ? head : first;
		next = head + ((pfn_t)1 << order);
	}
	free_pieces(lists, first, pfn, 0);
	free_pieces(lists, end, next, 0);
	return true;
}
