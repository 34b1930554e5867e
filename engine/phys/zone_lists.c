#include "config.h"

#include "engine/phys/zone_lists.h"

enum status zone_create_lists(struct zone *zone, const struct zone_shape *shape)
{
	struct free_lists_shape lists = {.first = shape->buddy.first,
					 .pages = shape->buddy.pages,
					 .array = shape->array,
					 .pageblocks = &zone->pageblocks};

	if (shape->buddy.max_order != FREE_LISTS_ORDER_MAX || shape->buddy.pages == 0 || !shape->array)
		return STATUS_BAD_ARGUMENT;
	enum status status = reservation_create(&zone->maps, sizeof(*zone->lists), PAGE_BYTES);

	if (status == STATUS_OK)
		status = pageblocks_create(&zone->pageblocks, lists.first, lists.pages);
	if (status != STATUS_OK)
		return status;
	zone->lists = zone->maps.memory;
	return free_lists_create(zone->lists, &lists);
}

void zone_publish_lists(struct zone *zone)
{
	const struct free_lists *lists = zone->lists;
	uint32_t orders = 0;

	for (unsigned type = 0; type < MIGRATE_PCPTYPES; type++)
		orders |= lists->nonempty[type];
	atomic_store_explicit(&zone->seen_free_pages, lists->free_pages, memory_order_relaxed);
	atomic_store_explicit(&zone->seen_orders, orders, memory_order_relaxed);
	atomic_store_explicit(&zone->seen_cma_pages, lists->free_cma_pages, memory_order_relaxed);
	atomic_store_explicit(&zone->seen_cma_orders, lists->nonempty[MIGRATE_CMA], memory_order_relaxed);
	atomic_store_explicit(&zone->seen_highatomic_pages, lists->free_highatomic_pages,
			      memory_order_relaxed);
	atomic_store_explicit(&zone->seen_highatomic_orders, lists->nonempty[MIGRATE_HIGHATOMIC],
			      memory_order_relaxed);
}

uint64_t zone_unusable_pages(const struct zone *zone, const struct zone_request *request)
{
	uint64_t pages = 0;

	if (!(request->flags & ALLOC_RESERVES))
		pages += atomic_load_explicit(&zone->seen_highatomic_pages, memory_order_relaxed);
	if (!(request->flags & ALLOC_CMA))
		pages += atomic_load_explicit(&zone->seen_cma_pages, memory_order_relaxed);
	return pages;
}

void zone_answer_boosts(struct zone *zone, const struct zone_request *request)
{
	bool is_raised = false;

	if (!zone->lists)
		return;
	for (; zone->boosts != zone->lists->counts.boosts; zone->boosts++)
		is_raised |= zone_boost(zone);
	if (is_raised && (request->flags & ALLOC_KSWAPD))
		atomic_store_explicit(&zone->is_boosted, true, memory_order_relaxed);
}

void zone_reserve(struct zone *zone, pfn_t pfn, unsigned order)
{
	if (!zone->lists)
		return;
	zone_lock(zone);
	(void)free_lists_reserve_highatomic(zone->lists, pfn, order);
	zone_unlock(zone);
}

bool zone_unreserve(struct zone *zone, enum migrate_type type, bool is_forced)
{
	if (!zone->lists)
		return false;
	zone_lock(zone);
	bool is_given = free_lists_unreserve_highatomic(zone->lists, type, is_forced);

	zone_unlock(zone);
	return is_given;
}
