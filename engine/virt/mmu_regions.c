#include "config.h"

#include "engine/virt/mmu_regions.h"

#include <string.h>

enum status mmu_regions_create(struct mmu_regions *regions, const struct paging *paging)
{
	bool is_granting = paging->bits[1] <= MMU_GRANTED_BITS_MAX;
	size_t pages = is_granting ? (size_t)MMU_REGIONS << paging->bits[1] : 1;
	size_t bytes =
	    MMU_REGIONS * (sizeof(*regions->number) + sizeof(*regions->region) + sizeof(*regions->levels)) +
	    pages;

	*regions = (struct mmu_regions){
	    .region_shift = paging->shift[2],
	    .page_shift = paging->page_shift,
	    .page_mask = pages - 1,
	    .pages = is_granting ? (size_t)1 << paging->bits[1] : 0,
	};
	enum status status = reservation_create(&regions->memory, bytes, PAGE_BYTES);

	if (status != STATUS_OK)
		return status;
	regions->number = regions->memory.memory;
	regions->region = (struct mmu_region *)(void *)(regions->number + MMU_REGIONS);
	regions->levels = (uint8_t *)(regions->region + MMU_REGIONS);
	regions->granted = regions->levels + MMU_REGIONS;
	return STATUS_OK;
}

void mmu_regions_destroy(struct mmu_regions *regions)
{
	reservation_destroy(&regions->memory);
}

void mmu_regions_forget(struct mmu_regions *regions)
{
	regions->table = NULL;
}

void mmu_regions_renew(struct mmu_regions *regions, const struct pagetable *table)
{
	if (regions->table == table && regions->generation == table->generation)
		return;
	regions->table = table;
	regions->generation = table->generation;
	memset(regions->number, 0xff, MMU_REGIONS * sizeof(*regions->number));
}

/* The place in granted[] of the first page of a region. */
static uint8_t *granted_of(const struct mmu_regions *regions, uint64_t number)
{
	return regions->granted +
	       (number << (regions->region_shift - regions->page_shift) & regions->page_mask);
}

/* Of one region the pages first .. last. */
static void forget_pages(struct mmu_regions *regions, uint64_t number, uint64_t first, uint64_t last)
{
	size_t slot = number % MMU_REGIONS;

	if (regions->number[slot] != number)
		return;
	if (regions->region[slot].mask == 0)
		memset(granted_of(regions, number), 0, regions->pages);
	else
		memset(regions->granted + (first & regions->page_mask), 0, last - first + 1);
}

void mmu_regions_forget_range(struct mmu_regions *regions, uint64_t address, uint64_t bytes)
{
	unsigned up = regions->region_shift - regions->page_shift;
	uint64_t first = address >> regions->page_shift;
	uint64_t last = (address + (bytes - 1)) >> regions->page_shift;

	if (bytes == 0 || !regions->table || regions->pages == 0)
		return;
	if ((last >> up) - (first >> up) >= MMU_REGIONS) {
		mmu_regions_forget(regions);
		return;
	}
	for (uint64_t number = first >> up; number <= last >> up; number++) {
		uint64_t start = number << up;
		uint64_t end = start + regions->pages - 1;

		forget_pages(regions, number, start > first ? start : first, end < last ? end : last);
	}
}

/* Goes all the way down for an address whose region is not remembered, and remembers it, unless the way leads through
 * somebody else's tables. */
static struct mmu_region go_down(struct mmu_regions *regions, uint64_t address, unsigned *level)
{
	const struct pagetable *table = regions->table;
	struct mmu_region region = {.entries = &regions->nothing};
	uint64_t number = address >> regions->region_shift;
	uint32_t slot = table->root;
	bool own = true;

	*level = table->paging->levels;
	if (!paging_is_canonical(table->paging, address))
		return region;
	for (; *level > 1; --*level) {
		const struct table_level *tables = &table->store->level[*level];
		size_t at = table_place(tables, slot, paging_index(table->paging, *level, address));

		region.entries = &tables->entry[at];
		if (tables->child[at] == TABLE_NONE)
			break;
		own = own && !(tables->child[at] & TABLE_BORROWED);
		slot = tables->child[at] & ~TABLE_BORROWED;
	}
	if (*level == 1) {
		region.entries = &table->store->level[1].entry[table_place(&table->store->level[1], slot, 0)];
		region.mask = ((uint64_t)1 << table->paging->bits[1]) - 1;
	}
	if (own) {
		regions->number[number % MMU_REGIONS] = number;
		regions->levels[number % MMU_REGIONS] = (uint8_t)(1u << *level);
		regions->region[number % MMU_REGIONS] = region;
		memset(granted_of(regions, number), 0, regions->pages);
	}
	return region;
}

pte_t *mmu_regions_find(struct mmu_regions *regions, uint64_t address, unsigned *level)
{
	uint64_t number = address >> regions->region_shift;
	size_t slot = number % MMU_REGIONS;
	struct mmu_region region;

	if (regions->number[slot] == number) {
		region = regions->region[slot];
		*level = (unsigned)__builtin_ctz(regions->levels[slot]);
	} else {
		region = go_down(regions, address, level);
	}
	return region.entries + (address >> regions->page_shift & region.mask);
}

void mmu_regions_grant(struct mmu_regions *regions, uint64_t address, uint8_t accesses)
{
	uint64_t number = address >> regions->region_shift;
	size_t slot = number % MMU_REGIONS;

	if (regions->number[slot] != number || regions->pages == 0)
		return;
	if (regions->region[slot].mask == 0)
		memset(granted_of(regions, number), accesses, regions->pages);
	else
		regions->granted[address >> regions->page_shift & regions->page_mask] = accesses;
}
