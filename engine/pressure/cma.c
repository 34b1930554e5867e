#include "config.h"

#include "engine/pressure/cma.h"

#include "engine/base/check.h"

#define WORD_BITS 64u

static bool is_taken(const struct cma *cma, uint64_t frame)
{
	return cma->taken[frame / WORD_BITS] >> (frame % WORD_BITS) & 1;
}

static void mark(struct cma *cma, uint64_t frame, uint64_t pages, bool taken)
{
	for (uint64_t at = frame; at < frame + pages; at++) {
		uint64_t bit = (uint64_t)1 << (at % WORD_BITS);

		CHECK(is_taken(cma, at) != taken, "frames of an area are taken once, and given back once");
		cma->taken[at / WORD_BITS] ^= bit;
	}
	cma->taken_pages += taken ? pages : -pages;
}

enum status cma_create(struct cma *cma, struct contiguous *contiguous, pfn_t first, uint64_t pages)
{
	*cma = (struct cma){.contiguous = contiguous, .first = first, .pages = pages};
	if (pages == 0 || first % PAGEBLOCK_PAGES != 0 || pages % PAGEBLOCK_PAGES != 0 ||
	    pages > contiguous->lists->end || !contiguous_take(contiguous, first, pages))
		return STATUS_BAD_ARGUMENT;
	enum status status =
	    reservation_create(&cma->memory, (pages + WORD_BITS - 1) / WORD_BITS * 8, PAGE_BYTES);

	cma->taken = cma->memory.memory;
	for (pfn_t pfn = first; status == STATUS_OK && pfn < first + pages; pfn += PAGEBLOCK_PAGES)
		pageblock_set_type(contiguous->lists->pageblocks, pfn, MIGRATE_CMA);
	contiguous_give(contiguous, first, pages);
	return status;
}

void cma_destroy(struct cma *cma)
{
	reservation_destroy(&cma->memory);
}

/* The first run at or behind `from`, in frames of the area, or UINT64_MAX. */
static uint64_t find_run(const struct cma *cma, uint64_t from, uint64_t pages, unsigned alignment_order)
{
	uint64_t step = (uint64_t)1 << alignment_order;
	uint64_t start = round_up(cma->first + from, step) - cma->first;

	while (start + pages <= cma->pages) {
		uint64_t at = start;

		while (at < start + pages && !is_taken(cma, at))
			at++;
		if (at == start + pages)
			return start;
		start = round_up(cma->first + at + 1, step) - cma->first;
	}
	return UINT64_MAX;
}

pfn_t cma_allocate(struct cma *cma, uint64_t pages, unsigned alignment_order)
{
	CHECK(pages > 0 && alignment_order < WORD_BITS / 2,
	      "a request has frames, and an alignment that exists");
	for (uint64_t run = pages <= cma->pages ? find_run(cma, 0, pages, alignment_order) : UINT64_MAX;
	     run != UINT64_MAX; run = find_run(cma, run + 1, pages, alignment_order)) {
		if (!contiguous_take(cma->contiguous, cma->first + run, pages))
			continue;
		mark(cma, run, pages, true);
		cma->allocations++;
		return cma->first + run;
	}
	cma->failures++;
	return PFN_NONE;
}

void cma_free(struct cma *cma, pfn_t first, uint64_t pages)
{
	CHECK(first >= cma->first && first - cma->first <= cma->pages &&
		  pages <= cma->pages - (first - cma->first),
	      "frames that are given back to an area lie in it");
	mark(cma, first - cma->first, pages, false);
	contiguous_give(cma->contiguous, first, pages);
}

const char *cma_check(const struct cma *cma)
{
	const struct pageblocks *pageblocks = cma->contiguous->lists->pageblocks;
	uint64_t words = (cma->pages + WORD_BITS - 1) / WORD_BITS;
	uint64_t taken = 0;

	for (uint64_t word = 0; word < words; word++)
		taken += (uint64_t)__builtin_popcountll(cma->taken[word]);
	if (taken != cma->taken_pages)
		return "I1: taken_pages = bits that are set, none beyond the area";
	for (pfn_t pfn = cma->first; pfn < cma->first + cma->pages; pfn += PAGEBLOCK_PAGES) {
		if (pageblock_kept_type(pageblocks, pfn) != MIGRATE_CMA)
			return "I2: every pageblock of the area has the type CMA, or is isolated and had it";
	}
	return NULL;
}
