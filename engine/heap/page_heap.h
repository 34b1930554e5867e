/* page_heap.h: the spans of a heap: which pages it has, and what each page is used for.
 *
 * Two maps are indexed by page number. `page_class`, one byte per page, is the only one that a fast free
 * reads; for a heap of 1 GiB it is 256 KiB, of which the hot part stays in the first-level cache. `page_span`
 * leads to the descriptor.
 *
 *   page        0     1     2     3     4     5     6     7
 *               | span 1    | span 2 (3 pages)| free| span 3, a large block ...
 *   page_class  5     5     2     2     2     0     L     0
 *   page_span   1     1     2     2     2     -     3     -
 *
 * The pages behind the first of a large block keep class 0: no block begins there, so a pointer into the
 * middle of one is recognised when it is freed.
 *
 * The runs of up to RECENT_PAGES_MAX pages that were released last are kept for a moment: the next span of exactly the
 * same length takes one over without a word to the source. Before anything else is asked of the source, all of them
 * go back to it, so they never stand in the way of a longer run. [measured on the Android trace: 1,700 instructions
 * for releasing and acquiring 68 pages by way of the source, 150 without]
 *
 * All functions but the inline ones take the page lock themselves. Lock order: shared handle, bins upwards,
 * page lock.
 *
 * Invariants, proved by page_heap_check() while nothing runs:
 *   I1: page_class of a span's pages is its class (a large span: of its first page; 0 behind it), page_span its number
 *   I2: a page of no span has class 0
 *   I3: used_pages = pages of all spans; used_pages + recent_pages = the source's used pages
 *   I4: recent_pages = pages of the recent runs, none of which has a class
 *   and metadata_check(), the source's check()
 */
#ifndef FAULTLINE_ENGINE_HEAP_PAGE_HEAP_H
#define FAULTLINE_ENGINE_HEAP_PAGE_HEAP_H

#include "engine/base/lock.h"
#include "engine/heap/metadata.h"
#include "engine/heap/span.h"
#include "engine/heap/span_source.h"

#define RECENT_RUNS 8u
#define RECENT_PAGES_MAX 128u

/* A run of pages; pages = 0 in an unused entry. */
struct page_run {
	uint32_t pfn;
	uint32_t pages;
};

struct page_heap {
	uintptr_t base;	       /* address of page 0 */
	uint64_t pages;	       /* length of the range */
	uint8_t *page_class;   /* per page: class of the block that begins in it, 0 = none */
	uint32_t *page_span;   /* per page: number of its span; undefined for a page of no span */
	struct span *spans;    /* by number; 0 is never used */
	uint32_t span_count;   /* numbers ever used, and 1 */
	uint32_t free_spans;   /* head of the free descriptors */
	unsigned large_class;  /* the class byte of large blocks: one more than the last size class */
	uint64_t used_pages;   /* pages of all spans */
	uint64_t large_pages;  /* of which in large blocks */
	uint64_t large_blocks; /* live large blocks */
	struct page_run recent[RECENT_RUNS];
	unsigned recent_next;  /* the entry to be used next */
	uint64_t recent_pages; /* pages of all recent runs */
	struct lock lock;
	struct span_source *source;
	struct metadata metadata;
};

/* Makes a heap without spans over the source's whole range. Its books are reserved at once: about 1/58 of
 * the range in address space, of which only what is used is touched. STATUS_NO_MEMORY when that address
 * space is not to be had. */
MUST_USE enum status page_heap_create(struct page_heap *heap, struct span_source *source,
				      unsigned large_class);

void page_heap_destroy(struct page_heap *heap);

/* Takes a span of class `class`. Number of the span, its blocks not yet filled, or SPAN_NONE. *zero: reads
 * as zero. */
struct page_request {
	unsigned class;
	uint64_t pages;		  /* at least 1 */
	uint64_t alignment_pages; /* power of two */
};
uint32_t page_heap_acquire(struct page_heap *heap, const struct page_request *request, bool *zero);

/* Gives the span back; `vacant`: nothing is behind its pages any more. */
void page_heap_release(struct page_heap *heap, uint32_t number, bool vacant);

/* Changes the length of a large span in place to `pages` (at least 1). False, and no change, when the
 * pages behind it are not free. */
MUST_USE bool page_heap_resize(struct page_heap *heap, uint32_t number, uint64_t pages);

/* Gives the recent runs and the memory behind all free pages back. */
void page_heap_purge(struct page_heap *heap);

/* NULL, or the text of the first invariant that does not hold. O(range in use). */
const char *page_heap_check(const struct page_heap *heap);

/* The address of page `pfn`. */
static inline uintptr_t page_heap_address(const struct page_heap *heap, uint64_t pfn)
{
	return heap->base + (uintptr_t)(pfn << PAGE_SHIFT);
}

/* The page of `address`; not below heap->pages when the address is not the heap's. */
static inline uint64_t page_heap_pfn(const struct page_heap *heap, uintptr_t address)
{
	return (uint64_t)(address - heap->base) >> PAGE_SHIFT;
}

#endif
