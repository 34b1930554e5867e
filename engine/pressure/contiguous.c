#include "config.h"

#include "engine/pressure/contiguous.h"

#include "engine/base/check.h"

void contiguous_create(struct contiguous *contiguous, struct free_lists *lists, struct page_mover mover)
{
	*contiguous = (struct contiguous){.lists = lists, .mover = mover};
}

struct range {
	pfn_t first, end;
};

static struct page *page_at(const struct contiguous *contiguous, pfn_t pfn)
{
	return page_of_pfn(contiguous->lists->array, pfn);
}

static bool refuse(struct contiguous *contiguous, enum move_end why)
{
	contiguous->not_moved[why]++;
	return false;
}

static bool move_away(struct contiguous *contiguous, pfn_t from)
{
	const struct page_mover *mover = &contiguous->mover;
	struct zone_request request = {.type = MIGRATE_MOVABLE, .highest = ZONE_MOVABLE, .cpu = -1};
	enum move_end end = page_at(contiguous, from)->flags & PAGE_LRU ? mover->can_move(mover->owner, from)
									: MOVE_UNMOVABLE;

	if (end != MOVE_DONE)
		return refuse(contiguous, end);
	pfn_t to = free_lists_allocate(contiguous->lists, &request);

	if (to == PFN_NONE)
		return refuse(contiguous, MOVE_NO_TARGET);
	end = mover->move(mover->owner, from, to);
	if (end != MOVE_DONE) {
		free_lists_free(contiguous->lists, to, 0, 0);
		return refuse(contiguous, end);
	}
	contiguous->moved++;
	return true;
}

/* Until nothing but free blocks is in the range. A free block may begin before it. */
static bool empty_range(struct contiguous *contiguous, struct range range)
{
	for (pfn_t pfn = range.first; pfn < range.end;) {
		pfn_t first;
		unsigned order;

		if (free_lists_find(contiguous->lists, pfn, &first, &order))
			pfn = first + ((pfn_t)1 << order);
		else if (!move_away(contiguous, pfn))
			return false;
	}
	return true;
}

/* Isolates the pageblocks of the range; returns where it had to stop, or the end. */
static pfn_t isolate(struct contiguous *contiguous, struct range blocks)
{
	pfn_t pfn = blocks.first;

	while (pfn < blocks.end && free_lists_isolate(contiguous->lists, pfn))
		pfn += PAGEBLOCK_PAGES;
	return pfn;
}

static void end_isolation(struct contiguous *contiguous, struct range blocks)
{
	for (pfn_t pfn = blocks.first; pfn < blocks.end; pfn += PAGEBLOCK_PAGES)
		(void)free_lists_unisolate(contiguous->lists, pfn);
}

static void free_frames(struct contiguous *contiguous, struct range range)
{
	for (pfn_t pfn = range.first; pfn < range.end; pfn++)
		free_lists_free(contiguous->lists, pfn, 0, 0);
}

/* The free blocks that cover the range leave the lists; what they have outside of it goes back. */
static void take_range(struct contiguous *contiguous, struct range range)
{
	for (pfn_t pfn = range.first; pfn < range.end;) {
		struct range block;
		unsigned order;

		CHECK(free_lists_find(contiguous->lists, pfn, &block.first, &order),
		      "a range that was emptied is free");
		block.end = block.first + ((pfn_t)1 << order);
		free_lists_take(contiguous->lists, block.first, order);
		pfn = block.end;
		if (block.first < range.first)
			free_frames(contiguous, (struct range){block.first, range.first});
		if (block.end > range.end)
			free_frames(contiguous, (struct range){range.end, block.end});
	}
}

static bool is_in_range(const struct contiguous *contiguous, struct range blocks)
{
	return blocks.first < blocks.end && blocks.first >= contiguous->lists->first &&
	       blocks.end <= contiguous->lists->end;
}

/* Isolated and empty, or all as it was. */
static bool prepare(struct contiguous *contiguous, struct range range, struct range blocks)
{
	contiguous->ranges++;
	pfn_t isolated = is_in_range(contiguous, blocks) ? isolate(contiguous, blocks) : blocks.first;

	if (isolated == blocks.end && empty_range(contiguous, range))
		return true;
	contiguous->failures++;
	end_isolation(contiguous, (struct range){blocks.first, isolated});
	return false;
}

bool contiguous_take(struct contiguous *contiguous, pfn_t first, uint64_t pages)
{
	CHECK(pages > 0 && pages <= contiguous->lists->end, "a range has frames");
	struct range range = {first, first + pages};
	struct range blocks = {pageblock_start(first), pageblock_start(range.end + PAGEBLOCK_PAGES - 1)};

	if (!prepare(contiguous, range, blocks))
		return false;
	take_range(contiguous, range);
	end_isolation(contiguous, blocks);
	return true;
}

void contiguous_give(struct contiguous *contiguous, pfn_t first, uint64_t pages)
{
	free_frames(contiguous, (struct range){first, first + pages});
}

bool contiguous_remove(struct contiguous *contiguous, pfn_t pfn)
{
	struct range block = {pageblock_start(pfn), pageblock_start(pfn) + PAGEBLOCK_PAGES};

	if (!prepare(contiguous, block, block))
		return false;
	free_lists_remove(contiguous->lists, block.first);
	contiguous->removed_pages += PAGEBLOCK_PAGES;
	return true;
}
