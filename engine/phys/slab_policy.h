/* slab_policy.h: what can be chosen about all caches of a slab allocator.
 *
 * With `cpu_slabs` a CPU owns one slab of each cache and a short list of partly used ones, as in Linux up to 6.18 (mm/slub.c);
 * with sheaves it has two arrays of free objects of any slab, and the cache keeps some more of them (Bonwick's magazines and
 * depot; in Linux 6.18 for caches that ask for it, later for all). Both together: sheaves are filled from the CPU's slabs.
 */
#ifndef FAULTLINE_ENGINE_PHYS_SLAB_POLICY_H
#define FAULTLINE_ENGINE_PHYS_SLAB_POLICY_H

#include "engine/phys/slab_geometry.h"

#define SLAB_SHEAF_MAX 256u /* objects */

struct slab_policy {
	enum slab_geometry_rule geometry;
	uint32_t order_max;	 /* of a slab: 0 .. SLAB_ORDER_MAX */
	unsigned cpus;		 /* 1 .. SLAB_CPUS_MAX */
	uint32_t sheaf_capacity; /* objects, of caches that ask for no other: 0 .. SLAB_SHEAF_MAX; 0 = none */
	bool cpu_slabs;
	bool merge; /* caches of like objects become one */
	bool
	    colour; /* the first slot of each new slab is shifted by one alignment more, as far as the rest allows */
	bool random;	/* free slots are handed out in random order */
	bool hardened;	/* a second free is found at once, wherever the object waits */
	unsigned debug; /* SLAB_DEBUG_FLAGS that every cache gets */
	uint64_t seed;
};

#endif
