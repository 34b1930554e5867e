#include "config.h"

#include "engine/virt/mm_edit.h"

#include <errno.h>
#include <string.h>

struct mm_result mm_residency(struct mm *mm, uint64_t address, uint64_t length, uint8_t *resident)
{
	uint64_t end = address + length;

	if (!mm_is_page_aligned(address))
		return mm_status(-EINVAL);
	if (end < address || end > mm->layout.task_bytes)
		return mm_status(-ENOMEM);
	end = mm_whole_pages(end);
	while (address < end) {
		struct vma *vma = vma_tree_find(&mm->tree, address);

		if (!vma || vma->area.start > address)
			return mm_status(-ENOMEM);
		uint64_t to = vma->area.end < end ? vma->area.end : end;
		size_t pages = (size_t)((to - address) >> PAGE_SHIFT);

		if (resident && vma->file && vma->file->flags & OPEN_RESIDENCY_HIDDEN)
			memset(resident, 1, pages);
		else if (resident)
			mm->pages->residency(mm, vma, address, to, resident);
		if (resident)
			resident += pages;
		address = to;
	}
	return mm_value(0);
}

static int sync_vma(struct mm *mm, struct vma *vma, const uint64_t range[2], unsigned flags)
{
	uint64_t from = vma->area.start > range[0] ? vma->area.start : range[0];
	uint64_t to = vma->area.end < range[1] ? vma->area.end : range[1];

	if (flags & MM_SYNC_INVALIDATE && vma->area.flags & AREA_LOCKED)
		return -EBUSY;
	if (flags & MM_SYNC_SYNC && vma->file && vma->area.flags & AREA_SHARED)
		return mm->pages->sync(mm, vma, from, to);
	return 0;
}

struct mm_result mm_sync(struct mm *mm, uint64_t address, uint64_t length, int flags)
{
	unsigned asked = (unsigned)flags;
	uint64_t range[2] = {address, address + mm_whole_pages(length)};
	int status = 0, hole = 0;

	if (asked & ~(MM_SYNC_ASYNC | MM_SYNC_INVALIDATE | MM_SYNC_SYNC) || !mm_is_page_aligned(address) ||
	    (asked & MM_SYNC_ASYNC && asked & MM_SYNC_SYNC))
		return mm_status(-EINVAL);
	if (range[1] < range[0])
		return mm_status(-ENOMEM);
	struct vma *vma = vma_tree_find(&mm->tree, address);

	while (address < range[1] && status == 0) {
		if (!vma || vma->area.start >= range[1])
			return mm_status(-ENOMEM);
		if (vma->area.start > address) {
			if (asked == MM_SYNC_ASYNC)
				return mm_status(-ENOMEM);
			hole = -ENOMEM;
		}
		status = sync_vma(mm, vma, range, asked);
		address = vma->area.end;
		vma = vma->next;
	}
	return mm_status(status ? status : hole);
}
