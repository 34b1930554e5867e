#include "config.h"

#include "engine/base/check.h"
#include "engine/heap/bin.h"

static unsigned bucket_of(const struct bin *bin, const struct span *span)
{
	if (bin->choice == SPAN_LOWEST_ADDRESS)
		return 0;
	return 31u - (unsigned)__builtin_clz(span->free_blocks);
}

/* The span in front of which `span` belongs, and the one behind which. */
static uint32_t find_position(const struct bin *bin, const struct page_heap *pages, const struct span *span,
			      uint32_t *previous)
{
	uint32_t next = bin->head[span->bucket];

	*previous = SPAN_NONE;
	while (bin->choice == SPAN_LOWEST_ADDRESS && next != SPAN_NONE &&
	       pages->spans[next].pfn < span->pfn) {
		*previous = next;
		next = pages->spans[next].next;
	}
	return next;
}

static void list_span(struct bin *bin, struct page_heap *pages, uint32_t number)
{
	struct span *span = &pages->spans[number];

	span->bucket = (uint8_t)bucket_of(bin, span);
	span->next = find_position(bin, pages, span, &span->previous);
	if (span->next != SPAN_NONE)
		pages->spans[span->next].previous = number;
	if (span->previous != SPAN_NONE)
		pages->spans[span->previous].next = number;
	else
		bin->head[span->bucket] = number;
	bin->occupied |= 1u << span->bucket;
}

static void unlist_span(struct bin *bin, struct page_heap *pages, struct span *span)
{
	if (span->next != SPAN_NONE)
		pages->spans[span->next].previous = span->previous;
	if (span->previous != SPAN_NONE)
		pages->spans[span->previous].next = span->next;
	else
		bin->head[span->bucket] = span->next;
	if (bin->head[span->bucket] == SPAN_NONE)
		bin->occupied &= ~(1u << span->bucket);
	span->bucket = SPAN_UNLISTED;
}

/* Puts the span where its free blocks say it belongs. */
static void relist_span(struct bin *bin, struct page_heap *pages, uint32_t number)
{
	struct span *span = &pages->spans[number];

	if (span->bucket != SPAN_UNLISTED) {
		if (span->free_blocks != 0 && bucket_of(bin, span) == span->bucket)
			return;
		unlist_span(bin, pages, span);
	}
	if (span->free_blocks != 0)
		list_span(bin, pages, number);
}

static uint32_t new_span(struct bin *bin, struct page_heap *pages, const struct size_class *class)
{
	struct span_shape shape = bin->spans < LONG_SPAN_AFTER ? class->few : class->many;
	struct page_request request = {.class = bin->class, .pages = shape.pages, .alignment_pages = 1};
	bool zero;
	uint32_t number = page_heap_acquire(pages, &request, &zero);

	if (number == SPAN_NONE && shape.pages > class->few.pages) {
		shape = class->few;
		request.pages = shape.pages;
		number = page_heap_acquire(pages, &request, &zero);
	}
	if (number == SPAN_NONE)
		return SPAN_NONE;
	pages->spans[number].blocks = shape.blocks;
	span_fill(&pages->spans[number]);
	bin->free_blocks += shape.blocks;
	bin->blocks += shape.blocks;
	bin->pages += shape.pages;
	bin->spans++;
	return number;
}

static unsigned take_from(struct bin *bin, struct page_heap *pages, uint32_t number,
			  const struct size_class *class, struct span_taking *taking)
{
	struct span *span = &pages->spans[number];
	unsigned count = taking->count;
	unsigned taken;

	taking->address = page_heap_address(pages, span->pfn);
	if (bin->order == FREELIST_RANDOM) {
		taking->from = (unsigned)random_below(&bin->random, span->blocks);
		taking->blocks += count - 1;
		taking->count = 1;
	}
	taken = span_take(span, class, taking);
	bin->free_blocks -= taken;
	relist_span(bin, pages, number);
	return taken;
}

unsigned bin_take(struct bin *bin, struct page_heap *pages, const struct size_class *class, uintptr_t *blocks,
		  unsigned count)
{
	unsigned taken = 0;

	lock_acquire(&bin->lock);
	bin->refills++;
	while (taken < count) {
		uint32_t number = SPAN_NONE;
		struct span_taking taking = {.blocks = blocks, .count = count - taken};

		if (bin->occupied != 0)
			number = bin->head[__builtin_ctz(bin->occupied)];
		else if (taken == 0)
			number = new_span(bin, pages, class);
		if (number == SPAN_NONE)
			break;
		taken += take_from(bin, pages, number, class, &taking);
	}
	lock_release(&bin->lock);
	return taken;
}

/* Blocks on their way back to one span. */
struct giving {
	uint32_t number; /* the span, SPAN_NONE before the first */
	unsigned count;	 /* how many were given back to it */
	uintptr_t start; /* its address */
	uint64_t bytes;	 /* of its blocks together, 0 before the first */
};

/* All blocks of this flush that belong to the span, in a row, are back in it. */
static void settle_span(struct bin *bin, struct page_heap *pages, const struct giving *giving)
{
	struct span *span = &pages->spans[giving->number];

	if (giving->number == SPAN_NONE)
		return;
	span->free_blocks = (uint16_t)(span->free_blocks + giving->count);
	if (span->free_blocks < span->blocks) {
		relist_span(bin, pages, giving->number);
		return;
	}
	if (span->bucket != SPAN_UNLISTED)
		unlist_span(bin, pages, span);
	bin->free_blocks -= span->blocks;
	bin->blocks -= span->blocks;
	bin->pages -= span->pages;
	bin->spans--;
	page_heap_release(pages, giving->number, false);
}

static struct giving begin_giving(const struct bin *bin, const struct page_heap *pages,
				  const struct size_class *class, uintptr_t block)
{
	struct giving giving = {.number = pages->page_span[page_heap_pfn(pages, block)]};
	const struct span *span = &pages->spans[giving.number];

	CHECK(span->class == bin->class, "free(): the block was freed twice");
	giving.start = page_heap_address(pages, span->pfn);
	giving.bytes = (uint64_t)span->blocks * class->bytes;
	CHECK(block - giving.start < giving.bytes, "free(): the pointer is not the start of a block");
	return giving;
}

void bin_give(struct bin *bin, struct page_heap *pages, const struct size_class *class,
	      const uintptr_t *blocks, unsigned count)
{
	struct giving giving = {.number = SPAN_NONE};

	lock_acquire(&bin->lock);
	bin->flushes++;
	bin->free_blocks += count;
	for (unsigned i = 0; i < count; i++) {
		if (blocks[i] - giving.start >= giving.bytes) {
			settle_span(bin, pages, &giving);
			giving = begin_giving(bin, pages, class, blocks[i]);
		}
		span_give(&pages->spans[giving.number], class, blocks[i] - giving.start);
		giving.count++;
	}
	settle_span(bin, pages, &giving);
	lock_release(&bin->lock);
}

static const char *check_list(const struct bin *bin, const struct page_heap *pages, unsigned bucket,
			      uint64_t *free_blocks)
{
	uint32_t previous = SPAN_NONE;

	if ((bin->occupied >> bucket & 1) != (bin->head[bucket] != SPAN_NONE))
		return "I2: occupied does not say which lists are empty";
	for (uint32_t number = bin->head[bucket]; number != SPAN_NONE; number = pages->spans[number].next) {
		const struct span *span = &pages->spans[number];

		if (span->previous != previous || span->class != bin->class)
			return "I2: a list's links do not lead back";
		if (span->bucket != bucket || span->free_blocks == 0 || bucket_of(bin, span) != bucket)
			return "I1: a span stands in the wrong list";
		if (bin->choice == SPAN_LOWEST_ADDRESS && previous != SPAN_NONE &&
		    pages->spans[previous].pfn > span->pfn)
			return "I4: the list is not sorted by address";
		*free_blocks += span->free_blocks;
		previous = number;
	}
	return NULL;
}

const char *bin_check(const struct bin *bin, const struct page_heap *pages)
{
	uint64_t free_blocks = 0;
	uint64_t spans = 0, blocks = 0, span_pages = 0;
	const char *broken = NULL;

	for (uint32_t number = 1; number < pages->span_count && !broken; number++) {
		const struct span *span = &pages->spans[number];

		if (span->class != bin->class)
			continue;
		spans++;
		blocks += span->blocks;
		span_pages += span->pages;
		broken = span_check(span);
		if (!broken && (span->bucket == SPAN_UNLISTED) != (span->free_blocks == 0))
			broken = "I1: a span with free blocks is not listed";
	}
	for (unsigned bucket = 0; bucket < BIN_BUCKETS && !broken; bucket++)
		broken = check_list(bin, pages, bucket, &free_blocks);
	if (!broken && (free_blocks != bin->free_blocks || spans != bin->spans || blocks != bin->blocks ||
			span_pages != bin->pages))
		broken = "I3: the counts are not what the spans say";
	return broken;
}
