/* vma_merge.h: when mappings become one.
 *
 *      previous    range    next            the range is new (mmap, brk, the target of mremap), or part of a mapping whose
 *   |...........|*********|........|        flags change (mprotect, madvise, mlock): it may merge left, right, or both
 *
 * Two neighbours become one when they touch, have the same flags and the same open file, their pages are in step,
 * and their anonymous identities (vma.h) agree: equal, or one has none yet. An identity that came by fork takes
 * nobody in who has none: its pages are looked up along the whole line of descent, which is not to grow.
 *
 * Sources: Documentation/mm/process_addrs.rst; the rule for forks since Linux 6.16; experiment.
 */
#ifndef FAULTLINE_ENGINE_VIRT_VMA_MERGE_H
#define FAULTLINE_ENGINE_VIRT_VMA_MERGE_H

#include "engine/virt/vma.h"

/* A mapping to be. */
struct vma_proposal {
	uint64_t start, end;
	uint32_t flags;
	struct open_file *file;
	uint64_t first_page;
	uint64_t anonymous; /* identity of the mapping it is made of; 0: none */
	bool is_inherited;
};

struct vma_merge {
	struct vma *left, *right; /* the neighbours that it becomes one with; NULL: none */
};

/* The proposal as a part [start, end) of a mapping, with other flags. */
struct vma_proposal vma_part(const struct vma *vma, uint64_t start, uint64_t end, uint32_t flags);

/* What the proposal merges with, when `previous` and `next` (NULL: none) are its neighbours. */
struct vma_merge vma_merge_with(const struct vma_proposal *proposal, struct vma *previous, struct vma *next);

/* True when the first anonymous page of `vma` may be made under the identity of its neighbour (below it, or above
 * it): they could merge after an mprotect. */
bool vma_may_join(const struct vma *below, const struct vma *above, const struct vma *neighbour);

/* Gives `vma` an identity if it has none and `identity` is one. */
void vma_adopt(struct vma *vma, uint64_t identity, bool is_inherited);

#endif
