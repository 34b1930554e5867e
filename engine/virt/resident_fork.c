#include "config.h"

#include "engine/virt/resident.h"

#include "engine/base/check.h"
#include "engine/virt/resident_entry.h"

/* Tables in `to` for what `from` has in [start, end), to_start - start away. `make` says down to which level, where `from` has
 * them down to `depth`. */
struct twin {
	struct resident *from, *to;
	uint64_t start, end;
	uint64_t to_start;
	unsigned (*make)(const struct resident *from, uint64_t address, unsigned depth);
};

static bool make_tables(const struct twin *twin)
{
	const struct paging *paging = twin->from->table.paging;
	uint64_t at = twin->start;

	while (at < twin->end) {
		unsigned depth = pagetable_depth(&twin->from->table, at);
		unsigned step = depth > 1 ? depth : paging->levels > 1 ? 2 : 1;
		uint64_t last = at | (paging_leaf_bytes(paging, step) - 1);

		last = last < twin->end - 1 ? last : twin->end - 1;
		unsigned make = twin->make(twin->from, at, depth);
		uint64_t first_to = twin->to_start + (at - twin->start);
		uint64_t last_to = twin->to_start + (last - twin->start);

		if (make < paging->levels &&
		    (pagetable_make(&twin->to->table, first_to, make) != PAGETABLE_DONE ||
		     pagetable_make(&twin->to->table, last_to, make) != PAGETABLE_DONE))
			return false;
		if (last == UINT64_MAX)
			break;
		at = last + 1;
	}
	return true;
}

/* --- fork ----------------------------------------------------------------------------------------------------------- */

struct copying {
	struct resident *child, *parent;
	const struct area *area;
	bool has_failed;
};

static bool copy_entry(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	struct copying *copying = context;
	pte_t copy;

	if (area_is_private(copying->area) && pte_has(*entry, PTE_WRITE)) {
		resident_watch(copying->parent, address, level);
		*entry = pte_write_protect(*entry);
	}
	copy = pte_clear(*entry, PTE_ACCESSED);
	if (!area_is_private(copying->area))
		copy = pte_clear(copy, PTE_DIRTY);
	frames_share(copying->parent->frames, pte_frame(*entry));
	if (level > SMALL_LEVEL && !deposit_put(copying->child)) {
		copying->has_failed = true;
		return false;
	}
	if (!entry_set(copying->child, address, level, copy)) {
		if (level > SMALL_LEVEL)
			deposit_take(copying->child);
		copying->has_failed = true;
	}
	return !copying->has_failed;
}

static unsigned make_same(const struct resident *from, uint64_t address, unsigned depth)
{
	(void)from;
	(void)address;
	return depth;
}

bool resident_copy(struct resident *child, struct resident *parent, const struct area *area)
{
	struct copying copying = {child, parent, area, false};
	struct twin twin = {parent, child, area->start, area->end, area->start, make_same};

	if (!area->has_anonymous || area->flags & (AREA_WIPE_ON_FORK | AREA_NO_FORK))
		return true;
	if (!make_tables(&twin))
		return false;
	pagetable_visit_range(&parent->table, area->start, area->end, copy_entry, &copying);
	return !copying.has_failed;
}

/* --- mremap --------------------------------------------------------------------------------------------------------- */

/* The lowest table only if something hangs in the old one; else the one above it. */
static unsigned make_for_move(const struct resident *from, uint64_t address, unsigned depth)
{
	unsigned level;

	if (depth == 2 && from->table.paging->levels > 2 && !pagetable_find(&from->table, address, &level))
		return 3;
	return depth <= 2 ? depth : from->table.paging->levels;
}

struct moving {
	struct resident *resident;
	uint64_t from, to;
};

static bool split_unaligned(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	uint64_t *found = context;

	(void)entry;
	if (level == SMALL_LEVEL)
		return true;
	*found = address;
	return false;
}

/* Huge pages that would not be aligned at the new place become small ones. */
static bool split_inside(struct resident *resident, uint64_t start, uint64_t end)
{
	for (;;) {
		uint64_t found = UINT64_MAX;

		pagetable_visit_range(&resident->table, start, end, split_unaligned, &found);
		if (found == UINT64_MAX)
			return true;
		if (!split_around(resident, found))
			return false;
		start = found < start ? start : found;
	}
}

static void move_entry(void *context, uint64_t address, unsigned level, pte_t entry)
{
	const struct moving *moving = context;
	pte_t before = 0;

	resident_watch(moving->resident, address, level);
	enum pagetable_outcome outcome = pagetable_set(
	    &moving->resident->table, moving->to + (address - moving->from), level, entry, &before);

	CHECK(outcome == PAGETABLE_DONE && pte_is_empty(before),
	      "where pages are moved to, tables are ready");
}

bool resident_move(struct resident *resident, uint64_t from, uint64_t to, uint64_t bytes)
{
	uint64_t huge = huge_bytes(resident);
	struct moving moving = {resident, from, to};
	struct twin twin = {resident, resident, from, from + bytes, to, make_for_move};

	CHECK(from + bytes <= to || to + bytes <= from, "pages are moved to a place apart");
	if (bytes == 0)
		return true;
	if (!split_ends(resident, from, from + bytes))
		return false;
	if (huge && ((from ^ to) & (huge - 1)) != 0 && !split_inside(resident, from, from + bytes))
		return false;
	if (!make_tables(&twin))
		return false;
	(void)pagetable_clear_range(&resident->table, from, bytes, move_entry, &moving);
	return true;
}
