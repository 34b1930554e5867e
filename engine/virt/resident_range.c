#include "config.h"

#include "engine/virt/resident.h"

#include "engine/base/check.h"
#include "engine/virt/resident_entry.h"

static void forget(void *context, uint64_t address, unsigned level, pte_t entry)
{
	resident_watch(context, address, level);
	entry_gone(context, level, entry);
}

bool resident_zap(struct resident *resident, uint64_t start, uint64_t end)
{
	bool is_split = split_ends(resident, start, end);

	return pagetable_clear_range(&resident->table, start, end - start, forget, resident) && is_split;
}

bool resident_discard(struct resident *resident, uint64_t start, uint64_t end)
{
	struct pagetable_gap gap = {start, end, start, end, SMALL_LEVEL};

	if (!resident_zap(resident, start, end))
		return false;
	if (start < end)
		pagetable_release(&resident->table, &gap);
	return true;
}

void resident_release_tables(struct resident *resident, uint64_t start, uint64_t end, uint64_t floor,
			     uint64_t ceiling)
{
	struct pagetable_gap gap = {start, end, floor, ceiling, resident->table.paging->levels};

	if (start < end)
		pagetable_release(&resident->table, &gap);
}

/* --- MADV_FREE ------------------------------------------------------------------------------------------------------ */

/* The page, or huge page, that the entry maps is this process's own, and nobody else has it. */
static bool is_own(const struct resident *resident, uint64_t address, unsigned level, pte_t entry)
{
	const struct frames *frames = resident->frames;
	pfn_t frame = pte_frame(entry);

	(void)address;
	if (frames_is_zero(frames, frame))
		return false;
	const struct page *page = frames_page(frames, frame);
	const struct page *head = frames_page(frames, frames_head(frames, frame));

	if (!(head->flags & PAGE_ANONYMOUS))
		return false;
	return level > SMALL_LEVEL ? head->count == 1 : page->mapcount == 1 && head->huge_mapcount == 0;
}

static bool free_lazily(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	struct resident *resident = context;

	if (!is_own(resident, address, level, *entry))
		return true;
	resident_watch(resident, address, level);
	frames_page(resident->frames, pte_frame(*entry))->flags |= PAGE_LAZY_FREE;
	*entry = pte_clear(*entry, PTE_DIRTY | PTE_ACCESSED);
	return true;
}

bool resident_free_lazily(struct resident *resident, uint64_t start, uint64_t end)
{
	if (!split_ends(resident, start, end))
		return false;
	pagetable_visit_range(&resident->table, start, end, free_lazily, resident);
	return true;
}

struct lazy {
	const struct resident *resident;
	uint64_t pages;
};

static bool count_lazy(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	struct lazy *lazy = context;
	const struct frames *frames = lazy->resident->frames;

	(void)address;
	if (!frames_is_zero(frames, pte_frame(*entry)) && !pte_has(*entry, PTE_DIRTY) &&
	    frames_page(frames, pte_frame(*entry))->flags & PAGE_LAZY_FREE)
		lazy->pages += leaf_pages(lazy->resident, level);
	return true;
}

uint64_t resident_lazy_pages(const struct resident *resident, uint64_t start, uint64_t end)
{
	struct lazy lazy = {resident, 0};

	pagetable_visit_range(&resident->table, start, end, count_lazy, &lazy);
	return lazy.pages;
}

/* --- mprotect and msync --------------------------------------------------------------------------------------------- */

struct protecting {
	struct resident *resident;
	const struct area *area;
};

/* The right to write can be given without a fault. */
static bool may_write_at_once(const struct resident *resident, const struct area *area, pte_t entry)
{
	const struct frames *frames = resident->frames;
	pfn_t frame = pte_frame(entry);

	if (!(area->flags & AREA_WRITE) || frames_is_zero(frames, frame))
		return false;
	if (area_is_private(area)) {
		const struct page *head = frames_page(frames, frames_head(frames, frame));

		return head->flags & PAGE_ANONYMOUS && frames_page(frames, frame)->flags & PAGE_EXCLUSIVE;
	}
	return area->file->kind == FILE_SHARED_MEMORY || pte_has(entry, PTE_DIRTY);
}

static bool protect(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	const struct protecting *protecting = context;
	pte_t changed = pte_clear(*entry, PTE_WRITE | PTE_USER | PTE_NO_EXECUTE);

	changed = pte_set(changed, entry_flags(protecting->area) & (PTE_USER | PTE_NO_EXECUTE));
	if (may_write_at_once(protecting->resident, protecting->area, *entry))
		changed = pte_set(changed, PTE_WRITE);
	if (changed != *entry)
		resident_watch(protecting->resident, address, level);
	*entry = changed;
	return true;
}

bool resident_protect(struct resident *resident, const struct area *area, uint64_t start, uint64_t end)
{
	struct protecting protecting = {resident, area};

	if (!split_ends(resident, start, end))
		return false;
	pagetable_visit_range(&resident->table, start, end, protect, &protecting);
	return true;
}

static bool clean(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	struct resident *resident = context;
	const struct page *page = frames_page(resident->frames, pte_frame(*entry));

	if (frames_is_zero(resident->frames, pte_frame(*entry)) || !(page->flags & PAGE_CACHED))
		return true;
	if (*entry & (PTE_WRITE | PTE_DIRTY))
		resident_watch(resident, address, level);
	*entry = pte_clear(*entry, PTE_WRITE | PTE_DIRTY);
	file_pages_set_dirty(page->mapping, page->index, false);
	return true;
}

void resident_clean(struct resident *resident, const struct area *area, uint64_t start, uint64_t end)
{
	if (!area_is_private(area) && area->file && area->file->kind == FILE_REGULAR)
		pagetable_visit_range(&resident->table, start, end, clean, resident);
}

/* --- Populating ----------------------------------------------------------------------------------------------------- */

enum fault_end resident_populate(struct resident *resident, struct area *area, uint64_t start, uint64_t end,
				 enum populate_for access)
{
	bool is_writing =
	    access == POPULATE_WRITE || (access == POPULATE_AS_AREA && area_copies_on_write(area));

	CHECK(start >= area->start && end <= area->end, "what is populated lies in its area");
	for (uint64_t at = start; at < end;) {
		unsigned level = 0;
		const pte_t *entry = pagetable_find(&resident->table, at, &level);

		if (!entry || (is_writing && !pte_has(*entry, PTE_WRITE))) {
			struct fault fault =
			    resident_fault(resident, area, at, is_writing ? WALK_WRITE : WALK_READ);

			if (fault.end != FAULT_DONE)
				return fault.end;
			level = fault.level;
		}
		at = leaf_base(resident, level, at) + paging_leaf_bytes(resident->table.paging, level);
	}
	return FAULT_DONE;
}

bool resident_is_mapped(const struct resident *resident, uint64_t address)
{
	unsigned level;
	const pte_t *entry = pagetable_find(&resident->table, address, &level);

	return entry && pte_is_present(*entry);
}
