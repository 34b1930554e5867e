/* bin.h: all spans of one size class that have free blocks, and the lock that guards them.
 *
 * Refills take blocks from the span chosen by the policy, flushes give blocks back to whatever spans they
 * came from. A span whose last used block comes back leaves the heap at once; whether its pages stay resident
 * for a while is the source's decision. A full span is in no list: the page map finds it again when one of
 * its blocks is freed.
 *
 * Partly used spans stand in lists by the binary logarithm of their free blocks. With `fullest` a refill
 * takes from the first non-empty list, so that nearly empty spans are left alone and drain:
 *
 *   bucket       0        1         2         3     ...    7
 *   free blocks  1        2-3       4-7       8-15  ...    128-255
 *                span --- span      (empty)   span
 *
 * With `lowest-address` all of them stand in one list that is kept sorted by address; inserting is linear in
 * its length.
 *
 * Invariants, proved by bin_check() while nothing runs:
 *   I1: a span is listed <=> it has free and used blocks; in the bucket of its free blocks
 *   I2: the links of every list lead back as they lead forth, and bit b of `occupied` is set <=> list b is not empty
 *   I3: free_blocks = free blocks of all listed spans; spans, blocks, pages = those of this class, listed or full
 *   I4: with lowest-address the list is sorted by pfn
 *   and span_check() of every span
 */
#ifndef FAULTLINE_ENGINE_HEAP_BIN_H
#define FAULTLINE_ENGINE_HEAP_BIN_H

#include "engine/base/random.h"
#include "engine/heap/page_heap.h"

#define BIN_BUCKETS 8u

struct bin {
	struct lock lock;
	uint32_t occupied;	    /* bit b: list b is not empty */
	uint32_t head[BIN_BUCKETS]; /* span numbers */
	uint32_t spans;		    /* spans of the class, listed or full */
	uint8_t class;
	uint8_t choice;		   /* enum span_choice */
	uint8_t order;		   /* enum freelist_order */
	uint64_t free_blocks;	   /* in listed spans */
	uint64_t blocks;	   /* of all spans, free or used */
	uint64_t pages;		   /* of all spans */
	struct random random;	   /* for FREELIST_RANDOM */
	uint64_t refills, flushes; /* calls of bin_take and bin_give */
} __attribute__((aligned(64)));

/* Takes 1 .. count free blocks of `class` and writes their addresses to blocks[count - n] .. blocks[count
 * - 1], to be handed out from the end. New pages are acquired only when no span has a free block. Returns
 * n, 0 when there is no memory. */
unsigned bin_take(struct bin *bin, struct page_heap *pages, const struct size_class *class, uintptr_t *blocks,
		  unsigned count);

/* Gives back `count` blocks of this class, in any order. CHECKs each of them (span_give). */
void bin_give(struct bin *bin, struct page_heap *pages, const struct size_class *class,
	      const uintptr_t *blocks, unsigned count);

/* NULL, or the text of the first invariant that does not hold. */
const char *bin_check(const struct bin *bin, const struct page_heap *pages);

#endif
