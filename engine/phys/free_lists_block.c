#include "config.h"

#include "engine/base/check.h"
#include "engine/phys/free_lists_step.h"

/* Of a pageblock that no free block reaches out of or into. */
static uint64_t move_blocks(struct free_lists *lists, pfn_t start, enum migrate_type from,
			    enum migrate_type to)
{
	pfn_t end = start + PAGEBLOCK_PAGES;
	uint64_t moved = 0;

	for (pfn_t pfn = start; pfn < end;) {
		const struct page *page = free_lists_page(lists, pfn);
		uint64_t pages = page->flags & (PAGE_FREE | PAGE_HEAD) ? (uint64_t)1 << page->private : 1;

		if (page->flags & PAGE_FREE) {
			free_lists_move(lists, (struct free_block){pfn, (unsigned)page->private, from}, to);
			moved += pages;
		}
		pfn += pages;
	}
	return moved;
}

int64_t free_lists_move_block(struct free_lists *lists, pfn_t pfn, enum migrate_type from,
			      enum migrate_type to)
{
	if (!free_lists_hold_pageblock(lists, pfn))
		return -1;
	uint64_t moved = move_blocks(lists, pageblock_start(pfn), from, to);

	free_lists_convert(lists, pageblock_start(pfn), PAGEBLOCK_ORDER, to);
	return (int64_t)moved;
}

bool free_lists_reserve_highatomic(struct free_lists *lists, pfn_t pfn, unsigned order)
{
	uint64_t percent = lists->managed_pages / 100;
	enum migrate_type type = pageblock_type(lists->pageblocks, pfn);

	if (percent < PAGEBLOCK_PAGES || lists->highatomic_pages >= round_up(percent, PAGEBLOCK_PAGES) ||
	    !migrate_type_is_mergeable(type))
		return false;
	if (order >= PAGEBLOCK_ORDER) {
		free_lists_convert(lists, pfn, order, MIGRATE_HIGHATOMIC);
		lists->highatomic_pages += (uint64_t)1 << order;
		return true;
	}
	if (free_lists_move_block(lists, pfn, type, MIGRATE_HIGHATOMIC) < 0)
		return false;
	lists->highatomic_pages += PAGEBLOCK_PAGES;
	return true;
}

bool free_lists_unreserve_highatomic(struct free_lists *lists, enum migrate_type type, bool is_forced)
{
	uint32_t nonempty = lists->nonempty[MIGRATE_HIGHATOMIC];

	if (nonempty == 0 || (!is_forced && lists->highatomic_pages <= PAGEBLOCK_PAGES))
		return false;
	unsigned order = (unsigned)__builtin_ctz(nonempty);
	pfn_t pfn = free_lists_pfn(lists, lists->order[order].type[MIGRATE_HIGHATOMIC].next);

	if (order < PAGEBLOCK_ORDER) {
		lists->highatomic_pages -= PAGEBLOCK_PAGES;
		return free_lists_move_block(lists, pfn, MIGRATE_HIGHATOMIC, type) > 0;
	}
	lists->highatomic_pages -= (uint64_t)1 << order;
	free_lists_move(lists, (struct free_block){pfn, order, MIGRATE_HIGHATOMIC}, type);
	free_lists_convert(lists, pfn, order, type);
	return true;
}

static void mark_isolated(struct free_lists *lists, pfn_t start, bool is_isolated)
{
	pageblock_set_isolated(lists->pageblocks, start, is_isolated);
	lists->isolated_blocks += is_isolated ? 1 : -(uint64_t)1;
}

/* Changes the mark of one pageblock. A free block that reaches beyond it is freed again, by pageblocks. */
static void toggle_isolation(struct free_lists *lists, pfn_t start, bool is_isolated)
{
	struct free_block block = {.type = pageblock_type(lists->pageblocks, start)};
	enum migrate_type kept = pageblock_kept_type(lists->pageblocks, start);

	if (!free_lists_find(lists, start, &block.pfn, &block.order) || block.order <= PAGEBLOCK_ORDER) {
		(void)move_blocks(lists, start, block.type, is_isolated ? MIGRATE_ISOLATE : kept);
		mark_isolated(lists, start, is_isolated);
		return;
	}
	free_lists_leave(lists, block);
	free_lists_account(lists, -((uint64_t)1 << block.order), block.type);
	mark_isolated(lists, start, is_isolated);
	free_lists_free(lists, block.pfn, block.order, 0);
}

bool free_lists_isolate(struct free_lists *lists, pfn_t pfn)
{
	pfn_t start = pageblock_start(pfn);

	if (!free_lists_hold_pageblock(lists, pfn) || pageblock_is_isolated(lists->pageblocks, start))
		return false;
	toggle_isolation(lists, start, true);
	return true;
}

bool free_lists_unisolate(struct free_lists *lists, pfn_t pfn)
{
	pfn_t start = pageblock_start(pfn);
	pfn_t buddy = start ^ PAGEBLOCK_PAGES;

	if (!free_lists_hold_pageblock(lists, pfn) || !pageblock_is_isolated(lists->pageblocks, start))
		return false;
	/* Two free pageblocks that isolation kept apart become one block again: freed once more, they merge. */
	if (free_lists_is_block(lists, start, PAGEBLOCK_ORDER) &&
	    free_lists_is_block(lists, buddy, PAGEBLOCK_ORDER) &&
	    !pageblock_is_isolated(lists->pageblocks, buddy)) {
		free_lists_leave(lists, (struct free_block){start, PAGEBLOCK_ORDER, MIGRATE_ISOLATE});
		mark_isolated(lists, start, false);
		free_lists_free(lists, start, PAGEBLOCK_ORDER, FREE_TO_TAIL);
	} else {
		toggle_isolation(lists, start, false);
	}
	return true;
}

void free_lists_take(struct free_lists *lists, pfn_t pfn, unsigned order)
{
	struct free_block block = {pfn, order, pageblock_type(lists->pageblocks, pfn)};

	CHECK(free_lists_is_block(lists, pfn, order), "what is taken is a free block");
	free_lists_leave(lists, block);
	free_lists_account(lists, -((uint64_t)1 << order), block.type);
	if (order < PAGEBLOCK_ORDER - 1)
		return;
	for (pfn_t at = pfn; at < pfn + ((pfn_t)1 << order); at += PAGEBLOCK_PAGES) {
		enum migrate_type type = pageblock_type(lists->pageblocks, at);

		if (migrate_type_is_mergeable(type))
			(void)free_lists_move_block(lists, at, type, MIGRATE_MOVABLE);
	}
}

void free_lists_remove(struct free_lists *lists, pfn_t pfn)
{
	pfn_t start = pageblock_start(pfn);
	pfn_t at = start;

	CHECK(pageblock_is_isolated(lists->pageblocks, start), "a pageblock that is removed is isolated");
	while (at < start + PAGEBLOCK_PAGES) {
		const struct page *page = free_lists_page(lists, at);
		unsigned order = (unsigned)page->private;

		CHECK((page->flags & PAGE_FREE) && order <= PAGEBLOCK_ORDER,
		      "all of a pageblock that is removed is free");
		free_lists_leave(lists, (struct free_block){at, order, MIGRATE_ISOLATE});
		at += (pfn_t)1 << order;
	}
	lists->managed_pages -= PAGEBLOCK_PAGES;
}
