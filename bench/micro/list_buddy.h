/* list_buddy.h: the yardstick: a plain buddy allocator of the kind every kernel has, with doubly linked free lists.
 *
 *   free list of order k  <->  descriptor  <->  descriptor  <->  ...        LIFO
 *
 * Every frame has a descriptor of 64 bytes, as in kernels; the first frame's descriptor of a block carries its links,
 * its order and whether it is free or allocated. An allocation pops the list of the smallest sufficient order, a free
 * looks at its buddy's descriptor, unlinks it and merges. It checks a free as the engine's buddy does: range,
 * alignment, double free and wrong order, from the descriptor that it reads anyway.
 *
 * Orders 0 .. 10. Memory comes from the caller. Not part of the engine: only the benchmark uses it.
 */
#ifndef FAULTLINE_BENCH_MICRO_LIST_BUDDY_H
#define FAULTLINE_BENCH_MICRO_LIST_BUDDY_H

#include "engine/base/units.h"

#define LIST_BUDDY_ORDERS 11u

struct list_link {
	struct list_link *next, *previous;
};

struct list_page {
	struct list_link
	    link;	/* in a free list, when `state` is LIST_PAGE_FREE; first, so that link = page */
	uint32_t state; /* enum list_page_state */
	uint32_t order; /* of the block that begins here */
	unsigned char rest[40]; /* what a kernel keeps besides */
};

enum list_page_state {
	LIST_PAGE_INSIDE, /* not the first frame of a block */
	LIST_PAGE_FREE,
	LIST_PAGE_ALLOCATED,
};

struct list_buddy {
	uint32_t nonempty; /* bit k: list k is not empty */
	uint64_t pages;
	uint64_t free_blocks[LIST_BUDDY_ORDERS];
	struct list_link list[LIST_BUDDY_ORDERS];
	struct list_page *page;
};

/* Makes a buddy of the free frames 0 .. pages-1; pages is a multiple of 1024 and `page` an array of that many
 * descriptors, all zero. */
void list_buddy_create(struct list_buddy *buddy, struct list_page *page, uint64_t pages);

pfn_t list_buddy_allocate(struct list_buddy *buddy, unsigned order);
void list_buddy_free(struct list_buddy *buddy, pfn_t pfn, unsigned order);

#endif
