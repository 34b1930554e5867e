#include "config.h"

#include "engine/phys/zone_watermarks.h"

#include "engine/phys/zone_lists.h"
#include "engine/phys/zone_parts.h"

/* Linux: SZ_256K / PAGE_SIZE, and watermark_boost_factor in 1/10000. */
#define BATCH_PAGES_MAX 64u
#define BATCH_FRACTION_SHIFT 12
#define BOOST_FACTOR 15000u

static uint32_t batch_of(uint64_t managed_pages)
{
	uint64_t batch = managed_pages >> BATCH_FRACTION_SHIFT;

	if (batch > BATCH_PAGES_MAX)
		batch = BATCH_PAGES_MAX;
	if (batch <= 1)
		return 1;
	return (1u << (63 - __builtin_clzll(batch + batch / 2))) - 1;
}

static uint32_t high_of(const struct zone *zone, uint64_t pages, uint32_t batch)
{
	unsigned cpus = zone->local_cpus > 0 ? zone->local_cpus : zone->cpus > 0 ? zone->cpus : 1;
	uint64_t high = pages / cpus;

	return high > (uint64_t)batch * 4 ? (uint32_t)high : batch * 4;
}

struct pcp_figures zone_pcp_figures(const struct zone *zone)
{
	struct pcp_figures figures = {.batch = batch_of(zone->managed_pages)};

	figures.high_min = high_of(zone, zone->watermark[WATERMARK_LOW], figures.batch);
	figures.high_max = high_of(zone, zone->managed_pages / ZONE_HIGH_MAX_FRACTION, figures.batch);
	if (figures.high_max < figures.high_min)
		figures.high_min = figures.high_max;
	return figures;
}

static void set_pcp_figures(struct zone *zone)
{
	struct pcp_figures linux_figures = zone_pcp_figures(zone);
	struct pcp_figures fixed = {PCP_BATCH, PCP_HIGH, PCP_HIGH};

	for (unsigned cpu = 0; cpu < zone->cpus; cpu++) {
		struct pcp *pcp = &zone->pcp[cpu];

		pcp_set_figures(pcp, pcp->tuning == PCP_TUNED ? &linux_figures : &fixed);
		if (zone->lists) /* whose isolated pageblocks are looked up */
			pcp->room = 0;
	}
}

/* What is seen at a glance must be above these. */
static void place_glance_marks(struct zone *zone)
{
	bool below_high = atomic_load_explicit(&zone->below_high, memory_order_relaxed);

	for (unsigned kind = 0; kind < ZONE_KINDS; kind++) {
		uint64_t mark = zone_mark(zone, WATERMARK_HIGH) + zone->lowmem_reserve[kind];

		atomic_store_explicit(&zone->glance_mark[kind], below_high ? UINT64_MAX : mark,
				      memory_order_relaxed);
	}
}

static void set_boost(struct zone *zone, uint64_t pages)
{
	atomic_store_explicit(&zone->boost, pages, memory_order_relaxed);
	place_glance_marks(zone);
}

static void set_below_high(struct zone *zone, bool below_high)
{
	atomic_store_explicit(&zone->below_high, below_high, memory_order_relaxed);
	place_glance_marks(zone);
}

void zone_set_reserve(struct zone *zone, enum zone_kind highest, uint64_t pages)
{
	zone->lowmem_reserve[highest] = pages;
	place_glance_marks(zone);
}

void zone_set_watermarks(struct zone *zone, uint64_t min_pages, uint64_t distance_pages)
{
	for (unsigned i = 0; i < WATERMARKS; i++)
		zone->watermark[i] = min_pages + i * distance_pages;
	set_boost(zone, 0);
	set_pcp_figures(zone);
}

bool zone_boost(struct zone *zone)
{
	uint64_t high = zone->watermark[WATERMARK_HIGH];
	uint64_t most = high / 10000 * BOOST_FACTOR + high % 10000 * BOOST_FACTOR / 10000;
	uint64_t boost = atomic_load_explicit(&zone->boost, memory_order_relaxed) + PAGEBLOCK_PAGES;

	if (PAGEBLOCK_PAGES * 4 > zone->managed_pages || most == 0)
		return false;
	if (most < PAGEBLOCK_PAGES)
		most = PAGEBLOCK_PAGES;
	set_boost(zone, boost < most ? boost : most);
	return true;
}

void zone_unboost(struct zone *zone, uint64_t pages)
{
	uint64_t boost = atomic_load_explicit(&zone->boost, memory_order_relaxed);

	set_boost(zone, boost > pages ? boost - pages : 0);
}

/* What the request must leave of the mark, in frames. */
static uint64_t reserve_of(const struct zone_request *request, uint64_t mark)
{
	uint64_t reserve = mark;

	if (request->flags & ALLOC_MIN_RESERVE) {
		reserve -= reserve / 2;
		if (request->flags & ALLOC_NON_BLOCK)
			reserve -= reserve / 4;
	}
	if (request->flags & ALLOC_OOM)
		reserve -= reserve / 2;
	return reserve;
}

/* The orders of which there is a free block that the request may have. */
static uint32_t seen_orders(const struct zone *zone, const struct zone_request *request)
{
	uint32_t orders = zone_seen_orders(zone);

	if (request->flags & ALLOC_CMA)
		orders |= atomic_load_explicit(&zone->seen_cma_orders, memory_order_relaxed);
	if (request->flags & ((unsigned)ALLOC_HIGHATOMIC | ALLOC_OOM))
		orders |= atomic_load_explicit(&zone->seen_highatomic_orders, memory_order_relaxed);
	return orders;
}

bool zone_stays_above(const struct zone *zone, const struct zone_request *request, uint64_t mark)
{
	uint64_t free = zone_seen_free_pages(zone);
	uint64_t beyond = ((uint64_t)1 << request->order) - 1;

	if (zone->lists)
		beyond += zone_unusable_pages(zone, request);
	if (free < beyond ||
	    free - beyond <= reserve_of(request, mark) + zone->lowmem_reserve[request->highest])
		return false;
	return request->order == 0 || seen_orders(zone, request) >> request->order != 0;
}

/* The watermark that the request names. Digging for one page, it need not respect the boost. */
static bool stays_above_own(const struct zone *zone, const struct zone_request *request)
{
	enum zone_watermark watermark = (enum zone_watermark)(request->flags & ALLOC_WMARK_MASK);

	if (zone_stays_above(zone, request, zone_mark(zone, watermark)))
		return true;
	return request->order == 0 && (request->flags & ALLOC_MIN_RESERVE) && watermark == WATERMARK_MIN &&
	       zone_stays_above(zone, request, zone->watermark[WATERMARK_MIN]);
}

bool zone_admits_slowly(struct zone *zone, const struct zone_request *request)
{
	if (!atomic_load_explicit(&zone->below_high, memory_order_relaxed)) {
		if (zone_stays_above(zone, request, zone_mark(zone, WATERMARK_HIGH))) {
			if (zone->part && request->order == 0 && (unsigned)request->cpu < zone->cpus)
				zone->pcp[request->cpu].behind = zone_parts_richest(zone);
			return true;
		}
		set_below_high(zone, true);
	}
	if ((request->flags & ALLOC_NO_WATERMARKS) || stays_above_own(zone, request))
		return true;
	atomic_fetch_add_explicit(&zone->refusals, 1, memory_order_relaxed);
	return false;
}

void zone_leave_below_high(struct zone *zone)
{
	struct zone_request probe = {.highest = ZONE_MOVABLE};

	if (atomic_load_explicit(&zone->below_high, memory_order_relaxed) &&
	    zone_stays_above(zone, &probe, zone_mark(zone, WATERMARK_HIGH)))
		set_below_high(zone, false);
}
