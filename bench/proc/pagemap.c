#include "config.h"

#include "bench/proc/pagemap.h"

#include <inttypes.h>

/* The word of the page `at`, which the entry maps from `base` on. */
static uint64_t word_of(const struct proc_process *process, uint64_t at, uint64_t base, pte_t entry)
{
	const struct frames *frames = process->frames;
	pfn_t frame = pte_frame(entry) + ((at - base) >> PAGE_SHIFT);
	uint64_t word = PAGEMAP_PRESENT | (frame & PAGEMAP_FRAME);

	if (frames_is_zero(frames, frame))
		return word;
	const struct page *page = frames_page(frames, frame);
	const struct page *head =
	    frames_page(frames, pte_has(entry, PTE_HUGE) ? pte_frame(entry) : frames_head(frames, frame));
	uint64_t mappings = (uint64_t)page->mapcount;

	if (head->flags & PAGE_ANONYMOUS)
		mappings += head->huge_mapcount;
	else
		word |= PAGEMAP_FILE;
	return mappings == 1 ? word | PAGEMAP_ONCE : word;
}

uint64_t proc_pagemap_word(const struct proc_process *process, uint64_t address)
{
	const struct resident *resident = proc_resident(process);
	unsigned level;

	if (address >= process->mm->layout.task_bytes)
		return 0;
	const pte_t *entry = pagetable_find(&resident->table, address, &level);

	if (!entry || !pte_is_present(*entry))
		return 0;
	return word_of(process, address & ~(PAGE_BYTES - 1),
		       address & ~(paging_leaf_bytes(resident->table.paging, level) - 1), *entry);
}

struct listing {
	const struct proc_process *process;
	uint64_t start, end;
	FILE *out;
};

static bool print_leaf(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	const struct listing *listing = context;
	uint64_t end = address + paging_leaf_bytes(proc_resident(listing->process)->table.paging, level);

	if (!pte_is_present(*entry))
		return true;
	for (uint64_t at = address; at < end; at += PAGE_BYTES) {
		if (at >= listing->start && at < listing->end)
			(void)fprintf(listing->out, "%012" PRIx64 " %016" PRIx64 "\n", at,
				      word_of(listing->process, at, address, *entry));
	}
	return !ferror(listing->out);
}

void proc_pagemap(const struct proc_process *process, uint64_t start, uint64_t end, FILE *out)
{
	struct listing listing = {process, start & ~(PAGE_BYTES - 1), end, out};
	uint64_t limit = process->mm->layout.task_bytes;

	if (listing.end > limit)
		listing.end = limit;
	if (listing.start < listing.end)
		pagetable_visit_range(&proc_resident(process)->table, listing.start, listing.end, print_leaf,
				      &listing);
}

void proc_pagemap_words(const struct proc_process *process, uint64_t start, uint64_t end, FILE *out)
{
	for (uint64_t at = start & ~(PAGE_BYTES - 1); at < end && !ferror(out); at += PAGE_BYTES) {
		uint64_t word = proc_pagemap_word(process, at);

		(void)fwrite(&word, sizeof(word), 1, out);
	}
}
