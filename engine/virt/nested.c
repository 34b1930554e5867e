#include "config.h"

#include "engine/virt/nested.h"

#include "engine/base/check.h"

#define HOST_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_USER)
#define HOST_TABLE_PAGES ((uint64_t)1 << 30)

/* 1 GiB of 4 KiB pages. */
#define OFFSET_PAGES ((pfn_t)1 << 18)

enum status nested_create(struct nested *nested, const struct paging *paging, const struct walk_shape *walk,
			  unsigned leaf_level)
{
	*nested = (struct nested){.leaf_level = leaf_level};
	if (leaf_level > paging->levels || !paging_may_be_leaf(paging, leaf_level))
		return STATUS_BAD_ARGUMENT;
	nested->offset = (pfn_t)1 << paging_leaf_order(paging, leaf_level);
	if (nested->offset < OFFSET_PAGES)
		nested->offset = OFFSET_PAGES;
	enum status status = table_store_create(&nested->store, paging);

	if (status != STATUS_OK)
		return status;
	counting_source_create(&nested->tables, 1, HOST_TABLE_PAGES >> (40 - paging_frame_bits(paging)));
	if (pagetable_create(&nested->table, &nested->store, page_source_of_counter(&nested->tables)) !=
	    PAGETABLE_DONE) {
		table_store_destroy(&nested->store);
		return STATUS_NO_MEMORY;
	}
	status = walker_create(&nested->walker, paging, walk);
	if (status != STATUS_OK) {
		pagetable_destroy(&nested->table);
		table_store_destroy(&nested->store);
	}
	return status;
}

void nested_destroy(struct nested *nested)
{
	walker_destroy(&nested->walker);
	pagetable_destroy(&nested->table);
	table_store_destroy(&nested->store);
}

/* The host gives the guest the memory of one frame; what its tables do not reach stays away. */
static void give_memory(struct nested *nested, pfn_t frame)
{
	const struct paging *paging = nested->table.paging;
	uint64_t pages = (uint64_t)1 << paging_leaf_order(paging, nested->leaf_level);
	uint64_t address = frame << paging->page_shift;
	unsigned level;

	pfn_t first = (frame & ~(pages - 1)) + nested->offset;

	if (!paging_is_canonical(paging, address) || pagetable_find(&nested->table, address, &level) ||
	    (first + pages - 1) >> paging_frame_bits(paging) != 0)
		return;
	(void)!pagetable_set(&nested->table, address, nested->leaf_level, pte_make(first, HOST_FLAGS), NULL);
}

struct walk nested_walk(struct nested *nested, struct walker *guest, struct walk_request *request)
{
	const struct pagetable *table = request->table;
	uint32_t slot = table->root;

	request->host = &nested->table;
	request->host_walker = &nested->walker;
	for (unsigned level = table->paging->levels; slot != TABLE_NONE; level--) {
		const struct table_level *tables = &table->store->level[level];
		size_t at = table_place(tables, slot & ~TABLE_BORROWED,
					paging_index(table->paging, level, request->address));
		uint64_t inside = request->address & (paging_leaf_bytes(table->paging, level) - 1);

		give_memory(nested, tables->table[slot & ~TABLE_BORROWED].frame);
		slot = level > 1 ? tables->child[at] : TABLE_NONE;
		if (slot == TABLE_NONE && pte_is_present(tables->entry[at]))
			give_memory(nested,
				    pte_frame(tables->entry[at]) + (inside >> table->paging->page_shift));
	}
	return walker_walk(guest, request);
}

uint64_t nested_physical(const struct nested *nested, uint64_t guest_physical)
{
	return guest_physical + (nested->offset << nested->table.paging->page_shift);
}

static const char I1[] = "I1: the host's table holds its own invariants";
static const char I2[] =
    "I2: every leaf of the host is of the chosen level, whose pages the offset is a multiple of";

const char *nested_check(const struct nested *nested)
{
	if (pagetable_check(&nested->table))
		return I1;
	for (unsigned level = 1; level <= nested->table.paging->levels; level++) {
		if (level != nested->leaf_level && nested->table.leaves[level] > 0)
			return I2;
	}
	return nested->offset &
		       (((pfn_t)1 << paging_leaf_order(nested->table.paging, nested->leaf_level)) - 1)
		   ? I2
		   : NULL;
}
