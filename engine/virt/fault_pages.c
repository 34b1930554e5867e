#include "config.h"

#include "engine/virt/fault.h"

#include "engine/base/check.h"

#include <errno.h>
#include <stdlib.h>

/* --- One flush per call ---------------------------------------------------------------------------------------------- */

static void flush_now(struct fault_space *space)
{
	space->resident.flush = NULL;
	if (!space->is_pending)
		return;
	space->is_pending = false;
	flush_end(&space->pending, &space->resident.table);
	if (space->processors && (space->pending.entries > 0 || space->pending.tables_freed))
		cpu_flush(space->processors, space->cpu, &space->cpu_space, &space->pending);
}

/* Entries that change from here on belong to a call of this kind. */
static struct resident *collect(struct mm *mm, enum flush_cause cause)
{
	struct fault_space *space = fault_space_of(mm);

	if (space->is_pending && space->pending.cause != cause)
		flush_now(space);
	if (!space->is_pending) {
		space->pending = flush_begin(cause, &space->resident.table);
		space->is_pending = true;
	}
	space->resident.flush = &space->pending;
	return &space->resident;
}

/* --- The class ------------------------------------------------------------------------------------------------------- */

static void zap(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end, enum mm_zap_cause cause)
{
	static const enum flush_cause causes[] = {
	    [MM_ZAP_UNMAP] = FLUSH_UNMAP, [MM_ZAP_ADVICE] = FLUSH_MADVISE, [MM_ZAP_EXIT] = FLUSH_EXIT};
	struct resident *resident = collect(mm, causes[cause]);
	bool is_done;

	(void)vma;
	if (cause == MM_ZAP_ADVICE)
		is_done = resident_discard(resident, start, end);
	else
		is_done = resident_zap(resident, start, end);
	CHECK(is_done, "the table for splitting a huge page is in deposit");
	if (cause == MM_ZAP_ADVICE)
		flush_now(fault_space_of(mm));
}

static void release_tables(struct mm *mm, uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling)
{
	struct fault_space *space = fault_space_of(mm);
	uint64_t last = paging_lower_end(space->resident.table.paging);

	if (end > last)
		end = last;
	if (floor > start)
		floor = start;
	resident_release_tables(&space->resident, start, end, floor, ceiling);
	flush_now(space);
}

static bool divide(struct mm *mm, uint64_t address)
{
	struct resident *resident = collect(mm, FLUSH_SPLIT);
	bool is_done = resident_divide(resident, address);

	flush_now(fault_space_of(mm));
	return is_done;
}

static void protect(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end)
{
	struct resident *resident = collect(mm, FLUSH_PROTECT);
	bool is_done = resident_protect(resident, &vma->area, start, end);

	CHECK(is_done, "the table for splitting a huge page is in deposit");
	flush_now(fault_space_of(mm));
}

static bool move(struct mm *mm, uint64_t from, uint64_t to, uint64_t bytes)
{
	bool is_done = resident_move(collect(mm, FLUSH_REMAP), from, to, bytes);

	flush_now(fault_space_of(mm));
	return is_done;
}

/* The parent's flush ends with fault_fork, or with its next call. */
static bool copy(struct mm *child, struct mm *parent, struct vma *vma)
{
	return resident_copy(&fault_space_of(child)->resident, collect(parent, FLUSH_FORK), &vma->area);
}

static int populate(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end,
		    enum mm_populate_for purpose)
{
	static const enum populate_for purposes[] = {[MM_POPULATE_AS_AREA] = POPULATE_AS_AREA,
						     [MM_POPULATE_READ] = POPULATE_READ,
						     [MM_POPULATE_WRITE] = POPULATE_WRITE};
	enum fault_end ended =
	    resident_populate(collect(mm, FLUSH_COPY), &vma->area, start, end, purposes[purpose]);

	flush_now(fault_space_of(mm));
	if (ended == FAULT_DONE)
		return 0;
	return ended == FAULT_NO_MEMORY ? -ENOMEM : -EFAULT;
}

static uint64_t file_page(const struct area *area, uint64_t address)
{
	return area->first_page + ((address - area->start) >> PAGE_SHIFT);
}

/* MADV_COLLAPSE: 0 when every whole huge page of the range is one afterwards. */
static int collapse(struct resident *resident, struct area *area, uint64_t start, uint64_t end)
{
	const struct collapse_limits no_limits = {UINT64_MAX, UINT64_MAX};
	bool is_complete = true;

	if (!resident->huge_level || area->file || !area_is_private(area) || area->flags & AREA_NO_HUGE)
		return -EINVAL;
	uint64_t huge = paging_leaf_bytes(resident->table.paging, resident->huge_level);
	uint64_t inside = area->end & ~(huge - 1);

	if (inside < area->start + huge)
		return -EINVAL;
	for (uint64_t at = (start + huge - 1) & ~(huge - 1); at < end && end - at >= huge;) {
		unsigned depth = pagetable_depth(&resident->table, at);
		unsigned level = 0;
		const pte_t *entry = pagetable_find(&resident->table, at, &level);
		bool is_huge = entry && level == resident->huge_level;

		is_complete &= is_huge || resident_collapse(resident, area, at, no_limits);
		/* What has no table of the level above is passed over at once. */
		at = depth > resident->huge_level
			 ? (at | (paging_leaf_bytes(resident->table.paging, depth) - 1)) + 1
			 : at + huge;
	}
	return is_complete ? 0 : -EINVAL;
}

static bool make_old(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	struct resident *resident = context;

	flush_note(resident->flush, &resident->table, address, level);
	*entry = pte_clear(*entry, PTE_ACCESSED);
	return true;
}

static int advise_pages(struct resident *resident, struct area *area, const uint64_t range[2], int advice)
{
	uint64_t pages = (range[1] - range[0]) >> PAGE_SHIFT;

	switch (advice) {
	case MM_ADVICE_DONT_NEED:
	case MM_ADVICE_DONT_NEED_LOCKED:
		return resident_discard(resident, range[0], range[1]) ? 0 : -ENOMEM;
	case MM_ADVICE_FREE:
		return resident_free_lazily(resident, range[0], range[1]) ? 0 : -ENOMEM;
	case MM_ADVICE_REMOVE:
		if (!resident_zap(resident, range[0], range[1]))
			return -ENOMEM;
		if (area->file->kind == FILE_SHARED_MEMORY)
			(void)!file_pages_set_resident(area->file, file_page(area, range[0]), pages, false);
		return 0;
	case MM_ADVICE_WILL_NEED:
		if (area->file && area->file->kind == FILE_REGULAR)
			(void)!file_pages_set_resident(area->file, file_page(area, range[0]), pages, true);
		return 0;
	case MM_ADVICE_COLD:
	case MM_ADVICE_PAGE_OUT:
		pagetable_visit_range(&resident->table, range[0], range[1], make_old, resident);
		return 0;
	case MM_ADVICE_COLLAPSE:
		return collapse(resident, area, range[0], range[1]);
	case MM_ADVICE_GUARD_INSTALL:
		return resident_zap(resident, range[0], range[1]) ? 0 : -ENOMEM;
	default:
		return 0;
	}
}

static int advise(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end, int advice)
{
	const uint64_t range[2] = {start, end};
	struct resident *resident =
	    collect(mm, advice == MM_ADVICE_COLLAPSE ? FLUSH_COLLAPSE : FLUSH_MADVISE);
	int status = advise_pages(resident, &vma->area, range, advice);

	if (vma->area.has_anonymous)
		mm_settle_anonymous(mm, vma);
	flush_now(fault_space_of(mm));
	return status;
}

static void residency(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end, uint8_t *resident)
{
	const struct fault_space *space = fault_space_of(mm);

	for (uint64_t at = start; at < end; at += PAGE_BYTES) {
		bool is_there = resident_is_mapped(&space->resident, at);

		if (!is_there && vma->area.file)
			is_there = file_pages_is_resident(vma->area.file, file_page(&vma->area, at));
		*resident++ = is_there;
	}
}

static int sync_pages(struct mm *mm, struct vma *vma, uint64_t start, uint64_t end)
{
	resident_clean(collect(mm, FLUSH_PROTECT), &vma->area, start, end);
	flush_now(fault_space_of(mm));
	return 0;
}

/* --- Shared anonymous memory ----------------------------------------------------------------------------------------- */

/* Numbers of the files made here do not meet those of opened ones. */
#define NAMELESS_FILE ((uint64_t)1 << 63)

static void close_nameless(struct open_file *file, void *owner)
{
	(void)owner;
	file_pages_drop(file->pages);
	free(file);
}

static struct open_file *shared_memory(struct mm *mm, uint64_t bytes)
{
	struct fault_space *space = fault_space_of(mm);
	struct open_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->pages =
	    file_pages_create(space->resident.frames, FILE_SHARED_MEMORY, pages_of_bytes(bytes), false);
	if (!file->pages) {
		free(file);
		return NULL;
	}
	file->number = NAMELESS_FILE | vma_store_identity(mm->store);
	file->flags = OPEN_READ | OPEN_WRITE | OPEN_SHARED_MEMORY;
	file->references = 1;
	file->close = close_nameless;
	return file;
}

const struct mm_pages_class fault_pages = {
    .zap = zap,
    .release_tables = release_tables,
    .divide = divide,
    .protect = protect,
    .move = move,
    .copy = copy,
    .populate = populate,
    .advise = advise,
    .residency = residency,
    .sync = sync_pages,
    .shared_memory = shared_memory,
};

struct mm_result fault_fork(struct mm *child, struct mm *parent, struct fault_space *space)
{
	struct mm_result result = mm_fork(child, parent, space);

	flush_now(fault_space_of(parent));
	return result;
}
