/* reclaim_hook.h: whom the page allocator asks when memory is short, and how often it had to.
 *
 * The allocator frees nothing itself. Where the kernel would wake kswapd, reclaim, compact or kill, it calls the hook; a hook
 * that is not there has freed nothing. What was asked for is counted either way, so that a trace without reclaim says how
 * much of it was wanted.
 */
#ifndef FAULTLINE_ENGINE_PHYS_RECLAIM_HOOK_H
#define FAULTLINE_ENGINE_PHYS_RECLAIM_HOOK_H

#include "engine/base/counted_lock.h"
#include "engine/phys/zone_request.h"

struct zone;

/* Every function may be NULL. `flags` are enum gfp_flag. None may call the page allocator on the request's zones with the
 * zone's lock held. */
struct reclaim_hook {
	void *owner;
	void (*wake)(void *owner, struct zone *zone,
		     unsigned order); /* kswapd: free up to the high watermark */
	uint64_t (*reclaim)(void *owner, const struct zone_request *request,
			    unsigned flags); /* at once: returns the pages it freed */
	bool (*compact)(void *owner, const struct zone_request *request,
			unsigned flags); /* true: worth another try */
	bool (*kill)(void *owner);	 /* out of memory: true when somebody's memory came free */
};

/* Requests that the zones above their low watermark did not serve, and what became of them. */
struct reclaim_counts {
	struct counted_lock lock;
	uint64_t slow;	      /* they took the slow path */
	uint64_t wakes;	      /* kswapd was wanted */
	uint64_t reserves;    /* served below min, as their flags allow */
	uint64_t reclaims;    /* they would have reclaimed by themselves (allocstall) */
	uint64_t compactions; /* they would have compacted (compact_stall) */
	uint64_t kills;	      /* nothing but killing would have helped */
	uint64_t stuck;	      /* __GFP_NOFAIL: the kernel would have tried for ever */
	uint64_t failures;    /* answered with nothing, those above included */
	uint64_t too_large;   /* above the largest order */
};

#endif
