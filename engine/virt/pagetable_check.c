#include "config.h"

#include "engine/virt/pagetable.h"

#include <string.h>

static const char I1[] = "I1: a table's `live` = its entries that are not empty; it is 0 only in the root, "
			 "or with keeps_tables";
static const char I2[] =
    "I2: an entry names a table <=> its child slot is set; it is then present and not huge, its "
    "frame the table's";
static const char I3[] =
    "I3: a leaf lies at a level that allows it, is huge exactly above level 1, and its frame is "
    "aligned to its size";
static const char I4[] = "I4: tables[l] and leaves[l] are the tables and leaves of the level";
static const char I5[] = "I5: table_pages = sum of tables[l] * pages of one, at most table_pages_peak";

struct tally {
	uint64_t tables[PAGING_LEVELS_MAX + 1];
	uint64_t leaves[PAGING_LEVELS_MAX + 1];
};

static const char *check_leaf(const struct pagetable *table, unsigned level, pte_t entry)
{
	uint64_t pages = (uint64_t)1 << paging_leaf_order(table->paging, level);

	if (!paging_may_be_leaf(table->paging, level))
		return I3;
	if (pte_is_swap(entry))
		return NULL;
	if (pte_has(entry, PTE_HUGE) != (level > 1) || (pte_frame(entry) & (pages - 1)) != 0)
		return I3;
	return NULL;
}

static const char *check_table(const struct pagetable *table, unsigned level, uint32_t slot,
			       struct tally *tally);

static const char *check_entry(const struct pagetable *table, unsigned level, size_t at, struct tally *tally)
{
	const struct table_level *tables = &table->store->level[level];
	pte_t entry = tables->entry[at];
	uint32_t child = level > 1 ? tables->child[at] : TABLE_NONE;

	if (pte_is_empty(entry))
		return child == TABLE_NONE ? NULL : I2;
	if (child == TABLE_NONE) {
		tally->leaves[level]++;
		return check_leaf(table, level, entry);
	}
	const struct table_slot *below = &table->store->level[level - 1].table[child & ~TABLE_BORROWED];

	if (!pte_is_present(entry) || pte_has(entry, PTE_HUGE) || !below->in_use ||
	    pte_frame(entry) != below->frame)
		return I2;
	return child & TABLE_BORROWED ? NULL : check_table(table, level - 1, child, tally);
}

static const char *check_table(const struct pagetable *table, unsigned level, uint32_t slot,
			       struct tally *tally)
{
	const struct table_level *tables = &table->store->level[level];
	const char *broken = NULL;
	uint32_t live = 0;

	tally->tables[level]++;
	for (unsigned index = 0; index < 1u << tables->bits && !broken; index++) {
		size_t at = table_place(tables, slot, index);

		live += !pte_is_empty(tables->entry[at]);
		broken = check_entry(table, level, at, tally);
	}
	if (broken)
		return broken;
	return live == tables->table[slot].live &&
		       (live > 0 || level == table->paging->levels || table->keeps_tables)
		   ? NULL
		   : I1;
}

const char *pagetable_check(const struct pagetable *table)
{
	struct tally tally = {{0}, {0}};
	unsigned levels = table->paging->levels;
	uint64_t pages = 0;
	const char *broken = check_table(table, levels, table->root, &tally);

	if (broken)
		return broken;
	if (memcmp(tally.tables, table->tables, sizeof(tally.tables)) != 0 ||
	    memcmp(tally.leaves, table->leaves, sizeof(tally.leaves)) != 0)
		return I4;
	for (unsigned level = 1; level <= levels; level++)
		pages += table->tables[level] << paging_table_order(table->paging, level);
	return pages == table->table_pages && pages <= table->table_pages_peak ? NULL : I5;
}
