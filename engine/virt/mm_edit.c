#include "config.h"

#include "engine/virt/mm_edit.h"

#include "engine/base/check.h"

#include <errno.h>

static uint64_t limit_pages(uint64_t bytes)
{
	return bytes == MM_UNLIMITED ? UINT64_MAX : bytes >> PAGE_SHIFT;
}

static bool is_data(uint32_t flags)
{
	return (flags & (AREA_WRITE | AREA_SHARED | AREA_GROWS_DOWN)) == AREA_WRITE;
}

bool mm_may_expand(const struct mm *mm, uint32_t flags, uint64_t pages)
{
	uint64_t all = limit_pages(mm->limits.address_space_bytes);
	uint64_t data = limit_pages(mm->limits.data_bytes);

	if (pages > all || mm->total_pages > all - pages)
		return false;
	return !is_data(flags) || (pages <= data && mm->data_pages <= data - pages);
}

bool mm_may_lock(const struct mm *mm, uint32_t flags, uint64_t bytes)
{
	if (!(flags & AREA_LOCKED) || mm->limits.may_lock)
		return true;
	return (bytes >> PAGE_SHIFT) + mm->locked_pages <= limit_pages(mm->limits.locked_bytes);
}

bool mm_can_lock(const struct mm *mm)
{
	return mm->limits.may_lock || mm->limits.locked_bytes != 0;
}

bool mm_is_accountable(uint32_t flags)
{
	return (flags & (VMA_NO_RESERVE | AREA_SHARED | AREA_WRITE)) == AREA_WRITE;
}

bool mm_may_charge(const struct mm *mm, uint64_t pages)
{
	const struct mm_promise *promise = mm->promise;

	switch (promise->mode) {
	case MM_OVERCOMMIT_ALWAYS:
		return true;
	case MM_OVERCOMMIT_GUESS:
		return pages <= promise->memory_pages;
	case MM_OVERCOMMIT_NEVER:
		break;
	}
	return pages <= promise->limit_pages && promise->promised_pages <= promise->limit_pages - pages;
}

bool mm_charge(struct mm *mm, uint64_t pages)
{
	if (!mm_may_charge(mm, pages))
		return false;
	mm->promise->promised_pages += pages;
	mm->accounted_pages += pages;
	return true;
}

void mm_uncharge(struct mm *mm, uint64_t pages)
{
	CHECK(pages <= mm->accounted_pages && pages <= mm->promise->promised_pages,
	      "I5: accounted_pages = pages of VMAs that are VMA_ACCOUNTED");
	mm->promise->promised_pages -= pages;
	mm->accounted_pages -= pages;
}

/* Adds `pages`, or with a wrapped negative number takes them away. */
static void count(struct mm *mm, uint32_t flags, uint64_t pages)
{
	mm->total_pages += pages;
	if ((flags & (AREA_EXECUTE | AREA_WRITE | AREA_GROWS_DOWN)) == AREA_EXECUTE)
		mm->executable_pages += pages;
	else if (flags & AREA_GROWS_DOWN)
		mm->stack_pages += pages;
	else if (is_data(flags))
		mm->data_pages += pages;
}

void mm_count_in(struct mm *mm, uint32_t flags, uint64_t pages)
{
	count(mm, flags, pages);
	if (mm->total_peak_pages < mm->total_pages)
		mm->total_peak_pages = mm->total_pages;
}

void mm_count_out(struct mm *mm, uint32_t flags, uint64_t pages)
{
	count(mm, flags, 0 - pages);
}

int mm_split(struct mm *mm, struct vma *vma, uint64_t address)
{
	struct vma *upper = vma_store_take(mm->store);

	CHECK(vma->area.start < address && address < vma->area.end, "a mapping is split inside");
	if (!upper || !mm->pages->divide(mm, address)) {
		if (upper)
			vma_store_give(mm->store, upper);
		return -ENOMEM;
	}
	upper->area = vma->area;
	upper->area.start = address;
	upper->area.first_page = vma_page_at(vma, address);
	upper->file = vma->file;
	upper->anonymous = vma->anonymous;
	upper->is_inherited = vma->is_inherited;
	open_file_hold(upper->file);
	vma_tree_resize(&mm->tree, vma, vma->area.start, address);
	vma_tree_insert(&mm->tree, upper);
	return 0;
}

static void drop(struct mm *mm, struct vma *vma)
{
	struct open_file *file = vma->file;

	vma_tree_remove(&mm->tree, vma);
	vma_store_give(mm->store, vma);
	open_file_drop(file);
}

/* The lower end of a VMA moves; its pages stay where they are. */
static void move_start(struct mm *mm, struct vma *vma, uint64_t start)
{
	uint64_t old = vma->area.start;

	vma_tree_resize(&mm->tree, vma, start, vma->area.end);
	if (start < old)
		vma->area.first_page -= (old - start) >> PAGE_SHIFT;
	else
		vma->area.first_page += (start - old) >> PAGE_SHIFT;
}

/* Lets `left`, or else `right`, grow over the free range [start, end). */
static struct vma *grow_over(struct mm *mm, const struct vma_merge *merge, const struct vma_proposal *range)
{
	struct vma *target = merge->left ? merge->left : merge->right;

	if (merge->left && merge->right) {
		uint64_t end = merge->right->area.end;

		vma_adopt(target, merge->right->anonymous, merge->right->is_inherited);
		drop(mm, merge->right);
		vma_tree_resize(&mm->tree, target, target->area.start, end);
	} else if (merge->left) {
		vma_tree_resize(&mm->tree, target, target->area.start, range->end);
	} else {
		move_start(mm, target, range->start);
	}
	vma_adopt(target, range->anonymous, range->is_inherited);
	return target;
}

struct vma *mm_insert(struct mm *mm, const struct vma_proposal *proposal, enum mm_merge sides)
{
	struct vma *next = vma_tree_find(&mm->tree, proposal->start);
	struct vma *previous = next ? next->previous : mm->tree.last;
	struct vma_merge merge = vma_merge_with(proposal, sides != MM_MERGE_NONE ? previous : NULL,
						sides == MM_MERGE_BOTH ? next : NULL);

	if (merge.left || merge.right)
		return grow_over(mm, &merge, proposal);
	struct vma *vma = vma_store_take(mm->store);

	if (!vma)
		return NULL;
	vma->area = (struct area){.start = proposal->start,
				  .end = proposal->end,
				  .flags = proposal->flags,
				  .file = proposal->file ? proposal->file->pages : NULL,
				  .first_page = proposal->first_page};
	vma->file = proposal->file;
	vma_adopt(vma, proposal->anonymous, proposal->is_inherited);
	open_file_hold(vma->file);
	vma_tree_insert(&mm->tree, vma);
	return vma;
}

/* The part leaves its VMA, at one end or whole, and the neighbours it merges with take it in. */
static struct vma *merge_part(struct mm *mm, struct vma *vma, const struct vma_proposal *part,
			      const struct vma_merge *merge, int *error)
{
	bool whole = part->start == vma->area.start && part->end == vma->area.end;

	if (!whole && !mm->pages->divide(mm, merge->left ? part->end : part->start)) {
		*error = -ENOMEM;
		return NULL;
	}
	if (whole)
		drop(mm, vma);
	else if (merge->left)
		move_start(mm, vma, part->end);
	else
		vma_tree_resize(&mm->tree, vma, vma->area.start, part->start);
	return grow_over(mm, merge, part);
}

struct vma *mm_modify(struct mm *mm, struct vma *vma, const struct vma_proposal *part, int *error)
{
	bool at_left = part->start == vma->area.start, at_right = part->end == vma->area.end;
	struct vma_merge merge =
	    vma_merge_with(part, at_left ? vma->previous : NULL, at_right ? vma->next : NULL);

	*error = 0;
	if (merge.left || merge.right)
		return merge_part(mm, vma, part, &merge, error);
	if (!at_left) {
		*error = mm->tree.count >= mm->limits.maps ? -ENOMEM : mm_split(mm, vma, part->start);
		if (*error)
			return NULL;
		vma = vma->next;
	}
	if (!at_right) {
		*error = mm->tree.count >= mm->limits.maps ? -ENOMEM : mm_split(mm, vma, part->end);
		if (*error)
			return NULL;
	}
	vma->area.flags = part->flags;
	return vma;
}

int mm_carve(struct mm *mm, uint64_t start, uint64_t end)
{
	struct vma *first = vma_tree_find_overlap(&mm->tree, start, end);

	if (!first)
		return 0;
	if (start > first->area.start) {
		if (end < first->area.end && mm->tree.count >= mm->limits.maps)
			return -ENOMEM;
		int status = mm_split(mm, first, start);

		if (status)
			return status;
	}
	struct vma *last = vma_tree_find_overlap(&mm->tree, end - 1, end);

	return last && last->area.end > end ? mm_split(mm, last, end) : 0;
}

struct mm_carved mm_carved_pages(const struct mm *mm, uint64_t start, uint64_t end)
{
	struct mm_carved carved = {0, 0};

	for (const struct vma *vma = vma_tree_find(&mm->tree, start); vma && vma->area.start < end;
	     vma = vma->next) {
		carved.pages += vma_pages(vma);
		if (vma->area.flags & VMA_ACCOUNTED)
			carved.accounted_pages += vma_pages(vma);
	}
	return carved;
}

void mm_discard(struct mm *mm, uint64_t start, uint64_t end, enum mm_zap_cause cause)
{
	struct vma *vma = vma_tree_find(&mm->tree, start);
	struct vma *previous = vma ? vma->previous : mm->tree.last;
	bool any = false;

	while (vma && vma->area.start < end) {
		struct vma *next = vma->next;
		uint64_t pages = vma_pages(vma);

		any = true;
		mm->pages->zap(mm, vma, vma->area.start, vma->area.end, cause);
		mm_count_out(mm, vma->area.flags, pages);
		if (vma->area.flags & VMA_ACCOUNTED)
			mm_uncharge(mm, pages);
		if (vma->area.flags & AREA_LOCKED)
			mm->locked_pages -= pages;
		drop(mm, vma);
		vma = next;
	}
	if (any)
		mm->pages->release_tables(mm, start, end, previous ? previous->area.end : 0,
					  vma ? vma->area.start : 0);
}

int mm_remove(struct mm *mm, uint64_t start, uint64_t end)
{
	int status = mm_carve(mm, start, end);

	if (status == 0)
		mm_discard(mm, start, end, MM_ZAP_UNMAP);
	return status;
}

int mm_populate_part(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end,
		     enum mm_populate_for purpose)
{
	if (!(vma->area.flags & AREA_RIGHTS))
		return -EFAULT;
	int status = mm->pages->populate(mm, vma, start, end, purpose);

	if (vma->area.has_anonymous)
		mm_settle_anonymous(mm, vma);
	return status;
}

int mm_populate(struct mm *mm, uint64_t start, uint64_t end, bool ignore_errors)
{
	for (struct vma *vma = vma_tree_find(&mm->tree, start); vma && vma->area.start < end;
	     vma = vma->next) {
		uint64_t from = vma->area.start > start ? vma->area.start : start;
		uint64_t to = vma->area.end < end ? vma->area.end : end;
		int status = 0;

		if (!(vma->area.flags & (VMA_SPECIAL | AREA_LOCKED_ON_FAULT)))
			status = mm_populate_part(mm, vma, from, to, MM_POPULATE_AS_AREA);
		if (status && !ignore_errors)
			return status;
	}
	return 0;
}
