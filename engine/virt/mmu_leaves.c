#include "config.h"

#include "engine/virt/mmu_leaves.h"

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

/* Goes all the way down for an address whose region is not remembered, and remembers it, unless the way leads through
 * somebody else's tables. */
static __attribute__((noinline)) struct mmu_region go_down(struct mmu *mmu, uint64_t address)
{
	const struct pagetable *table = mmu->table;
	struct mmu_region region = {.number = address >> table->paging->shift[2],
				    .level = table->paging->levels};
	uint32_t slot = table->root;
	bool own = true;

	region.entries = &mmu->regions.nothing;
	if (!paging_is_canonical(table->paging, address))
		return region;
	for (; region.level > 1; region.level--) {
		const struct table_level *tables = &table->store->level[region.level];
		size_t at = table_place(tables, slot, paging_index(table->paging, region.level, address));

		region.entries = &tables->entry[at];
		if (tables->child[at] == TABLE_NONE)
			break;
		own = own && !(tables->child[at] & TABLE_BORROWED);
		slot = tables->child[at] & ~TABLE_BORROWED;
	}
	if (region.level == 1) {
		region.entries = &table->store->level[1].entry[table_place(&table->store->level[1], slot, 0)];
		region.mask = (1u << table->paging->bits[1]) - 1;
	}
	if (own)
		mmu->regions.region[region.number % MMU_REGIONS] = region;
	return region;
}

static void renew_regions(struct mmu *mmu)
{
	if (mmu->regions.table == mmu->table && mmu->regions.generation == mmu->table->generation)
		return;
	mmu->regions.table = mmu->table;
	mmu->regions.generation = mmu->table->generation;
	for (unsigned i = 0; i < MMU_REGIONS; i++)
		mmu->regions.region[i].number = MMU_NO_PAGE;
}

/* What the references of a block have in common. */
struct in_common {
	pte_t lacking;	   /* an entry lacks it */
	pte_t any;	   /* an entry has it */
	unsigned accesses; /* or-ed */
};

/* Finds each reference's entry. The entries themselves are only fetched ahead: a stream over more page tables than the host's
 * caches hold waits for many of them at once. */
static void find_leaves(struct mmu *mmu, struct mmu_block *block)
{
	const struct mmu_region *regions = mmu->regions.region;
	unsigned region_shift = mmu->table->paging->shift[2];
	unsigned page_shift = mmu->table->paging->page_shift;
	uint32_t count = block->count;
	unsigned levels = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t address = block->address[i];
		uint64_t number = address >> region_shift;
		const struct mmu_region *region = &regions[number % MMU_REGIONS];
		struct mmu_region found;

		if (__builtin_expect(region->number != number, 0)) {
			found = go_down(mmu, address);
			region = &found;
		}
		pte_t *entry = region->entries + (address >> page_shift & region->mask);

		__builtin_prefetch(entry);
		block->entry[i] = entry;
		block->level[i] = (uint8_t)region->level;
		levels |= 1u << region->level;
	}
	block->levels = levels;
}

static struct in_common look_at_leaves(const struct mmu_block *block)
{
	struct in_common common = {0, 0, 0};

	for (uint32_t i = 0; i < block->count; i++) {
		pte_t entry = *block->entry[i];
		unsigned access = block->access[i];

		common.lacking |= needed[access] & ~(entry ^ PTE_NO_EXECUTE);
		common.any |= entry;
		common.accesses |= access;
	}
	return common;
}

#define ONE_CLASS ((uint64_t)1 << ASSOCIATIVE_CLASS_SHIFT)

/* What a block's references share when their keys are made. */
struct key_maker {
	const struct paging *paging;
	uint64_t translated;  /* mask of the address bits that are translated */
	uint64_t own, global; /* the space's bits of a key */
};

/* Asks an entry for the rights of an access, sets its accessed and dirty bits, and makes the page's key: false when it
 * faults. */
static inline bool use_leaf(const struct key_maker *maker, struct mmu_block *block, uint32_t number)
{
	unsigned level = block->level[number];
	unsigned access = block->access[number];
	pte_t *entry = block->entry[number];
	pte_t lacking = needed[access] & ~(*entry ^ PTE_NO_EXECUTE);

	if (lacking & ~MARKS)
		return false;
	if (lacking)
		*entry |= lacking;
	block->key[number] = (block->address[number] & maker->translated) >> maker->paging->shift[level] |
			     level * ONE_CLASS | (*entry & PTE_GLOBAL ? maker->global : maker->own);
	return true;
}

void mmu_use_leaves(struct mmu *mmu, struct mmu_block *block, struct mmu_fault *fault)
{
	const struct key_maker maker = {
	    .paging = mmu->table->paging,
	    .translated = paging_page_number(mmu->table->paging, UINT64_MAX, 0),
	    .own = (uint64_t)mmu->space << ASSOCIATIVE_SPACE_SHIFT,
	    .global = (uint64_t)TLB_GLOBAL << ASSOCIATIVE_SPACE_SHIFT,
	};
	uint32_t done = 0;

	renew_regions(mmu);
	find_leaves(mmu, block);
	struct in_common common = look_at_leaves(block);

	block->has_fetches = common.accesses & WALK_EXECUTE;
	for (uint32_t i = 0; i < block->count && block->has_fetches; i++)
		block->kind[i] = block->access[i] & WALK_EXECUTE ? TLB_FETCH : TLB_DATA;
	block->is_plain = common.lacking == 0 && !(common.any & PTE_GLOBAL) && block->count > 0 &&
			  (block->levels & (block->levels - 1)) == 0;
	if (block->is_plain) {
		unsigned level = block->level[0];
		struct mmu_key_recipe recipe = {maker.translated, maker.own | level * ONE_CLASS,
						maker.paging->shift[level]};

		mmu->stages.make_keys(block, &recipe);
		return;
	}
	while (done < block->count && use_leaf(&maker, block, done))
		done++;
	if (done < block->count)
		*fault = fault_of(maker.paging, block, done, block->access[done]);
	block->count = done;
}
