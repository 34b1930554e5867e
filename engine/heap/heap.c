#include "config.h"

#include "engine/base/check.h"
#include "engine/heap/heap.h"

#include <string.h>

/* A thread gives back what it did not use when it has run into the ends of its magazines so often. */
#define MISSES_PER_TRIM 512u
/* A magazine's room doubles when it had this many misses, and one per so many blocks of its capacity,
 * since the last trim. */
#define MISSES_PER_GROWTH 2u
#define CAPACITY_PER_MISS 8u

enum status heap_create(struct heap *heap, const struct policy *policy, struct span_source *source,
			uint64_t seed)
{
	enum status status;

	if (policy_check(policy))
		return STATUS_BAD_POLICY;
	size_classes_create(&heap->classes, policy);
	status = page_heap_create(&heap->pages, source, heap->classes.count + 1);
	if (status != STATUS_OK)
		return status;
	heap->threads = NULL;
	heap->seed = seed;
	for (unsigned class = 1; class <= heap->classes.count; class ++) {
		heap->bins[class] = (struct bin){
		    .class = (uint8_t) class,
		    .choice = (uint8_t)policy->span_choice,
		    .order = (uint8_t)policy->freelist_order,
		    .random = {.state = seed + class},
		};
	}
	return STATUS_OK;
}

void heap_destroy(struct heap *heap)
{
	page_heap_destroy(&heap->pages);
}

static size_t thread_bytes(const struct heap *heap)
{
	return offsetof(struct heap_thread, magazines) + heap->classes.count * sizeof(struct magazine);
}

static void initialise_thread(struct heap *heap, struct heap_thread *thread)
{
	memset(thread, 0, thread_bytes(heap));
	thread->heap = heap;
	thread->none[1] = MAGAZINE_END;
	for (unsigned class = 0; class <= heap->pages.large_class; class ++)
		atomic_store_explicit(&thread->tops[class], thread->none + 1, memory_order_relaxed);
}

struct heap_thread *heap_thread_create(struct heap *heap)
{
	struct heap_thread *thread;

	lock_acquire(&heap->pages.lock);
	thread = metadata_take(&heap->pages.metadata, thread_bytes(heap));
	if (thread) {
		initialise_thread(heap, thread);
		thread->next = heap->threads;
		if (heap->threads)
			heap->threads->previous = thread;
		heap->threads = thread;
	}
	lock_release(&heap->pages.lock);
	return thread;
}

/* Gives back the `count` blocks that were freed longest ago. */
static void flush(struct heap_thread *thread, unsigned class, unsigned count)
{
	struct heap *heap = thread->heap;
	uintptr_t *blocks;
	unsigned left;

	if (count == 0)
		return;
	blocks = thread->magazines[class - 1].slots + 1;
	left = heap_thread_blocks(thread, class) - count;
	bin_give(&heap->bins[class], &heap->pages, &heap->classes.of[class], blocks, count);
	memmove(blocks, blocks + count, left * sizeof(blocks[0]));
	atomic_store_explicit(&thread->tops[class], blocks + left, memory_order_relaxed);
}

void heap_thread_flush(struct heap_thread *thread)
{
	for (unsigned class = 1; class <= thread->heap->classes.count; class ++)
		flush(thread, class, heap_thread_blocks(thread, class));
}

static size_t slots_bytes(unsigned capacity)
{
	return (capacity + MAGAZINE_END_SLOTS) * sizeof(uintptr_t);
}

/* Under the page lock. */
static void give_slots(struct heap *heap, struct magazine *magazine)
{
	if (magazine->slots)
		metadata_give(&heap->pages.metadata, magazine->slots, slots_bytes(magazine->capacity));
}

void heap_thread_destroy(struct heap_thread *thread)
{
	struct heap *heap = thread->heap;

	heap_thread_flush(thread);
	lock_acquire(&heap->pages.lock);
	for (unsigned class = 1; class <= heap->classes.count; class ++)
		give_slots(heap, &thread->magazines[class - 1]);
	if (thread->next)
		thread->next->previous = thread->previous;
	if (thread->previous)
		thread->previous->next = thread->next;
	else
		heap->threads = thread->next;
	metadata_give(&heap->pages.metadata, thread, thread_bytes(heap));
	lock_release(&heap->pages.lock);
}

/* Doubles the magazine's room within the class's limit; without memory for more it stays as it is. */
static void grow(struct heap_thread *thread, unsigned class)
{
	struct heap *heap = thread->heap;
	struct magazine *magazine = &thread->magazines[class - 1];
	unsigned limit = heap->classes.of[class].magazine_limit;
	unsigned capacity = magazine->capacity == 0 ? 2 : magazine->capacity * 2u;
	unsigned blocks = heap_thread_blocks(thread, class);
	uintptr_t *slots;

	if (capacity > limit)
		capacity = limit;
	lock_acquire(&heap->pages.lock);
	slots = metadata_take(&heap->pages.metadata, slots_bytes(capacity));
	if (slots) {
		memset(slots, 0, slots_bytes(capacity));
		slots[capacity + 1] = MAGAZINE_END;
		if (blocks != 0)
			memcpy(slots + 1, magazine->slots + 1, blocks * sizeof(slots[0]));
		give_slots(heap, magazine);
		magazine->slots = slots;
		magazine->capacity = (uint16_t)capacity;
		atomic_store_explicit(&thread->tops[class], slots + 1 + blocks, memory_order_relaxed);
	}
	lock_release(&heap->pages.lock);
}

/* Gives back half of what lies in magazines that ran into no end since the last trim. */
static void trim(struct heap_thread *thread)
{
	for (unsigned class = 1; class <= thread->heap->classes.count; class ++) {
		struct magazine *magazine = &thread->magazines[class - 1];

		if (magazine->misses == 0)
			flush(thread, class, (heap_thread_blocks(thread, class) + 1) / 2);
		magazine->misses = 0;
	}
	thread->misses = 0;
}

/* The thread ran into an end of this magazine. */
static void count_miss(struct heap_thread *thread, unsigned class)
{
	struct magazine *magazine = &thread->magazines[class - 1];

	if (magazine->misses < UINT16_MAX)
		magazine->misses++;
	if (magazine->capacity < thread->heap->classes.of[class].magazine_limit &&
	    magazine->misses >= MISSES_PER_GROWTH + magazine->capacity / CAPACITY_PER_MISS) {
		magazine->misses = 1;
		grow(thread, class);
	}
	if (++thread->misses >= MISSES_PER_TRIM)
		trim(thread);
}

/* Fills half of the empty magazine and returns one block more. */
static uintptr_t refill(struct heap_thread *thread, unsigned class)
{
	struct heap *heap = thread->heap;
	struct bin *bin = &heap->bins[class];
	const struct size_class *size_class = &heap->classes.of[class];
	struct magazine *magazine = &thread->magazines[class - 1];
	uintptr_t *blocks;
	unsigned wanted, taken;

	count_miss(thread, class);
	wanted = (magazine->capacity + 1u) / 2;
	if (wanted <= 1) {
		uintptr_t one = 0;

		(void)bin_take(bin, &heap->pages, size_class, &one, 1);
		return one;
	}
	blocks = magazine->slots + 1;
	taken = bin_take(bin, &heap->pages, size_class, blocks, wanted);
	if (taken == 0)
		return 0;
	if (taken < wanted)
		memmove(blocks, blocks + (wanted - taken), taken * sizeof(blocks[0]));
	atomic_store_explicit(&thread->tops[class], blocks + taken, memory_order_relaxed);
	return magazine_pop(&thread->tops[class]);
}

static uintptr_t allocate_large(struct heap *heap, size_t alignment, size_t bytes, bool *zero)
{
	struct page_request request = {.class = heap->pages.large_class};
	uint32_t number;

	if (bytes > HEAP_REQUEST_MAX)
		return 0;
	request.pages = bytes == 0 ? 1 : pages_of_bytes(bytes);
	request.alignment_pages = alignment <= PAGE_BYTES ? 1 : alignment >> PAGE_SHIFT;
	number = page_heap_acquire(&heap->pages, &request, zero);
	return number == SPAN_NONE ? 0 : page_heap_address(&heap->pages, heap->pages.spans[number].pfn);
}

uintptr_t heap_allocate_slow(struct heap_thread *thread, size_t bytes)
{
	struct heap *heap = thread->heap;
	bool zero;

	if (bytes > heap->classes.largest_bytes)
		return allocate_large(heap, 1, bytes, &zero);
	return refill(thread, size_class_of(&heap->classes, bytes));
}

uintptr_t heap_allocate_zero(struct heap_thread *thread, size_t bytes, bool *zero)
{
	*zero = false;
	if (bytes > thread->heap->classes.largest_bytes)
		return allocate_large(thread->heap, 1, bytes, zero);
	return heap_allocate(thread, bytes);
}

uintptr_t heap_allocate_aligned(struct heap_thread *thread, size_t alignment, size_t bytes)
{
	struct heap *heap = thread->heap;
	unsigned class = size_class_aligned(&heap->classes, alignment, bytes);
	uintptr_t block;
	bool zero;

	if (class == 0)
		return alignment > HEAP_ALIGNMENT_MAX ? 0 : allocate_large(heap, alignment, bytes, &zero);
	block = magazine_pop(&thread->tops[class]);
	return block != 0 ? block : refill(thread, class);
}

/* The number of the large block at `address`. CHECKs that one begins there. */
static uint32_t large_span(const struct heap *heap, uintptr_t address)
{
	uint64_t pfn = page_heap_pfn(&heap->pages, address);

	CHECK(pfn < heap->pages.pages && heap->pages.page_class[pfn] != 0,
	      "free(): no block of this heap is there: freed twice, or never allocated");
	CHECK(address % PAGE_BYTES == 0, "free(): the pointer is not the start of a block");
	return heap->pages.page_span[pfn];
}

/* Makes room in a full magazine, or gives the block back by itself where there is no magazine. */
static void release_small(struct heap_thread *thread, unsigned class, uintptr_t address)
{
	struct heap *heap = thread->heap;
	unsigned capacity;

	count_miss(thread, class);
	if (magazine_push(&thread->tops[class], address))
		return;
	capacity = thread->magazines[class - 1].capacity;
	if (capacity < 2) {
		bin_give(&heap->bins[class], &heap->pages, &heap->classes.of[class], &address, 1);
		return;
	}
	flush(thread, class, capacity / 2);
	(void)magazine_push(&thread->tops[class], address);
}

void heap_release_slow(struct heap_thread *thread, uintptr_t address)
{
	struct heap *heap = thread->heap;
	uint64_t pfn = page_heap_pfn(&heap->pages, address);
	unsigned class = pfn < heap->pages.pages ? heap->pages.page_class[pfn] : 0;

	if (class != 0 && class < heap->pages.large_class)
		release_small(thread, class, address);
	else
		page_heap_release(&heap->pages, large_span(heap, address), false);
}

bool heap_resize(struct heap *heap, uintptr_t address, size_t bytes)
{
	size_t usable = heap_usable_bytes(heap, address);
	uint64_t pfn = page_heap_pfn(&heap->pages, address);

	if (heap->pages.page_class[pfn] != heap->pages.large_class)
		return bytes <= usable && bytes >= usable - usable / 4;
	if (bytes <= heap->classes.largest_bytes || bytes > HEAP_REQUEST_MAX)
		return false;
	return page_heap_resize(&heap->pages, large_span(heap, address), pages_of_bytes(bytes));
}

void heap_release_vacant(struct heap *heap, uintptr_t address)
{
	page_heap_release(&heap->pages, large_span(heap, address), true);
}

bool heap_is_large(const struct heap *heap, uintptr_t address)
{
	uint64_t pfn = page_heap_pfn(&heap->pages, address);

	return pfn < heap->pages.pages && heap->pages.page_class[pfn] == heap->pages.large_class;
}

size_t heap_usable_bytes(const struct heap *heap, uintptr_t address)
{
	uint64_t pfn = page_heap_pfn(&heap->pages, address);
	unsigned class = pfn < heap->pages.pages ? heap->pages.page_class[pfn] : 0;

	if (class != 0 && class < heap->pages.large_class)
		return heap->classes.of[class].bytes;
	return (size_t)heap->pages.spans[large_span(heap, address)].pages << PAGE_SHIFT;
}

bool heap_owns(const struct heap *heap, uintptr_t address)
{
	uint64_t pfn = page_heap_pfn(&heap->pages, address);

	return pfn < heap->pages.pages && heap->pages.page_class[pfn] != 0;
}

void heap_purge(struct heap *heap)
{
	page_heap_purge(&heap->pages);
}
