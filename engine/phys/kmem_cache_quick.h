/* kmem_cache_quick.h: the calls of a cache (kmem_cache.h) as far as the CPU's own objects go: no lock, no call, no look at a page.
 * Private to kmem_cache.c and kmalloc.c. What they refuse is done by the long way, which says why.
 */
#ifndef FAULTLINE_ENGINE_PHYS_KMEM_CACHE_QUICK_H
#define FAULTLINE_ENGINE_PHYS_KMEM_CACHE_QUICK_H

#include "engine/phys/kmem_cache.h"

/* An object at hand, or 0. */
static inline uintptr_t kmem_quick_take(struct kmem_cache *cache, const struct gfp *gfp)
{
	if (__builtin_expect((unsigned)gfp->cpu >= cache->quick_cpus || (gfp->flags & GFP_ZERO), 0))
		return 0;
	struct kmem_cache_cpu *own = &cache->cpu[(unsigned)gfp->cpu];
	uintptr_t top = own->top;

	if (__builtin_expect(top != 0, 1)) {
		own->top = 0;
		return top;
	}
	struct slab_sheaf *hand = own->hand;
	uint32_t count = hand->count;

	if (__builtin_expect(count == 0, 0))
		return 0;
	hand->count = count - 1;
	return hand->object[count];
}

/* Takes the object that is so far from the beginning of the direct map, in a frame with that entry. False when it is none of the
 * cache's, or the hand cannot take it. */
static inline bool kmem_quick_give(struct kmem_cache *cache, int cpu, uint64_t distance, uint64_t entry)
{
	slab_product product = (slab_product)(distance + cache->tag - entry) * cache->inverse;

	if (__builtin_expect((uint64_t)product >= cache->inverse ||
				 (uint64_t)(product >> 64) >= cache->usual_slots ||
				 (unsigned)cpu >= cache->quick_cpus,
			     0))
		return false;
	struct kmem_cache_cpu *own = &cache->cpu[(unsigned)cpu];
	uintptr_t address = cache->base + distance, top = own->top;

	if (__builtin_expect(((entry ^ own->active_entry) & cache->only_active) != 0, 0))
		return false;
	if (top != 0) {
		struct slab_sheaf *hand = own->hand;
		uint32_t count = hand->count + 1;

		if (__builtin_expect(top == address || count >= hand->capacity, 0))
			return false;
		hand->object[count] = top;
		hand->count = count;
	}
	own->top = address;
	return true;
}

#endif
