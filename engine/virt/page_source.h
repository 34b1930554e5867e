/* page_source.h: where the pages of page tables come from: the page allocator, or a counter.
 *
 * A frame number counts pages of the machine's size, whatever that is; a source that stands on a buddy is used with a
 * buddy over frames of that size.
 */
#ifndef FAULTLINE_ENGINE_VIRT_PAGE_SOURCE_H
#define FAULTLINE_ENGINE_VIRT_PAGE_SOURCE_H

#include "engine/base/units.h"
#include "engine/phys/buddy.h"
#include "engine/phys/memory.h"

struct page_source {
	void *owner;
	pfn_t (*take)(void *owner,
		      unsigned order); /* 2^order pages, aligned to as many; PFN_NONE when there are none */
	void (*give)(void *owner, pfn_t frame, unsigned order); /* exactly what was taken */
};

/* Pages from a buddy. A request beyond its top order finds none. */
struct page_source page_source_of_buddy(struct buddy *buddy);

/* Pages from the zones of a machine, from any that it has, for no processor's list; cleared, as processes and tables get them. */
struct page_source page_source_of_memory(struct memory *memory);

/* The same, for what can be moved: pages of processes and files (GFP_HIGHUSER_MOVABLE). */
struct page_source page_source_of_movable_memory(struct memory *memory);

#define COUNTING_ORDERS 32u
#define COUNTING_FREE_MAX 64u

/* The simplest source: the next number, up to a limit. Pages that were given back are counted and, as far as a short
 * list per order goes, handed out again, the last one first. */
struct counting_source {
	pfn_t next;	      /* the lowest number never handed out */
	uint64_t limit_pages; /* numbers at or beyond are refused */
	uint64_t taken_pages; /* now */
	uint64_t peak_pages;
	uint64_t takes, gives;
	uint32_t free_count[COUNTING_ORDERS];
	pfn_t free[COUNTING_ORDERS][COUNTING_FREE_MAX];
};

void counting_source_create(struct counting_source *source, pfn_t first, uint64_t pages);
struct page_source page_source_of_counter(struct counting_source *source);

#endif
