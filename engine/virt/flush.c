#include "config.h"

#include "engine/virt/flush.h"

#include "engine/base/check.h"

static const struct rule {
	const char *name;
	bool whole_space;
	bool in_small_pages;
} rules[FLUSH_CAUSES] = {
    [FLUSH_UNMAP] = {"unmap", false, false},	  [FLUSH_REMAP] = {"remap", false, false},
    [FLUSH_PROTECT] = {"protect", false, false},  [FLUSH_MADVISE] = {"madvise", false, false},
    [FLUSH_COPY] = {"copy", false, false},	  [FLUSH_FORK] = {"fork", true, false},
    [FLUSH_COLLAPSE] = {"collapse", false, true}, [FLUSH_SPLIT] = {"split", false, false},
    [FLUSH_MIGRATE] = {"migrate", false, false},  [FLUSH_RECLAIM] = {"reclaim", true, false},
    [FLUSH_EXIT] = {"exit", true, false},
};

const char *flush_cause_name(enum flush_cause cause)
{
	return rules[cause].name;
}

struct flush flush_begin(enum flush_cause cause, const struct pagetable *table)
{
	return (struct flush){
	    .cause = cause, .first = UINT64_MAX, .tables_given_before = table->tables_given};
}

void flush_note(struct flush *flush, const struct pagetable *table, uint64_t address, unsigned level)
{
	uint64_t bytes = paging_leaf_bytes(table->paging, level);
	uint64_t first = address & ~(bytes - 1);

	if (first < flush->first)
		flush->first = first;
	if (first + (bytes - 1) > flush->last)
		flush->last = first + (bytes - 1);
	flush->levels |= (uint8_t)(1u << level);
	flush->entries++;
}

void flush_end(struct flush *flush, const struct pagetable *table)
{
	flush->tables_freed = table->tables_given != flush->tables_given_before;
}

struct flush flush_of_entry(enum flush_cause cause, const struct pagetable *table, uint64_t address,
			    unsigned level)
{
	struct flush flush = flush_begin(cause, table);

	flush_note(&flush, table, address, level);
	return flush;
}

bool flush_is_needed(pte_t before, pte_t after)
{
	pte_t cleared = PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY;
	pte_t changed = PTE_WRITE | PTE_USER | PTE_WRITE_THROUGH | PTE_CACHE_DISABLE | PTE_HUGE | PTE_GLOBAL |
			PTE_NO_EXECUTE;

	if (!pte_is_present(before))
		return false;
	if (!pte_is_present(after) || pte_frame(before) != pte_frame(after))
		return true;
	return (before & ~after & cleared) != 0 || ((before ^ after) & changed) != 0;
}

uint64_t flush_step(const struct flush *flush, const struct pagetable *table)
{
	unsigned level = flush->levels == 0 || rules[flush->cause].in_small_pages
			     ? 1
			     : (unsigned)__builtin_ctz(flush->levels);

	return paging_leaf_bytes(table->paging, level);
}

enum flush_scope flush_scope(const struct flush *flush, const struct pagetable *table)
{
	if (flush->entries == 0)
		return flush->tables_freed ? FLUSH_SPACE : FLUSH_NOTHING;
	if (rules[flush->cause].whole_space)
		return FLUSH_SPACE;
	uint64_t steps = (flush->last - flush->first) / flush_step(flush, table) + 1;

	return steps > FLUSH_CEILING_PAGES ? FLUSH_SPACE : FLUSH_PAGES;
}

/* --- Check ------------------------------------------------------------------------------------------------------- */

static const char I1[] = "I1: an empty flush notes no entry and no level; any other has first <= last";
static const char I2[] =
    "I2: levels are of the page table's leaves, and a flush of one entry spans one leaf of its level";

const char *flush_check(const struct flush *flush, const struct pagetable *table)
{
	if ((flush->entries == 0) != (flush->levels == 0) ||
	    (flush->entries > 0 && flush->first > flush->last))
		return I1;
	if ((flush->levels & ~table->paging->leaf_levels) != 0)
		return I2;
	if (flush->entries != 1)
		return NULL;
	unsigned level = (unsigned)__builtin_ctz(flush->levels);

	return flush->last - flush->first == paging_leaf_bytes(table->paging, level) - 1 ? NULL : I2;
}
