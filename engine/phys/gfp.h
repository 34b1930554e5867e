/* gfp.h: the page allocator as the rest of a kernel sees it: "get free pages".
 *
 * A request says with flags which zones are good enough and what it may do; the zones are tried from the best one down:
 *
 *   GFP_KERNEL                directly mapped memory         Normal -> DMA32 -> DMA
 *   GFP_KERNEL | GFP_DMA32    below 4 GiB                              DMA32 -> DMA
 *   GFP_KERNEL | GFP_DMA      below 16 MiB                                      DMA
 *   GFP_KERNEL | GFP_HIGHMEM  any memory          HighMem -> Normal -> DMA
 *
 * Every zone first has to stay above its `min` watermark; GFP_HIGH may go below. There is no reclaim behind it yet: a request
 * that no zone can serve fails, and that is counted.
 *
 * The owner of a block finds itself in its first page: PAGE_HEAD, count 1, its order in `private`. Freeing checks these, so a
 * second free, or one with a wrong order, dies by CHECK even while the frame waits in a per-CPU list.
 */
#ifndef FAULTLINE_ENGINE_PHYS_GFP_H
#define FAULTLINE_ENGINE_PHYS_GFP_H

#include "engine/phys/node.h"

enum gfp_flag {
	GFP_KERNEL = 0,
	GFP_DMA = 1 << 0,
	GFP_DMA32 = 1 << 1,
	GFP_HIGHMEM = 1 << 2,	  /* need not be mapped */
	GFP_ZERO = 1 << 3,	  /* reads as zero (with backing none there is nothing to clear) */
	GFP_HIGH = 1 << 4,	  /* may go below the min watermark */
	GFP_RECLAIMABLE = 1 << 5, /* the slab's objects can be reclaimed */
	GFP_ACCOUNT = 1 << 6,	  /* charged to a memory cgroup */
};

struct gfp {
	unsigned flags; /* enum gfp_flag, or-ed */
	int cpu;	/* the calling CPU, or -1: per-CPU lists are not used */
};

/* A block of 2^order frames, or NULL. order: at most the zones' largest; a larger one is refused. */
struct page *alloc_pages(struct node *node, const struct gfp *gfp, unsigned order);

/* Gives it back, with the same order. `cpu` as in struct gfp. */
void free_pages_of(struct node *node, int cpu, struct page *page, unsigned order);

/* The same by address in the direct map; GFP_HIGHMEM is not allowed here. 0 when there is none. */
uintptr_t get_free_pages(struct node *node, const struct gfp *gfp, unsigned order);
void free_pages(struct node *node, int cpu, uintptr_t address, unsigned order);

#endif
