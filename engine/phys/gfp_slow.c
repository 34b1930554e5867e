#include "config.h"

#include "engine/phys/gfp_step.h"

/* Linux: MAX_RECLAIM_RETRIES, PAGE_ALLOC_COSTLY_ORDER. */
#define RETRIES_MAX 16u
#define COSTLY_ORDER 3u

static void count(struct memory *memory, uint64_t *counter)
{
	counted_lock_acquire(&memory->shortage.lock);
	++*counter;
	counted_lock_release(&memory->shortage.lock);
}

/* gfp_to_alloc_flags: the second look goes down to min, and below it for those who may. */
static unsigned slow_flags(const struct allocation *allocation)
{
	unsigned gfp = allocation->gfp->flags;
	unsigned flags = ALLOC_WMARK_MIN;

	if (gfp & GFP_HIGH)
		flags |= ALLOC_MIN_RESERVE;
	if (gfp & GFP_KSWAPD_RECLAIM)
		flags |= ALLOC_KSWAPD;
	if (!(gfp & (GFP_DIRECT_RECLAIM | GFP_NOMEMALLOC))) {
		flags |= ALLOC_NON_BLOCK;
		if (allocation->request.order > 0 && (flags & ALLOC_MIN_RESERVE))
			flags |= ALLOC_HIGHATOMIC;
	}
	if (allocation->request.type == MIGRATE_MOVABLE)
		flags |= ALLOC_CMA;
	return flags;
}

static void wake(const struct allocation *allocation)
{
	struct memory *memory = allocation->memory;

	if (!(allocation->request.flags & ALLOC_KSWAPD))
		return;
	count(memory, &memory->shortage.wakes);
	for (unsigned i = 0; memory->hook.wake && i < allocation->node->fallbacks; i++) {
		struct zone *zone = &memory->zone[allocation->node->fallback[i]];

		if (gfp_suits(allocation, zone))
			memory->hook.wake(memory->hook.owner, zone, allocation->request.order);
	}
}

static pfn_t take_with(struct allocation *allocation, unsigned flags)
{
	allocation->request.flags = flags;
	return gfp_take(allocation);
}

static bool compact(const struct allocation *allocation)
{
	struct memory *memory = allocation->memory;

	if (allocation->request.order == 0)
		return false;
	count(memory, &memory->shortage.compactions);
	return memory->hook.compact &&
	       memory->hook.compact(memory->hook.owner, &allocation->request, allocation->gfp->flags);
}

static uint64_t reclaim(const struct allocation *allocation)
{
	struct memory *memory = allocation->memory;

	count(memory, &memory->shortage.reclaims);
	return memory->hook.reclaim
		   ? memory->hook.reclaim(memory->hook.owner, &allocation->request, allocation->gfp->flags)
		   : 0;
}

/* May and can somebody be killed for it? */
static bool make_room_by_killing(const struct allocation *allocation)
{
	struct memory *memory = allocation->memory;

	if (allocation->request.order > COSTLY_ORDER ||
	    (allocation->gfp->flags & (GFP_RETRY_MAYFAIL | GFP_THISNODE)))
		return false;
	count(memory, &memory->shortage.kills);
	return memory->hook.kill && memory->hook.kill(memory->hook.owner);
}

/* Gives a pageblock that is kept for urgent requests to this one (unreserve_highatomic_pageblock). */
static bool unreserve(const struct allocation *allocation, bool is_forced)
{
	const struct node *node = allocation->node;

	for (unsigned i = 0; i < node->fallbacks; i++) {
		struct zone *zone = &allocation->memory->zone[node->fallback[i]];

		if (gfp_suits(allocation, zone) && zone_unreserve(zone, allocation->request.type, is_forced))
			return true;
	}
	return false;
}

/* Reclaims and compacts until it has a block, or further effort is not wanted. */
static pfn_t take_by_effort(struct allocation *allocation, unsigned flags)
{
	bool is_costly = allocation->request.order > COSTLY_ORDER;
	unsigned gfp = allocation->gfp->flags;
	unsigned fruitless = 0;

	for (;;) {
		uint64_t freed = reclaim(allocation);
		bool moved = compact(allocation);
		pfn_t pfn = freed > 0 || moved ? take_with(allocation, flags) : PFN_NONE;

		if (pfn != PFN_NONE || (gfp & GFP_NORETRY) ||
		    (is_costly && !(gfp & (GFP_RETRY_MAYFAIL | GFP_NOFAIL))))
			return pfn;
		fruitless = freed > 0 ? fruitless : RETRIES_MAX;
		if (unreserve(allocation, freed == 0)) {
			pfn = take_with(allocation, flags);
			if (pfn != PFN_NONE)
				return pfn;
		}
		if (++fruitless <= RETRIES_MAX)
			continue;
		if (!make_room_by_killing(allocation))
			return PFN_NONE;
		fruitless = 0;
		pfn = take_with(allocation, flags);
		if (pfn != PFN_NONE)
			return pfn;
	}
}

/* __GFP_NOFAIL: some of the reserves. The kernel would then begin again, for ever. */
static pfn_t take_without_failing(struct allocation *allocation)
{
	struct memory *memory = allocation->memory;
	pfn_t pfn = take_with(allocation, ALLOC_WMARK_MIN | ALLOC_MIN_RESERVE);

	if (pfn == PFN_NONE)
		count(memory, &memory->shortage.stuck);
	return pfn;
}

pfn_t gfp_take_slowly(struct allocation *allocation)
{
	struct memory *memory = allocation->memory;
	unsigned gfp = allocation->gfp->flags;
	unsigned flags = slow_flags(allocation);

	count(memory, &memory->shortage.slow);
	wake(allocation);
	pfn_t pfn = take_with(allocation, flags);

	if (pfn == PFN_NONE && (gfp & GFP_MEMALLOC) && !(gfp & GFP_NOMEMALLOC)) {
		pfn = take_with(allocation, (flags & ALLOC_KSWAPD) | ALLOC_NO_WATERMARKS);
		count(memory, &memory->shortage.reserves);
	}
	if (pfn == PFN_NONE && (gfp & GFP_DIRECT_RECLAIM)) {
		pfn = take_by_effort(allocation, flags);
		if (pfn == PFN_NONE && (gfp & GFP_NOFAIL))
			pfn = take_without_failing(allocation);
	}
	if (pfn == PFN_NONE)
		count(memory, &memory->shortage.failures);
	return pfn;
}
