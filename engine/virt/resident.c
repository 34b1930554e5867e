#include "config.h"

#include "engine/virt/resident.h"

#include "engine/base/check.h"
#include "engine/virt/resident_entry.h"

enum pagetable_outcome resident_create(struct resident *resident, const struct resident_options *options)
{
	const struct paging *paging = options->store->paging;

	*resident =
	    (struct resident){.frames = options->frames, .policy = options->policy, .deposit = PFN_NONE};
	if (paging->levels > 2 && paging_may_be_leaf(paging, 2) && options->frames->huge_order > 0) {
		CHECK(options->frames->huge_order == paging_leaf_order(paging, 2),
		      "huge blocks have the size of huge pages");
		resident->huge_level = 2;
	}
	enum pagetable_outcome outcome =
	    pagetable_create(&resident->table, options->store, options->frames->table_source);

	resident->table.keeps_tables = true;
	return outcome;
}

static void forget(void *context, uint64_t address, unsigned level, pte_t entry)
{
	(void)address;
	entry_gone(context, level, entry);
}

void resident_destroy(struct resident *resident)
{
	uint64_t end = paging_lower_end(resident->table.paging);

	(void)pagetable_clear_range(&resident->table, 0, end, forget, resident);
	CHECK(resident->deposits == 0, "deposits go with their huge pages");
	pagetable_destroy(&resident->table);
}

/* --- Entries and their books ---------------------------------------------------------------------------------------- */

pte_t entry_flags(const struct area *area)
{
	pte_t flags = PTE_PRESENT | PTE_ACCESSED;

	if (area->flags & AREA_RIGHTS)
		flags |= PTE_USER;
	if (!(area->flags & AREA_EXECUTE))
		flags |= PTE_NO_EXECUTE;
	return flags;
}

/* The counter of RSS that the frame belongs to; NULL: none. */
static uint64_t *counter_of(struct resident *resident, pfn_t frame)
{
	if (frames_is_zero(resident->frames, frame))
		return NULL;
	const struct page *page = frames_page(resident->frames, frames_head(resident->frames, frame));

	if (page->flags & PAGE_ANONYMOUS)
		return &resident->anonymous_pages;
	const struct file_pages *file = page->mapping;

	return file->kind == FILE_REGULAR ? &resident->file_pages : &resident->shared_memory_pages;
}

static void count_in(struct resident *resident, unsigned level, pfn_t frame)
{
	uint64_t *counter = counter_of(resident, frame);

	frames_map(resident->frames, frame, level > SMALL_LEVEL);
	if (!counter)
		return;
	*counter += leaf_pages(resident, level);
	if (level > SMALL_LEVEL)
		resident->huge_pages += leaf_pages(resident, level);
	if (resident_pages(resident) > resident->resident_peak_pages)
		resident->resident_peak_pages = resident_pages(resident);
}

static void count_out(struct resident *resident, unsigned level, pfn_t frame)
{
	uint64_t *counter = counter_of(resident, frame);

	if (counter) {
		*counter -= leaf_pages(resident, level);
		if (level > SMALL_LEVEL)
			resident->huge_pages -= leaf_pages(resident, level);
	}
	frames_unmap(resident->frames, frame, level > SMALL_LEVEL);
}

/* Where an anonymous page is mapped, for whoever looks for its entries: most have one only. */
static void note_address(const struct resident *resident, uint64_t address, pfn_t frame)
{
	if (frames_is_zero(resident->frames, frame))
		return;
	struct page *page = frames_page(resident->frames, frame);

	if (page->flags & PAGE_ANONYMOUS)
		page->index = address >> resident->table.paging->page_shift;
}

bool entry_set(struct resident *resident, uint64_t address, unsigned level, pte_t entry)
{
	pte_t before = 0;

	if (pagetable_set(&resident->table, address, level, entry, &before) != PAGETABLE_DONE)
		return false;
	CHECK(pte_is_empty(before), "an entry that is set was empty");
	count_in(resident, level, pte_frame(entry));
	note_address(resident, address, pte_frame(entry));
	return true;
}

void entry_replace(struct resident *resident, uint64_t address, unsigned level, pte_t entry)
{
	pte_t before = 0;

	resident_watch(resident, address, level);
	enum pagetable_outcome outcome = pagetable_set(&resident->table, address, level, entry, &before);

	CHECK(outcome == PAGETABLE_DONE && pte_is_present(before), "an entry that is replaced was there");
	count_in(resident, level, pte_frame(entry));
	note_address(resident, address, pte_frame(entry));
	count_out(resident, level, pte_frame(before));
}

void resident_migrate(struct resident *resident, uint64_t address, pfn_t to)
{
	unsigned level;
	const pte_t *entry = pagetable_find(&resident->table, address, &level);
	pte_t before = 0;

	CHECK(entry && level == SMALL_LEVEL && pte_is_present(*entry),
	      "a page that moves is there, and small");
	resident_watch(resident, address, level);
	enum pagetable_outcome outcome =
	    pagetable_set(&resident->table, address, level, pte_with_frame(*entry, to), &before);

	CHECK(outcome == PAGETABLE_DONE, "an entry that is there can be changed");
	frames_map(resident->frames, to, false);
	frames_unmap(resident->frames, pte_frame(before), false);
}

void entry_gone(struct resident *resident, unsigned level, pte_t entry)
{
	if (level > SMALL_LEVEL)
		deposit_take(resident);
	count_out(resident, level, pte_frame(entry));
}

void resident_watch(const struct resident *resident, uint64_t address, unsigned level)
{
	if (resident->flush)
		flush_note(resident->flush, &resident->table, address, level);
}

bool deposit_put(struct resident *resident)
{
	unsigned order = paging_table_order(resident->table.paging, SMALL_LEVEL);
	struct page_source *source = &resident->table.source;
	pfn_t frame = source->take(source->owner, order);

	if (frame == PFN_NONE)
		return false;
	frames_page(resident->frames, frame)->index = resident->deposit;
	resident->deposit = frame;
	resident->deposits++;
	return true;
}

void deposit_take(struct resident *resident)
{
	unsigned order = paging_table_order(resident->table.paging, SMALL_LEVEL);
	struct page_source *source = &resident->table.source;
	pfn_t frame = resident->deposit;

	CHECK(resident->deposits > 0, "every huge entry has a deposit");
	resident->deposit = frames_page(resident->frames, frame)->index;
	frames_page(resident->frames, frame)->index = 0;
	resident->deposits--;
	source->give(source->owner, frame, order);
}

uint64_t resident_table_pages(const struct resident *resident)
{
	const struct paging *paging = resident->table.paging;

	return resident->table.table_pages - ((uint64_t)1 << paging_table_order(paging, paging->levels)) +
	       (resident->deposits << paging_table_order(paging, SMALL_LEVEL));
}

/* --- Small pages ---------------------------------------------------------------------------------------------------- */

static void fail(struct faulting *faulting, enum fault_end end)
{
	faulting->fault.end = end;
	faulting->fault.kinds &= FAULT_FALLBACK | FAULT_SPLIT;
}

/* Sets the faulting page's entry. */
static void map_small(struct faulting *faulting, pte_t entry, uint32_t kinds)
{
	if (!entry_set(faulting->resident, faulting->address, SMALL_LEVEL, entry)) {
		fail(faulting, FAULT_NO_MEMORY);
		return;
	}
	faulting->fault.kinds |= kinds;
}

/* A frame of its own in the empty entry. */
static void map_own(struct faulting *faulting, uint32_t kinds)
{
	struct frames *frames = faulting->resident->frames;
	pfn_t frame = take_reserved(faulting);

	if (frame == PFN_NONE)
		frame = frames_take_anonymous(frames, 0);
	if (frame == PFN_NONE) {
		fail(faulting, FAULT_NO_MEMORY);
		return;
	}
	map_small(faulting, pte_make(frame, entry_flags(faulting->area) | PTE_WRITE | PTE_DIRTY), kinds);
	frames_drop_unused(frames, frames_head(frames, frame));
	faulting->area->has_anonymous = true;
}

static void fault_anonymous(struct faulting *faulting)
{
	if (!is_write(faulting)) {
		map_small(faulting, pte_make(faulting->resident->frames->zero, entry_flags(faulting->area)),
			  FAULT_ZERO_PAGE);
		return;
	}
	map_own(faulting, FAULT_ANONYMOUS);
	if (faulting->fault.end == FAULT_DONE)
		promote(faulting);
}

/* What pages of a shared area may do before anybody has written to them. */
static pte_t file_flags(const struct area *area)
{
	pte_t flags = entry_flags(area);

	if (!area_is_private(area) && area->flags & AREA_WRITE && area->file->kind == FILE_SHARED_MEMORY)
		flags |= PTE_WRITE;
	return flags;
}

/* Maps the pages of the window around the fault that are in memory and have no entry yet. */
static void map_around(struct faulting *faulting)
{
	struct resident *resident = faulting->resident;
	const struct paging *paging = resident->table.paging;
	const struct area *area = faulting->area;
	uint64_t window = resident->policy->fault_around_bytes & ~(page_bytes(resident) - 1);
	uint64_t table_base = leaf_base(resident, paging->levels > 1 ? 2 : 1, faulting->address);
	uint64_t table_last = table_base + (paging_leaf_bytes(paging, paging->levels > 1 ? 2 : 1) - 1);
	uint64_t first = faulting->address & ~(window - 1);
	unsigned level;

	if (window <= page_bytes(resident) || area->file->is_mapped_singly)
		return;
	first = first < table_base ? table_base : first;
	first = first < area->start ? area->start : first;
	for (uint64_t at = first; at - first < window && at < area->end && at <= table_last;
	     at += page_bytes(resident)) {
		uint64_t page = area->first_page + ((at - area->start) >> paging->page_shift);
		pfn_t frame;

		if (page == area->file->marker || !file_pages_is_resident(area->file, page) ||
		    pagetable_find(&resident->table, at, &level))
			continue;
		frame = file_pages_frame(area->file, page);
		if (frame == PFN_NONE ||
		    !entry_set(resident, at, SMALL_LEVEL, pte_make(frame, file_flags(area))))
			return;
		faulting->fault.mapped_around++;
	}
}

/* Brings the page into memory, or those behind it. False: the host has no room. */
static bool read_page(struct faulting *faulting, uint64_t page)
{
	struct file_pages *file = faulting->area->file;
	uint64_t around =
	    faulting->resident->policy->read_around_bytes >> faulting->resident->table.paging->page_shift;

	if (faulting->area->flags & AREA_RANDOM)
		around = 0;
	if (file_pages_is_resident(file, page))
		return page != file->marker || around == 0 ||
		       file_pages_read_ahead(file, around) == STATUS_OK;
	if (file->kind == FILE_REGULAR)
		faulting->fault.kinds |= FAULT_MAJOR;
	return file_pages_read(file, page, around) == STATUS_OK;
}

static void fault_file(struct faulting *faulting)
{
	struct area *area = faulting->area;
	struct file_pages *file = area->file;
	uint64_t page = area->first_page +
			((faulting->address - area->start) >> faulting->resident->table.paging->page_shift);
	pfn_t frame;

	/* A private write makes ready for its copy before it looks for the page. */
	if (is_write(faulting) && area_is_private(area))
		area->has_anonymous = true;
	if (page < area->first_page || page >= file->size_pages) {
		/* The neighbours are mapped before anybody looks for the page itself. */
		if (!is_write(faulting))
			map_around(faulting);
		fail(faulting, FAULT_BEYOND);
		return;
	}
	if (!read_page(faulting, page)) {
		fail(faulting, FAULT_NO_MEMORY);
		return;
	}
	if (is_write(faulting) && area_is_private(area)) {
		map_own(faulting, FAULT_COPY);
		return;
	}
	frame = file_pages_frame(file, page);
	if (frame == PFN_NONE) {
		fail(faulting, FAULT_NO_MEMORY);
		return;
	}
	if (!is_write(faulting)) {
		map_small(faulting, pte_make(frame, file_flags(area)), FAULT_FILE);
		if (faulting->fault.end == FAULT_DONE)
			map_around(faulting);
		return;
	}
	map_small(faulting, pte_make(frame, entry_flags(area) | PTE_WRITE | PTE_DIRTY),
		  FAULT_FILE | FAULT_DIRTIED);
	if (faulting->fault.end == FAULT_DONE)
		file_pages_set_dirty(file, page, true);
}

/* --- Writes to pages that are there --------------------------------------------------------------------------------- */

bool block_is_only_here(const struct resident *resident, uint64_t address, pfn_t frame)
{
	const struct frames *frames = resident->frames;
	pfn_t head = frames_head(frames, frame);
	const struct page *page = frames_page(frames, head);
	uint64_t base = leaf_base(resident, 2, address);
	int32_t here = 0;
	unsigned level;

	if (!(page->flags & PAGE_DIVIDED))
		return page->count == 1;
	for (uint64_t i = 0; i < leaf_pages(resident, 2); i++) {
		const pte_t *entry =
		    pagetable_find(&resident->table, base + i * page_bytes(resident), &level);

		here += entry && level == SMALL_LEVEL && pte_is_present(*entry) &&
			frames_head(frames, pte_frame(*entry)) == head;
	}
	return here == page->count;
}

/* A frame of its own in place of the one that is mapped. */
static void replace_own(struct faulting *faulting, uint32_t kinds)
{
	struct frames *frames = faulting->resident->frames;
	pfn_t frame = kinds & FAULT_FROM_ZERO ? take_reserved(faulting) : PFN_NONE;

	if (frame == PFN_NONE)
		frame = frames_take_anonymous(frames, 0);
	if (frame == PFN_NONE) {
		fail(faulting, FAULT_NO_MEMORY);
		return;
	}
	entry_replace(faulting->resident, faulting->address, SMALL_LEVEL,
		      pte_make(frame, entry_flags(faulting->area) | PTE_WRITE | PTE_DIRTY));
	faulting->area->has_anonymous = true;
	faulting->fault.kinds |= kinds;
}

static void dirty_shared(struct faulting *faulting, pte_t *entry)
{
	struct page *page = frames_page(faulting->resident->frames, pte_frame(*entry));

	file_pages_set_dirty(page->mapping, page->index, true);
	*entry = pte_set(*entry, PTE_WRITE | PTE_DIRTY | PTE_ACCESSED);
	faulting->fault.kinds |= FAULT_DIRTIED;
}

void fault_write_protected(struct faulting *faulting, pte_t *entry)
{
	struct frames *frames = faulting->resident->frames;
	pfn_t frame = pte_frame(*entry);

	if (!area_is_private(faulting->area)) {
		dirty_shared(faulting, entry);
		return;
	}
	if (frames_is_zero(frames, frame)) {
		replace_own(faulting, FAULT_ANONYMOUS | FAULT_FROM_ZERO);
		if (faulting->fault.end == FAULT_DONE)
			promote(faulting);
		return;
	}
	struct page *page = frames_page(frames, frame);
	const struct page *head = frames_page(frames, frames_head(frames, frame));

	if (head->flags & PAGE_ANONYMOUS &&
	    (page->flags & PAGE_EXCLUSIVE ||
	     block_is_only_here(faulting->resident, faulting->address, frame))) {
		page->flags |= PAGE_EXCLUSIVE;
		*entry = pte_set(*entry, PTE_WRITE | PTE_DIRTY | PTE_ACCESSED);
		faulting->fault.kinds |= FAULT_REUSE;
		return;
	}
	replace_own(faulting, FAULT_COPY);
}

static void fault_present(struct faulting *faulting, pte_t *entry)
{
	if (is_write(faulting) && !pte_has(*entry, PTE_WRITE)) {
		fault_write_protected(faulting, entry);
		return;
	}
	*entry = pte_set(*entry, PTE_ACCESSED | (is_write(faulting) ? PTE_DIRTY : 0));
	faulting->fault.end = FAULT_SPURIOUS;
}

static void fault_empty(struct faulting *faulting)
{
	struct resident *resident = faulting->resident;
	unsigned make = resident->table.paging->levels > 1 ? 2 : 1;

	if (pagetable_make(&resident->table, faulting->address, make) != PAGETABLE_DONE) {
		fail(faulting, FAULT_NO_MEMORY);
		return;
	}
	if (resident_may_be_huge(resident, faulting->area, faulting->address) &&
	    pagetable_depth(&resident->table, faulting->address) == resident->huge_level &&
	    fault_huge(faulting))
		return;
	if (faulting->area->file)
		fault_file(faulting);
	else
		fault_anonymous(faulting);
}

static void count(struct fault_counts *counts, const struct fault *fault)
{
	uint32_t kinds = fault->kinds;

	counts->thp_fallback += !!(kinds & FAULT_FALLBACK);
	counts->no_memory += fault->end == FAULT_NO_MEMORY;
	counts->beyond += fault->end == FAULT_BEYOND;
	if (fault->end != FAULT_DONE && fault->end != FAULT_SPURIOUS)
		return;
	counts->major += !!(kinds & FAULT_MAJOR);
	counts->minor += !(kinds & FAULT_MAJOR);
	counts->spurious += fault->end == FAULT_SPURIOUS;
	counts->zero_page += !!(kinds & FAULT_ZERO_PAGE);
	counts->anonymous += !!(kinds & FAULT_ANONYMOUS);
	counts->from_zero += !!(kinds & FAULT_FROM_ZERO);
	counts->file += !!(kinds & FAULT_FILE);
	counts->cow += !!(kinds & FAULT_COPY);
	counts->cow_reuse += !!(kinds & FAULT_REUSE);
	counts->dirtied += !!(kinds & FAULT_DIRTIED);
	counts->thp += (kinds & FAULT_HUGE) && (kinds & FAULT_ANONYMOUS);
	counts->thp_zero += (kinds & FAULT_HUGE) && (kinds & FAULT_ZERO_PAGE);
	counts->mapped_around += fault->mapped_around;
}

struct fault resident_fault(struct resident *resident, struct area *area, uint64_t address, unsigned access)
{
	struct faulting faulting = {.resident = resident, .area = area, .access = access};
	unsigned level = 0;

	CHECK(address >= area->start && address < area->end, "a fault lies in its area");
	faulting.address = address & ~(page_bytes(resident) - 1);
	pte_t *entry = pagetable_find(&resident->table, faulting.address, &level);

	faulting.fault.before = entry ? *entry : 0;
	if (!entry)
		fault_empty(&faulting);
	else if (level == SMALL_LEVEL)
		fault_present(&faulting, entry);
	else
		fault_huge_present(&faulting, entry);
	entry = pagetable_find(&resident->table, faulting.address, &level);
	faulting.fault.level = entry ? level : 0;
	count(&resident->counts, &faulting.fault);
	return faulting.fault;
}

bool resident_may(const struct area *area, unsigned access, bool is_present)
{
	if (access & WALK_WRITE)
		return area->flags & AREA_WRITE;
	if (access & WALK_EXECUTE && is_present)
		return area->flags & AREA_EXECUTE;
	return area->flags & AREA_RIGHTS;
}
