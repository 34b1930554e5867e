/* typed_buddy.h: a buddy (buddy.h) that keeps frames of different migrate types in different pageblocks.
 *
 * The blocks are described as in a plain buddy: two bits per frame over all orders, whatever their type. What differs is how a
 * free one is found. From order 9 on a free block is made of whole pageblocks, which have no type: anybody may have them, and
 * they are searched as in a plain buddy. Below, every type has a bitmap per order, and a bit of it says that a *granule* of that
 * order has a free block and lies in a pageblock of that type:
 *
 *   order      9, 10 ...  |  8     7     6     5     4   |    3      2      1      0
 *   searched     buddy    |  a bitmap for each type                                        one bit is a granule:
 *   granule               |  the blocks of one pageblock |    the 64 blocks of one word
 *                         |  2     4     8     16    32  |    64     64     64     64      blocks
 *                         |          1 pageblock         |    1      1/2    1/4    1/8     pageblocks
 *
 * So no granule lies in two pageblocks, and a pageblock changes its type by moving the bits of at most 20 granules. The maps cost
 * 70,088 bytes per GiB: 65,504 for the blocks, 4,072 for the searches of three types, and 512 for the pageblocks' types
 * (pageblock.h) - against 66,600 without types.
 *
 * A request of a type takes, order-first as in a plain buddy,
 *
 *   own         a block of a pageblock of its type; else
 *   fresh       a part of a pageblock that is wholly free, which then has its type; else, only when there is neither,
 *   borrowed    a block of another type's pageblock, which keeps its type: movable requests from Reclaimable, then Unmovable ones;
 *               these two from each other, for a pageblock that holds one of them is lost as a huge page already; else
 *   converted   unmovable and reclaimable requests: the movable pageblock with the largest free block changes its type, with all
 *               that becomes free in it later, so that those who cannot be moved stay together.
 *
 * A pageblock that becomes wholly free has no type any more: it counts as Movable, as at boot. Types are kept apart better than by
 * Linux's rules (free_lists.h), which do not know the pool of wholly free pageblocks.
 *
 * Invariants, proved by typed_buddy_check():
 *   I1: bitmap_check() holds for every bitmap
 *   I2: bit g of a type's bitmap of an order is set <=> granule g has a free block and lies in a pageblock of the type
 *   I3: only a block that exists and is in use is divided
 *   I4: blocks of a type and order = free ones in its pageblocks; a bit of nonempty is set <=> there are some; from order 9 on
 *       as in a plain buddy
 *   I5: free_pages = frames in free blocks, at most managed_pages
 *   I6: a pageblock that is wholly free is Movable, and none is of a type that requests do not have
 *   I7: hint and recent are granules, and newest is below BUDDY_RECENT
 *
 * Misuse is found by CHECK as in a plain buddy. Not thread-safe: the zone locks. The types may be read without.
 */
#ifndef FAULTLINE_ENGINE_PHYS_TYPED_BUDDY_H
#define FAULTLINE_ENGINE_PHYS_TYPED_BUDDY_H

#include "engine/phys/buddy.h"
#include "engine/phys/pageblock.h"

/* Of the maps, what belongs to one 2 MiB block once it is divided: its blocks, and 20 granules of three types. */
#define TYPED_BUDDY_HUGE_MAP_BYTES 136u

/* How requests were served, in blocks, since the beginning. */
struct typed_buddy_counts {
	uint64_t own, fresh, borrowed, converted;
};

struct typed_buddy {
	/* The blocks of all orders; orders 9 and up are searched by it, too. Its orders below have no free blocks of their own. */
	struct buddy map;
	struct pageblocks *pageblocks;	     /* the caller's: several buddies may share them */
	uint32_t nonempty[MIGRATE_PCPTYPES]; /* bit k, below 9: the type has a free block of order k */
	struct buddy_order order[MIGRATE_PCPTYPES][HUGE_ORDER]; /* words are those of the map */
	struct typed_buddy_counts counts;
};

/* Bytes of memory that a typed buddy of this shape needs, a multiple of 8; 0 when the shape is out of its bounds, or its placement
 * is not BUDDY_ORDER_FIRST. */
size_t typed_buddy_bytes(const struct buddy_shape *shape);

/* Makes one without frames. `memory` as for buddy_create(). The pageblocks hold the range, rounded outward to pageblocks, and are
 * Movable where it lies. STATUS_BAD_ARGUMENT when the shape is out of its bounds. */
MUST_USE enum status typed_buddy_create(struct typed_buddy *buddy, const struct buddy_shape *shape,
					struct pageblocks *pageblocks, void *memory);

/* Gives it frames: as buddy_add(). */
void typed_buddy_add(struct typed_buddy *buddy, pfn_t pfn, uint64_t pages);

/* Takes a block of 2^order frames for a type below MIGRATE_PCPTYPES, own or fresh, from a free block of at most order `largest` (at
 * least `order`, at most the largest order: whoever has other buddies to ask may want to keep large blocks whole). PFN_NONE when
 * there is none. */
pfn_t typed_buddy_allocate(struct typed_buddy *buddy, unsigned order, enum migrate_type type,
			   unsigned largest);

/* Takes frames for a type, as so many calls with order 0 would: as buddy_allocate_frames(). */
uint32_t typed_buddy_allocate_frames(struct typed_buddy *buddy, enum migrate_type type, unsigned largest,
				     const struct buddy_frames *frames);

/* For a request that got nothing so: borrowed or converted. PFN_NONE when no pageblock of any type has such a block. */
pfn_t typed_buddy_fall_back(struct typed_buddy *buddy, unsigned order, enum migrate_type type);

/* Gives back a block taken with exactly this order. */
void typed_buddy_free(struct typed_buddy *buddy, pfn_t pfn, unsigned order);

/* Gives back any run of allocated frames: as buddy_free_range(). */
void typed_buddy_free_range(struct typed_buddy *buddy, pfn_t pfn, uint64_t pages);

/* Takes exactly these frames, all of which are free: they are then a sequence of aligned blocks, the largest possible. Pageblocks
 * keep their types. */
void typed_buddy_claim(struct typed_buddy *buddy, pfn_t pfn, uint64_t pages);

/* The frame's pageblock, which is Movable and not wholly free, changes its type, with all that is free in it. O(granules). */
void typed_buddy_convert(struct typed_buddy *buddy, pfn_t pfn, enum migrate_type type);

/* Is the block of the largest order that holds this frame, which lies in the range, free as a whole? O(1). */
bool typed_buddy_has_top(const struct typed_buddy *buddy, pfn_t pfn);

/* The free blocks of an order in pageblocks of a type below MIGRATE_PCPTYPES; from order 9 on all count as Movable. */
static inline uint64_t typed_buddy_blocks(const struct typed_buddy *buddy, unsigned order,
					  enum migrate_type type)
{
	if (order >= HUGE_ORDER)
		return type == MIGRATE_MOVABLE ? buddy->map.order[order].blocks : 0;
	return buddy->order[type][order].blocks;
}

/* The pageblocks that are wholly free. O(orders). */
static inline uint64_t typed_buddy_whole_pageblocks(const struct typed_buddy *buddy)
{
	uint64_t pageblocks = 0;

	for (unsigned order = HUGE_ORDER; order <= buddy->map.max_order; order++)
		pageblocks += (uint64_t)buddy->map.order[order].blocks << (order - HUGE_ORDER);
	return pageblocks;
}

/* The orders of which there is a free block, whatever its type: bit k. */
static inline uint32_t typed_buddy_orders(const struct typed_buddy *buddy)
{
	return buddy->map.nonempty | buddy->nonempty[MIGRATE_UNMOVABLE] | buddy->nonempty[MIGRATE_MOVABLE] |
	       buddy->nonempty[MIGRATE_RECLAIMABLE];
}

/* NULL, or the text of the first invariant that does not hold. Reads all maps: O(range). */
const char *typed_buddy_check(const struct typed_buddy *buddy);

#endif
