/* zone_source.h: the span source of a machine: the directly mapped zones of its memory, tried from the highest down.
 *
 *   heap ──▶ zone source ──▶ direct source of Normal ──▶ bitmaps or lists of Normal
 *                       └──▶ direct source of DMA32  ──▶ bitmaps or lists of DMA32  ...
 *
 * Each zone has a direct source (direct_source.h) over its part of the direct map, with the zone's lock around every call. A
 * zone that would fall below its `min` watermark is passed over. Page 0 of the source is frame 0.
 *
 * Invariants, proved by zone_source_check():
 *   I1: direct_source_check() of every zone
 *   I2: the zones' parts follow one another and end where the direct map does
 */
#ifndef FAULTLINE_ENGINE_ZONE_SOURCE_H
#define FAULTLINE_ENGINE_ZONE_SOURCE_H

#include "engine/heap/direct_source.h"
#include "engine/phys/memory.h"

struct zone_source {
	struct span_source source; /* what the heap sees */
	struct memory *memory;
	unsigned zones;			 /* of the memory, those that are directly mapped */
	struct arena part[MEMORY_ZONES]; /* a zone's part of the direct map; owns no memory */
	struct direct_source direct[MEMORY_ZONES];
};

/* Makes a source over the memory's directly mapped zones; the memory outlives it. STATUS_NO_MEMORY, STATUS_LIMIT. */
MUST_USE enum status zone_source_create(struct zone_source *zones, struct memory *memory,
					uint64_t purge_delay);
void zone_source_destroy(struct zone_source *zones);

/* NULL, or the text of the first invariant that does not hold. */
const char *zone_source_check(const struct zone_source *zones);

#endif
