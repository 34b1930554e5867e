#include "config.h"

#include "engine/zone_source.h"

#include "engine/base/check.h"

static struct zone_source *self(struct span_source *source)
{
	return (struct zone_source *)source;
}

static bool may_take(const struct zone *zone, uint64_t pages)
{
	return zone_kept_pages(zone) >= zone->watermark[WATERMARK_MIN] + pages;
}

/* A run aligned to more than a top-order block: a longer one, of which head and tail go back. */
static pfn_t acquire_far_aligned(struct direct_source *direct, uint64_t pages, uint64_t alignment_pages,
				 bool *zero)
{
	pfn_t start = direct->arena->first;
	pfn_t got = direct->source.acquire(&direct->source, pages + alignment_pages, 1, zero);

	if (got == PFN_NONE)
		return PFN_NONE;
	pfn_t aligned = round_up(start + got, alignment_pages) - start;
	pfn_t end = got + pages + alignment_pages;

	if (aligned > got)
		direct->source.release(&direct->source, got, aligned - got);
	if (end > aligned + pages)
		direct->source.release(&direct->source, aligned + pages, end - aligned - pages);
	return aligned;
}

static pfn_t acquire_from(struct zone_source *zones, unsigned i, uint64_t pages, uint64_t alignment_pages,
			  bool *zero)
{
	struct direct_source *direct = &zones->direct[i];
	struct zone *zone = &zones->memory->zone[i];
	bool far = alignment_pages > (uint64_t)1 << zones->memory->max_order;
	pfn_t pfn = PFN_NONE;

	zone_lock(zone);
	if (may_take(zone, far ? pages + alignment_pages : pages))
		pfn = far ? acquire_far_aligned(direct, pages, alignment_pages, zero)
			  : direct->source.acquire(&direct->source, pages, alignment_pages, zero);
	if (pfn == PFN_NONE)
		zone->refusals++;
	else
		zone->allocations++;
	zone_unlock(zone);
	return pfn == PFN_NONE ? PFN_NONE : zones->part[i].first + pfn;
}

static pfn_t acquire(struct span_source *source, uint64_t pages, uint64_t alignment_pages, bool *zero)
{
	struct zone_source *zones = self(source);
	pfn_t pfn = PFN_NONE;

	if (pages > source->pages || alignment_pages > source->pages)
		return PFN_NONE;
	for (unsigned i = zones->zones; i-- > 0 && pfn == PFN_NONE;)
		pfn = acquire_from(zones, i, pages, alignment_pages, zero);
	return pfn;
}

/* The number of the zone whose part holds the frame, or `zones`. */
static unsigned zone_of(const struct zone_source *zones, pfn_t pfn)
{
	unsigned i = 0;

	while (i < zones->zones && pfn - zones->part[i].first >= zones->part[i].pages)
		i++;
	return i;
}

static void release(struct span_source *source, pfn_t pfn, uint64_t pages)
{
	struct zone_source *zones = self(source);
	unsigned i = zone_of(zones, pfn);

	CHECK(i < zones->zones, "released pages lie in a zone");
	struct direct_source *direct = &zones->direct[i];
	struct zone *zone = &zones->memory->zone[i];

	zone_lock(zone);
	direct->source.release(&direct->source, pfn - zones->part[i].first, pages);
	zone->frees++;
	zone_unlock(zone);
}

static bool claim(struct span_source *source, pfn_t pfn, uint64_t pages)
{
	struct zone_source *zones = self(source);
	unsigned i = zone_of(zones, pfn);

	if (i == zones->zones)
		return false;
	struct direct_source *direct = &zones->direct[i];
	struct zone *zone = &zones->memory->zone[i];

	zone_lock(zone);
	bool claimed =
	    may_take(zone, pages) && direct->source.claim(&direct->source, pfn - zones->part[i].first, pages);

	zone->allocations += claimed;
	zone_unlock(zone);
	return claimed;
}

static void purge(struct span_source *source)
{
	struct zone_source *zones = self(source);

	for (unsigned i = 0; i < zones->zones; i++)
		zones->direct[i].source.purge(&zones->direct[i].source);
}

static void statistics(const struct span_source *source, struct span_source_statistics *statistics)
{
	const struct zone_source *zones = (const struct zone_source *)source;

	*statistics = (struct span_source_statistics){.used_pages = 0};
	for (unsigned i = 0; i < zones->zones; i++) {
		struct span_source_statistics part;

		zones->direct[i].source.statistics(&zones->direct[i].source, &part);
		statistics->used_pages += part.used_pages;
		statistics->retained_pages += part.retained_pages;
		statistics->metadata_bytes += part.metadata_bytes;
		statistics->purged_pages += part.purged_pages;
	}
}

static const char *check(const struct span_source *source)
{
	return zone_source_check((const struct zone_source *)source);
}

/* A zone's part of the direct map, as an arena that owns nothing. */
static struct arena part_of(const struct arena *whole, const struct zone *zone)
{
	struct arena part = *whole;
	pfn_t end = zone->end < whole->pages ? zone->end : whole->pages;

	part.first = zone->first;
	part.pages = end - zone->first;
	part.base = arena_address(whole, part.first);
	if (whole->backing == ARENA_REAL)
		part.memory = (struct reservation){(void *)part.base, part.pages << PAGE_SHIFT};
	return part;
}

enum status zone_source_create(struct zone_source *zones, struct memory *memory, uint64_t purge_delay)
{
	struct page_runs runs;
	enum status status = STATUS_OK;

	*zones = (struct zone_source){
	    .source = {.base = memory->arena.base,
		       .pages = memory->arena.pages,
		       .acquire = acquire,
		       .release = release,
		       .claim = claim,
		       .purge = purge,
		       .statistics = statistics,
		       .check = check},
	    .memory = memory,
	};
	for (unsigned i = 0; i < memory->zones && memory->zone[i].first < memory->arena.pages; i++) {
		zones->part[i] = part_of(&memory->arena, &memory->zone[i]);
		runs = zone_runs(&memory->zone[i]);
		status = direct_source_create(&zones->direct[i], &zones->part[i], &runs, purge_delay);
		if (status != STATUS_OK) {
			zone_source_destroy(zones);
			return status;
		}
		zones->zones++;
	}
	return STATUS_OK;
}

void zone_source_destroy(struct zone_source *zones)
{
	for (unsigned i = 0; i < zones->zones; i++)
		direct_source_destroy(&zones->direct[i]);
	zones->zones = 0;
}

const char *zone_source_check(const struct zone_source *zones)
{
	pfn_t end = 0;

	for (unsigned i = 0; i < zones->zones; i++) {
		if (direct_source_check(&zones->direct[i]))
			return "I1: direct_source_check() of every zone";
		if (zones->part[i].first != end)
			return "I2: the zones' parts follow one another and end where the direct map does";
		end += zones->part[i].pages;
	}
	return end == zones->source.pages
		   ? NULL
		   : "I2: the zones' parts follow one another and end where the direct map does";
}
