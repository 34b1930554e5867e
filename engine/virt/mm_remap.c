#include "config.h"

#include "engine/virt/mm_edit.h"

#include <errno.h>

/* A remapping on its way; lengths are whole pages. */
struct remap {
	uint64_t address, old_length, new_length, new_address;
	bool may_move, is_fixed, keeps_old;
	struct vma *vma;
};

static bool has_new_address(const struct remap *remap)
{
	return remap->is_fixed || remap->keeps_old;
}

static uint64_t growth(const struct remap *remap)
{
	return remap->new_length > remap->old_length ? remap->new_length - remap->old_length : 0;
}

static int check_new_address(const struct mm *mm, const struct remap *remap)
{
	if (remap->new_address > mm->layout.task_bytes - remap->new_length ||
	    !mm_is_page_aligned(remap->new_address) || !remap->may_move)
		return -EINVAL;
	if (remap->keeps_old && remap->old_length != remap->new_length)
		return -EINVAL;
	if (remap->address + remap->old_length > remap->new_address &&
	    remap->new_address + remap->new_length > remap->address)
		return -EINVAL;
	return mm->tree.count + 2 >= mm->limits.maps - 3 ? -ENOMEM : 0;
}

static int check_call(const struct mm *mm, const struct mm_remapping *call, const struct remap *remap)
{
	uint64_t known = MM_REMAP_MAY_MOVE | MM_REMAP_FIXED | MM_REMAP_DONT_UNMAP;

	if (call->flags & ~known || !mm_is_page_aligned(call->address) || remap->new_length == 0 ||
	    remap->new_length > mm->layout.task_bytes)
		return -EINVAL;
	return has_new_address(remap) ? check_new_address(mm, remap) : 0;
}

/* What the mapping at the old address allows. */
static int check_vma(const struct mm *mm, const struct remap *remap)
{
	const struct vma *vma = remap->vma;
	uint64_t old_length = remap->old_length, pages = growth(remap) >> PAGE_SHIFT;

	if (!vma || vma->area.start > remap->address)
		return -EFAULT;
	if (growth(remap) == 0 && !has_new_address(remap))
		return 0;
	if (old_length == 0 && !(vma->area.flags & AREA_SHARED))
		return -EINVAL;
	if (remap->keeps_old && vma->area.flags & VMA_SPECIAL)
		return -EINVAL;
	if (old_length > remap->new_length)
		old_length = remap->new_length;
	if (old_length > vma->area.end - remap->address)
		return -EFAULT;
	if (remap->new_length == old_length)
		return 0;
	if (vma_page_at(vma, remap->address) + (remap->new_length >> PAGE_SHIFT) <
	    vma_page_at(vma, remap->address))
		return -EINVAL;
	if (vma->area.flags & VMA_SPECIAL)
		return -EFAULT;
	if (!mm_may_lock(mm, vma->area.flags, growth(remap)))
		return -EAGAIN;
	return mm_may_expand(mm, vma->area.flags, pages) ? 0 : -ENOMEM;
}

static bool charge(struct mm *mm, const struct remap *remap)
{
	uint64_t bytes = remap->keeps_old ? remap->new_length : growth(remap);

	return !(remap->vma->area.flags & VMA_ACCOUNTED) || mm_charge(mm, bytes >> PAGE_SHIFT);
}

static void count_growth(struct mm *mm, uint32_t flags, uint64_t pages)
{
	mm_count_in(mm, flags, pages);
	if (flags & AREA_LOCKED)
		mm->locked_pages += pages;
}

static void populate_growth(struct mm *mm, const struct remap *remap, uint64_t address, uint32_t flags)
{
	if (flags & AREA_LOCKED && growth(remap) > 0)
		(void)mm_populate(mm, address + remap->old_length, address + remap->new_length, true);
}

static bool can_expand_in_place(const struct mm *mm, const struct remap *remap)
{
	const struct area *area = &remap->vma->area;
	uint64_t end = area->end + growth(remap);

	return remap->old_length == area->end - remap->address && end > area->end &&
	       end <= mm->layout.task_bytes && !vma_tree_find_overlap(&mm->tree, area->end, end);
}

static struct mm_result expand_in_place(struct mm *mm, const struct remap *remap)
{
	struct vma *vma = remap->vma;
	uint32_t flags = vma->area.flags;
	struct vma_proposal more = vma_part(vma, vma->area.end, vma->area.end + growth(remap), flags);

	if (!charge(mm, remap))
		return mm_status(-ENOMEM);
	if (!mm_insert(mm, &more, MM_MERGE_BOTH))
		return mm_status(-ENOMEM);
	count_growth(mm, flags, growth(remap) >> PAGE_SHIFT);
	populate_growth(mm, remap, remap->address, flags);
	return mm_value(remap->address);
}

/* The mapping's copy at the new address. Untouched anonymous memory takes on the page numbers of its new place, so
 * that it can merge there. */
static struct vma *copy_mapping(struct mm *mm, const struct remap *remap)
{
	struct vma *vma = remap->vma;
	struct vma_proposal copy =
	    vma_part(vma, remap->new_address, remap->new_address + remap->new_length, vma->area.flags);

	copy.first_page = vma_page_at(vma, remap->address);
	if (!vma->file && !vma->anonymous)
		copy.first_page = remap->new_address >> PAGE_SHIFT;
	return mm_insert(mm, &copy, MM_MERGE_BOTH);
}

/* MREMAP_DONTUNMAP: the old mapping stays, without its pages and locks. */
static void keep_old(struct mm *mm, const struct remap *remap)
{
	struct vma *vma = vma_tree_find(&mm->tree, remap->address);
	bool whole = vma->area.start == remap->address && vma->area.end == remap->address + remap->old_length;
	bool merged = vma->area.start <= remap->new_address && remap->new_address < vma->area.end;

	vma->area.flags &= ~(uint32_t)VMA_LOCKED_FLAGS;
	if (!whole || merged)
		return;
	vma->anonymous = 0;
	vma->is_inherited = false;
	vma->area.has_anonymous = false;
}

/* Takes a mapping away whose pages and whose charge have gone elsewhere. */
static void unmap_moved(struct mm *mm, uint64_t start, uint64_t bytes, bool accounted)
{
	uint64_t pages = bytes >> PAGE_SHIFT;

	if (pages == 0)
		return;
	if (accounted) {
		mm->accounted_pages += pages;
		mm->promise->promised_pages += pages;
	}
	(void)mm_remove(mm, start, start + bytes);
}

static struct mm_result move_mapping(struct mm *mm, struct remap *remap)
{
	uint32_t flags = remap->vma->area.flags;
	struct mm_place_request request = {.hint = has_new_address(remap) ? remap->new_address : 0,
					   .bytes = remap->new_length,
					   .map_flags = (remap->is_fixed ? MM_MAP_FIXED : 0) |
							(flags & AREA_SHARED ? MM_MAP_SHARED : 0),
					   .file = remap->vma->file,
					   .offset_pages = vma_page_at(remap->vma, remap->address)};
	struct mm_result room;

	if (!request.file)
		request.offset_pages = 0;
	room = mm_find_room(mm, &request);
	if (room.error)
		return room;
	remap->new_address = room.value;
	if (mm->tree.count >= mm->limits.maps - 3 || !charge(mm, remap))
		return mm_status(-ENOMEM);
	struct vma *copy = copy_mapping(mm, remap);
	uint64_t charged = (remap->keeps_old ? remap->new_length : growth(remap)) >> PAGE_SHIFT;

	if (!copy) {
		if (flags & VMA_ACCOUNTED)
			mm_uncharge(mm, charged);
		return mm_status(-ENOMEM);
	}
	uint64_t peak = mm->total_peak_pages;

	count_growth(mm, flags, remap->new_length >> PAGE_SHIFT);
	if (remap->old_length > 0 &&
	    !mm->pages->move(mm, remap->address, remap->new_address, remap->old_length)) {
		unmap_moved(mm, remap->new_address, remap->new_length,
			    flags & VMA_ACCOUNTED && !remap->keeps_old);
		return mm_status(-ENOMEM);
	}
	if (remap->keeps_old)
		keep_old(mm, remap);
	else
		unmap_moved(mm, remap->address, remap->old_length, flags & VMA_ACCOUNTED);
	mm->total_peak_pages = peak > mm->total_pages ? peak : mm->total_pages;
	populate_growth(mm, remap, remap->new_address, flags);
	return mm_value(remap->new_address);
}

static struct mm_result unmap_surplus(struct mm *mm, const struct remap *remap)
{
	return mm_unmap(mm, remap->address + remap->new_length, remap->old_length - remap->new_length);
}

/* To a place the caller names: what lies there goes first. */
static struct mm_result remap_to(struct mm *mm, struct remap *remap)
{
	int status = 0;

	if (remap->is_fixed)
		status = mm_unmap(mm, remap->new_address, remap->new_length).error;
	if (status == 0 && remap->old_length > remap->new_length) {
		status = unmap_surplus(mm, remap).error;
		remap->old_length = remap->new_length;
	}
	if (status)
		return mm_status(-status);
	remap->vma = vma_tree_find_overlap(&mm->tree, remap->address, remap->address + 1);
	if (!remap->vma)
		return mm_status(-EFAULT);
	if (remap->keeps_old && !mm_may_expand(mm, remap->vma->area.flags, remap->old_length >> PAGE_SHIFT))
		return mm_status(-ENOMEM);
	return move_mapping(mm, remap);
}

static struct mm_result remap_anywhere(struct mm *mm, struct remap *remap)
{
	if (remap->new_length < remap->old_length) {
		struct mm_result result = unmap_surplus(mm, remap);

		return result.error ? result : mm_value(remap->address);
	}
	if (remap->new_length == remap->old_length)
		return mm_value(remap->address);
	if (can_expand_in_place(mm, remap))
		return expand_in_place(mm, remap);
	return remap->may_move ? move_mapping(mm, remap) : mm_status(-ENOMEM);
}

/* All mappings of the range, one after the other, with the gaps between them. */
static struct mm_result remap_range(struct mm *mm, const struct remap *all)
{
	uint64_t end = all->address + all->old_length, at = all->address;
	struct vma *vma = vma_tree_find(&mm->tree, at);

	if (!vma || vma->area.start > at || end < at)
		return mm_status(-EFAULT);
	while (vma && at < end && vma->area.start < end) {
		uint64_t from = vma->area.start > at ? vma->area.start : at;
		uint64_t to = vma->area.end < end ? vma->area.end : end;
		struct remap part = *all;

		part.address = from;
		part.new_address = all->new_address + (from - all->address);
		part.old_length = part.new_length = to - from;
		part.vma = vma;
		int status = check_vma(mm, &part);
		struct mm_result result = status ? mm_status(status) : remap_to(mm, &part);

		if (result.error)
			return result;
		at = to;
		vma = vma_tree_find(&mm->tree, at);
	}
	return mm_value(all->new_address);
}

struct mm_result mm_remap(struct mm *mm, const struct mm_remapping *remapping)
{
	struct remap remap = {.address = remapping->address,
			      .old_length = mm_whole_pages(remapping->old_length),
			      .new_length = mm_whole_pages(remapping->new_length),
			      .new_address = remapping->new_address,
			      .may_move = remapping->flags & MM_REMAP_MAY_MOVE,
			      .is_fixed = remapping->flags & MM_REMAP_FIXED,
			      .keeps_old = remapping->flags & MM_REMAP_DONT_UNMAP};
	int status = check_call(mm, remapping, &remap);

	if (status)
		return mm_status(status);
	if (remap.is_fixed && remap.old_length == remap.new_length)
		return remap_range(mm, &remap);
	remap.vma = vma_tree_find(&mm->tree, remap.address);
	status = check_vma(mm, &remap);
	if (status)
		return mm_status(status);
	return has_new_address(&remap) ? remap_to(mm, &remap) : remap_anywhere(mm, &remap);
}
