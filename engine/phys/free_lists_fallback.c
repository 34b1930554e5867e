#include "config.h"

#include "engine/base/check.h"
#include "engine/phys/free_lists_step.h"

/* One more fall-back; the pageblock's type says whether it changed owner. */
static void tell(struct free_lists *lists, const struct zone_request *request, struct free_block taken)
{
	struct extfrag extfrag = {
	    .pfn = taken.pfn,
	    .alloc_order = request->order,
	    .fallback_order = taken.order,
	    .type = request->type,
	    .fallback_type = taken.type,
	    .change_ownership = pageblock_type(lists->pageblocks, taken.pfn) == request->type,
	};

	extfrag_count(&lists->extfrag, &extfrag);
}

bool free_lists_may_claim(const struct free_lists *lists, unsigned order, enum migrate_type type)
{
	return order >= PAGEBLOCK_ORDER / 2 || type == MIGRATE_RECLAIMABLE || type == MIGRATE_UNMOVABLE ||
	       lists->is_mobility_ignored;
}

enum migrate_type free_lists_fallback(const struct free_lists *lists, unsigned order, enum migrate_type type)
{
	for (unsigned nth = 0; nth < MIGRATE_FALLBACKS; nth++) {
		enum migrate_type fallback = migrate_fallback(type, nth);

		if (lists->order[order].blocks[fallback] != 0)
			return fallback;
	}
	return MIGRATE_TYPES;
}

static struct free_block first_block(const struct free_lists *lists, unsigned order, enum migrate_type type)
{
	struct list *link = lists->order[order].type[type].next;

	return (struct free_block){free_lists_pfn(lists, link), order, type};
}

/* Frames of a pageblock: free ones, and those in use that can be moved. A block in use says its order in its head. */
struct pageblock_use {
	uint64_t free_pages, movable_pages;
};

static struct pageblock_use count_use(const struct free_lists *lists, pfn_t start)
{
	struct pageblock_use use = {0, 0};
	pfn_t end = start + PAGEBLOCK_PAGES;

	for (pfn_t pfn = start; pfn < end;) {
		const struct page *page = free_lists_page(lists, pfn);
		uint64_t pages = page->flags & (PAGE_FREE | PAGE_HEAD) ? (uint64_t)1 << page->private : 1;

		if (page->flags & PAGE_FREE)
			use.free_pages += pages;
		else if (page->flags & PAGE_LRU)
			use.movable_pages += pages;
		pfn += pages;
	}
	return use;
}

/* At least half of the pageblock is free or used alike. What is movable can be told from what is not; the other two types cannot
 * be told apart. */
static bool is_half_alike(const struct free_lists *lists, const struct zone_request *request,
			  struct free_block block)
{
	struct pageblock_use use = count_use(lists, pageblock_start(block.pfn));
	uint64_t alike = 0;

	if (request->type == MIGRATE_MOVABLE)
		alike = use.movable_pages;
	else if (block.type == MIGRATE_MOVABLE)
		alike = PAGEBLOCK_PAGES - use.free_pages - use.movable_pages;
	return use.free_pages + alike >= PAGEBLOCK_PAGES / 2 || lists->is_mobility_ignored;
}

/* A block of a pageblock or more changes owner with its pageblocks. */
static pfn_t claim_whole(struct free_lists *lists, const struct zone_request *request,
			 struct free_block block)
{
	free_lists_leave(lists, block);
	free_lists_account(lists, -((uint64_t)1 << block.order), block.type);
	free_lists_convert(lists, block.pfn, block.order, request->type);
	block.type = request->type;
	free_lists_account(lists, free_lists_expand(lists, block, request->order), request->type);
	return block.pfn;
}

static pfn_t claim_block(struct free_lists *lists, const struct zone_request *request,
			 struct free_block block)
{
	if (block.order >= PAGEBLOCK_ORDER)
		return claim_whole(lists, request, block);
	lists->counts.boosts++;
	if (!free_lists_hold_pageblock(lists, block.pfn) || !is_half_alike(lists, request, block))
		return PFN_NONE;
	(void)free_lists_move_block(lists, block.pfn, block.type, request->type);
	return free_lists_smallest(lists, request->order, request->type);
}

static pfn_t claim(struct free_lists *lists, const struct zone_request *request)
{
	bool is_whole = (request->flags & ALLOC_NOFRAGMENT) && request->order < PAGEBLOCK_ORDER;
	unsigned least = is_whole ? PAGEBLOCK_ORDER : request->order;

	for (unsigned order = FREE_LISTS_ORDERS; order-- > least;) {
		if (!free_lists_may_claim(lists, order, request->type))
			return PFN_NONE;
		enum migrate_type type = free_lists_fallback(lists, order, request->type);

		if (type == MIGRATE_TYPES)
			continue;
		struct free_block block = first_block(lists, order, type);
		pfn_t pfn = claim_block(lists, request, block);

		if (pfn != PFN_NONE) {
			block.pfn = pfn;
			tell(lists, request, block);
			lists->counts.claimed++;
			return pfn;
		}
	}
	return PFN_NONE;
}

static pfn_t steal(struct free_lists *lists, const struct zone_request *request)
{
	if (request->flags & ALLOC_NOFRAGMENT)
		return PFN_NONE;
	for (unsigned order = request->order; order < FREE_LISTS_ORDERS; order++) {
		enum migrate_type type = free_lists_fallback(lists, order, request->type);

		if (type == MIGRATE_TYPES)
			continue;
		struct free_block block = first_block(lists, order, type);

		(void)free_lists_take_first(lists, request->order, order, type);
		tell(lists, request, block);
		lists->counts.stolen++;
		return block.pfn;
	}
	return PFN_NONE;
}

static pfn_t take_counted(struct free_lists *lists, unsigned order, enum migrate_type type, uint64_t *count)
{
	pfn_t pfn = free_lists_smallest(lists, order, type);

	*count += pfn != PFN_NONE;
	return pfn;
}

static pfn_t from_cma(struct free_lists *lists, const struct zone_request *request)
{
	return request->flags & ALLOC_CMA
		   ? take_counted(lists, request->order, MIGRATE_CMA, &lists->counts.cma)
		   : PFN_NONE;
}

/* One block for a request, by all ways (__rmqueue). */
static pfn_t by_mode(struct free_lists *lists, const struct zone_request *request, enum free_lists_mode *mode)
{
	pfn_t pfn = PFN_NONE;

	if (lists->free_cma_pages > lists->free_pages / 2)
		pfn = from_cma(lists, request);
	if (pfn == PFN_NONE && *mode == FREE_LISTS_OWN_TYPE)
		pfn = take_counted(lists, request->order, request->type, &lists->counts.own_type);
	if (pfn != PFN_NONE)
		return pfn;
	if (*mode <= FREE_LISTS_CMA) {
		pfn = from_cma(lists, request);
		if (pfn != PFN_NONE) {
			*mode = FREE_LISTS_CMA;
			return pfn;
		}
	}
	if (*mode <= FREE_LISTS_CLAIM) {
		pfn = claim(lists, request);
		if (pfn != PFN_NONE) {
			*mode = FREE_LISTS_OWN_TYPE;
			return pfn;
		}
	}
	pfn = steal(lists, request);
	if (pfn != PFN_NONE)
		*mode = FREE_LISTS_STEAL;
	return pfn;
}

static void check_request(const struct zone_request *request)
{
	CHECK(request->order <= FREE_LISTS_ORDER_MAX && (unsigned)request->type < MIGRATE_PCPTYPES,
	      "a request has an order that exists and a type that falls back");
}

pfn_t free_lists_allocate_next(struct free_lists *lists, const struct zone_request *request,
			       enum free_lists_mode *mode)
{
	check_request(request);
	pfn_t pfn = by_mode(lists, request, mode);

	lists->counts.refused += pfn == PFN_NONE;
	return pfn;
}

uint64_t free_lists_allocate_bulk(struct free_lists *lists, const struct zone_request *request, pfn_t *frames,
				  uint64_t count)
{
	enum free_lists_mode mode = FREE_LISTS_OWN_TYPE;

	for (uint64_t taken = 0; taken < count; taken++) {
		frames[taken] = free_lists_allocate_next(lists, request, &mode);
		if (frames[taken] == PFN_NONE)
			return taken;
	}
	return count;
}

pfn_t free_lists_allocate(struct free_lists *lists, const struct zone_request *request)
{
	enum free_lists_mode mode = FREE_LISTS_OWN_TYPE;
	uint64_t *highatomic = &lists->counts.highatomic;
	pfn_t pfn = PFN_NONE;

	check_request(request);
	if (request->flags & ALLOC_HIGHATOMIC)
		pfn = take_counted(lists, request->order, MIGRATE_HIGHATOMIC, highatomic);
	if (pfn == PFN_NONE)
		pfn = by_mode(lists, request, &mode);
	if (pfn == PFN_NONE && (request->flags & ((unsigned)ALLOC_OOM | ALLOC_NON_BLOCK)))
		pfn = take_counted(lists, request->order, MIGRATE_HIGHATOMIC, highatomic);
	lists->counts.refused += pfn == PFN_NONE;
	return pfn;
}

bool free_lists_can_serve(const struct free_lists *lists, unsigned order, unsigned flags)
{
	uint32_t nonempty = 0;

	for (unsigned type = 0; type < MIGRATE_PCPTYPES; type++)
		nonempty |= lists->nonempty[type];
	if (flags & ALLOC_CMA)
		nonempty |= lists->nonempty[MIGRATE_CMA];
	if (flags & ((unsigned)ALLOC_HIGHATOMIC | ALLOC_OOM))
		nonempty |= lists->nonempty[MIGRATE_HIGHATOMIC];
	return nonempty >> order != 0;
}
