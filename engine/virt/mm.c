#include "config.h"

#include "engine/virt/mm_edit.h"

#include "engine/base/check.h"

#include <errno.h>

static bool layout_is_sound(const struct mm_layout *layout)
{
	return layout->task_bytes >= PAGE_BYTES && mm_is_page_aligned(layout->task_bytes) &&
	       layout->task_bytes <= UINT64_MAX / 2 && layout->mmap_base <= layout->task_bytes &&
	       mm_is_page_aligned(layout->mmap_base) && layout->mmap_legacy_base <= layout->task_bytes &&
	       layout->start_brk <= layout->task_bytes && mm_is_page_aligned(layout->low_base) &&
	       mm_is_page_aligned(layout->mmap_legacy_base);
}

enum status mm_create(struct mm *mm, const struct mm_options *options)
{
	if (!layout_is_sound(&options->layout) ||
	    (options->huge_bytes && !is_power_of_two(options->huge_bytes)))
		return STATUS_BAD_ARGUMENT;
	*mm = (struct mm){.store = options->store,
			  .promise = options->promise,
			  .pages = options->pages,
			  .pages_owner = options->pages_owner,
			  .limits = options->limits,
			  .layout = options->layout,
			  .huge_bytes = options->huge_bytes,
			  .has_ksm = options->has_ksm,
			  .is_32_bit = options->is_32_bit,
			  .brk = options->layout.start_brk,
			  .users = 1};
	return STATUS_OK;
}

void mm_share(struct mm *mm)
{
	mm->users++;
}

bool mm_leave(struct mm *mm)
{
	CHECK(mm->users > 0, "an address space is left once by each user");
	if (--mm->users > 0)
		return false;
	mm_discard(mm, 0, UINT64_MAX, MM_ZAP_EXIT);
	return true;
}

void mm_exec(struct mm *mm, const struct mm_layout *layout)
{
	CHECK(mm->users == 1 && layout_is_sound(layout), "exec in an address space of its own");
	mm_discard(mm, 0, UINT64_MAX, MM_ZAP_EXIT);
	mm->layout = *layout;
	mm->brk = layout->start_brk;
	mm->default_flags = 0;
	mm->locked_pages = mm->total_peak_pages = 0;
}

/* A fork gives the pages made from now on an identity of their own, in each mapping that has one. */
static struct vma *copy_vma(struct mm *child, const struct vma *from)
{
	struct vma *vma = vma_store_take(child->store);

	if (!vma)
		return NULL;
	vma->area = from->area;
	vma->area.flags &= ~(uint32_t)VMA_LOCKED_FLAGS;
	vma->file = from->file;
	vma->area.has_anonymous = false;
	if (from->anonymous && !(from->area.flags & AREA_WIPE_ON_FORK))
		vma_adopt(vma, vma_store_identity(child->store), true);
	open_file_hold(vma->file);
	vma_tree_insert(&child->tree, vma);
	mm_count_in(child, vma->area.flags, vma_pages(vma));
	return vma;
}

static bool fork_vma(struct mm *child, struct mm *parent, struct vma *from)
{
	bool accounted = from->area.flags & VMA_ACCOUNTED;

	if (from->area.flags & AREA_NO_FORK)
		return true;
	if (accounted && !mm_charge(child, vma_pages(from)))
		return false;
	struct vma *vma = copy_vma(child, from);

	if (!vma) {
		if (accounted)
			mm_uncharge(child, vma_pages(from));
		return false;
	}
	return from->area.flags & AREA_WIPE_ON_FORK || child->pages->copy(child, parent, vma);
}

struct mm_result mm_fork(struct mm *child, struct mm *parent, void *owner)
{
	*child = *parent;
	child->pages_owner = owner;
	child->tree = (struct vma_tree){0};
	child->default_flags = 0;
	child->users = 1;
	child->total_pages = child->data_pages = child->stack_pages = child->executable_pages = 0;
	child->total_peak_pages = 0;
	child->locked_pages = child->accounted_pages = 0;
	for (struct vma *vma = parent->tree.first; vma; vma = vma->next) {
		if (fork_vma(child, parent, vma))
			continue;
		(void)mm_leave(child);
		return mm_status(-ENOMEM);
	}
	return mm_value(0);
}

struct mm_result mm_place(struct mm *mm, const struct mm_placement *placement)
{
	uint64_t start = placement->start, end = placement->end, pages = (end - start) >> PAGE_SHIFT;
	bool accounted = placement->flags & VMA_ACCOUNTED;
	struct vma_proposal proposal = {
	    .start = start,
	    .end = end,
	    .flags = placement->flags,
	    .file = placement->file,
	    .first_page = placement->file ? placement->first_page : start >> PAGE_SHIFT,
	    .anonymous = placement->has_anonymous ? vma_store_identity(mm->store) : 0};

	if (start >= end || !mm_is_page_aligned(start | end) || end > mm->layout.task_bytes ||
	    (!placement->file && placement->flags & AREA_SHARED))
		return mm_status(-EINVAL);
	if (vma_tree_find_overlap(&mm->tree, start, end))
		return mm_status(-EEXIST);
	if (accounted && !mm_charge(mm, pages))
		return mm_status(-ENOMEM);
	if (!mm_insert(mm, &proposal, MM_MERGE_BOTH)) {
		if (accounted)
			mm_uncharge(mm, pages);
		return mm_status(-ENOMEM);
	}
	mm_count_in(mm, placement->flags, pages);
	if (placement->flags & AREA_LOCKED)
		mm->locked_pages += pages;
	return mm_value(start);
}

struct vma *mm_find(const struct mm *mm, uint64_t address)
{
	return vma_tree_find(&mm->tree, address);
}

void mm_settle_anonymous(struct mm *mm, struct vma *vma)
{
	const struct vma *next = vma->next, *previous = vma->previous;

	if (vma->anonymous)
		return;
	if (next && vma_may_join(vma, next, next))
		vma_adopt(vma, next->anonymous, false);
	else if (previous && vma_may_join(previous, vma, previous))
		vma_adopt(vma, previous->anonymous, false);
	else
		vma_adopt(vma, vma_store_identity(mm->store), false);
}

static int check_room_below(const struct mm *mm, const struct vma *vma, uint64_t address)
{
	const struct vma *below = vma->previous;
	uint64_t guard = (uint64_t)MM_STACK_GUARD_PAGES << PAGE_SHIFT;

	if (!(vma->area.flags & AREA_GROWS_DOWN))
		return -EFAULT;
	if (address < mm->limits.lowest_address)
		return -EPERM;
	if (below && !(below->area.flags & AREA_GROWS_DOWN) && below->area.flags & AREA_RIGHTS &&
	    address - below->area.end < guard)
		return -ENOMEM;
	return 0;
}

static int check_growth(const struct mm *mm, const struct vma *vma, uint64_t address, uint64_t pages)
{
	if (pages > vma->area.first_page || !mm_may_expand(mm, vma->area.flags, pages) ||
	    vma->area.end - address > mm->limits.stack_bytes ||
	    !mm_may_lock(mm, vma->area.flags, pages << PAGE_SHIFT))
		return -ENOMEM;
	return 0;
}

struct mm_result mm_grow_stack(struct mm *mm, struct vma *vma, uint64_t address)
{
	address &= ~(PAGE_BYTES - 1);
	if (address >= vma->area.start)
		return mm_value(vma->area.start);
	uint64_t pages = (vma->area.start - address) >> PAGE_SHIFT;
	int status = check_room_below(mm, vma, address);

	if (status)
		return mm_status(status);
	mm_settle_anonymous(mm, vma);
	status = check_growth(mm, vma, address, pages);
	if (status)
		return mm_status(status);
	if (vma->area.flags & VMA_ACCOUNTED ? !mm_charge(mm, pages) : !mm_may_charge(mm, pages))
		return mm_status(-ENOMEM);
	mm_count_in(mm, vma->area.flags, pages);
	if (vma->area.flags & AREA_LOCKED)
		mm->locked_pages += pages;
	vma_tree_resize(&mm->tree, vma, address, vma->area.end);
	vma->area.first_page -= pages;
	return mm_value(address);
}
