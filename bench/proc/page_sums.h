/* page_sums.h: what is mapped in a range, page by page, as smaps sums it up (smaps_account of fs/proc/task_mmu.c).
 *
 *   an entry that is present and names no zero frame counts as resident:
 *     shared        the page is mapped more than once, by whichever process of the trace; else private
 *     dirty         its entry says so, or its file
 *     pss           its bytes / the number of its mappings
 *     lazily free   after MADV_FREE, and clean since
 *
 * Processes that were not recorded map no page here: what only they share counts as private.
 */
#ifndef FAULTLINE_BENCH_PROC_PAGE_SUMS_H
#define FAULTLINE_BENCH_PROC_PAGE_SUMS_H

#include "bench/proc/process.h"

#define PAGE_SUMS_PSS_SHIFT 12 /* binary places of proportional sums, as in the kernel */

/* Bytes; those of pss in 2^-12 bytes. */
struct page_sums {
	uint64_t resident;
	uint64_t shared_clean, shared_dirty, private_clean, private_dirty;
	uint64_t referenced, anonymous, lazily_free;
	uint64_t anonymous_huge, file_huge;
	uint64_t pss, pss_anonymous, pss_file, pss_memory, pss_dirty, pss_locked;
};

/* Adds the pages of the mapping. */
void page_sums_add(struct page_sums *sums, const struct proc_process *process, const struct vma *vma);

/* The lines from "Rss:" to "Locked:", of which smaps_rollup has three more. */
void page_sums_print(const struct page_sums *sums, bool is_rollup, FILE *out);

/* A line "Name:  %8lu kB". */
void page_sums_line(const char *name, uint64_t bytes, FILE *out);

#endif
