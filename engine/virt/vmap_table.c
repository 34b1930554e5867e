#include "config.h"

#include "engine/virt/vmap_table.h"

#include "engine/base/check.h"

static enum pagetable_outcome set(struct vmap_table *table, uint64_t address, pfn_t pfn, unsigned order)
{
	return pagetable_set(table->table, address, order == HUGE_ORDER ? 2 : 1,
			     pte_make(pfn, VMAP_TABLE_FLAGS), NULL);
}

static bool map(void *context, uint64_t address, pfn_t pfn, unsigned order)
{
	struct vmap_table *table = context;

	CHECK(order == 0 || order == HUGE_ORDER, "vmalloc maps pages of 4 KiB and of 2 MiB");
	enum pagetable_outcome outcome = set(table, address, pfn, order);

	/* An empty table of small pages is in the way: it goes (mm/vmalloc.c 6.18: vmap_try_huge_pmd). */
	if (outcome == PAGETABLE_DIVIDED) {
		pagetable_release_one(table->table, address, 1);
		outcome = set(table, address, pfn, order);
	}
	table->refused += outcome != PAGETABLE_DONE;
	return outcome == PAGETABLE_DONE;
}

static void unmap(void *context, uint64_t address, uint64_t bytes)
{
	struct vmap_table *table = context;
	bool is_whole = pagetable_clear_range(table->table, address, bytes, NULL, NULL);

	CHECK(is_whole, "vmalloc unmaps what it mapped");
}

static void flush(void *context, uint64_t start, uint64_t end)
{
	struct vmap_table *table = context;
	uint64_t pages = (end - start) >> PAGE_SHIFT;

	if (pages > FLUSH_CEILING_PAGES)
		table->whole_flushes++;
	else
		table->flushed_pages += pages;
}

struct vmap_mapper vmap_table_mapper(struct vmap_table *table)
{
	return (struct vmap_mapper){map, unmap, flush, table};
}
