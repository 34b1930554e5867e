#include "config.h"

#include "engine/pressure/compact_scan.h"

#include "engine/base/check.h"
#include "engine/phys/fragmentation.h"

#define NO_ORDER_FAILED FREE_LISTS_ORDERS

const char *compact_result_name(enum compact_result result)
{
	static const char *const names[COMPACT_RESULTS] = {"skipped", "deferred", "complete",
							   "partial skipped", "success"};

	return names[result];
}

static void reset_scanners(struct compact *compact)
{
	const struct free_lists *lists = compact->lists;
	pfn_t last = pageblock_start(lists->end - 1);

	compact->cached_migrate[0] = lists->first;
	compact->cached_migrate[1] = lists->first;
	compact->cached_free = last > lists->first ? last : lists->first;
}

void compact_create(struct compact *compact, struct free_lists *lists, struct page_mover mover)
{
	*compact = (struct compact){.lists = lists, .mover = mover, .order_failed = NO_ORDER_FAILED};
	reset_scanners(compact);
}

/* --- Whether to run ----------------------------------------------------------------------------------------------- */

static void count_blocks(const struct compact *compact, struct free_blocks *free)
{
	*free = (struct free_blocks){.blocks = {0}};
	for (unsigned order = 0; order < FREE_LISTS_ORDERS; order++) {
		for (unsigned type = 0; type < MIGRATE_ISOLATE; type++)
			free->blocks[order] +=
			    free_lists_blocks(compact->lists, order, (enum migrate_type)type);
	}
}

/* Is fragmentation, and not lack of memory, the reason that there is no such block? (fragmentation_index, in 1/1000) */
static bool is_fragmented(const struct compact *compact, unsigned order)
{
	struct free_blocks free;

	count_blocks(compact, &free);
	struct ratio index = fragmentation_external(&free, order);

	return !ratio_exists(index) ||
	       index.numerator * 1000 > (int64_t)(index.denominator * COMPACT_EXTFRAG_THRESHOLD);
}

bool compact_is_suitable(const struct compact *compact, const struct compact_request *request)
{
	bool is_costly = request->order > COMPACT_COSTLY_ORDER;
	uint64_t watermark = is_costly ? compact->low_pages : compact->min_pages;

	if (compact->lists->free_pages <= watermark + ((uint64_t)2 << request->order))
		return false;
	return !is_costly || is_fragmented(compact, request->order);
}

static void defer(struct compact *compact, unsigned order)
{
	compact->considered = 0;
	if (compact->defer_shift < COMPACT_DEFER_SHIFT_MAX)
		compact->defer_shift++;
	if (order < compact->order_failed)
		compact->order_failed = order;
}

static bool is_deferred(struct compact *compact, unsigned order)
{
	unsigned limit = 1u << compact->defer_shift;

	if (order < compact->order_failed)
		return false;
	if (++compact->considered >= limit) {
		compact->considered = limit;
		return false;
	}
	return true;
}

/* It was deferred as often as can be: everything is to be looked at anew. */
static bool is_restarting(const struct compact *compact, unsigned order)
{
	return order >= compact->order_failed && compact->defer_shift == COMPACT_DEFER_SHIFT_MAX &&
	       compact->considered >= 1u << compact->defer_shift;
}

void compact_served(struct compact *compact, unsigned order)
{
	compact->considered = 0;
	compact->defer_shift = 0;
	if (order >= compact->order_failed)
		compact->order_failed = order + 1;
}

/* --- A run -------------------------------------------------------------------------------------------------------- */

static bool scanners_met(const struct compacting *run)
{
	return run->free_pfn >> PAGEBLOCK_ORDER <= run->migrate_pfn >> PAGEBLOCK_ORDER;
}

static bool is_block_there(const struct compacting *run)
{
	const struct free_lists *lists = run->compact->lists;

	for (unsigned order = run->order; order < FREE_LISTS_ORDERS; order++) {
		if (free_lists_blocks(lists, order, run->type) > 0)
			return true;
		if (run->type == MIGRATE_MOVABLE && free_lists_blocks(lists, order, MIGRATE_CMA) > 0)
			return true;
		if (free_lists_may_claim(lists, order, run->type) &&
		    free_lists_fallback(lists, order, run->type) != MIGRATE_TYPES)
			return true;
	}
	return false;
}

/* COMPACT_RESULTS: it goes on. */
static enum compact_result how_it_ends(struct compacting *run)
{
	struct compact *compact = run->compact;

	if (scanners_met(run)) {
		reset_scanners(compact);
		compact->forgets_skips |= !run->is_for_all;
		return run->is_whole_zone ? COMPACT_COMPLETE : COMPACT_PARTIAL_SKIPPED;
	}
	if (run->is_for_all)
		return run->enough > 0 && compact_fragmentation_score(compact) <= run->enough
			   ? COMPACT_SUCCESS
			   : COMPACT_RESULTS;
	if (run->migrate_pfn != pageblock_start(run->migrate_pfn))
		return COMPACT_RESULTS;
	return is_block_there(run) ? COMPACT_SUCCESS : COMPACT_RESULTS;
}

static bool is_captured(const struct compacting *run)
{
	const struct free_lists_capture *capture = run->compact->lists->capture;

	return capture && capture->pfn != PFN_NONE;
}

/* Moves the sources, the last one first. False when there are no targets left. */
static bool move_sources(struct compacting *run)
{
	struct compact *compact = run->compact;

	for (; run->sources > 0 && !is_captured(run); run->sources--) {
		pfn_t to = compacting_take_target(run);

		if (to == PFN_NONE) {
			compact->counts.not_moved[MOVE_NO_TARGET] += run->sources;
			run->sources = 0;
			return false;
		}
		enum move_end end =
		    compact->mover.move(compact->mover.owner, run->source[run->sources - 1], to);

		if (end == MOVE_DONE) {
			compact->counts.moved++;
		} else {
			compact->counts.not_moved[end]++;
			free_lists_free(compact->lists, to, 0, 0);
		}
	}
	run->sources = 0;
	return true;
}

static void begin(struct compacting *run)
{
	struct compact *compact = run->compact;
	const struct free_lists *lists = compact->lists;
	bool is_sync = compacting_is_sync(run);

	for (unsigned order = 0; order < FREE_LISTS_ORDERS; order++)
		list_create(&run->target[order]);
	if (compact->forgets_skips || (!run->is_for_all && is_restarting(compact, run->order))) {
		pageblocks_forget_skips(lists->pageblocks);
		reset_scanners(compact);
		compact->forgets_skips = false;
	}
	run->migrate_pfn = compact->cached_migrate[is_sync];
	run->free_pfn = compact->cached_free;
	if (run->is_whole_zone || run->migrate_pfn >= lists->end) {
		reset_scanners(compact);
		run->migrate_pfn = lists->first;
		run->free_pfn = compact->cached_free;
	}
	run->is_whole_zone |= run->migrate_pfn == lists->first;
	run->last_pageblock = PFN_NONE;
}

static enum compact_result go(struct compacting *run)
{
	enum compact_result result = COMPACT_RESULTS;

	begin(run);
	while (result == COMPACT_RESULTS) {
		result = how_it_ends(run);
		if (result != COMPACT_RESULTS)
			break;
		run->finishes_pageblock = run->last_pageblock == pageblock_start(run->migrate_pfn);
		compacting_find_sources(run);
		if (run->sources == 0)
			continue;
		run->last_pageblock = pageblock_start(run->migrate_pfn - 1);
		if (!move_sources(run))
			result = scanners_met(run) ? how_it_ends(run) : COMPACT_PARTIAL_SKIPPED;
		else if (is_captured(run))
			result = COMPACT_SUCCESS;
	}
	compacting_give_targets(run);
	run->compact->counts.results[result]++;
	return result;
}

/* What a run learns for the next ones; a captured block is the request's. */
static enum compact_result conclude(struct compact *compact, const struct compact_request *request,
				    enum compact_result result, pfn_t captured)
{
	if (captured != PFN_NONE) {
		compact->counts.captured++;
		result = COMPACT_SUCCESS;
	}
	if (result == COMPACT_SUCCESS) {
		if (request->order >= compact->order_failed)
			compact->order_failed = request->order + 1;
	} else if (request->effort != COMPACT_ASYNC) {
		defer(compact, request->order);
	}
	return result;
}

enum compact_result compact_for_request(struct compact *compact, const struct compact_request *request,
					pfn_t *pfn)
{
	struct free_lists *lists = compact->lists;
	struct free_lists_capture capture = {.order = request->order, .type = request->type, .pfn = PFN_NONE};
	struct compacting run = {.compact = compact,
				 .order = request->order,
				 .type = request->type,
				 .effort = request->effort,
				 .ignores_skips = request->effort == COMPACT_FULL,
				 .is_whole_zone = request->effort == COMPACT_FULL};
	enum compact_result result = COMPACT_SKIPPED;

	CHECK(request->order >= 1 && request->order <= FREE_LISTS_ORDER_MAX &&
		  (unsigned)request->type < MIGRATE_PCPTYPES,
	      "a request for compaction has an order and a type that can be had");
	*pfn = PFN_NONE;
	if (request->effort != COMPACT_FULL && is_deferred(compact, request->order))
		result = COMPACT_DEFERRED;
	else if (is_block_there(&run))
		result = COMPACT_SUCCESS;
	else if (compact_is_suitable(compact, request))
		result = COMPACT_RESULTS;
	if (result != COMPACT_RESULTS) {
		compact->counts.results[result]++;
		return result;
	}
	lists->capture = &capture;
	result = go(&run);
	lists->capture = NULL;
	*pfn = capture.pfn;
	return conclude(compact, request, result, capture.pfn);
}

static enum compact_result run_for_all(struct compact *compact, enum compact_effort effort, unsigned enough)
{
	struct compacting run = {.compact = compact,
				 .type = MIGRATE_MOVABLE,
				 .effort = effort,
				 .is_for_all = true,
				 .enough = enough,
				 .ignores_skips = true,
				 .is_whole_zone = true};

	return go(&run);
}

enum compact_result compact_all(struct compact *compact)
{
	return run_for_all(compact, COMPACT_FULL, 0);
}

unsigned compact_fragmentation_score(const struct compact *compact)
{
	struct free_blocks free;

	count_blocks(compact, &free);
	struct ratio unusable = fragmentation_unusable(&free, HUGE_ORDER);

	return ratio_exists(unusable) ? (unsigned)((uint64_t)unusable.numerator * 100 / unusable.denominator)
				      : 0;
}

bool compact_proactively(struct compact *compact, unsigned proactiveness)
{
	unsigned low = proactiveness < 100 ? 100 - proactiveness : 0;
	unsigned before = compact_fragmentation_score(compact);

	if (proactiveness == 0 || before <= (low + 10 < 100 ? low + 10 : 100))
		return false;
	compact->counts.proactive_runs++;
	(void)run_for_all(compact, COMPACT_LIGHT, low);
	return compact_fragmentation_score(compact) < before;
}
