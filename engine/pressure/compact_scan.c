#include "config.h"

#include "engine/pressure/compact_scan.h"

static struct page *page_at(const struct compacting *run, pfn_t pfn)
{
	return page_of_pfn(run->compact->lists->array, pfn);
}

static bool is_passed_over(const struct compacting *run, pfn_t pfn)
{
	bool is_skipped = !run->ignores_skips && pageblock_is_skipped(run->compact->lists->pageblocks, pfn);

	run->compact->counts.skipped_blocks += is_skipped;
	return is_skipped;
}

/* --- Sources ------------------------------------------------------------------------------------------------------ */

static bool is_source(const struct compacting *run, pfn_t pfn)
{
	enum migrate_type type = pageblock_type(run->compact->lists->pageblocks, pfn);

	if (compacting_is_sync(run) || run->is_for_all)
		return true;
	if (run->type == MIGRATE_MOVABLE)
		return type == MIGRATE_MOVABLE || type == MIGRATE_CMA;
	return type == run->type;
}

/* Later runs begin behind this pageblock. */
static void remember_migrate(struct compacting *run, pfn_t end)
{
	pfn_t *cached = run->compact->cached_migrate;

	if (run->ignores_skips)
		return;
	if (end > run->compact->lists->end)
		end = run->compact->lists->end;
	if (end > cached[0])
		cached[0] = end;
	if (compacting_is_sync(run) && end > cached[1])
		cached[1] = end;
}

/* Within a pageblock: where the scanner is, and the end of the aligned block that a request waits for. */
struct source_scan {
	pfn_t pfn, end;
	pfn_t block_end; /* of the wanted order; PFN_NONE: every frame counts by itself */
};

/* The aligned block cannot become free: what was found of it stays where it is. */
static void give_block_up(struct compacting *run, struct source_scan *scan)
{
	if (scan->block_end == PFN_NONE)
		return;
	run->sources = 0;
	scan->pfn = scan->block_end;
	scan->block_end += (pfn_t)1 << run->order;
}

/* Looks at what begins at the frame. False when the cluster is full. */
static bool look_at(struct compacting *run, struct source_scan *scan)
{
	const struct page *page = page_at(run, scan->pfn);
	uint64_t pages = page->flags & (PAGE_FREE | PAGE_HEAD) ? (uint64_t)1 << page->private : 1;
	const struct page_mover *mover = &run->compact->mover;
	enum move_end end;

	if (pages > scan->end - scan->pfn)
		pages = scan->end - scan->pfn;
	run->compact->counts.migrate_scanned += pages;
	if (page->flags & PAGE_FREE) {
		scan->pfn += pages;
		return true;
	}
	end = !(page->flags & PAGE_LRU) ? MOVE_UNMOVABLE : mover->can_move(mover->owner, scan->pfn);
	if (end != MOVE_DONE) {
		run->compact->counts.not_moved[end] += pages;
		scan->pfn += pages;
		give_block_up(run, scan);
		return true;
	}
	run->source[run->sources++] = scan->pfn++;
	run->compact->counts.isolated++;
	return run->sources < COMPACT_CLUSTER_PAGES || run->finishes_pageblock;
}

/* Up to `end`, in one pageblock. */
static void scan_sources(struct compacting *run, pfn_t end)
{
	struct source_scan scan = {.pfn = run->migrate_pfn, .end = end, .block_end = PFN_NONE};
	pfn_t start = run->migrate_pfn;

	if (!run->is_for_all && !compacting_is_sync(run))
		scan.block_end = (scan.pfn >> run->order << run->order) + ((pfn_t)1 << run->order);
	while (scan.pfn < end) {
		if (scan.pfn >= scan.block_end) {
			if (run->sources > 0)
				break;
			scan.block_end += (pfn_t)1 << run->order;
		}
		if (!look_at(run, &scan))
			break;
	}
	run->migrate_pfn = scan.pfn < end ? scan.pfn : end;
	if (run->migrate_pfn != end || run->sources > 0)
		return;
	if (!run->ignores_skips && start == pageblock_start(start))
		pageblock_skip(run->compact->lists->pageblocks, start);
	remember_migrate(run, pageblock_start(end + PAGEBLOCK_PAGES - 1));
}

void compacting_find_sources(struct compacting *run)
{
	struct free_lists *lists = run->compact->lists;

	while (true) {
		pfn_t end = pageblock_start(run->migrate_pfn) + PAGEBLOCK_PAGES;

		if (end > run->free_pfn)
			return;
		bool is_start =
		    run->migrate_pfn == pageblock_start(run->migrate_pfn) || run->migrate_pfn == lists->first;

		if (is_start && is_passed_over(run, run->migrate_pfn)) {
			run->migrate_pfn = end;
		} else if (!is_source(run, run->migrate_pfn)) {
			run->compact->counts.skipped_blocks++;
			remember_migrate(run, end);
			run->migrate_pfn = end;
		} else {
			scan_sources(run, end);
			return;
		}
	}
}

/* --- Targets ------------------------------------------------------------------------------------------------------ */

static bool is_target(const struct compacting *run, pfn_t start)
{
	const struct free_lists *lists = run->compact->lists;
	enum migrate_type type = pageblock_type(lists->pageblocks, start);
	pfn_t first;
	unsigned order;

	if (type == MIGRATE_ISOLATE)
		return false;
	if (run->effort == COMPACT_FULL && !run->is_for_all)
		return true;
	if (free_lists_find(lists, start, &first, &order) && order >= PAGEBLOCK_ORDER)
		return false;
	return type == MIGRATE_MOVABLE || type == MIGRATE_CMA;
}

/* Taking the block leaves the zone its min watermark. */
static bool can_spare(const struct compact *compact, uint64_t pages)
{
	return compact->lists->free_pages > compact->min_pages + pages;
}

static void take(struct compacting *run, struct page *page)
{
	unsigned order = (unsigned)page->private;

	free_lists_take(run->compact->lists, run->free_pfn, order);
	page->private = order;
	list_append(&run->target[order], &page->lru);
	run->target_frames += (uint64_t)1 << order;
	run->compact->counts.isolated += (uint64_t)1 << order;
}

/* Takes free blocks from `free_pfn` up to the end of the pageblock, until there are as many targets as sources. False when the zone
 * cannot spare one. */
static bool scan_targets(struct compacting *run, pfn_t end)
{
	while (run->free_pfn < end && run->target_frames < run->sources) {
		struct page *page = page_at(run, run->free_pfn);
		uint64_t pages = page->flags & (PAGE_FREE | PAGE_HEAD) ? (uint64_t)1 << page->private : 1;

		if (page->flags & PAGE_FREE) {
			if (!can_spare(run->compact, pages))
				return false;
			take(run, page);
		}
		run->compact->counts.free_scanned += pages;
		run->free_pfn += pages;
	}
	return true;
}

/* The pageblock was looked at to its end: later runs begin below. */
static void remember_free(struct compacting *run, pfn_t start)
{
	struct compact *compact = run->compact;
	pfn_t first = compact->lists->first;
	pfn_t below = start >= first + PAGEBLOCK_PAGES ? start - PAGEBLOCK_PAGES : first;

	if (run->ignores_skips)
		return;
	pageblock_skip(compact->lists->pageblocks, start);
	if (below < compact->cached_free)
		compact->cached_free = below;
}

/* Down from where the free scanner is, to the pageblock behind the migrate scanner's. */
static void find_targets(struct compacting *run)
{
	const struct free_lists *lists = run->compact->lists;
	pfn_t low = pageblock_start(run->migrate_pfn) + PAGEBLOCK_PAGES;

	for (pfn_t start = pageblock_start(run->free_pfn); start >= low;) {
		pfn_t end = start + PAGEBLOCK_PAGES < lists->end ? start + PAGEBLOCK_PAGES : lists->end;

		if (is_target(run, start) && !is_passed_over(run, start)) {
			bool can_go_on = scan_targets(run, end);

			if (run->free_pfn < end && (!can_go_on || run->target_frames >= run->sources))
				return;
			remember_free(run, start);
		}
		start -= PAGEBLOCK_PAGES;
		run->free_pfn = start;
		if (run->target_frames >= run->sources)
			return;
	}
}

static bool has_target(const struct compacting *run, unsigned *order)
{
	for (*order = 0; *order < FREE_LISTS_ORDERS; ++*order) {
		if (!list_is_empty(&run->target[*order]))
			return true;
	}
	return false;
}

pfn_t compacting_take_target(struct compacting *run)
{
	const struct page_array *array = run->compact->lists->array;
	unsigned order;

	if (!has_target(run, &order)) {
		find_targets(run);
		if (!has_target(run, &order))
			return PFN_NONE;
	}
	struct page *page = list_entry(run->target[order].next, struct page, lru);

	list_remove(&page->lru);
	while (order > 0) {
		order--;
		struct page *half = page + ((uint64_t)1 << order);

		half->private = order;
		list_push(&run->target[order], &half->lru);
	}
	page->private = 0;
	run->target_frames--;
	return pfn_of_page(array, page);
}

void compacting_give_targets(struct compacting *run)
{
	struct compact *compact = run->compact;
	struct free_lists *lists = compact->lists;
	pfn_t highest = 0;
	unsigned order;

	if (!has_target(run, &order))
		return;
	while (has_target(run, &order)) {
		struct page *page = list_entry(run->target[order].next, struct page, lru);
		pfn_t pfn = pfn_of_page(lists->array, page);

		list_remove(&page->lru);
		page->private = 0;
		highest = pfn > highest ? pfn : highest;
		free_lists_free(lists, pfn, order, 0);
	}
	run->target_frames = 0;
	highest = pageblock_start(highest);
	if (highest > compact->cached_free)
		compact->cached_free = highest;
}
