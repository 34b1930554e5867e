#include "config.h"

#include "engine/phys/gfp.h"

#include "engine/phys/gfp_step.h"
#include "engine/phys/highmem.h"

#include <string.h>

static bool has_dma32(const struct memory *memory, unsigned node)
{
	for (unsigned i = 0; i < memory->zones; i++) {
		if (memory->zone[i].node == node && memory->zone[i].kind == ZONE_DMA32)
			return true;
	}
	return false;
}

/* A request for Normal memory first looks for a zone whose types need not be mixed (alloc_flags_nofragment). */
static void avoid_fragmentation(struct allocation *allocation)
{
	const struct node *node = allocation->node;
	const struct memory *memory = allocation->memory;

	for (unsigned i = 0; i < node->fallbacks; i++) {
		const struct zone *zone = &memory->zone[node->fallback[i]];

		if (!gfp_suits(allocation, zone))
			continue;
		if (zone->kind == ZONE_NORMAL && (memory->nodes == 1 || has_dma32(memory, zone->node)))
			allocation->request.flags |= ALLOC_NOFRAGMENT;
		return;
	}
}

bool gfp_prepare(struct allocation *allocation, struct memory *memory, const struct gfp *gfp, unsigned order)
{
	if (__builtin_expect(!gfp_flags_are_valid(gfp->flags), 0)) {
		gfp_report(memory, MISTAKE_FLAGS, PFN_NONE, order);
		return false;
	}
	enum zone_kind highest = gfp_zone(gfp->flags, memory->layout);
	unsigned node = memory_node_of_cpu(memory, gfp->cpu);

	if (gfp->policy)
		node = mempolicy_node(gfp->policy, node);
	*allocation = (struct allocation){
	    .memory = memory,
	    .gfp = gfp,
	    .node = &memory->node[node],
	    .allowed = gfp->flags & GFP_THISNODE
			   ? 1u << node
			   : mempolicy_allowed(gfp->policy, highest >= memory->policy_zone),
	    .request = {.order = order,
			.type = gfp_migrate_type(gfp->flags),
			.flags = ALLOC_WMARK_LOW | (gfp->flags & GFP_KSWAPD_RECLAIM ? ALLOC_KSWAPD : 0),
			.highest = highest,
			.cpu = gfp->cpu},
	};
	if (allocation->request.type == MIGRATE_MOVABLE)
		allocation->request.flags |= ALLOC_CMA;
	if (memory->zone[0].keeper != ZONE_BITMAPS)
		avoid_fragmentation(allocation);
	return true;
}

/* The zone was boosted: reclaim is woken now (rmqueue). A block for an urgent request takes its pageblock into the reserve. */
static void follow_up(struct allocation *allocation, struct zone *zone, pfn_t pfn)
{
	struct memory *memory = allocation->memory;

	allocation->zone = zone;
	if ((allocation->request.flags & ALLOC_KSWAPD) &&
	    atomic_load_explicit(&zone->is_boosted, memory_order_relaxed)) {
		atomic_store_explicit(&zone->is_boosted, false, memory_order_relaxed);
		counted_lock_acquire(&memory->shortage.lock);
		memory->shortage.wakes++;
		counted_lock_release(&memory->shortage.lock);
		if (memory->hook.wake)
			memory->hook.wake(memory->hook.owner, zone, 0);
	}
	if (allocation->request.flags & ALLOC_HIGHATOMIC)
		zone_reserve(zone, pfn, allocation->request.order);
}

pfn_t gfp_take(struct allocation *allocation)
{
	const struct node *node = allocation->node;
	struct zone_request *request = &allocation->request;
	const struct zone *preferred = NULL;

	for (unsigned i = 0; i < node->fallbacks; i++) {
		struct zone *zone = &allocation->memory->zone[node->fallback[i]];

		if (!gfp_suits(allocation, zone))
			continue;
		preferred = preferred ? preferred : zone;
		/* Rather mixed types here than memory of another node. */
		if ((request->flags & ALLOC_NOFRAGMENT) && zone->node != preferred->node)
			break;
		pfn_t pfn = zone_allocate(zone, request);

		if (pfn != PFN_NONE) {
			follow_up(allocation, zone, pfn);
			return pfn;
		}
	}
	if (!(request->flags & ALLOC_NOFRAGMENT))
		return PFN_NONE;
	request->flags &= ~(unsigned)ALLOC_NOFRAGMENT;
	return gfp_take(allocation);
}

/* Pages that the direct map does not have are cleared one by one through a window. */
static void clear_block(struct memory *memory, int cpu, const struct page *page, unsigned order)
{
	if (!page_is_highmem(memory, page)) {
		if (memory->arena.backing == ARENA_REAL)
			memset((void *)page_address(memory, pfn_of_page(&memory->pages, page)), 0,
			       PAGE_BYTES << order);
		return;
	}
	for (uint64_t i = 0; i < (uint64_t)1 << order; i++)
		clear_highpage(memory, cpu, page + i);
}

static void make_compound(struct page *page, unsigned order)
{
	page->flags |= PAGE_COMPOUND;
	for (uint64_t i = 1; i < (uint64_t)1 << order; i++)
		page[i] = (struct page){.flags = PAGE_COMPOUND_TAIL, .index = i};
}

static void remember_owner(const struct allocation *allocation, pfn_t pfn)
{
	allocation->memory->owners.owner[pfn] =
	    (struct page_owner){allocation->gfp->caller, allocation->gfp->flags, allocation->request.order};
}

struct page *gfp_hand_out(const struct allocation *allocation, pfn_t pfn)
{
	struct memory *memory = allocation->memory;
	struct page *page = page_of_pfn(&memory->pages, pfn);
	unsigned order = allocation->request.order;

	*page =
	    (struct page){.flags = PAGE_HEAD | (allocation->request.type == MIGRATE_MOVABLE ? PAGE_LRU : 0),
			  .zone = (uint32_t)(allocation->zone - memory->zone),
			  .count = 1,
			  .private = order};
	if (allocation->gfp->flags & GFP_ZERO)
		clear_block(memory, allocation->gfp->cpu, page, order);
	if (order > 0 && (allocation->gfp->flags & GFP_COMP))
		make_compound(page, order);
	if (memory->owners.owner)
		remember_owner(allocation, pfn);
	return page;
}

struct page *alloc_pages(struct memory *memory, const struct gfp *gfp, unsigned order)
{
	struct allocation allocation;

	if (order > memory->max_order) {
		counted_lock_acquire(&memory->shortage.lock);
		memory->shortage.too_large++;
		counted_lock_release(&memory->shortage.lock);
		return NULL;
	}
	if (!gfp_prepare(&allocation, memory, gfp, order))
		return NULL;
	pfn_t pfn = gfp_take(&allocation);

	if (pfn == PFN_NONE)
		pfn = gfp_take_slowly(&allocation);
	return pfn != PFN_NONE ? gfp_hand_out(&allocation, pfn) : NULL;
}

uintptr_t get_free_pages(struct memory *memory, const struct gfp *gfp, unsigned order)
{
	if (gfp->flags & GFP_HIGHMEM) {
		gfp_report(memory, MISTAKE_NO_ADDRESS, PFN_NONE, order);
		return 0;
	}
	struct page *page = alloc_pages(memory, gfp, order);

	return page ? page_address(memory, pfn_of_page(&memory->pages, page)) : 0;
}

uintptr_t get_zeroed_page(struct memory *memory, const struct gfp *gfp)
{
	struct gfp zeroed = *gfp;

	zeroed.flags |= GFP_ZERO;
	return get_free_pages(memory, &zeroed, 0);
}

uintptr_t alloc_pages_exact(struct memory *memory, const struct gfp *gfp, uint64_t bytes)
{
	uint64_t pages = pages_of_bytes(bytes > 0 ? bytes : 1);
	unsigned order = order_of_pages(pages);
	struct gfp plain = *gfp;

	plain.flags &= ~(unsigned)(GFP_COMP | GFP_HIGHMEM);
	struct page *page = alloc_pages(memory, &plain, order);

	if (!page)
		return 0;
	split_page(memory, page, order);
	for (uint64_t i = pages; i < (uint64_t)1 << order; i++)
		free_page_of(memory, gfp->cpu, page + i);
	return page_address(memory, pfn_of_page(&memory->pages, page));
}

void free_pages_exact(struct memory *memory, int cpu, uintptr_t address, uint64_t bytes)
{
	uint64_t pages = pages_of_bytes(bytes > 0 ? bytes : 1);

	for (uint64_t i = 0; i < pages; i++)
		free_page(memory, cpu, address + i * PAGE_BYTES);
}

/* The first zone that keeps its low watermark when all `wanted` frames come from it, or NULL. */
static struct zone *zone_for_bulk(struct allocation *allocation, size_t wanted)
{
	const struct node *node = allocation->node;

	for (unsigned i = 0; i < node->fallbacks; i++) {
		struct zone *zone = &allocation->memory->zone[node->fallback[i]];

		if (gfp_suits(allocation, zone) &&
		    zone_stays_above(zone, &allocation->request, zone_mark(zone, WATERMARK_LOW) + wanted))
			return zone;
	}
	return NULL;
}

static size_t count_missing(size_t count, struct page *const *page)
{
	size_t missing = 0;

	for (size_t i = 0; i < count; i++)
		missing += page[i] == NULL;
	return missing;
}

/* Fills entries from the zone that was found, as long as it has frames; returns how many it filled. */
static size_t fill_from_zone(struct allocation *allocation, size_t count, struct page **page)
{
	size_t filled = 0;

	for (size_t i = 0; i < count; i++) {
		pfn_t pfn = page[i] ? PFN_NONE : zone_take(allocation->zone, &allocation->request);

		if (page[i])
			continue;
		if (pfn == PFN_NONE)
			break;
		page[i] = gfp_hand_out(allocation, pfn);
		filled++;
	}
	return filled;
}

size_t alloc_pages_bulk(struct memory *memory, const struct gfp *gfp, size_t count, struct page **page)
{
	size_t missing = count_missing(count, page);
	struct allocation allocation;
	size_t filled = 0;

	if (!gfp_prepare(&allocation, memory, gfp, 0))
		return 0;
	allocation.zone = missing > 1 ? zone_for_bulk(&allocation, missing) : NULL;
	if (allocation.zone)
		filled = fill_from_zone(&allocation, count, page);
	for (size_t i = 0; i < count; i++) {
		if (!page[i] && filled == 0) {
			page[i] = alloc_page(memory, gfp);
			filled = 1;
		}
		if (!page[i])
			return i;
	}
	return count;
}
