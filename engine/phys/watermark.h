/* watermark.h: how many frames every zone keeps, computed as Linux 6.18 does it (mm/page_alloc.c, mm/khugepaged.c).
 *
 *   min_free_kbytes     4 * sqrt(KiB of lowmem), between 128 and 262144 (calculate_min_free_kbytes); where huge pages are in
 *                       use at least 11 pageblocks per zone, at most a twentieth of lowmem (set_recommended_min_free_kbytes)
 *   min                 a zone's share of it, by managed pages; HighMem and Movable keep 1/1024, between 32 and 128 pages
 *   low - min           a quarter of that share, at least watermark_scale_factor/10000 of the zone; high and promo are as far
 *                       apart (__setup_per_zone_wmarks)
 *   lowmem_reserve      of zone i against requests whose best zone is j: managed pages of the zones i+1 .. j of the node,
 *                       divided by lowmem_reserve_ratio[i] (setup_per_zone_lowmem_reserve)
 *
 * Lowmem is what the kernel itself can use: all zones but HighMem and Movable.
 */
#ifndef FAULTLINE_ENGINE_PHYS_WATERMARK_H
#define FAULTLINE_ENGINE_PHYS_WATERMARK_H

#include "engine/phys/zone.h"

#define WATERMARK_SCALE_FACTOR 10u
#define WATERMARK_SCALE_FACTOR_MAX 3000u

struct watermark_settings {
	uint64_t min_free_kbytes; /* 0: computed */
	uint32_t
	    scale_factor; /* in 1/10000 of a zone, at most WATERMARK_SCALE_FACTOR_MAX; 0: WATERMARK_SCALE_FACTOR */
	bool huge_pages; /* khugepaged runs, and asks for more */
};

/* The kernel's default of lowmem_reserve_ratio, by zone. */
extern const uint32_t lowmem_reserve_ratio[ZONE_KINDS];

/* What min_free_kbytes is for these zones. */
uint64_t watermark_min_free_kbytes(const struct zone *zone, unsigned zones,
				   const struct watermark_settings *settings);

/* Sets watermarks, lowmem_reserve and the page sets' figures of all zones of a machine, from their managed pages. Returns
 * min_free_kbytes. */
uint64_t watermarks_set(struct zone *zone, unsigned zones, const struct watermark_settings *settings);

#endif
