#include "config.h"

#include "engine/phys/watermark.h"

#define KIB_SHIFT (PAGE_SHIFT - 10)
#define SCALE 10000u
/* min_free_kbytes without and with a wish of the user. */
#define MIN_KIB ((uint64_t)128)
#define MAX_KIB ((uint64_t)262144)
/* Two pageblocks of each zone, and two for every pair of types that may fall back on one another. */
#define HUGE_PAGEBLOCKS (2 + MIGRATE_PCPTYPES * MIGRATE_PCPTYPES)
#define HUGE_PARTS_MAX 20u
/* HighMem and Movable: SWAP_CLUSTER_MAX, and so on. */
#define HIGH_PARTS 1024u
#define HIGH_PAGES_MIN 32u
#define HIGH_PAGES_MAX 128u

const uint32_t lowmem_reserve_ratio[ZONE_KINDS] = {[ZONE_DMA] = 256, [ZONE_DMA32] = 256, [ZONE_NORMAL] = 32};

static bool is_lowmem(const struct zone *zone)
{
	return zone->kind != ZONE_HIGHMEM && zone->kind != ZONE_MOVABLE;
}

static uint64_t lowmem_pages(const struct zone *zone, unsigned zones)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < zones; i++)
		pages += is_lowmem(&zone[i]) ? zone[i].managed_pages : 0;
	return pages;
}

static uint64_t square_root(uint64_t number)
{
	uint64_t root = 0;

	for (uint64_t bit = (uint64_t)1 << 31; bit != 0; bit >>= 1) {
		if ((root | bit) * (root | bit) <= number)
			root |= bit;
	}
	return root;
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* pages * parts / whole without overflow (mult_frac). */
static uint64_t fraction(uint64_t pages, uint64_t parts, uint64_t whole)
{
	return pages / whole * parts + pages % whole * parts / whole;
}

static uint64_t share(const struct zone *zone, uint64_t min_pages, uint64_t lowmem)
{
	return lowmem == 0 ? 0 : fraction(zone->managed_pages, min_pages, lowmem);
}

static uint64_t min_of(const struct zone *zone, uint64_t share)
{
	return is_lowmem(zone) ? share
			       : clamp(zone->managed_pages / HIGH_PARTS, HIGH_PAGES_MIN, HIGH_PAGES_MAX);
}

static uint64_t distance_of(const struct zone *zone, uint64_t share,
			    const struct watermark_settings *settings)
{
	uint32_t factor = settings->scale_factor ? settings->scale_factor : WATERMARK_SCALE_FACTOR;
	uint64_t scaled = fraction(zone->managed_pages, factor, SCALE);

	return scaled > share / 4 ? scaled : share / 4;
}

/* What khugepaged asks for, in pages. Lowmem counts less what is below the high watermarks by then. */
static uint64_t huge_pages_min(const struct zone *zone, unsigned zones, uint64_t min_kib,
			       const struct watermark_settings *settings)
{
	uint64_t lowmem = lowmem_pages(zone, zones);
	uint64_t usable = 0;
	uint64_t wanted = 0;

	for (unsigned i = 0; i < zones; i++) {
		uint64_t part = share(&zone[i], min_kib >> KIB_SHIFT, lowmem);
		uint64_t high = part + 2 * distance_of(&zone[i], part, settings);

		if (!is_lowmem(&zone[i]))
			continue;
		wanted += HUGE_PAGEBLOCKS * HUGE_PAGES;
		usable += zone[i].managed_pages > high ? zone[i].managed_pages - high : 0;
	}
	return wanted < usable / HUGE_PARTS_MAX ? wanted : usable / HUGE_PARTS_MAX;
}

uint64_t watermark_min_free_kbytes(const struct zone *zone, unsigned zones,
				   const struct watermark_settings *settings)
{
	uint64_t lowmem_kib = lowmem_pages(zone, zones) << KIB_SHIFT;
	uint64_t min_kib = clamp(square_root(16 * lowmem_kib), MIN_KIB, MAX_KIB);

	if (settings->min_free_kbytes != 0)
		return settings->min_free_kbytes;
	if (settings->huge_pages) {
		uint64_t huge_kib = huge_pages_min(zone, zones, min_kib, settings) << KIB_SHIFT;

		min_kib = huge_kib > min_kib ? huge_kib : min_kib;
	}
	return min_kib;
}

static void set_lowmem_reserve(struct zone *zone, const struct zone *all, unsigned zones)
{
	uint32_t ratio = lowmem_reserve_ratio[zone->kind];
	uint64_t better = 0;

	for (unsigned kind = 0; kind < ZONE_KINDS; kind++) {
		for (unsigned i = 0; i < zones && kind > zone->kind; i++)
			better += all[i].node == zone->node && all[i].kind == kind ? all[i].managed_pages : 0;
		zone_set_reserve(zone, kind, ratio == 0 || zone->managed_pages == 0 ? 0 : better / ratio);
	}
}

uint64_t watermarks_set(struct zone *zone, unsigned zones, const struct watermark_settings *settings)
{
	uint64_t min_kib = watermark_min_free_kbytes(zone, zones, settings);
	uint64_t lowmem = lowmem_pages(zone, zones);

	for (unsigned i = 0; i < zones; i++) {
		uint64_t part = share(&zone[i], min_kib >> KIB_SHIFT, lowmem);

		zone_set_watermarks(&zone[i], min_of(&zone[i], part), distance_of(&zone[i], part, settings));
		set_lowmem_reserve(&zone[i], zone, zones);
	}
	return min_kib;
}
