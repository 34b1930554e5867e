/* heap.h: the malloc of programs, over pages from any source.
 *
 *   thread      | magazine of class 1 | 2 | ... |      no lock, no shared line      magazine.h
 *                     |  refill ^ flush (half a magazine at a time)
 *   bin         | spans with free blocks, per class |  one lock per class           bin.h, span.h
 *                     |  new span ^ empty span
 *   page heap   | page maps, span descriptors |        page lock                    page_heap.h
 *                     |
 *   span source | buddy over an arena, purging |       under the page lock          span_source.h, direct_source.h
 *
 * A request of up to small_bytes is rounded to a size class and served by its thread's magazine; a larger one
 * gets a run of whole pages. The heap computes addresses and never touches a block, so it works the same over
 * memory that does not exist.
 *
 * A free needs the block's class and nothing else: one byte in the map page_class. That byte is 0 where no
 * block begins and large_class for a large block; the magazines of these two numbers have no room, so both
 * take the slow path without a test of their own on the fast one.
 *
 * What it takes to be small as well as fast (figures: the Android trace, one OS thread per recorded thread):
 *   - no headers and no links: a block costs its rounding (6 %), a span 64 bytes
 *   - spans are shared by all threads: a thread owns only what is in its magazines, and these grow with use
 *   - refills come from the fullest span, so that others drain and their pages serve every other class
 *   - classes with many spans get longer ones (size_class.h), free runs are used again wherever they lie, and what is
 *     kept of free pages is bounded by the peak of what was used (direct_source.h): fewer pages touched is also the
 *     largest part of the speed, because a page's first touch costs as much as a hundred malloc and free pairs
 *
 * Tried and left: prefetching the next block at malloc (the hot pair 2 ns slower, nothing gained on traces);
 * populating pages in batches of 16 (20 % of a fault, and memory that may never be used).
 *
 * Handles are the caller's: one struct heap_thread for each thread, used by that thread alone. Everything
 * else may be called from any thread. The functions for fork make the caller hold every lock, so that the
 * child finds all books consistent; the blocks in other threads' magazines are lost to the child, as is
 * everything those threads owned.
 *
 * Misuse is found where it costs nothing: a pointer into no block at once, one into the middle of a block or
 * a block freed twice when the magazine is flushed. These are CHECKs.
 *
 * Invariants, proved by heap_check() while nothing runs:
 *   I1: the invariants of magazine.h
 *   I2: a block in a magazine begins in a page of its class, is not free in its span, and is in no other magazine
 *   and size_classes_check(), page_heap_check(), bin_check() of every class
 */
#ifndef FAULTLINE_ENGINE_HEAP_HEAP_H
#define FAULTLINE_ENGINE_HEAP_HEAP_H

#include "engine/heap/bin.h"
#include "engine/heap/magazine.h"
#include "engine/heap/page_heap.h"
#include "engine/heap/size_class.h"

/* The largest request that is not refused: PTRDIFF_MAX less room for rounding up. */
#define HEAP_REQUEST_MAX ((size_t)PTRDIFF_MAX - ((size_t)1 << 31))
/* The largest alignment: a 1 GiB block of the buddy. */
#define HEAP_ALIGNMENT_MAX ((size_t)1 << 30)

/* The array of tops comes first and is all that the fast paths use. */
struct heap_thread {
	magazine_top tops[SIZE_CLASSES_MAX + 2]; /* [class], [0] and [large_class] without room */
	struct heap *heap;
	struct heap_thread *next, *previous; /* all handles of the heap, under its page lock */
	uint32_t misses;		     /* slow paths since the last trim */
	uintptr_t none[MAGAZINE_END_SLOTS];  /* the slots of magazines without slots: two ends */
	struct magazine
	    magazines[SIZE_CLASSES_MAX]; /* [class - 1]; only the heap's classes have memory behind them */
};

struct heap {
	struct page_heap pages;
	struct size_classes classes;
	struct heap_thread *threads; /* all handles */
	uint64_t seed;
	struct bin bins[SIZE_CLASSES_MAX + 1]; /* [class] */
};

struct heap_statistics {
	uint64_t allocated_bytes; /* blocks handed out, rounded up to their class or page */
	uint64_t magazine_bytes;  /* blocks in magazines */
	uint64_t free_bytes;	  /* free blocks in spans, and their tails */
	uint64_t span_bytes;	  /* pages of all spans = the sum of the three above */
	uint64_t retained_bytes;  /* free pages, possibly still backed by memory */
	uint64_t metadata_bytes;  /* books of the heap and its source that were ever used */
	uint64_t large_blocks;	  /* live blocks with pages of their own */
	uint64_t threads;	  /* handles */
	uint64_t refills, flushes;
	uint64_t purged_bytes; /* ever given back to the system */
};

/* Makes an empty heap in *heap, whose memory reads as zero. The source outlives it. `seed` is for random
 * freelist order. STATUS_BAD_POLICY, or STATUS_NO_MEMORY when there is no address space for the books. */
MUST_USE enum status heap_create(struct heap *heap, const struct policy *policy, struct span_source *source,
				 uint64_t seed);

/* Forgets everything; the pages of live blocks stay with the source. */
void heap_destroy(struct heap *heap);

/* A handle with empty magazines, NULL when there is no memory for it. */
struct heap_thread *heap_thread_create(struct heap *heap);

/* Gives the blocks of its magazines back and ends the handle. */
void heap_thread_destroy(struct heap_thread *thread);

/* Gives the blocks of its magazines back; they stay ready for use. */
void heap_thread_flush(struct heap_thread *thread);

/* Blocks in the thread's magazine of `class`. Another thread may ask under the page lock. */
static inline unsigned heap_thread_blocks(const struct heap_thread *thread, unsigned class)
{
	const struct magazine *magazine = &thread->magazines[class - 1];

	return magazine->slots == NULL
		   ? 0
		   : (unsigned)(atomic_load_explicit(&thread->tops[class], memory_order_relaxed) -
				magazine->slots) -
			 1;
}

/* The slow halves of heap_allocate and heap_release. */
uintptr_t heap_allocate_slow(struct heap_thread *thread, size_t bytes);
void heap_release_slow(struct heap_thread *thread, uintptr_t address);

/* The fast halves, for a caller that knows where its heap is: 0 or false when the slow half is needed. */
static inline uintptr_t heap_allocate_fast(const struct heap *heap, struct heap_thread *thread, size_t bytes)
{
	/* I1 of size_class.h, which the compiler cannot know: without it, it warns about constant large
	 * requests. */
	if (heap->classes.largest_bytes > SMALL_BYTES_MAX)
		__builtin_unreachable();
	if (__builtin_expect(bytes > heap->classes.largest_bytes, 0))
		return 0;
	return magazine_pop(&thread->tops[size_class_of(&heap->classes, bytes)]);
}

static inline bool heap_release_fast(const struct heap *heap, struct heap_thread *thread, uintptr_t address)
{
	uint64_t pfn = page_heap_pfn(&heap->pages, address);

	if (__builtin_expect(pfn >= heap->pages.pages, 0))
		return false;
	return magazine_push(&thread->tops[heap->pages.page_class[pfn]], address);
}

/* A block of at least `bytes` (0 counts as 1), aligned to 16 or to a page when it is large. 0 when there
 * is no memory. */
static inline uintptr_t heap_allocate(struct heap_thread *thread, size_t bytes)
{
	uintptr_t block = heap_allocate_fast(thread->heap, thread, bytes);

	return __builtin_expect(block != 0, 1) ? block : heap_allocate_slow(thread, bytes);
}

/* The same, and says in *zero whether the block certainly reads as zero. */
uintptr_t heap_allocate_zero(struct heap_thread *thread, size_t bytes, bool *zero);

/* The same, aligned to `alignment`, a power of two of at most HEAP_ALIGNMENT_MAX. */
uintptr_t heap_allocate_aligned(struct heap_thread *thread, size_t alignment, size_t bytes);

/* Ends the block at `address`, which is not 0. */
static inline void heap_release(struct heap_thread *thread, uintptr_t address)
{
	if (__builtin_expect(!heap_release_fast(thread->heap, thread, address), 0))
		heap_release_slow(thread, address);
}

/* Makes the block hold `bytes` without moving it: true when it does so already and would not waste more
 * than a quarter of itself, or when it is large and the pages behind it are free (growing) or can be given
 * up (shrinking). */
MUST_USE bool heap_resize(struct heap *heap, uintptr_t address, size_t bytes);

/* Has the block at `address` pages of its own? Any number may be asked. */
bool heap_is_large(const struct heap *heap, uintptr_t address);

/* Ends a large block whose memory the caller has moved elsewhere: its pages are empty and read as zero. */
void heap_release_vacant(struct heap *heap, uintptr_t address);

/* Bytes that may be used at `address`, a live block. CHECKs that a block may begin there. */
size_t heap_usable_bytes(const struct heap *heap, uintptr_t address);

/* Does a block of this heap begin in the page of `address`? Any number may be asked. */
bool heap_owns(const struct heap *heap, uintptr_t address);

/* Gives all free pages back to the system. */
void heap_purge(struct heap *heap);

void heap_read_statistics(struct heap *heap, struct heap_statistics *statistics);

/* Around fork: takes all locks; releases them (in the parent); makes them free again (in the child). */
void heap_fork_prepare(struct heap *heap);
void heap_fork_parent(struct heap *heap);
void heap_fork_child(struct heap *heap);

/* NULL, or the text of the first invariant that does not hold. */
const char *heap_check(const struct heap *heap);

#endif
