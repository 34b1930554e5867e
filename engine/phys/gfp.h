/* gfp.h: the page allocator as the rest of a kernel sees it: "get free pages".
 *
 * The names are the kernel's (include/linux/gfp.h, mm/page_alloc.c, Linux 6.18), with what the simulation cannot take from
 * its surroundings as arguments: the machine's memory, and who calls. C reserves names that begin with two underscores:
 *
 *   alloc_pages, alloc_page                      a block of 2^order frames, one frame
 *   free_pages_of, free_page_of                  __free_pages, __free_page: the same by page
 *   get_free_pages, get_free_page                __get_free_pages, __get_free_page: by address in the direct map
 *   get_zeroed_page, free_pages, free_page       the same by address
 *   alloc_pages_exact, free_pages_exact          as many frames as hold some bytes
 *   alloc_pages_bulk                             many single frames at once
 *   split_page                                   a block becomes single frames
 *   get_page, put_page                           one reference more, one less
 *   page_address, virt_to_page                   memory.h
 *
 * A request says with flags (gfp_flags.h) which zones are good enough and what it may do. The zones are tried in the fallback
 * order of a node (node.h, mempolicy.h), from the best one down, each to its low watermark; then again to min, and as deep
 * below it as the flags allow (zone_request.h); then, if it may wait, reclaim and compaction are asked (reclaim_hook.h):
 *
 *   GFP_KERNEL                directly mapped memory         Normal -> DMA32 -> DMA
 *   GFP_KERNEL | GFP_DMA32    below 4 GiB                              DMA32 -> DMA
 *   GFP_KERNEL | GFP_DMA      below 16 MiB                                      DMA
 *   GFP_HIGHUSER              any memory          HighMem -> Normal -> DMA
 *
 * The owner of a block finds itself in its first page: PAGE_HEAD, count 1, its order in `private`. A compound block
 * (GFP_COMP) has PAGE_COMPOUND there, and PAGE_COMPOUND_TAIL with the distance to the first in `index` of all others. Freeing
 * looks at these before all else, so a second free, one with a wrong order, or of what was never allocated, is found even
 * while the frame waits in a CPU's set: page_owner.h says what is done then.
 */
#ifndef FAULTLINE_ENGINE_PHYS_GFP_H
#define FAULTLINE_ENGINE_PHYS_GFP_H

#include "engine/phys/gfp_flags.h"
#include "engine/phys/memory.h"
#include "engine/phys/mempolicy.h"

struct gfp {
	unsigned flags;		  /* enum gfp_flag, or-ed */
	int cpu;		  /* the calling CPU, or -1: page sets are not used */
	const char *caller;	  /* for page_owner.h: static text, or NULL */
	struct mempolicy *policy; /* NULL: local */
};

/* A block of 2^order frames, or NULL. An order above the zones' largest is refused and counted. */
struct page *alloc_pages(struct memory *memory, const struct gfp *gfp, unsigned order);

static inline struct page *alloc_page(struct memory *memory, const struct gfp *gfp)
{
	return alloc_pages(memory, gfp, 0);
}

/* Gives a reference to a block back, with the order it was allocated with; the last one frees it. As in the kernel, the first
 * free of a block that others hold references to frees all of it but its first frame, unless it is compound. `cpu` as in
 * struct gfp. */
void free_pages_of(struct memory *memory, int cpu, struct page *page, unsigned order);

static inline void free_page_of(struct memory *memory, int cpu, struct page *page)
{
	free_pages_of(memory, cpu, page, 0);
}

/* The same by address in the direct map; GFP_HIGHMEM is not allowed here. 0 when there is none; freeing 0 does nothing. */
uintptr_t get_free_pages(struct memory *memory, const struct gfp *gfp, unsigned order);
uintptr_t get_zeroed_page(struct memory *memory, const struct gfp *gfp);
void free_pages(struct memory *memory, int cpu, uintptr_t address, unsigned order);

static inline uintptr_t get_free_page(struct memory *memory, const struct gfp *gfp)
{
	return get_free_pages(memory, gfp, 0);
}

static inline void free_page(struct memory *memory, int cpu, uintptr_t address)
{
	free_pages(memory, cpu, address, 0);
}

/* Frames in a row that hold `bytes` (at least 1), each of its own; the rest of the block they come from goes back. GFP_COMP and
 * GFP_HIGHMEM are ignored. 0 when there are none. They are freed with the same `bytes`. */
uintptr_t alloc_pages_exact(struct memory *memory, const struct gfp *gfp, uint64_t bytes);
void free_pages_exact(struct memory *memory, int cpu, uintptr_t address, uint64_t bytes);

/* Fills the entries of `page` that are NULL with single frames, from one zone above its low watermark as far as that goes;
 * at least one entry is tried with all means. Returns how many entries from the first on are filled then. */
size_t alloc_pages_bulk(struct memory *memory, const struct gfp *gfp, size_t count, struct page **page);

/* Of a block that is not compound: each of its frames becomes a block of its own, with one reference. */
void split_page(struct memory *memory, struct page *page, unsigned order);

/* The first page of a compound block, or the page itself. */
static inline struct page *compound_head(struct page *page)
{
	return page->flags & PAGE_COMPOUND_TAIL ? page - page->index : page;
}

/* 0 for a page that is not the first of a compound block. */
static inline unsigned compound_order(const struct page *page)
{
	return page->flags & PAGE_COMPOUND ? (unsigned)page->private : 0;
}

/* References of the page's block, and page-table entries that name the page. */
static inline int32_t page_ref_count(struct page *page)
{
	return compound_head(page)->count;
}

static inline int32_t page_mapcount(const struct page *page)
{
	return page->mapcount;
}

/* A reference more to the block of an allocated page, and one less: the last one frees the block, which is compound or a single
 * frame. */
void get_page(struct memory *memory, struct page *page);
void put_page(struct memory *memory, int cpu, struct page *page);

#endif
