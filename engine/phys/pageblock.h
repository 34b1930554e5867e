/* pageblock.h: the migrate type of every 2 MiB of a range of frames.
 *
 *   frames       |...........512...........|...........512...........|...........512...........|
 *   byte         |  type  | skip | isolate |  type  | skip | isolate |  ...
 *
 * A *pageblock* is the piece of memory that Linux tries to keep for one purpose: the size of a huge page (pageblock_order 9
 * on x86-64). The byte of each holds
 *
 *   type      migrate type of the free pages in it (migrate.h), not Isolate
 *   skip      compaction found nothing to do here last time
 *   isolate   the block is isolated; its type is kept for the time after (since 6.17, include/linux/pageblock-flags.h)
 *
 * A block that is isolated answers Isolate when it is asked for its type. At boot all blocks are Movable. A block's byte is
 * written by whoever holds the lock of its memory, and read by anybody.
 *
 * Invariants, proved by pageblocks_check():
 *   I1: a block's byte holds a type below Isolate, and no unknown bits
 *   I2: blocks[type] = blocks that answer this type
 */
#ifndef FAULTLINE_ENGINE_PHYS_PAGEBLOCK_H
#define FAULTLINE_ENGINE_PHYS_PAGEBLOCK_H

#include "engine/base/reservation.h"
#include "engine/base/units.h"
#include "engine/phys/migrate.h"

#include <stdatomic.h>

#define PAGEBLOCK_ORDER HUGE_ORDER
#define PAGEBLOCK_PAGES ((uint64_t)1 << PAGEBLOCK_ORDER)

enum pageblock_bit {
	PAGEBLOCK_TYPE = 0x07, /* enum migrate_type */
	PAGEBLOCK_SKIP = 0x08,
	PAGEBLOCK_ISOLATED = 0x10,
};

struct pageblocks {
	pfn_t first;				/* first frame of block 0, a multiple of PAGEBLOCK_PAGES */
	uint64_t count;				/* blocks */
	_Atomic uint64_t blocks[MIGRATE_TYPES]; /* of them, by the type that they answer */
	_Atomic uint8_t *bits;			/* enum pageblock_bit, a byte per block */
	struct reservation memory;
};

/* The blocks of the frames first .. first+pages-1 (at least one), those at the ends that lie partly outside included; all are
 * Movable. STATUS_NO_MEMORY. One byte per 2 MiB: 512 KiB per TiB. */
MUST_USE enum status pageblocks_create(struct pageblocks *pageblocks, pfn_t first, uint64_t pages);
void pageblocks_destroy(struct pageblocks *pageblocks);

/* Changes the type of the block that holds the frame; `type` is not MIGRATE_ISOLATE. A block that is isolated goes on
 * answering Isolate until that ends. */
void pageblock_set_type(struct pageblocks *pageblocks, pfn_t pfn, enum migrate_type type);

/* Isolates the block that holds the frame, or ends that. */
void pageblock_set_isolated(struct pageblocks *pageblocks, pfn_t pfn, bool is_isolated);

/* Compaction: forgets what was skipped, in all blocks. O(blocks). */
void pageblocks_forget_skips(struct pageblocks *pageblocks);

/* NULL, or the text of the first invariant that does not hold. O(blocks). */
const char *pageblocks_check(const struct pageblocks *pageblocks);

static inline _Atomic uint8_t *pageblock_byte(const struct pageblocks *pageblocks, pfn_t pfn)
{
	return &pageblocks->bits[(pfn - pageblocks->first) >> PAGEBLOCK_ORDER];
}

static inline unsigned pageblock_bits(const struct pageblocks *pageblocks, pfn_t pfn)
{
	return atomic_load_explicit(pageblock_byte(pageblocks, pfn), memory_order_relaxed);
}

/* First frame of the block that holds the frame. */
static inline pfn_t pageblock_start(pfn_t pfn)
{
	return pfn & ~(pfn_t)(PAGEBLOCK_PAGES - 1);
}

/* The type that the block had before it was isolated, or has. */
static inline enum migrate_type pageblock_kept_type(const struct pageblocks *pageblocks, pfn_t pfn)
{
	return (enum migrate_type)(pageblock_bits(pageblocks, pfn) & PAGEBLOCK_TYPE);
}

static inline bool pageblock_is_isolated(const struct pageblocks *pageblocks, pfn_t pfn)
{
	return pageblock_bits(pageblocks, pfn) & PAGEBLOCK_ISOLATED;
}

/* The type that pages of the block have when they are freed. The frame lies in the range. */
static inline enum migrate_type pageblock_type(const struct pageblocks *pageblocks, pfn_t pfn)
{
	unsigned bits = pageblock_bits(pageblocks, pfn);

	return bits & PAGEBLOCK_ISOLATED ? MIGRATE_ISOLATE : (enum migrate_type)(bits & PAGEBLOCK_TYPE);
}

/* The scanners of compaction pass this block over. */
static inline bool pageblock_is_skipped(const struct pageblocks *pageblocks, pfn_t pfn)
{
	return pageblock_bits(pageblocks, pfn) & PAGEBLOCK_SKIP;
}

static inline void pageblock_skip(struct pageblocks *pageblocks, pfn_t pfn)
{
	atomic_store_explicit(pageblock_byte(pageblocks, pfn),
			      (uint8_t)(pageblock_bits(pageblocks, pfn) | PAGEBLOCK_SKIP),
			      memory_order_relaxed);
}

#endif
