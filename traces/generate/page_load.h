/* page_load.h: a load of pages as a kernel recording: the machine that it begins with, and its allocations and frees.
 *
 *   iomem, frames, zoneinfo, buddyinfo ──▶ one zone of movable memory, all of it free, one processor, no watermarks
 *   page_alloc, page_free              ──▶ blocks of order 0 and 9, whose frames a frame_pool.h gives
 *
 * No machine was recorded: there is no second set of snapshots, and the frames say only which free belongs to which allocation. Times
 * are 100 ns apart.
 */
#ifndef FAULTLINE_TRACES_GENERATE_PAGE_LOAD_H
#define FAULTLINE_TRACES_GENERATE_PAGE_LOAD_H

#include "traces/generate/frame_pool.h"
#include "traces/generate/workload.h"

#define PAGE_LOAD_MIB_MAX 65536u

struct page_load_block {
	uint32_t frame;
	uint8_t order;
};

struct page_load {
	struct generation *generation;
	struct frame_pool pool;
	struct page_load_block *block; /* in use */
	uint64_t blocks;
	uint64_t pages, capacity; /* in use, and of the machine */
	uint32_t thread;
};

/* Begins the trace with a machine of `mib` MiB (a multiple of 4, at most PAGE_LOAD_MIB_MAX). False, and the generation failed, without
 * memory; nothing is left to be destroyed. */
bool page_load_begin(struct page_load *load, struct generation *generation, uint64_t mib);
void page_load_end(struct page_load *load);

/* Allocates a block of order 0 or FRAME_POOL_ORDER; one that there is no room for is an allocation that failed. */
bool page_load_take(struct page_load *load, unsigned order);

/* Frees a block at random; there is one. */
void page_load_give_any(struct page_load *load);

#endif
