/* slabinfo.h: the figures of a cache as /proc/slabinfo has them (Linux 6.18, mm/slub.c: get_slabinfo; mm/slab_common.c: cache_show).
 *
 *   # name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor>
 *   : slabdata <active_slabs> <num_slabs> <sharedavail>                                                    (one line)
 *
 *   num_objs = slots of all slabs;   active_objs = num_objs - free slots of the slabs in the node's partial list
 *
 * so what is free in a CPU's slabs, or waits in sheaves, counts as active. Of a list longer than 10,000 slabs the kernel looks at the
 * first and the last 5,000 only, and takes the rest to be like them (count_partial_free_approx): so do we.
 */
#ifndef FAULTLINE_ENGINE_PHYS_SLABINFO_H
#define FAULTLINE_ENGINE_PHYS_SLABINFO_H

#include "engine/phys/kmem_cache.h"

struct slabinfo {
	const char *name;
	uint64_t active_objs, num_objs;
	uint32_t objsize; /* bytes from one object to the next */
	uint32_t objperslab, pagesperslab;
	uint32_t limit, batchcount, sharedfactor; /* 0: of no meaning with SLUB */
	uint64_t active_slabs, num_slabs;	  /* both: all slabs */
	uint64_t sharedavail;			  /* 0 */
};

#define SLABINFO_LINE_BYTES 320u

void slabinfo_of(const struct kmem_cache *cache, struct slabinfo *info);

/* The two lines above the caches' lines, both ending with a newline. */
const char *slabinfo_header(void);

/* The cache's line, ending with a newline, in `buffer` (SLABINFO_LINE_BYTES). Returns its length. */
size_t slabinfo_line(const struct slabinfo *info, char *buffer);

/* Pages of all its slabs. */
uint64_t slabinfo_pages(const struct kmem_cache *cache);

#endif
