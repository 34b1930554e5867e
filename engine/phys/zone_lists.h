/* zone_lists.h: what a zone does differently when its free blocks are kept in lists (free_lists.h). Private to the zone.
 */
#ifndef FAULTLINE_ENGINE_PHYS_ZONE_LISTS_H
#define FAULTLINE_ENGINE_PHYS_ZONE_LISTS_H

#include "engine/phys/zone.h"

/* The lists and pageblocks of the zone's span. STATUS_BAD_ARGUMENT, also for a largest order that is not 10, STATUS_NO_MEMORY. */
MUST_USE enum status zone_create_lists(struct zone *zone, const struct zone_shape *shape);

/* Free pages that the request may not have (__zone_watermark_unusable_free). */
uint64_t zone_unusable_pages(const struct zone *zone, const struct zone_request *request);

/* Raises the watermarks as often as the lists asked for it since last time (boost_watermark); with the zone's lock held. */
void zone_answer_boosts(struct zone *zone, const struct zone_request *request);

#endif
