/* buddy.h: the buddy allocator of page frames, with one hierarchical bitmap per order and nothing in the
 * frames themselves.
 *
 * Free memory is kept as blocks of 2^order frames, aligned to their own size. An allocation takes a free
 * block of the smallest sufficient order and splits it in halves until it fits; a free merges a block with
 * its *buddy* (the other half of the next larger block) as long as that one is free too (Knowlton 1965;
 * Knuth, TAOCP 1, 2.5).
 *
 * Where the bits lie:
 *
 *   orders 9 .. max   free[k]: one hierarchical bitmap (bitmap.h) per order, a bit per block
 *   orders 0 .. 8     free[k]: one hierarchical bitmap per order, a bit per 2 MiB block that has a free one
 *                     trees[]: per 2 MiB block the bits of all its orders in two cache lines (block_tree.h)
 *
 * Every search is a constant number of words. For orders up to 10 the maps cost 66,808 bytes per GiB: 65,536
 * for the trees, 512 for `detail`, 760 for the bitmaps. An open block is one broken into orders below 9.
 *
 * Placement says which free block an allocation takes:
 *
 *   order-first       one of the smallest sufficient order, near the last one freed, as a free list would
 *   lowest-address    the lowest sufficient one
 *   fullest-block     orders below 9 from the fullest open 2 MiB block that can serve them (fill_queue.h), so
 *                     that sparse blocks drain and become huge pages again; larger orders as order-first
 *
 * Errors of the caller are bugs and always found, by CHECK: freeing a frame outside the range, a free frame
 * (a double free), a block with another order than it was allocated with, a misaligned pfn. The cost is one
 * to five words in lines that the free touches anyway. One thing cannot be seen: frames of an open 2 MiB
 * block that were never added look like allocated single frames.
 *
 * Invariants, proved by buddy_check():
 *   I1: bitmap_check() holds for every order's bitmap
 *   I2: bit b of free[k], k < 9, is set <=> block b has a free block of order k
 *   I3: two buddies are never both free
 *   I4: no free or allocated block lies inside another
 *   I5: free_blocks[k] = free blocks of order k in the maps; bit k of nonempty <=> free_blocks[k] > 0
 *   I6: free_pages = sum of free_blocks[k] * 2^k, at most managed_pages
 *   I7: detail[b] of an open block: bit i set <=> word i of its order-0 bits has a free frame
 *   I8: with fullest-block: every open block's entry in the fill queue is what its bits say, and no other
 *       block is listed
 *
 * All memory comes from the caller and lies outside the managed frames; an empty range of any size touches
 * none of it, and whole top-order blocks touch one bit each. Not thread-safe: the zone or arena above locks.
 */
#ifndef FAULTLINE_ENGINE_PHYS_BUDDY_H
#define FAULTLINE_ENGINE_PHYS_BUDDY_H

#include "engine/base/bitmap.h"
#include "engine/base/status.h"
#include "engine/base/units.h"
#include "engine/phys/block_tree.h"
#include "engine/phys/fill_queue.h"

#define BUDDY_ORDER_MAX 18u /* 1 GiB blocks */
#define BUDDY_ORDERS (BUDDY_ORDER_MAX + 1)
#define BUDDY_KERNEL_ORDER 10u /* Linux's largest order */
#define BUDDY_MEMORY_ALIGNMENT 64u

/* The most frames of one buddy: 16 TiB. */
#define BUDDY_PAGES_MAX ((uint64_t)1 << 32)

enum buddy_placement {
	BUDDY_ORDER_FIRST,
	BUDDY_LOWEST_ADDRESS,
	BUDDY_FULLEST_BLOCK,
};

/* What a buddy is made for. */
struct buddy_shape {
	pfn_t first;	    /* first frame of the range */
	uint64_t pages;	    /* its length, 1 .. BUDDY_PAGES_MAX */
	unsigned max_order; /* largest block, HUGE_ORDER .. BUDDY_ORDER_MAX */
	enum buddy_placement placement;
};

struct buddy {
	uint32_t nonempty;		  /* bit k: there is a free block of order k */
	uint32_t hint[BLOCK_TREE_ORDERS]; /* word of the trees where a block of that order was freed last */
	unsigned max_order;
	enum buddy_placement placement;
	pfn_t base;		  /* first, rounded down to a top-order block: bit 0 of every map */
	pfn_t first, end;	  /* the range: first .. end-1 */
	struct block_tree *trees; /* one per 2 MiB block */
	uint8_t *detail;	 /* per 2 MiB block: order-0 words with free frames, or with HEAD the order */
	struct fill_queue *fill; /* only with BUDDY_FULLEST_BLOCK, else NULL */
	uint64_t free_pages;	 /* frames in free blocks */
	uint64_t managed_pages;	 /* frames ever added, free or allocated */
	uint64_t free_blocks[BUDDY_ORDERS]; /* free blocks per order */
	struct bitmap free[BUDDY_ORDERS];   /* see above */
};

/* Bytes of memory a buddy of this shape needs, a multiple of 64; 0 when the shape is out of its bounds. */
size_t buddy_bytes(const struct buddy_shape *shape);

/* Makes a buddy whose frames are all absent. `memory` has buddy_bytes(shape) bytes, aligned to
 * BUDDY_MEMORY_ALIGNMENT, reading as zero. STATUS_BAD_ARGUMENT when the shape is out of its bounds. */
MUST_USE enum status buddy_create(struct buddy *buddy, const struct buddy_shape *shape, void *memory);

/* Gives the buddy the free frames pfn .. pfn+pages-1, which lie in its range and were not added before.
 * O(pieces), where a piece is an aligned block: at most 2 per order and one per top-order block. */
void buddy_add(struct buddy *buddy, pfn_t pfn, uint64_t pages);

/* Takes a block of 2^order frames, order at most max_order. PFN_NONE when there is none. */
pfn_t buddy_allocate(struct buddy *buddy, unsigned order);

/* Gives back a block taken with exactly this order. */
void buddy_free(struct buddy *buddy, pfn_t pfn, unsigned order);

/* Takes `pages` (at least 1) frames in a row, aligned to the next power of two (capped at a top-order block);
 * the unused tail of the block never leaves the buddy. The run is marked as a sequence of aligned blocks: the
 * set bits of `pages`, the largest first. More than a top-order block is served from neighbouring free
 * top-order blocks, found by a linear walk over their bitmap. PFN_NONE when there is no such run. */
pfn_t buddy_allocate_pages(struct buddy *buddy, uint64_t pages);

/* Gives back any run of allocated frames, whatever blocks they were allocated as: a block that lies only
 * partly inside is cut first and its rest stays allocated. O(orders) per aligned piece of the run that was
 * allocated as such. */
void buddy_free_range(struct buddy *buddy, pfn_t pfn, uint64_t pages);

/* Takes exactly the frames pfn .. pfn+pages-1 if all of them are free; else changes nothing and returns
 * false. A run that reaches beyond the range is not free. */
MUST_USE bool buddy_claim(struct buddy *buddy, pfn_t pfn, uint64_t pages);

/* Finds the allocated block that holds `pfn` (any number): true and its first frame and order, or false when
 * the frame is free or absent. O(orders). */
bool buddy_find_allocated(const struct buddy *buddy, pfn_t pfn, pfn_t *first, unsigned *order);

/* Finds the free block that holds `pfn` (any number): true and its first frame and order. O(orders). */
bool buddy_find_free(const struct buddy *buddy, pfn_t pfn, pfn_t *first, unsigned *order);

/* NULL, or the text of the first invariant that does not hold. Reads all maps: O(range). */
const char *buddy_check(const struct buddy *buddy);

#endif
