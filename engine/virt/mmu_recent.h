/* mmu_recent.h: a filter of references: in each of a few sets of pages, the page that was used last.
 *
 *   page number mod sets        last page      what was done there since it is the last
 *          0                    0x7f00010          read, write
 *          1                    0x7f00231          read
 *         ...
 *
 * When `sets` divides the number of sets of a TLB's level 1, the last page of a set here is the page used last in its set
 * there. To use it again hits and changes nothing, whatever the replacement; and when the same was done there before, nothing
 * changes in the page table either. Such a reference can be dropped. This holds for pages of one size, the smallest, and as
 * long as nothing is flushed: then the filter must forget.
 */
#ifndef FAULTLINE_ENGINE_VIRT_MMU_RECENT_H
#define FAULTLINE_ENGINE_VIRT_MMU_RECENT_H

#include "engine/virt/mmu_block.h"

/* A power of two. */
#define MMU_RECENT_SETS_MAX 16u

#define MMU_NO_PAGE UINT64_MAX

struct mmu_recent {
	uint64_t last;	/* page and access of the last reference of all, or MMU_NO_PAGE */
	uint32_t sets;	/* a power of two, 1 .. MMU_RECENT_SETS_MAX */
	uint32_t shift; /* log2 of the bytes of a page */
	uint64_t latest[MMU_RECENT_SETS_MAX]; /* page and access of the last reference, or MMU_NO_PAGE */
	uint64_t page[MMU_RECENT_SETS_MAX];
	uint64_t done[MMU_RECENT_SETS_MAX][MMU_ACCESS_MASK + 1]; /* [access]: the page it was last done to */
};

void mmu_recent_forget(struct mmu_recent *recent);

/* Puts the references behind those of the block that cannot be dropped; `first` is the place of the first one. At most
 * MMU_BLOCK, and the block must have room for all. */
void mmu_recent_filter(struct mmu_recent *recent, struct mmu_block *block,
		       const struct mmu_references *references, uint32_t first);

/* The same for columns. */
void mmu_recent_filter_columns(struct mmu_recent *recent, struct mmu_block *block,
			       const struct mmu_columns *columns, uint32_t first);

#endif
