/* kmem_names.h: which cache of a recorded machine an event of its slab allocator means.
 *
 *   the event names it          kmem_cache_alloc, kmem_cache_free: a line of slabinfo has the name. (Caches that the kernel made one
 *                               have the name of the oldest, in events and in slabinfo alike.)
 *   kmalloc                     the cache is told by the bytes it grants and by what the flags ask for: kmalloc-96, kmalloc-cg-96,
 *                               kmalloc-rcl-96, dma-kmalloc-96; above 8 KiB it is pages, and no cache
 *   kfree                       not told: the object's own slab knows (slab_places.h)
 *
 * kmalloc from a caller's own buckets (memdup_user-96) makes the same events, and counts as kmalloc-96 here.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_KMEM_NAMES_H
#define FAULTLINE_BENCH_PHYSICAL_KMEM_NAMES_H

#include "bench/physical/slabinfo_text.h"
#include "engine/phys/kmalloc.h"
#include "traces/flt.h"

#define KMEM_NAMES_CLASSES 16u /* 96, 192, then 2^3 .. 2^13 by their logarithm */

struct kmem_names {
	uint32_t caches, gfps;
	uint32_t *row;	 /* [number of a cache's name - 1]: line of slabinfo, or SLABINFO_NO_ROW */
	unsigned *flags; /* [number of a name of allocation flags - 1]: enum gfp_flag, or-ed */
	uint32_t kmalloc[KMALLOC_TYPES][KMEM_NAMES_CLASSES];
	bool *is_kmalloc; /* [line of slabinfo]: kfree may mean it without a name */
};

/* TRACE_NO_MEMORY. */
enum trace_status kmem_names_create(struct kmem_names *names, const struct flt_summary *trace,
				    const struct slabinfo_text *info,
				    struct trace_error *error) TRACE_MUST_USE;
void kmem_names_destroy(struct kmem_names *names);

/* The line of slabinfo that a kmem_alloc or kmem_free means; SLABINFO_NO_ROW: the event does not tell, or slabinfo does not. */
uint32_t kmem_names_row(const struct kmem_names *names, const struct event *event);

/* Is it a kmalloc of pages, which no cache knows of? */
bool kmem_names_is_large(const struct event *event);

/* The event's allocation flags that caches ask for, for the processor `cpu`. */
struct gfp kmem_names_gfp(const struct kmem_names *names, const struct event *event, int cpu);

#endif
