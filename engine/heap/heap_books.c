#include "config.h"

#include "engine/heap/heap.h"

static void add_bin(struct heap *heap, unsigned class, struct heap_statistics *statistics)
{
	struct bin *bin = &heap->bins[class];
	const struct size_class *size_class = &heap->classes.of[class];
	uint64_t span_bytes;

	lock_acquire(&bin->lock);
	span_bytes = bin->pages * PAGE_BYTES;
	statistics->span_bytes += span_bytes;
	statistics->free_bytes += span_bytes - (bin->blocks - bin->free_blocks) * size_class->bytes;
	statistics->refills += bin->refills;
	statistics->flushes += bin->flushes;
	lock_release(&bin->lock);
}

static void add_threads(const struct heap *heap, struct heap_statistics *statistics)
{
	for (const struct heap_thread *thread = heap->threads; thread; thread = thread->next) {
		statistics->threads++;
		for (unsigned class = 1; class <= heap->classes.count; class ++)
			statistics->magazine_bytes +=
			    (uint64_t)heap_thread_blocks(thread, class) * heap->classes.of[class].bytes;
	}
}

void heap_read_statistics(struct heap *heap, struct heap_statistics *statistics)
{
	struct span_source_statistics source;
	struct page_heap *pages = &heap->pages;

	*statistics = (struct heap_statistics){0};
	for (unsigned class = 1; class <= heap->classes.count; class ++)
		add_bin(heap, class, statistics);
	lock_acquire(&pages->lock);
	add_threads(heap, statistics);
	pages->source->statistics(pages->source, &source);
	statistics->span_bytes += pages->large_pages * PAGE_BYTES;
	statistics->large_blocks = pages->large_blocks;
	statistics->retained_bytes = (source.retained_pages + pages->recent_pages) * PAGE_BYTES;
	statistics->purged_bytes = source.purged_pages * PAGE_BYTES;
	statistics->metadata_bytes =
	    source.metadata_bytes + (uint64_t)pages->span_count * sizeof(struct span) +
	    pages->metadata.used_bytes -
	    (uint64_t)((const char *)(pages->spans + pages->pages + 1) - pages->metadata.memory);
	lock_release(&pages->lock);
	statistics->allocated_bytes =
	    statistics->span_bytes - statistics->free_bytes - statistics->magazine_bytes;
}

void heap_fork_prepare(struct heap *heap)
{
	for (unsigned class = 1; class <= heap->classes.count; class ++)
		lock_acquire(&heap->bins[class].lock);
	lock_acquire(&heap->pages.lock);
}

void heap_fork_parent(struct heap *heap)
{
	lock_release(&heap->pages.lock);
	for (unsigned class = heap->classes.count; class >= 1; class --)
		lock_release(&heap->bins[class].lock);
}

void heap_fork_child(struct heap *heap)
{
	heap->pages.lock = LOCK_FREE;
	for (unsigned class = 1; class <= heap->classes.count; class ++)
		heap->bins[class].lock = LOCK_FREE;
}

/* Sets the bit of a block in a magazine, which must be clear, so that the next magazine to hold the same
 * block finds it. */
static const char *mark_block(const struct heap *heap, unsigned class, uintptr_t address)
{
	const struct size_class *size_class = &heap->classes.of[class];
	uint64_t pfn = page_heap_pfn(&heap->pages, address);
	struct span *span;
	uint64_t offset, block;

	if (pfn >= heap->pages.pages || heap->pages.page_class[pfn] != class)
		return "I2: a block in a magazine is not of its class";
	span = &heap->pages.spans[heap->pages.page_span[pfn]];
	offset = address - page_heap_address(&heap->pages, span->pfn);
	block = offset / size_class->bytes;
	if (offset % size_class->bytes != 0 || (span->free_bits[block / 64] >> (block % 64) & 1))
		return "I2: a block in a magazine is free in its span or lies in another magazine";
	span->free_bits[block / 64] |= (uint64_t)1 << (block % 64);
	return NULL;
}

static void unmark_block(const struct heap *heap, unsigned class, uintptr_t address)
{
	struct span *span = &heap->pages.spans[heap->pages.page_span[page_heap_pfn(&heap->pages, address)]];
	uint64_t block =
	    (address - page_heap_address(&heap->pages, span->pfn)) / heap->classes.of[class].bytes;

	span->free_bits[block / 64] &= ~((uint64_t)1 << (block % 64));
}

/* Which blocks to mark, or how many marks to undo. */
struct marking {
	const struct heap *heap;
	bool undo;
	uint64_t marks;
};

static const char *check_magazine(const struct marking *marking, const struct heap_thread *thread,
				  unsigned class)
{
	const struct magazine *magazine = &thread->magazines[class - 1];
	unsigned capacity = magazine->capacity;

	if (magazine->slots ? heap_thread_blocks(thread, class) > capacity
			    : thread->tops[class] != thread->none + 1)
		return "I1: the top of a magazine is not between its ends";
	if (magazine->slots && (magazine->slots[0] != 0 || magazine->slots[capacity + 1] != MAGAZINE_END))
		return "I1: an end of a magazine is not marked";
	return capacity > marking->heap->classes.of[class].magazine_limit
		   ? "I1: a magazine is larger than its class allows"
		   : NULL;
}

/* Marks the blocks of a magazine and counts them; or unmarks as many as were marked. */
static const char *mark_magazine(struct marking *marking, const struct heap_thread *thread, unsigned class)
{
	const char *broken = NULL;

	for (unsigned i = 1; i <= heap_thread_blocks(thread, class) && !broken; i++) {
		uintptr_t block = thread->magazines[class - 1].slots[i];

		if (!marking->undo) {
			broken = mark_block(marking->heap, class, block);
			marking->marks += !broken;
		} else if (marking->marks != 0) {
			unmark_block(marking->heap, class, block);
			marking->marks--;
		}
	}
	return broken;
}

static const char *mark_threads(struct marking *marking)
{
	const char *broken = NULL;

	for (const struct heap_thread *thread = marking->heap->threads; thread && !broken;
	     thread = thread->next) {
		for (unsigned class = 1; class <= marking->heap->classes.count && !broken; class ++) {
			broken = check_magazine(marking, thread, class);
			if (!broken)
				broken = mark_magazine(marking, thread, class);
		}
	}
	return broken;
}

const char *heap_check(const struct heap *heap)
{
	const char *broken = size_classes_check(&heap->classes);
	struct marking marking = {.heap = heap};

	if (!broken)
		broken = page_heap_check(&heap->pages);
	for (unsigned class = 1; class <= heap->classes.count && !broken; class ++)
		broken = bin_check(&heap->bins[class], &heap->pages);
	if (broken)
		return broken;
	broken = mark_threads(&marking);
	marking.undo = true;
	(void)mark_threads(&marking);
	return broken;
}
