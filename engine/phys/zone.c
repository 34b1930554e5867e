#include "config.h"

#include "engine/phys/zone.h"

#include "engine/base/check.h"
#include "engine/phys/zone_lists.h"
#include "engine/phys/zone_parts.h"
#include "engine/phys/zone_watermarks.h"

static const char *const kind_names[ZONE_KINDS] = {"DMA", "DMA32", "Normal", "HighMem", "Movable"};

const char *zone_kind_name(enum zone_kind kind)
{
	return kind_names[kind];
}

/* --- Building ----------------------------------------------------------------------------------------------------- */

/* No set ever holds more than the zone's span would let it. */
static uint32_t high_limit(const struct zone_shape *shape)
{
	uint64_t cpus = shape->local_cpus > 0 ? shape->local_cpus : 1;
	uint64_t limit = shape->buddy.pages / ZONE_HIGH_MAX_FRACTION / cpus;

	if (shape->tuning == PCP_FIXED || limit < PCP_HIGH)
		limit = PCP_HIGH;
	return (uint32_t)limit;
}

static enum status create_sets(struct zone *zone, const struct zone_shape *shape)
{
	enum status status = reservation_create(&zone->sets, shape->cpus * sizeof(struct pcp), PAGE_BYTES);

	zone->pcp = zone->sets.memory;
	while (zone->cpus < shape->cpus && status == STATUS_OK) {
		status = pcp_create(&zone->pcp[zone->cpus], shape->tuning, high_limit(shape));
		if (status == STATUS_OK)
			zone->cpus++;
	}
	return status;
}

/* Each CPU looks at its own part, as long as that has much. */
static void place_sets(struct zone *zone)
{
	zone->first_behind = &zone->part[0].seen;
	for (unsigned cpu = 0; cpu < zone->cpus; cpu++)
		zone->pcp[cpu].behind = &zone->part[zone_home_part(zone, (int)cpu)].seen;
}

static enum status create_maps(struct zone *zone, const struct zone_shape *shape)
{
	size_t bytes = buddy_bytes(&shape->buddy);

	if (bytes == 0)
		return STATUS_BAD_ARGUMENT;
	enum status status = reservation_create(&zone->maps, bytes, PAGE_BYTES);

	return status == STATUS_OK ? buddy_create(&zone->buddy, &shape->buddy, zone->maps.memory) : status;
}

enum status zone_create(struct zone *zone, const struct zone_shape *shape)
{
	*zone = (struct zone){
	    .name = zone_kind_name(shape->kind),
	    .kind = shape->kind,
	    .node = shape->node,
	    .first = shape->buddy.first,
	    .end = shape->buddy.first + shape->buddy.pages,
	    .spanned_pages = shape->buddy.pages,
	    .local_cpus = shape->local_cpus,
	    .keeper = shape->keeper,
	};
	enum status status = shape->keeper == ZONE_LISTS   ? zone_create_lists(zone, shape)
			     : shape->keeper == ZONE_TYPED ? zone_create_parts(zone, shape)
							   : create_maps(zone, shape);

	if (status == STATUS_OK)
		status = create_sets(zone, shape);
	if (status == STATUS_OK && zone->part)
		place_sets(zone);
	if (status != STATUS_OK)
		zone_destroy(zone);
	return status;
}

void zone_destroy(struct zone *zone)
{
	for (unsigned cpu = 0; cpu < zone->cpus; cpu++)
		pcp_destroy(&zone->pcp[cpu]);
	zone->cpus = 0;
	zone->part = NULL;
	zone->lists = NULL;
	pageblocks_destroy(&zone->pageblocks);
	reservation_destroy(&zone->maps);
	reservation_destroy(&zone->sets);
}

void zone_add(struct zone *zone, pfn_t pfn, uint64_t pages)
{
	if (zone->part) {
		zone_parts_add(zone, pfn, pages);
		zone->managed_pages += pages;
		return;
	}
	zone_lock(zone);
	if (zone->lists)
		free_lists_add(zone->lists, pfn, pages);
	else
		buddy_add(&zone->buddy, pfn, pages);
	zone->managed_pages += pages;
	zone_unlock(zone);
}

/* --- Taking and giving back --------------------------------------------------------------------------------------- */

/* Blocks that are given back one after the other: those of a keeper of one piece under its lock, which is held all the time. */
static void give_begin(struct zone_parts_free *batch)
{
	if (!batch->zone->part)
		zone_lock(batch->zone);
}

static inline void give(struct zone_parts_free *batch, pfn_t pfn, unsigned order)
{
	struct zone *zone = batch->zone;

	if (zone->part) {
		zone_parts_give(batch, pfn, order);
		return;
	}
	if (zone->lists)
		free_lists_free(zone->lists, pfn, order, 0);
	else
		buddy_free(&zone->buddy, pfn, order);
	zone->frees++;
}

static void give_end(struct zone_parts_free *batch)
{
	if (batch->zone->part)
		zone_parts_end(batch);
	else
		zone_unlock(batch->zone);
}

static uint32_t take_of_lists(struct zone *zone, const struct zone_request *request,
			      const struct buddy_frames *frames)
{
	enum free_lists_mode mode = FREE_LISTS_OWN_TYPE;
	uint32_t taken = 0;

	for (; taken < frames->wanted; taken++) {
		pfn_t pfn = free_lists_allocate_next(zone->lists, request, &mode);

		if (pfn == PFN_NONE)
			break;
		frames->first[taken] = (uint32_t)pfn;
	}
	return taken;
}

static uint32_t take_of_buddy(struct buddy *buddy, unsigned order, const struct buddy_frames *frames)
{
	uint32_t taken = 0;

	if (order == 0)
		return buddy_allocate_frames(buddy, frames);
	for (; taken < frames->wanted; taken++) {
		pfn_t pfn = buddy_allocate(buddy, order);

		if (pfn == PFN_NONE)
			break;
		frames->first[taken] = (uint32_t)pfn;
	}
	return taken;
}

/* As many blocks as are wanted, or as there are, in the order in which a set is to hand them out. */
static uint32_t take_batch(struct zone *zone, const struct zone_request *request, struct buddy_frames *frames)
{
	if (zone->part)
		return zone_parts_take(zone, request, frames);
	zone_lock(zone);
	uint32_t taken = zone->lists ? take_of_lists(zone, request, frames)
				     : take_of_buddy(&zone->buddy, request->order, frames);

	zone->allocations += taken;
	zone_answer_boosts(zone, request);
	zone_unlock(zone);
	return taken;
}

/* The list is empty, so what is taken may lie in its ring from the beginning on. */
static bool refill(struct zone *zone, struct pcp *pcp, struct pcp_list *list,
		   const struct zone_request *request)
{
	bool below_high = atomic_load_explicit(&zone->below_high, memory_order_relaxed);
	struct buddy_frames frames = {list->block, pcp_refill_blocks(pcp, request->order, below_high)};

	list->first = 0;
	list->blocks = take_batch(zone, request, &frames);
	pcp->count += list->blocks << request->order;
	pcp->refills++;
	return list->blocks > 0;
}

static pfn_t take_locked(struct zone *zone, const struct zone_request *request)
{
	zone_lock(zone);
	pfn_t pfn = zone->lists ? free_lists_allocate(zone->lists, request)
				: buddy_allocate(&zone->buddy, request->order);

	zone->allocations += pfn != PFN_NONE;
	zone_answer_boosts(zone, request);
	zone_unlock(zone);
	return pfn;
}

static pfn_t take_from_parts(struct zone *zone, const struct zone_request *request)
{
	uint32_t frame = 0;
	struct buddy_frames frames = {&frame, 1};

	return zone_parts_take(zone, request, &frames) > 0 ? frame : PFN_NONE;
}

pfn_t zone_take_slowly(struct zone *zone, const struct zone_request *request)
{
	struct pcp *pcp = zone_set(zone, request->cpu, request->order);

	if (pcp) {
		struct pcp_list *list = zone_set_list(zone, pcp, request->order, request->type);

		if (refill(zone, pcp, list, request)) {
			pcp->count -= 1u << request->order;
			return pcp_list_pop(list);
		}
	}
	pfn_t pfn = zone->part ? take_from_parts(zone, request) : take_locked(zone, request);

	if (pfn == PFN_NONE)
		atomic_fetch_add_explicit(&zone->refusals, 1, memory_order_relaxed);
	return pfn;
}

/* Gives `pages` of the set back, from the list `index` on round robin: of each the blocks that lie longest. */
static void drain(struct zone *zone, struct pcp *pcp, uint32_t pages, unsigned index)
{
	uint32_t left = pages < pcp->count ? pages : pcp->count;
	struct zone_parts_free batch = {zone, NULL};

	give_begin(&batch);
	for (; left > 0; index = (index + 1) % PCP_LISTS) {
		struct pcp_list *list = &pcp->list[index];
		uint32_t block = 1u << pcp_order(index);

		while (left > 0 && list->blocks > 0) {
			give(&batch, pcp_list_remove_last(list), pcp_order(index));
			pcp->count -= block;
			left = left > block ? left - block : 0;
		}
	}
	give_end(&batch);
	pcp->drains++;
}

/* The type of the set's list that a freed frame goes to: what is not the sets' own kind counts as Movable. */
static enum migrate_type set_type_of(const struct zone *zone, pfn_t pfn)
{
	enum migrate_type type = zone_type_of(zone, pfn);

	return migrate_type_is_mergeable(type) ? type : MIGRATE_MOVABLE;
}

static void free_to_set(struct zone *zone, struct pcp *pcp, pfn_t pfn, unsigned order)
{
	bool below_high = atomic_load_explicit(&zone->below_high, memory_order_relaxed);
	struct pcp_list *list = zone_set_list(zone, pcp, order, set_type_of(zone, pfn));

	pcp_list_push(list, pfn);
	pcp->count += 1u << order;
	uint32_t pages = pcp_drain_pages(pcp, order, below_high);

	if (pages > 0) {
		drain(zone, pcp, pages, (unsigned)(list - pcp->list));
		zone_leave_below_high(zone);
	}
}

void zone_free_slowly(struct zone *zone, int cpu, pfn_t pfn, unsigned order)
{
	struct pcp *pcp = zone_set(zone, cpu, order);
	struct zone_parts_free batch = {zone, NULL};

	CHECK(zone_holds(zone, pfn), "a freed frame lies in its zone (foreign pfn)");
	if (pcp && !(zone->lists && pageblock_is_isolated(&zone->pageblocks, pfn))) {
		free_to_set(zone, pcp, pfn, order);
		return;
	}
	give_begin(&batch);
	give(&batch, pfn, order);
	give_end(&batch);
	/* Page sets see to it where there are any, when they drain. */
	if (zone->cpus == 0)
		zone_leave_below_high(zone);
}

void zone_split(struct zone *zone, pfn_t pfn, unsigned order)
{
	if (zone->lists)
		return;
	if (zone->part) {
		zone_parts_split(zone, pfn, order);
		return;
	}
	zone_lock(zone);
	buddy_split(&zone->buddy, pfn, order, 0);
	zone_unlock(zone);
}

void zone_drain(struct zone *zone, unsigned cpu)
{
	if (cpu < zone->cpus && zone->pcp[cpu].count > 0)
		drain(zone, &zone->pcp[cpu], UINT32_MAX, 0);
}

void zone_decay(struct zone *zone, unsigned cpu)
{
	uint32_t pages = cpu < zone->cpus ? pcp_decay(&zone->pcp[cpu]) : 0;

	if (pages > 0)
		drain(zone, &zone->pcp[cpu], pages, 0);
}

struct page_runs zone_runs(struct zone *zone)
{
	if (zone->part)
		return zone_parts_runs(zone);
	return zone->lists ? page_runs_of_lists(zone->lists) : page_runs_of_buddy(&zone->buddy);
}

struct zone_lock_counts zone_lock_counts(const struct zone *zone)
{
	struct zone_lock_counts counts = {zone->lock.taken, zone->lock.contended};

	for (unsigned i = 0; i < zone->parts; i++) {
		counts.taken += zone->part[i].lock.taken;
		counts.contended += zone->part[i].lock.contended;
	}
	return counts;
}

static uint64_t parts_pages(const struct zone *zone)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < zone->parts; i++)
		pages += zone->part[i].buddy.map.free_pages;
	return pages;
}

uint64_t zone_kept_pages(const struct zone *zone)
{
	if (zone->part)
		return parts_pages(zone);
	return zone->lists ? zone->lists->free_pages : zone->buddy.free_pages;
}

bool zone_find_free(const struct zone *zone, pfn_t pfn, pfn_t *first, unsigned *order)
{
	const struct buddy *map = zone->part ? &zone_part_of(zone, pfn)->buddy.map : &zone->buddy;

	return zone->lists ? free_lists_find(zone->lists, pfn, first, order)
			   : buddy_find_free(map, pfn, first, order);
}

bool zone_is_free(const struct zone *zone, pfn_t pfn)
{
	pfn_t first;
	unsigned order;

	return zone_find_free(zone, pfn, &first, &order);
}

uint64_t zone_free_pages(const struct zone *zone)
{
	uint64_t pages = zone_kept_pages(zone);

	for (unsigned cpu = 0; cpu < zone->cpus; cpu++)
		pages += zone->pcp[cpu].count;
	return pages;
}

unsigned zone_max_order(const struct zone *zone)
{
	if (zone->lists)
		return FREE_LISTS_ORDER_MAX;
	return zone->part ? zone->part[0].buddy.map.max_order : zone->buddy.max_order;
}

uint64_t zone_free_blocks_of_type(const struct zone *zone, unsigned order, enum migrate_type type)
{
	uint64_t blocks = 0;

	if (zone->lists)
		return free_lists_blocks(zone->lists, order, type);
	if (!zone->part)
		return type == MIGRATE_MOVABLE ? buddy_free_blocks(&zone->buddy, order) : 0;
	for (unsigned i = 0; i < zone->parts && migrate_type_is_mergeable(type); i++)
		blocks += typed_buddy_blocks(&zone->part[i].buddy, order, type);
	return blocks;
}

void zone_free_blocks(const struct zone *zone, struct free_blocks *free)
{
	*free = (struct free_blocks){.blocks = {0}};
	for (unsigned order = 0; order <= zone_max_order(zone); order++) {
		for (unsigned type = 0; type < MIGRATE_TYPES; type++)
			free->blocks[order] += zone_free_blocks_of_type(zone, order, (enum migrate_type)type);
	}
}
