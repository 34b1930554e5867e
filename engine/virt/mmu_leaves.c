#include "config.h"

#include "engine/virt/mmu_leaves.h"

#include <string.h>

/* What an access sets in an entry. */
#define MARKS (PTE_ACCESSED | PTE_DIRTY | PTE_SOFT_DIRTY)

#define FOR_READ (PTE_PRESENT | PTE_ACCESSED)
#define FOR_WRITE (PTE_PRESENT | PTE_WRITE | MARKS)

/* What an entry has after an access of each kind: the rights must be there, the marks are set. The no-execute bit must be
 * clear where it is asked for. */
static const pte_t needed[MMU_ACCESS_MASK + 1] = {
    FOR_READ,
    FOR_WRITE,
    FOR_READ | PTE_NO_EXECUTE,
    FOR_WRITE | PTE_NO_EXECUTE,
    FOR_READ | PTE_USER,
    FOR_WRITE | PTE_USER,
    FOR_READ | PTE_USER | PTE_NO_EXECUTE,
    FOR_WRITE | PTE_USER | PTE_NO_EXECUTE,
};

static enum walk_outcome outcome_of(pte_t entry, unsigned access)
{
	if (!pte_is_present(entry))
		return WALK_NOT_PRESENT;
	if ((access & WALK_USER) && !pte_has(entry, PTE_USER))
		return WALK_NO_USER;
	if ((access & WALK_WRITE) && !pte_has(entry, PTE_WRITE))
		return WALK_NO_WRITE;
	return (access & WALK_EXECUTE) && pte_has(entry, PTE_NO_EXECUTE) ? WALK_NO_EXECUTE : WALK_FINE;
}

static struct mmu_fault fault_of(const struct paging *paging, const struct mmu_block *block, uint32_t number,
				 unsigned access)
{
	if (!paging_is_canonical(paging, block->address[number]))
		return (struct mmu_fault){WALK_NOT_CANONICAL, paging->levels};
	return (struct mmu_fault){outcome_of(*block->entry[number], access), block->level[number]};
}

pte_t *mmu_find_leaf(const struct pagetable *table, uint64_t address, unsigned *level)
{
	uint32_t slot = table->root;

	for (*level = table->paging->levels; *level > 1; --*level) {
		const struct table_level *tables = &table->store->level[*level];
		size_t at = table_place(tables, slot, paging_index(table->paging, *level, address));

		if (tables->child[at] == TABLE_NONE)
			return &tables->entry[at];
		slot = tables->child[at] & ~TABLE_BORROWED;
	}
	const struct table_level *tables = &table->store->level[1];

	return &tables->entry[table_place(tables, slot, paging_index(table->paging, 1, address))];
}

/* What the references of a block have in common. */
struct in_common {
	unsigned granted;  /* bit 0: each access was granted before */
	unsigned levels;   /* bit l: a leaf is of level l */
	unsigned accesses; /* or-ed */
};

/* For pages of 4 KiB under tables of 512 the loop is compiled by itself. */
#define USUAL_REGION_SHIFT 21u
#define USUAL_PAGE_SHIFT 12u

static inline struct in_common look(const struct mmu_regions *regions, const struct mmu_block *block,
				    unsigned region_shift, unsigned page_shift)
{
	const uint8_t *granted = regions->granted;
	const uint64_t *numbers = regions->number;
	const uint8_t *levels = regions->levels;
	uint64_t page_mask = regions->page_mask;
	struct in_common common = {1, 0, 0};
	size_t count = block->count;

	for (size_t i = 0; i < count; i++) {
		uint64_t address = block->address[i];
		unsigned access = block->access[i] & MMU_ACCESS_MASK;
		uint64_t number = address >> region_shift;
		size_t slot = number % MMU_REGIONS;

		common.granted &= (unsigned)granted[address >> page_shift & page_mask] >> access;
		common.granted &= numbers[slot] == number;
		common.levels |= levels[slot];
		common.accesses |= access;
	}
	return common;
}

static struct in_common look_at_regions(const struct mmu_regions *regions, const struct mmu_block *block)
{
	if (regions->region_shift == USUAL_REGION_SHIFT && regions->page_shift == USUAL_PAGE_SHIFT)
		return look(regions, block, USUAL_REGION_SHIFT, USUAL_PAGE_SHIFT);
	return look(regions, block, regions->region_shift, regions->page_shift);
}

/* Notes each reference's entry and its level. The entries themselves are only fetched ahead: a stream over more page tables
 * than the host's caches hold waits for many of them at once. */
static void find_leaves(struct mmu_regions *regions, struct mmu_block *block)
{
	unsigned levels = 0;

	for (uint32_t i = 0; i < block->count; i++) {
		unsigned level;

		block->entry[i] = mmu_regions_find(regions, block->address[i], &level);
		__builtin_prefetch(block->entry[i]);
		block->level[i] = (uint8_t)level;
		levels |= 1u << level;
	}
	block->levels = levels;
}

#define ONE_CLASS ((uint64_t)1 << ASSOCIATIVE_CLASS_SHIFT)

/* What a block's references share when their keys are made. */
struct key_maker {
	const struct paging *paging;
	struct mmu_regions *regions;
	uint64_t translated;  /* mask of the address bits that are translated */
	uint64_t own, global; /* the space's bits of a key */
};

/* The accesses, a bit for each, that an entry grants without being changed. */
static uint8_t grants_of(pte_t entry)
{
	unsigned accesses = 0;

	for (unsigned access = 0; access <= MMU_ACCESS_MASK && !(entry & PTE_GLOBAL); access++)
		accesses |= (unsigned)((needed[access] & ~(entry ^ PTE_NO_EXECUTE)) == 0) << access;
	return (uint8_t)accesses;
}

/* Asks an entry for the rights of an access, sets its accessed and dirty bits, and makes the page's key: false when it
 * faults. */
static inline bool use_leaf(const struct key_maker *maker, struct mmu_block *block, uint32_t number)
{
	unsigned level = block->level[number];
	unsigned access = block->access[number] & MMU_ACCESS_MASK;
	uint64_t address = block->address[number];
	pte_t *entry = block->entry[number];
	pte_t lacking = needed[access] & ~(*entry ^ PTE_NO_EXECUTE);

	if (lacking & ~MARKS)
		return false;
	if (lacking)
		*entry |= lacking;
	if (!mmu_regions_grants(maker->regions, address, access))
		mmu_regions_grant(maker->regions, address, grants_of(*entry));
	block->key[number] = (address & maker->translated) >> maker->paging->shift[level] |
			     level * ONE_CLASS | (*entry & PTE_GLOBAL ? maker->global : maker->own);
	return true;
}

/* All of the block are of leaves of one level that have granted them before. */
static void make_plain(const struct mmu *mmu, const struct key_maker *maker, struct mmu_block *block)
{
	unsigned level = (unsigned)__builtin_ctz(block->levels);
	struct key_recipe recipe = {maker->translated, maker->own | level * ONE_CLASS,
				    maker->paging->shift[level]};

	memset(block->level, (int)level, block->count);
	mmu->make_keys(&recipe, block->address, block->count, block->key);
}

void mmu_use_leaves(struct mmu *mmu, struct mmu_block *block, struct mmu_fault *fault)
{
	const struct key_maker maker = {
	    .paging = mmu->table->paging,
	    .regions = &mmu->regions,
	    .translated = paging_page_number(mmu->table->paging, UINT64_MAX, 0),
	    .own = (uint64_t)mmu->space << ASSOCIATIVE_SPACE_SHIFT,
	    .global = (uint64_t)TLB_GLOBAL << ASSOCIATIVE_SPACE_SHIFT,
	};
	uint32_t done = 0;

	mmu_regions_renew(&mmu->regions, mmu->table);
	struct in_common common = look_at_regions(&mmu->regions, block);

	block->levels = common.levels;
	block->has_fetches = common.accesses & WALK_EXECUTE;
	for (uint32_t i = 0; i < block->count && block->has_fetches; i++)
		block->kind[i] = block->access[i] & WALK_EXECUTE ? TLB_FETCH : TLB_DATA;
	block->is_plain = common.granted && block->count > 0 && (common.levels & (common.levels - 1)) == 0;
	if (block->is_plain) {
		make_plain(mmu, &maker, block);
		return;
	}
	find_leaves(&mmu->regions, block);
	while (done < block->count && use_leaf(&maker, block, done))
		done++;
	if (done < block->count)
		*fault = fault_of(maker.paging, block, done, block->access[done] & MMU_ACCESS_MASK);
	block->count = done;
}
