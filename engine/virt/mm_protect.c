#include "config.h"

#include "engine/virt/mm_edit.h"

#include <errno.h>

#define KNOWN_RIGHTS (MM_PROT_READ | MM_PROT_WRITE | MM_PROT_EXECUTE | MM_PROT_SEMAPHORE)

static uint32_t flags_with_rights(const struct vma *vma, uint64_t protection)
{
	uint32_t flags = vma->area.flags & ~(uint32_t)AREA_RIGHTS;

	flags |= protection & MM_PROT_READ ? AREA_READ : 0;
	flags |= protection & MM_PROT_WRITE ? AREA_WRITE : 0;
	flags |= protection & MM_PROT_EXECUTE ? AREA_EXECUTE : 0;
	return flags;
}

/* What is charged changes with the right to write: *charged is what was charged for it. */
static int charge_for_rights(struct mm *mm, struct vma_proposal *part, const struct vma *vma,
			     uint64_t *charged)
{
	uint32_t old = vma->area.flags;
	uint64_t pages = (part->end - part->start) >> PAGE_SHIFT;

	*charged = 0;
	if (!(part->flags & AREA_WRITE)) {
		if (old & VMA_ACCOUNTED && !vma->file && !vma->anonymous)
			part->flags &= ~(uint32_t)VMA_ACCOUNTED;
		return 0;
	}
	if (!mm_may_expand(mm, part->flags, pages) && mm_may_expand(mm, old, pages))
		return -ENOMEM;
	if (old & (VMA_ACCOUNTED | AREA_WRITE | AREA_SHARED | VMA_NO_RESERVE))
		return 0;
	if (!mm_charge(mm, pages))
		return -ENOMEM;
	*charged = pages;
	part->flags |= VMA_ACCOUNTED;
	return 0;
}

static int protect_part(struct mm *mm, struct vma **at, uint64_t start, uint64_t end, uint64_t protection)
{
	struct vma *vma = *at;
	uint32_t old = vma->area.flags;
	struct vma_proposal part = vma_part(vma, start, end, flags_with_rights(vma, protection));
	uint64_t pages = (end - start) >> PAGE_SHIFT, charged;
	uint32_t may = part.flags >> VMA_MAY_SHIFT;

	if (part.flags & ~may & AREA_RIGHTS)
		return -EACCES;
	if (part.flags == old)
		return 0;
	int status = charge_for_rights(mm, &part, vma, &charged);

	if (status)
		return status;
	vma = mm_modify(mm, vma, &part, &status);
	if (!vma) {
		mm_uncharge(mm, charged);
		return status;
	}
	*at = vma;
	if (old & VMA_ACCOUNTED && !(part.flags & VMA_ACCOUNTED))
		mm_uncharge(mm, pages);
	mm_count_out(mm, old, pages);
	mm_count_in(mm, part.flags, pages);
	mm->pages->protect(mm, vma, start, end);
	if ((old & (AREA_WRITE | AREA_SHARED | AREA_LOCKED)) == AREA_LOCKED && part.flags & AREA_WRITE &&
	    !(part.flags & AREA_LOCKED_ON_FAULT))
		(void)mm_populate_part(mm, vma, start, end, MM_POPULATE_AS_AREA);
	return 0;
}

/* Where the change begins and with which VMA: a growing one as a whole when it is asked for. */
static int protect_begin(const struct mm *mm, uint64_t *start, uint64_t end, uint64_t grows, struct vma **vma)
{
	*vma = vma_tree_find_overlap(&mm->tree, *start, end);
	if (!*vma)
		return -ENOMEM;
	if (grows == MM_PROT_GROWS_DOWN) {
		*start = (*vma)->area.start;
		return (*vma)->area.flags & AREA_GROWS_DOWN ? 0 : -EINVAL;
	}
	if ((*vma)->area.start > *start)
		return -ENOMEM;
	return grows ? -EINVAL : 0;
}

struct mm_result mm_protect(struct mm *mm, uint64_t address, uint64_t length, uint64_t protection)
{
	uint64_t grows = protection & (MM_PROT_GROWS_DOWN | MM_PROT_GROWS_UP);
	uint64_t start = address, end = address + mm_whole_pages(length);
	struct vma *vma;

	protection &= ~grows;
	if (grows == (MM_PROT_GROWS_DOWN | MM_PROT_GROWS_UP) || !mm_is_page_aligned(address))
		return mm_status(-EINVAL);
	if (length == 0)
		return mm_value(0);
	if (end <= start)
		return mm_status(-ENOMEM);
	if (protection & ~(uint64_t)KNOWN_RIGHTS)
		return mm_status(-EINVAL);
	int status = protect_begin(mm, &start, end, grows, &vma);

	while (status == 0 && start < end) {
		if (!vma || vma->area.start > start)
			return mm_status(-ENOMEM);
		uint64_t to = vma->area.end < end ? vma->area.end : end;

		status = protect_part(mm, &vma, start, to, protection);
		start = vma->area.end;
		vma = vma->next;
	}
	return mm_status(status);
}
