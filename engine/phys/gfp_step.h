/* gfp_step.h: what the files of the page allocator share: one allocation on its way through the zones. Private to gfp.h.
 */
#ifndef FAULTLINE_ENGINE_PHYS_GFP_STEP_H
#define FAULTLINE_ENGINE_PHYS_GFP_STEP_H

#include "engine/phys/gfp.h"

struct allocation {
	struct memory *memory;
	const struct gfp *gfp;
	const struct node *node; /* whose fallback order is followed */
	uint32_t allowed;	 /* bit n: node n may be used */
	struct zone_request request;
	struct zone *zone; /* out: the one that served it */
};

/* What the request is, from its flags. False, and reported, when they make no sense. */
bool gfp_prepare(struct allocation *allocation, struct memory *memory, const struct gfp *gfp, unsigned order);

/* Is the zone good enough, and allowed? */
static inline bool gfp_suits(const struct allocation *allocation, const struct zone *zone)
{
	return zone->kind <= allocation->request.highest && (allocation->allowed >> zone->node & 1) != 0;
}

/* The zones in their order, each as far as the request's flags allow. PFN_NONE when none serves it. */
pfn_t gfp_take(struct allocation *allocation);

/* What is left when the zones above their low watermark have nothing. */
pfn_t gfp_take_slowly(struct allocation *allocation);

/* Makes the block the caller's: its pages say so from now on. */
struct page *gfp_hand_out(const struct allocation *allocation, pfn_t pfn);

/* Tells of a misuse of a frame. */
void gfp_report(const struct memory *memory, enum page_mistake mistake, pfn_t pfn, unsigned order);

#endif
