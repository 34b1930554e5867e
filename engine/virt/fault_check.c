#include "config.h"

#include "engine/virt/fault.h"

static const char I2[] = "I2: every entry lies in a mapping";
static const char I3[] =
    "I3: an entry gives no right that its mapping does not have, and none to write to what others see";
static const char I4[] = "I4: a page lies in a mapping that may have it, in its place";

struct audit {
	const struct mm *mm;
	const struct resident *resident;
	const char *broken;
};

static bool rights_hold(const struct resident *resident, const struct area *area, pte_t entry)
{
	pfn_t frame = pte_frame(entry);

	if (pte_has(entry, PTE_USER) && !(area->flags & AREA_RIGHTS))
		return false;
	if (!pte_has(entry, PTE_NO_EXECUTE) && !(area->flags & AREA_EXECUTE))
		return false;
	if (!pte_has(entry, PTE_WRITE))
		return true;
	if (!(area->flags & AREA_WRITE))
		return false;
	return !area_is_private(area) || frames_page(resident->frames, frame)->flags & PAGE_EXCLUSIVE;
}

static bool is_in_place(const struct resident *resident, const struct area *area, uint64_t address,
			pte_t entry)
{
	const struct frames *frames = resident->frames;
	pfn_t frame = pte_frame(entry);

	if (frames_is_zero(frames, frame))
		return !area->file;
	const struct page *head = frames_page(frames, frames_head(frames, frame));

	if (head->flags & PAGE_ANONYMOUS)
		return area_is_private(area) && area->has_anonymous;
	return area->file && head->mapping == area->file &&
	       head->index == area->first_page + ((address - area->start) >> PAGE_SHIFT);
}

static bool look(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	struct audit *audit = context;
	uint64_t bytes = paging_leaf_bytes(audit->resident->table.paging, level);
	const struct vma *vma = mm_find(audit->mm, address);

	if (!vma || vma->area.start > address || vma->area.end - address < bytes)
		audit->broken = I2;
	else if (!rights_hold(audit->resident, &vma->area, *entry))
		audit->broken = I3;
	else if (!is_in_place(audit->resident, &vma->area, address, *entry))
		audit->broken = I4;
	return !audit->broken;
}

const char *fault_check(const struct mm *mm)
{
	const struct resident *resident = &fault_space_of(mm)->resident;
	struct audit audit = {mm, resident, mm_check(mm)};

	if (!audit.broken)
		audit.broken = resident_check(resident);
	if (!audit.broken)
		pagetable_visit_range(&resident->table, 0, paging_lower_end(resident->table.paging), look,
				      &audit);
	return audit.broken;
}
