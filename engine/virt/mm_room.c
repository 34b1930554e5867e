#include "config.h"

#include "engine/virt/mm_edit.h"

#include <errno.h>

#define ERRNO_MAX 4095u

/* MAP_32BIT looks below 2 GiB; MAP_ABOVE4G above 4. */
#define LOW_END ((uint64_t)1 << 31)
#define ABOVE_START ((uint64_t)1 << 32)

uint64_t mm_guarded_start(const struct vma *vma)
{
	uint64_t guard = (uint64_t)MM_STACK_GUARD_PAGES << PAGE_SHIFT;

	if (!(vma->area.flags & AREA_GROWS_DOWN))
		return vma->area.start;
	return vma->area.start > guard ? vma->area.start - guard : 0;
}

/* The highest room, or 0. A stack above it takes its guard gap off. */
static uint64_t search_down(const struct mm *mm, uint64_t low, uint64_t high, uint64_t bytes)
{
	for (;;) {
		struct vma_gap_found gap = vma_tree_highest_gap(&mm->tree, low, high, bytes);

		if (gap.start == gap.end)
			return 0;
		if (!gap.above || mm_guarded_start(gap.above) >= gap.end)
			return gap.end - bytes;
		high = mm_guarded_start(gap.above);
	}
}

static uint64_t search_up(const struct mm *mm, uint64_t low, uint64_t high, uint64_t bytes)
{
	for (;;) {
		struct vma_gap_found gap = vma_tree_lowest_gap(&mm->tree, low, high, bytes);

		if (gap.start == gap.end)
			return 0;
		if (!gap.above || mm_guarded_start(gap.above) >= gap.start + bytes)
			return gap.start;
		low = gap.above->area.end;
	}
}

static bool hint_is_free(const struct mm *mm, uint64_t hint, uint64_t bytes)
{
	const struct vma *above = vma_tree_find(&mm->tree, hint);

	return hint <= mm->layout.task_bytes - bytes && (!above || hint + bytes <= mm_guarded_start(above));
}

static uint64_t lowest(const struct mm *mm, uint64_t low)
{
	return low > mm->limits.lowest_address ? low : mm->limits.lowest_address;
}

static uint64_t place_up(const struct mm *mm, const struct mm_place_request *request, uint64_t bytes)
{
	bool is_low = request->map_flags & MM_MAP_32BIT;
	uint64_t low = is_low ? mm->layout.low_base : mm->layout.mmap_legacy_base;
	uint64_t high = is_low ? LOW_END : mm->layout.task_bytes;
	uint64_t hint = mm_whole_pages(request->hint);

	if (bytes > high)
		return 0;
	if (hint && hint <= high - bytes && hint_is_free(mm, hint, bytes))
		return hint;
	return search_up(mm, lowest(mm, low), high, bytes);
}

/* What a process without huge pages gets; 0: there is no room. The caller has sorted MM_MAP_FIXED out. */
static uint64_t place_plain(const struct mm *mm, const struct mm_place_request *request, uint64_t bytes)
{
	uint64_t hint = request->hint & ~(PAGE_BYTES - 1);
	uint64_t low = request->map_flags & MM_MAP_ABOVE4G ? ABOVE_START : PAGE_BYTES;

	if (bytes > mm->layout.task_bytes)
		return 0;
	if (request->map_flags & MM_MAP_32BIT)
		return place_up(mm, request, bytes);
	if (hint && hint_is_free(mm, hint, bytes))
		return hint;
	uint64_t address = search_down(mm, lowest(mm, low), mm->layout.mmap_base, bytes);

	return address ? address : place_up(mm, request, bytes);
}

/* Looks for room for a huge page more and puts the mapping where its offset and its address are in step; 0: no room. */
static uint64_t place_huge_aligned(const struct mm *mm, const struct mm_place_request *request)
{
	uint64_t huge = mm->huge_bytes, offset = request->offset_pages << PAGE_SHIFT;
	uint64_t end = offset + request->bytes, aligned = round_up(offset, huge);

	if (end < offset || end <= aligned || end - aligned < huge)
		return 0;
	uint64_t found = place_plain(mm, request, request->bytes + huge);

	if (found == 0 || found == request->hint)
		return found;
	uint64_t step = (offset - found) & (huge - 1);

	return found + (step ? step : huge);
}

static bool wants_huge_alignment(const struct mm *mm, const struct mm_place_request *request)
{
	if (mm->huge_bytes == 0 || mm->is_32_bit)
		return false;
	if (request->file)
		return request->file->flags & OPEN_HUGE_ALIGNED;
	return !(request->map_flags & MM_MAP_SHARED) && request->hint == 0 &&
	       request->bytes % mm->huge_bytes == 0;
}

static uint64_t place_anywhere(const struct mm *mm, const struct mm_place_request *request)
{
	uint64_t address = 0;

	if (wants_huge_alignment(mm, request))
		address = place_huge_aligned(mm, request);
	return address ? address : place_plain(mm, request, request->bytes);
}

struct mm_result mm_find_room(const struct mm *mm, const struct mm_place_request *request)
{
	uint64_t address = request->hint, bytes = request->bytes;

	if (bytes > mm->layout.task_bytes)
		return mm_status(-ENOMEM);
	if (request->map_flags & MM_MAP_FIXED) {
		/* The kernel takes the address for the errno of a search that failed. */
		if (address > UINT64_MAX - ERRNO_MAX)
			return mm_status((int)(int64_t)address);
	} else {
		address = place_anywhere(mm, request);
		if (address == 0)
			return mm_status(-ENOMEM);
	}
	if (address > mm->layout.task_bytes - bytes)
		return mm_status(-ENOMEM);
	if (!mm_is_page_aligned(address))
		return mm_status(-EINVAL);
	if (address < mm->limits.lowest_address && !mm->limits.may_map_low)
		return mm_status(-EPERM);
	return mm_value(address);
}
