/* mm_pages.h: what an address space asks of whoever looks after its pages (page tables, frames, the page cache).
 *
 * The system calls decide which mappings there are; each change of a mapping is handed on here as one of these
 * steps, in the order in which Linux makes them. The other direction is mm_find(), mm_grow_stack() and
 * mm_settle_anonymous() (mm.h), which a page fault calls. All ranges are multiples of the page, not empty, and lie
 * in the VMA.
 */
#ifndef FAULTLINE_ENGINE_VIRT_MM_PAGES_H
#define FAULTLINE_ENGINE_VIRT_MM_PAGES_H

#include "engine/virt/vma.h"

struct mm;

/* Why pages go: decides what processors have to forget. */
enum mm_zap_cause {
	MM_ZAP_UNMAP,
	MM_ZAP_ADVICE, /* MADV_DONTNEED: the mapping stays */
	MM_ZAP_EXIT,
};

enum mm_populate_for {
	MM_POPULATE_AS_AREA, /* mlock, MAP_POPULATE: for writing where a write makes a private page */
	MM_POPULATE_READ,
	MM_POPULATE_WRITE,
};

struct mm_pages_class {
	/* A range of `vma` is mapped no longer, or (MM_ZAP_ADVICE) its pages are. */
	void (*zap)(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end, enum mm_zap_cause cause);

	/* After an unmapping of [start, end): tables between `floor` and `ceiling` (0: none behind) that serve
	 * nothing. */
	void (*release_tables)(struct mm *mm, uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling);

	/* `vma` will be two mappings that meet at `address`. False: there is no memory for that. */
	bool (*divide)(struct mm *mm, uint64_t address);

	/* The rights of a range are now those of `vma`. */
	void (*protect)(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end);

	/* mremap: pages of [from, from + bytes) are now those of `to`'s range. False: there was no memory for
	 * tables; nothing was moved. */
	bool (*move)(struct mm *mm, uint64_t from, uint64_t to, uint64_t bytes);

	/* fork: what `vma` of the parent has is given to its copy in the child. False: no memory. */
	bool (*copy)(struct mm *child, struct mm *parent, struct vma *vma);

	/* Every page of the range is faulted in. 0, -EFAULT (behind a file's end), -ENOMEM; what came before stays. */
	int (*populate)(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end,
			enum mm_populate_for purpose);

	/* The page-level part of an advice (mm_abi.h) of which mm_advise.c has checked that the VMA allows it. 0 or
	 * -errno. */
	int (*advise)(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end, int advice);

	/* mincore: one byte per page of the range, 1 for those in memory. */
	void (*residency)(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end, uint8_t *resident);

	/* msync(MS_SYNC) of a shared file mapping. 0 or -errno. */
	int (*sync)(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end);

	/* A file for `bytes` of shared anonymous memory, with one reference; NULL: no memory. */
	struct open_file *(*shared_memory)(struct mm *mm, uint64_t bytes);
};

#endif
