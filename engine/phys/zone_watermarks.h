/* zone_watermarks.h: what a zone's watermarks mean for its page sets. Private to the zone.
 */
#ifndef FAULTLINE_ENGINE_PHYS_ZONE_WATERMARKS_H
#define FAULTLINE_ENGINE_PHYS_ZONE_WATERMARKS_H

#include "engine/phys/zone.h"

/* The sets of a zone hold at most this part of it. Linux: MIN_PERCPU_PAGELIST_HIGH_FRACTION. */
#define ZONE_HIGH_MAX_FRACTION 8u

/* Frames were given back. When the free ones are above the high watermark again, page sets may grow. */
void zone_leave_below_high(struct zone *zone);

#endif
