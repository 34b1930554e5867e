#include "config.h"

#include "engine/virt/mm_edit.h"

#include <errno.h>

/* Shared by mlock and munlock: the range as whole pages around it; the end may wrap. */
static uint64_t locked_start(uint64_t address)
{
	return address & ~(PAGE_BYTES - 1);
}

static uint64_t locked_bytes(uint64_t address, uint64_t length)
{
	return mm_whole_pages(length + (address & (PAGE_BYTES - 1)));
}

/* The kernel counts here in 32 bits with a sign, and so must we for mappings of more than 8 TiB. */
static uint64_t counted_pages(uint64_t start, uint64_t end)
{
	uint32_t pages = (uint32_t)((end - start) >> PAGE_SHIFT);

	return pages > INT32_MAX ? pages - ((uint64_t)1 << 32) : pages;
}

/* Gives part of a VMA the lock flags, and goes on at the one that is returned's end. */
static struct vma *lock_part(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end, uint32_t lock,
			     int *status)
{
	uint32_t old = vma->area.flags, flags = (old & ~(uint32_t)VMA_LOCKED_FLAGS) | lock;
	uint64_t pages = counted_pages(start, end);

	*status = 0;
	if (flags == old || old & (VMA_SPECIAL | VMA_DROPPABLE))
		return vma;
	struct vma_proposal part = vma_part(vma, start, end, flags);
	struct vma *changed = mm_modify(mm, vma, &part, status);

	if (!changed)
		return vma;
	if (!(flags & AREA_LOCKED))
		mm->locked_pages -= pages;
	else if (!(old & AREA_LOCKED))
		mm->locked_pages += pages;
	return changed;
}

static int lock_range(struct mm *mm, uint64_t start, uint64_t bytes, uint32_t lock)
{
	uint64_t end = start + bytes;
	int status = 0;

	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	struct vma *vma = vma_tree_find(&mm->tree, start);

	while (start < end) {
		if (!vma || vma->area.start > start)
			return -ENOMEM;
		uint64_t to = vma->area.end < end ? vma->area.end : end;

		vma = lock_part(mm, vma, start, to, lock, &status);
		if (status)
			return status;
		start = vma->area.end;
		vma = vma->next;
	}
	return 0;
}

static uint64_t locked_already(const struct mm *mm, uint64_t start, uint64_t bytes)
{
	uint64_t end = start + bytes < start ? UINT64_MAX : start + bytes, pages = 0;

	for (const struct vma *vma = vma_tree_find(&mm->tree, start); vma && vma->area.start < end;
	     vma = vma->next) {
		uint64_t from = vma->area.start > start ? vma->area.start : start;
		uint64_t to = vma->area.end < end ? vma->area.end : end;

		if (vma->area.flags & AREA_LOCKED)
			pages += (to - from) >> PAGE_SHIFT;
	}
	return pages;
}

static bool may_lock_range(const struct mm *mm, uint64_t start, uint64_t bytes)
{
	uint64_t limit = mm->limits.locked_bytes >> PAGE_SHIFT;
	uint64_t pages = (bytes >> PAGE_SHIFT) + mm->locked_pages;

	if (mm->limits.may_lock || mm->limits.locked_bytes == MM_UNLIMITED || pages <= limit)
		return true;
	return pages - locked_already(mm, start, bytes) <= limit;
}

struct mm_result mm_lock(struct mm *mm, uint64_t address, uint64_t length, int flags)
{
	uint64_t start = locked_start(address), bytes = locked_bytes(address, length);
	uint32_t lock = AREA_LOCKED | (flags & (int)MM_LOCK_ON_FAULT ? AREA_LOCKED_ON_FAULT : 0);

	if (flags & ~(int)MM_LOCK_ON_FAULT)
		return mm_status(-EINVAL);
	if (!mm_can_lock(mm))
		return mm_status(-EPERM);
	if (!may_lock_range(mm, start, bytes))
		return mm_status(-ENOMEM);
	int status = lock_range(mm, start, bytes, lock);

	if (status == 0 && bytes > 0)
		status = mm_populate(mm, start, start + bytes, false);
	else
		return mm_status(status);
	if (status == -EFAULT)
		return mm_status(-ENOMEM);
	return mm_status(status == -ENOMEM ? -EAGAIN : status);
}

struct mm_result mm_unlock(struct mm *mm, uint64_t address, uint64_t length)
{
	return mm_status(lock_range(mm, locked_start(address), locked_bytes(address, length), 0));
}

static void lock_everything(struct mm *mm, uint32_t lock)
{
	int status;

	for (struct vma *vma = mm->tree.first; vma; vma = vma->next)
		vma = lock_part(mm, vma, vma->area.start, vma->area.end, lock, &status);
}

struct mm_result mm_lock_all(struct mm *mm, int flags)
{
	unsigned asked = (unsigned)flags;
	uint32_t lock = AREA_LOCKED | (asked & MM_LOCK_ALL_ON_FAULT ? AREA_LOCKED_ON_FAULT : 0);
	uint64_t limit = mm->limits.locked_bytes;

	if (asked == 0 || asked & ~(MM_LOCK_ALL_CURRENT | MM_LOCK_ALL_FUTURE | MM_LOCK_ALL_ON_FAULT) ||
	    asked == MM_LOCK_ALL_ON_FAULT)
		return mm_status(-EINVAL);
	if (!mm_can_lock(mm))
		return mm_status(-EPERM);
	if (asked & MM_LOCK_ALL_CURRENT && !mm->limits.may_lock && limit != MM_UNLIMITED &&
	    mm->total_pages > limit >> PAGE_SHIFT)
		return mm_status(-ENOMEM);
	mm->default_flags = asked & MM_LOCK_ALL_FUTURE ? lock : 0;
	if (asked & MM_LOCK_ALL_CURRENT) {
		lock_everything(mm, lock);
		(void)mm_populate(mm, 0, mm->layout.task_bytes, true);
	}
	return mm_value(0);
}

struct mm_result mm_unlock_all(struct mm *mm)
{
	mm->default_flags = 0;
	lock_everything(mm, 0);
	return mm_value(0);
}
