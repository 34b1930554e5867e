/* buddy.h: the buddy allocator of page frames, with one hierarchical bitmap per order and nothing in the frames
 * themselves.
 *
 * Free memory is kept as blocks of 2^order frames, aligned to their own size. An allocation takes a free block of the
 * smallest sufficient order and splits it in halves until it fits; a free merges a block with its *buddy* (the other
 * half of the block above) as long as that one is free too (Knowlton 1965; Knuth, TAOCP 1, 2.5).
 *
 * Every order has a bit per block, in words, and over the words a hierarchical bitmap (bitmap.h) of those that hold a
 * free block, so that every search is a constant number of words:
 *
 *   order 2   free    [ 1  ...                          bit w: word w of order 2 has a free block
 *             words   [. . . . ][. . . . ] ...
 *   order 1   free    [ 1 . ...
 *             words   [. . . . . . . . ][. . . . . . . . ] ...
 *   order 0   free    [ . . 1 . ...
 *             words   [. . . . . . . . . . . . . . . . ][. . . . . . . . . . . . . . . . ] ...
 *
 * The bits of two buddies together say free, in use or not there (pair_code.h): two bits per frame over all orders, which
 * tell free, allocated and divided apart for every block. The maps cost 66,600 bytes per GiB: 65,504 for the bits and
 * 1,096 for the searches, and 10 KiB per GiB more for the fill queue where placement asks for it.
 *
 * Placement says which free block an allocation takes:
 *
 *   order-first       one of the smallest sufficient order: from the word of the last free of that order, of the words of
 *                     the last BUDDY_RECENT + 1 frees that still have one, else the lowest
 *   lowest-address    the lowest sufficient one of any order
 *   fullest-block     orders below 9 from the fullest divided 2 MiB block that can serve them (fill_queue.h), so that
 *                     sparse blocks drain and become huge pages again; larger orders as order-first
 *
 * Errors of the caller are bugs and always found, by CHECK: freeing a frame outside the range, a free frame (a double
 * free), a block with another order than it was allocated with, a misaligned pfn. It costs one word more than the free
 * looks at anyway. One thing cannot be seen: frames that were never added look allocated.
 *
 * Invariants, proved by buddy_check():
 *   I1: bitmap_check() holds for every order's bitmap
 *   I2: bit w of free[k] is set <=> word w of order k has a free block
 *   I3: only a block that exists and is in use is divided
 *   I4: free_blocks[k] = free blocks of order k; bit k of nonempty is set <=> free_blocks[k] > 0
 *   I5: free_pages = sum of free_blocks[k] * 2^k, at most managed_pages
 *   I6: with fullest-block, the entry of every 2 MiB block in the fill queue is what the bits say
 *   I7: hint and recent of every order are words of it, and newest is below BUDDY_RECENT
 *
 * All memory comes from the caller and lies outside the managed frames; an empty range of any size touches none of it, and
 * whole top-order blocks touch one bit each. Not thread-safe: the zone or arena above locks.
 */
#ifndef FAULTLINE_ENGINE_PHYS_BUDDY_H
#define FAULTLINE_ENGINE_PHYS_BUDDY_H

#include "engine/base/bitmap.h"
#include "engine/base/status.h"
#include "engine/base/units.h"
#include "engine/phys/fill_queue.h"

#define BUDDY_ORDER_MAX 18u /* 1 GiB blocks */
#define BUDDY_ORDERS (BUDDY_ORDER_MAX + 1)
#define BUDDY_KERNEL_ORDER 10u /* Linux's largest order */
#define BUDDY_RECENT 8u	       /* words that an order remembers */
#define BUDDY_MEMORY_ALIGNMENT 8u
/* Of the maps, what belongs to one 2 MiB block once it is divided. */
#define BUDDY_HUGE_MAP_BYTES 128u

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

/* The blocks of one order. Block i is the frames base + i * 2^order and on. */
struct buddy_order {
	uint64_t *words; /* a bit per block, in pairs */
	uint64_t pairs;	 /* PAIR_LEFT_BITS, or PAIR_NO_BITS at the top */
	uint32_t blocks; /* free ones */
	uint32_t hint;	 /* the word in which a block became free last, of those that have one */
	uint32_t recent[BUDDY_RECENT]; /* a ring: earlier hints */
	uint32_t newest;	       /* index of the last of them */
	struct bitmap free;	       /* bit w: word w has a free block */
};

struct buddy {
	uint32_t nonempty; /* bit k: there is a free block of order k */
	unsigned max_order;
	enum buddy_placement placement;
	pfn_t base;		 /* first, rounded down to a top-order block */
	pfn_t first, end;	 /* the range: first .. end-1 */
	uint64_t free_pages;	 /* frames in free blocks */
	uint64_t managed_pages;	 /* frames ever added, free or allocated */
	struct fill_queue *fill; /* only with BUDDY_FULLEST_BLOCK, else NULL */
	struct buddy_order order[BUDDY_ORDERS];
};

/* Bytes of memory a buddy of this shape needs, a multiple of 8; 0 when the shape is out of its bounds. */
size_t buddy_bytes(const struct buddy_shape *shape);

/* Makes a buddy without frames. `memory` has buddy_bytes(shape) bytes, aligned to BUDDY_MEMORY_ALIGNMENT, reading as zero.
 * STATUS_BAD_ARGUMENT when the shape is out of its bounds. */
MUST_USE enum status buddy_create(struct buddy *buddy, const struct buddy_shape *shape, void *memory);

/* Gives the buddy the frames pfn .. pfn+pages-1, which lie in its range and were not added before. O(pieces), where a
 * piece is an aligned block: at most 2 per order and one per top-order block. */
void buddy_add(struct buddy *buddy, pfn_t pfn, uint64_t pages);

/* Takes a block of 2^order frames, order at most max_order. PFN_NONE when there is none. */
pfn_t buddy_allocate(struct buddy *buddy, unsigned order);

/* Where the first frames of blocks are to go, and how many are wanted. */
struct buddy_frames {
	uint32_t *first;
	uint32_t wanted;
};

/* Takes single frames, as many as wanted or as there are, as so many calls for blocks of order 0 would, and in their order; returns
 * how many. With order-first, what lies together in a word, or is a whole block, is taken at once. */
uint32_t buddy_allocate_frames(struct buddy *buddy, const struct buddy_frames *frames);

/* Gives back a block taken with exactly this order. */
void buddy_free(struct buddy *buddy, pfn_t pfn, unsigned order);

/* Takes `pages` (at least 1) frames in a row, aligned to the next power of two (capped at a top-order block); the unused
 * tail of the block never leaves the buddy. The run is marked as a sequence of aligned blocks: the set bits of `pages`, the
 * largest first. More than a top-order block is served from neighbouring free top-order blocks, found by a walk over their
 * bitmap. PFN_NONE when there is no such run. */
pfn_t buddy_allocate_pages(struct buddy *buddy, uint64_t pages);

/* Gives back any run of allocated frames, whatever blocks they were allocated as: a block that lies only partly inside is
 * cut first and its rest stays allocated. O(orders) per aligned piece. */
void buddy_free_range(struct buddy *buddy, pfn_t pfn, uint64_t pages);

/* Cuts a block taken with exactly this order into blocks of order `piece`, each of which can be given back by itself. */
void buddy_split(struct buddy *buddy, pfn_t pfn, unsigned order, unsigned piece);

/* Takes exactly the frames pfn .. pfn+pages-1 if all of them are free; else changes nothing and returns false. A run that
 * reaches beyond the range is not free. */
MUST_USE bool buddy_claim(struct buddy *buddy, pfn_t pfn, uint64_t pages);

enum buddy_state {
	BUDDY_FOREIGN, /* outside the range */
	BUDDY_FREE,
	BUDDY_ALLOCATED, /* or never added */
};

/* The state of any frame, and the first frame and order of the block that holds it (unless foreign). O(orders). */
enum buddy_state buddy_find(const struct buddy *buddy, pfn_t pfn, pfn_t *first, unsigned *order);

static inline bool buddy_find_free(const struct buddy *buddy, pfn_t pfn, pfn_t *first, unsigned *order)
{
	return buddy_find(buddy, pfn, first, order) == BUDDY_FREE;
}

/* Free blocks of an order, 0 .. BUDDY_ORDER_MAX. */
static inline uint64_t buddy_free_blocks(const struct buddy *buddy, unsigned order)
{
	return buddy->order[order].blocks;
}

/* NULL, or the text of the first invariant that does not hold. Reads all maps: O(range). */
const char *buddy_check(const struct buddy *buddy);

#endif
