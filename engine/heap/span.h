/* span.h: one run of pages that the heap has taken from its source: cut into blocks of one class, or one
 * large block.
 *
 * Everything about a span stands in 64 bytes outside of it, among them one bit per block. The blocks
 * themselves are never read or written, so a free block costs no cache line of its own and a freed page stays
 * as the program left it.
 *
 *   pages   | page pfn                 | page pfn+1               | ...
 *   blocks  | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | ... | tail (wasted, at most 1/16 where a longer span avoids it)
 *   free      1   0   0   1   1   ...
 *
 * A block's bit says that it lies in the span; blocks in a thread's magazine count as used here.
 *
 * Spans of a class that have free and used blocks are listed by fullness (bin.h); `next` and `previous` are
 * span numbers, 0 = none, because span 0 is never used. A free descriptor is linked by `next` alone.
 *
 * Invariants, proved by span_check():
 *   I1: free_blocks = set bits of free_bits
 *   I2: no bit beyond the span's last block is set
 *   I3: a large span has no free block
 */
#ifndef FAULTLINE_ENGINE_HEAP_SPAN_H
#define FAULTLINE_ENGINE_HEAP_SPAN_H

#include "engine/base/check.h"
#include "engine/heap/size_class.h"

#define SPAN_NONE 0u
#define SPAN_WORDS (SPAN_BLOCKS_MAX / 64)

struct span {
	uint64_t free_bits[SPAN_WORDS]; /* bit i: block i lies free in the span */
	uint32_t next, previous;	/* in the bin's list of its bucket; span numbers */
	uint32_t pfn;			/* first page, within the source's range */
	uint32_t pages;			/* length; of a large block it may change */
	uint16_t free_blocks;
	uint16_t blocks; /* how many there are; 0 in a large span */
	uint8_t class;	 /* size class; LARGE_CLASS of the heap for a large block; 0 in a free descriptor */
	uint8_t bucket;	 /* where the bin lists it; SPAN_UNLISTED when it is in no list */
	uint16_t reserved;
	uint64_t padding;
};

#define SPAN_UNLISTED 0xffu

_Static_assert(sizeof(struct span) == 64, "a span is one cache line");

/* Makes all blocks of the span free; pfn, pages, class and blocks are set already. */
void span_fill(struct span *span);

/* Takes up to `count` free blocks, lowest first from block `from` (wrapping around), and writes their
 * addresses downwards from blocks[count - 1], so that a magazine hands the lowest out first. Returns how
 * many; those are blocks[count - n] .. blocks[count - 1]. `address` is the span's. */
struct span_taking {
	uintptr_t address;
	unsigned from;
	uintptr_t *blocks;
	unsigned count;
};
unsigned span_take(struct span *span, const struct size_class *class, const struct span_taking *taking);

/* Marks the block at `offset` bytes from the span's start free; the caller counts it in free_blocks. CHECKs that a
 * block begins there and that it is not free. `offset` is below blocks * bytes. */
static inline void span_give(struct span *span, const struct size_class *class, uint64_t offset)
{
	uint64_t block = (offset * class->reciprocal) >> 32;
	uint64_t *word = &span->free_bits[block / 64];
	uint64_t bit = (uint64_t)1 << (block % 64);

	CHECK(block * class->bytes == offset, "free(): the pointer is not the start of a block");
	CHECK((*word & bit) == 0, "free(): the block was freed twice");
	*word |= bit;
}

/* NULL, or the text of the first invariant that does not hold. */
const char *span_check(const struct span *span);

#endif
