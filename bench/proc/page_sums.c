#include "config.h"

#include "bench/proc/page_sums.h"

#include <inttypes.h>

struct summing {
	struct page_sums *sums;
	const struct proc_process *process;
	const struct vma *vma;
};

/* One page of PAGE_BYTES. */
struct mapped_page {
	const struct page *head;
	uint64_t mappings;
	bool is_dirty, is_referenced;
};

static void add_kind(const struct summing *summing, const struct mapped_page *page, uint64_t pss)
{
	struct page_sums *sums = summing->sums;

	if (page->head->flags & PAGE_ANONYMOUS) {
		sums->pss_anonymous += pss;
		sums->anonymous += PAGE_BYTES;
		if (page->head->flags & PAGE_LAZY_FREE && !page->is_dirty)
			sums->lazily_free += PAGE_BYTES;
	} else if (summing->vma->file && summing->vma->file->flags & OPEN_SHARED_MEMORY) {
		sums->pss_memory += pss;
	} else {
		sums->pss_file += pss;
	}
}

static void add_page(const struct summing *summing, const struct mapped_page *page)
{
	struct page_sums *sums = summing->sums;
	const uint64_t pss = (PAGE_BYTES << PAGE_SUMS_PSS_SHIFT) / (page->mappings ? page->mappings : 1);
	const bool is_shared = page->mappings > 1;

	sums->resident += PAGE_BYTES;
	sums->pss += pss;
	sums->pss_dirty += page->is_dirty ? pss : 0;
	sums->pss_locked += summing->vma->area.flags & AREA_LOCKED ? pss : 0;
	sums->referenced += page->is_referenced ? PAGE_BYTES : 0;
	if (is_shared)
		*(page->is_dirty ? &sums->shared_dirty : &sums->shared_clean) += PAGE_BYTES;
	else
		*(page->is_dirty ? &sums->private_dirty : &sums->private_clean) += PAGE_BYTES;
	add_kind(summing, page, pss);
}

static bool is_dirty(const struct summing *summing, const struct page *head, uint64_t address, pte_t entry)
{
	const struct vma *vma = summing->vma;

	return pte_has(entry, PTE_DIRTY) || (head->flags & PAGE_CACHED && vma->area.file &&
					     file_pages_is_dirty(vma->area.file, vma_page_at(vma, address)));
}

static bool look(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	const struct summing *summing = context;
	const struct frames *frames = summing->process->frames;
	const struct area *area = &summing->vma->area;
	const struct resident *resident = proc_resident(summing->process);
	uint64_t end = address + paging_leaf_bytes(resident->table.paging, level);
	pfn_t frame = pte_frame(*entry);

	if (!pte_is_present(*entry) || frames_is_zero(frames, frame))
		return true;
	const struct page *head = frames_page(frames, level > 1 ? frame : frames_head(frames, frame));

	if (level > 1)
		*(head->flags & PAGE_ANONYMOUS ? &summing->sums->anonymous_huge
					       : &summing->sums->file_huge) += end - address;
	for (uint64_t at = address; at < end; at += PAGE_BYTES, frame++) {
		const struct mapped_page page = {.head = head,
						 .mappings =
						     (uint64_t)frames_page(frames, frame)->mapcount +
						     (head->flags & PAGE_ANONYMOUS ? head->huge_mapcount : 0),
						 .is_dirty = is_dirty(summing, head, at, *entry),
						 .is_referenced = pte_has(*entry, PTE_ACCESSED)};

		if (at >= area->start && at < area->end)
			add_page(summing, &page);
	}
	return true;
}

void page_sums_add(struct page_sums *sums, const struct proc_process *process, const struct vma *vma)
{
	struct summing summing = {sums, process, vma};

	pagetable_visit_range(&proc_resident(process)->table, vma->area.start, vma->area.end, look, &summing);
}

void page_sums_line(const char *name, uint64_t bytes, FILE *out)
{
	(void)fprintf(out, "%-16s%8" PRIu64 " kB\n", name, bytes >> 10);
}

void page_sums_print(const struct page_sums *sums, bool is_rollup, FILE *out)
{
	page_sums_line("Rss:", sums->resident, out);
	page_sums_line("Pss:", sums->pss >> PAGE_SUMS_PSS_SHIFT, out);
	page_sums_line("Pss_Dirty:", sums->pss_dirty >> PAGE_SUMS_PSS_SHIFT, out);
	if (is_rollup) {
		page_sums_line("Pss_Anon:", sums->pss_anonymous >> PAGE_SUMS_PSS_SHIFT, out);
		page_sums_line("Pss_File:", sums->pss_file >> PAGE_SUMS_PSS_SHIFT, out);
		page_sums_line("Pss_Shmem:", sums->pss_memory >> PAGE_SUMS_PSS_SHIFT, out);
	}
	page_sums_line("Shared_Clean:", sums->shared_clean, out);
	page_sums_line("Shared_Dirty:", sums->shared_dirty, out);
	page_sums_line("Private_Clean:", sums->private_clean, out);
	page_sums_line("Private_Dirty:", sums->private_dirty, out);
	page_sums_line("Referenced:", sums->referenced, out);
	page_sums_line("Anonymous:", sums->anonymous, out);
	page_sums_line("KSM:", 0, out); /* the model merges no pages ... */
	page_sums_line("LazyFree:", sums->lazily_free, out);
	page_sums_line("AnonHugePages:", sums->anonymous_huge, out);
	page_sums_line("ShmemPmdMapped:", 0, out);
	page_sums_line("FilePmdMapped:", sums->file_huge, out);
	page_sums_line("Shared_Hugetlb:", 0, out); /* ... has no reserved huge pages ... */
	page_sums_line("Private_Hugetlb:", 0, out);
	page_sums_line("Swap:", 0, out); /* ... and no swap */
	page_sums_line("SwapPss:", 0, out);
	page_sums_line("Locked:", sums->pss_locked >> PAGE_SUMS_PSS_SHIFT, out);
}
