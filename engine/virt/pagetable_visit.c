#include "config.h"

#include "engine/virt/pagetable.h"

#include "engine/base/check.h"

unsigned pagetable_depth(const struct pagetable *table, uint64_t address)
{
	uint32_t slot = table->root;
	unsigned level = table->paging->levels;

	CHECK(paging_is_canonical(table->paging, address), "an address that is looked up is canonical");
	for (; level > 1; level--) {
		const struct table_level *tables = &table->store->level[level];
		uint32_t child = tables->child[table_place(tables, slot & ~TABLE_BORROWED,
							   paging_index(table->paging, level, address))];

		if (child == TABLE_NONE)
			break;
		slot = child;
	}
	return level;
}

struct tour {
	const struct pagetable *table;
	uint64_t address, end;
	pagetable_look *look;
	void *context;
};

/* The part of the table at `base` that lies in the range. False when the visitor has had enough. */
static bool tour_table(const struct tour *tour, unsigned level, uint32_t slot, uint64_t base)
{
	const struct table_level *tables = &tour->table->store->level[level];
	unsigned shift = tour->table->paging->shift[level];
	uint64_t entries = (uint64_t)1 << tables->bits;
	uint64_t from = tour->address > base ? (tour->address - base) >> shift : 0;

	if (tables->table[slot].live == 0)
		return true;
	for (uint64_t index = from; index < entries && base + (index << shift) < tour->end; index++) {
		size_t at = table_place(tables, slot, (unsigned)index);
		uint64_t address = base + (index << shift);
		uint32_t child = level > 1 ? tables->child[at] : TABLE_NONE;
		bool goes_on = true;

		if (pte_is_empty(tables->entry[at]))
			continue;
		if (child == TABLE_NONE)
			goes_on = tour->look(tour->context, address, level, &tables->entry[at]);
		else if (!(child & TABLE_BORROWED))
			goes_on = tour_table(tour, level - 1, child, address);
		if (!goes_on)
			return false;
	}
	return true;
}

void pagetable_visit_range(const struct pagetable *table, uint64_t address, uint64_t end,
			   pagetable_look *look, void *context)
{
	struct tour tour = {table, address, end, look, context};

	CHECK(address <= end && end <= paging_lower_end(table->paging),
	      "a range that is visited lies in the lower half");
	(void)tour_table(&tour, table->paging->levels, table->root, 0);
}
