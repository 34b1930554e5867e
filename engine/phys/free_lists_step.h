/* free_lists_step.h: the small steps on free lists that their files share. No step here merges. Private to the free lists.
 */
#ifndef FAULTLINE_ENGINE_PHYS_FREE_LISTS_STEP_H
#define FAULTLINE_ENGINE_PHYS_FREE_LISTS_STEP_H

#include "engine/phys/free_lists.h"

static inline struct page *free_lists_page(const struct free_lists *lists, pfn_t pfn)
{
	return page_of_pfn(lists->array, pfn);
}

static inline pfn_t free_lists_pfn(const struct free_lists *lists, struct list *link)
{
	return pfn_of_page(lists->array, list_entry(link, struct page, lru));
}

/* Is exactly this one free block? A number beyond the range is none. */
static inline bool free_lists_is_block(const struct free_lists *lists, pfn_t pfn, unsigned order)
{
	if (pfn < lists->first || pfn >= lists->end)
		return false;
	const struct page *page = free_lists_page(lists, pfn);

	return (page->flags & PAGE_FREE) && page->private == order;
}

static inline bool free_lists_hold_pageblock(const struct free_lists *lists, pfn_t pfn)
{
	pfn_t start = pageblock_start(pfn);

	return start >= lists->first && start + PAGEBLOCK_PAGES <= lists->end;
}

/* Frames became free in a type's lists, or ceased to be (account_freepages). */
static inline void free_lists_account(struct free_lists *lists, uint64_t pages, enum migrate_type type)
{
	if (type == MIGRATE_ISOLATE)
		return;
	lists->free_pages += pages;
	if (type == MIGRATE_CMA)
		lists->free_cma_pages += pages;
	else if (type == MIGRATE_HIGHATOMIC)
		lists->free_highatomic_pages += pages;
}

/* A block and the type of the list that it is in, or is to be in. */
struct free_block {
	pfn_t pfn;
	unsigned order;
	enum migrate_type type;
};

/* The block is now in its list, at the head or the tail (__add_to_free_list); its frames are not accounted. */
static inline void free_lists_enter(struct free_lists *lists, struct free_block block, bool to_tail)
{
	struct free_list *of = &lists->order[block.order];
	struct list *list = &of->type[block.type];
	struct page *page = free_lists_page(lists, block.pfn);

	page->flags |= PAGE_FREE;
	page->private = block.order;
	list_push(to_tail ? list->previous : list, &page->lru);
	of->blocks[block.type]++;
	lists->nonempty[block.type] |= 1u << block.order;
	if (block.order >= PAGEBLOCK_ORDER && block.type != MIGRATE_ISOLATE)
		lists->free_huge_pages += (uint64_t)1 << block.order;
}

/* It no longer is (__del_page_from_free_list). */
static inline void free_lists_leave(struct free_lists *lists, struct free_block block)
{
	struct free_list *of = &lists->order[block.order];
	struct page *page = free_lists_page(lists, block.pfn);

	page->flags &= ~(uint32_t)PAGE_FREE;
	page->private = 0;
	list_remove(&page->lru);
	if (--of->blocks[block.type] == 0)
		lists->nonempty[block.type] &= ~(1u << block.order);
	if (block.order >= PAGEBLOCK_ORDER && block.type != MIGRATE_ISOLATE)
		lists->free_huge_pages -= (uint64_t)1 << block.order;
}

/* The block goes to the tail of another type's list, with its frames (move_to_free_list). */
static inline void free_lists_move(struct free_lists *lists, struct free_block block, enum migrate_type to)
{
	uint64_t pages = (uint64_t)1 << block.order;

	free_lists_leave(lists, block);
	free_lists_account(lists, -pages, block.type);
	block.type = to;
	free_lists_enter(lists, block, true);
	free_lists_account(lists, pages, to);
}

/* The pageblocks of a block of order 9 and more become a type's (change_pageblock_range). */
static inline void free_lists_convert(struct free_lists *lists, pfn_t pfn, unsigned order,
				      enum migrate_type type)
{
	for (pfn_t at = pfn; at < pfn + ((pfn_t)1 << order); at += PAGEBLOCK_PAGES) {
		lists->counts.conversions += pageblock_kept_type(lists->pageblocks, at) != type;
		pageblock_set_type(lists->pageblocks, at, type);
	}
}

/* Halves a block that is in no list until it has the order `to`: the upper halves go to the heads of the lists of its type.
 * Returns their frames, which are not accounted (expand). */
uint64_t free_lists_expand(struct free_lists *lists, struct free_block block, unsigned to);

/* Takes the first block of the smallest sufficient order of a type, split to fit; PFN_NONE when there is none
 * (__rmqueue_smallest). */
pfn_t free_lists_smallest(struct free_lists *lists, unsigned order, enum migrate_type type);

/* The same of the first block of exactly `found` (page_del_and_expand). */
pfn_t free_lists_take_first(struct free_lists *lists, unsigned order, unsigned found, enum migrate_type type);

/* Gives back a block that lies in one pageblock, or begins one, and merges it (__free_one_page). */
void free_lists_merge(struct free_lists *lists, pfn_t pfn, unsigned order, unsigned flags);

#endif
