#include "config.h"

#include "engine/heap/page_heap.h"

#include <string.h>

/* Thread handles and magazines: more than any number of threads that fits the range will fill. */
#define CHUNK_BYTES_BASE ((uint64_t)4 << 20)

enum status page_heap_create(struct page_heap *heap, struct span_source *source, unsigned large_class)
{
	uint64_t pages = source->pages;
	uint64_t book_bytes = pages * (sizeof(uint8_t) + sizeof(uint32_t) + sizeof(struct span));
	enum status status;

	*heap = (struct page_heap){.base = source->base,
				   .pages = pages,
				   .large_class = large_class,
				   .source = source,
				   .span_count = 1};
	status = metadata_create(&heap->metadata, book_bytes + book_bytes / 64 + CHUNK_BYTES_BASE);
	if (status != STATUS_OK)
		return status;
	heap->page_class = metadata_reserve(&heap->metadata, pages * sizeof(uint8_t));
	heap->page_span = metadata_reserve(&heap->metadata, pages * sizeof(uint32_t));
	heap->spans = metadata_reserve(&heap->metadata, (pages + 1) * sizeof(struct span));
	return STATUS_OK;
}

void page_heap_destroy(struct page_heap *heap)
{
	metadata_destroy(&heap->metadata);
}

static uint32_t take_descriptor(struct page_heap *heap)
{
	uint32_t number = heap->free_spans;

	if (number == SPAN_NONE)
		return heap->span_count++;
	heap->free_spans = heap->spans[number].next;
	return number;
}

static void map_pages(struct page_heap *heap, uint32_t number)
{
	const struct span *span = &heap->spans[number];
	uint32_t mapped = span->class == heap->large_class ? 1 : span->pages;

	for (uint32_t i = 0; i < mapped; i++) {
		heap->page_class[span->pfn + i] = span->class;
		heap->page_span[span->pfn + i] = number;
	}
}

/* Gives all recent runs to the source. */
static void settle_recent(struct page_heap *heap)
{
	for (unsigned i = 0; i < RECENT_RUNS && heap->recent_pages != 0; i++) {
		struct page_run *run = &heap->recent[i];

		if (run->pages != 0)
			heap->source->release(heap->source, run->pfn, run->pages);
		heap->recent_pages -= run->pages;
		run->pages = 0;
	}
}

/* Takes over a recent run of exactly this length, if there is one. */
static bool take_recent(struct page_heap *heap, uint64_t pages, pfn_t *pfn)
{
	for (unsigned i = 0; i < RECENT_RUNS && heap->recent_pages >= pages; i++) {
		struct page_run *run = &heap->recent[i];

		if (run->pages == pages) {
			*pfn = run->pfn;
			heap->recent_pages -= pages;
			run->pages = 0;
			return true;
		}
	}
	return false;
}

/* Keeps the run, in the place of the one kept longest. Single pages are the source's business: it is quick with them. */
static bool keep_recent(struct page_heap *heap, const struct span *span)
{
	struct page_run *run = &heap->recent[heap->recent_next];

	if (span->pages == 1 || span->pages > RECENT_PAGES_MAX)
		return false;
	if (run->pages != 0)
		heap->source->release(heap->source, run->pfn, run->pages);
	heap->recent_pages += (uint64_t)span->pages - run->pages;
	*run = (struct page_run){span->pfn, span->pages};
	heap->recent_next = (heap->recent_next + 1) % RECENT_RUNS;
	return true;
}

/* The source aligns page numbers; where its base is aligned to less than the request, a longer run is cut
 * at both ends. */
static pfn_t acquire_pages(struct page_heap *heap, const struct page_request *request, bool *zero)
{
	struct span_source *source = heap->source;
	uint64_t alignment = request->alignment_pages;
	uint64_t base = heap->base >> PAGE_SHIFT;
	pfn_t got, first;

	if (alignment == 1 && take_recent(heap, request->pages, &got)) {
		*zero = false;
		return got;
	}
	if (request->pages > 1)
		settle_recent(heap);
	if (base % alignment == 0)
		return source->acquire(source, request->pages, alignment, zero);
	got = source->acquire(source, request->pages + alignment, 1, zero);
	if (got == PFN_NONE)
		return PFN_NONE;
	first = round_up(base + got, alignment) - base;
	if (first != got)
		source->release(source, got, first - got);
	source->release(source, first + request->pages, got + alignment - first);
	return first;
}

uint32_t page_heap_acquire(struct page_heap *heap, const struct page_request *request, bool *zero)
{
	uint32_t number = SPAN_NONE;
	pfn_t pfn;

	if (request->pages > heap->pages)
		return SPAN_NONE;
	lock_acquire(&heap->lock);
	pfn = acquire_pages(heap, request, zero);
	if (pfn == PFN_NONE && heap->recent_pages != 0) {
		settle_recent(heap);
		pfn = acquire_pages(heap, request, zero);
	}
	if (pfn != PFN_NONE) {
		number = take_descriptor(heap);
		heap->spans[number] = (struct span){.pfn = (uint32_t)pfn,
						    .pages = (uint32_t)request->pages,
						    .class = (uint8_t)request->class,
						    .bucket = SPAN_UNLISTED};
		map_pages(heap, number);
		heap->used_pages += request->pages;
		if (request->class == heap->large_class) {
			heap->large_pages += request->pages;
			heap->large_blocks++;
		}
	}
	lock_release(&heap->lock);
	return number;
}

void page_heap_release(struct page_heap *heap, uint32_t number, bool vacant)
{
	struct span *span = &heap->spans[number];

	lock_acquire(&heap->lock);
	memset(heap->page_class + span->pfn, 0, span->class == heap->large_class ? 1 : span->pages);
	if (vacant || !keep_recent(heap, span))
		heap->source->release(heap->source, span->pfn, span->pages);
	if (vacant && heap->source->vacate)
		heap->source->vacate(heap->source, span->pfn, span->pages);
	heap->used_pages -= span->pages;
	if (span->class == heap->large_class) {
		heap->large_pages -= span->pages;
		heap->large_blocks--;
	}
	span->class = 0;
	span->next = heap->free_spans;
	heap->free_spans = number;
	lock_release(&heap->lock);
}

bool page_heap_resize(struct page_heap *heap, uint32_t number, uint64_t pages)
{
	struct span *span = &heap->spans[number];
	bool done = true;

	if (pages > heap->pages)
		return false;
	lock_acquire(&heap->lock);
	settle_recent(heap);
	if (pages < span->pages)
		heap->source->release(heap->source, span->pfn + pages, span->pages - pages);
	else if (pages > span->pages)
		done = heap->source->claim(heap->source, (pfn_t)span->pfn + span->pages, pages - span->pages);
	if (done) {
		heap->used_pages += pages - span->pages;
		heap->large_pages += pages - span->pages;
		span->pages = (uint32_t)pages;
	}
	lock_release(&heap->lock);
	return done;
}

void page_heap_purge(struct page_heap *heap)
{
	lock_acquire(&heap->lock);
	settle_recent(heap);
	heap->source->purge(heap->source);
	lock_release(&heap->lock);
}

static const char *check_recent(const struct page_heap *heap)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < RECENT_RUNS; i++) {
		const struct page_run *run = &heap->recent[i];

		pages += run->pages;
		for (uint32_t page = 0; page < run->pages; page++) {
			if (heap->page_class[run->pfn + page] != 0)
				return "I4: a page of a recent run has a class";
		}
	}
	return pages == heap->recent_pages ? NULL : "I4: recent_pages is not the pages of the recent runs";
}

static const char *check_span(const struct page_heap *heap, uint32_t number)
{
	const struct span *span = &heap->spans[number];

	for (uint32_t i = 0; i < span->pages; i++) {
		bool begins = i == 0 || span->class != heap->large_class;

		if (heap->page_class[span->pfn + i] != (begins ? span->class : 0) ||
		    (begins && heap->page_span[span->pfn + i] != number))
			return "I1: a span's pages are mapped to something else";
	}
	return NULL;
}

/* Every page with a class leads to a span that contains it, or it is of no span. */
static const char *check_page(const struct page_heap *heap, uint64_t pfn)
{
	uint32_t number = heap->page_span[pfn];

	if (heap->page_class[pfn] == 0)
		return NULL;
	if (number == SPAN_NONE || number >= heap->span_count ||
	    heap->spans[number].class != heap->page_class[pfn] || pfn < heap->spans[number].pfn ||
	    pfn >= (uint64_t)heap->spans[number].pfn + heap->spans[number].pages)
		return "I2: a page of no span has a class";
	return NULL;
}

const char *page_heap_check(const struct page_heap *heap)
{
	struct span_source_statistics statistics;
	const char *broken = metadata_check(&heap->metadata);
	uint64_t used_pages = 0;
	uint64_t end = 0;

	for (uint32_t number = 1; number < heap->span_count && !broken; number++) {
		const struct span *span = &heap->spans[number];

		if (span->class == 0)
			continue;
		broken = check_span(heap, number);
		used_pages += span->pages;
		end = (uint64_t)span->pfn + span->pages > end ? (uint64_t)span->pfn + span->pages : end;
	}
	for (uint64_t pfn = 0; pfn < end && !broken; pfn++)
		broken = check_page(heap, pfn);
	if (!broken)
		broken = check_recent(heap);
	if (broken)
		return broken;
	heap->source->statistics(heap->source, &statistics);
	if (used_pages != heap->used_pages || used_pages + heap->recent_pages != statistics.used_pages)
		return "I3: used_pages is not the pages of all spans";
	return heap->source->check(heap->source);
}
