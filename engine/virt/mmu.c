#include "config.h"

#include "engine/virt/mmu.h"

#include "engine/base/check.h"

#include <string.h>

#define ACCESS_BITS 3

/* The same for every model, so that its counts do not depend on its neighbours. */
#define RANDOM_SEED 1u

static void destroy_host(struct mmu_model *model)
{
	if (model->host)
		nested_destroy(model->host);
	reservation_destroy(&model->host_memory);
}

static enum status create_host(struct mmu_model *model, const struct paging *paging,
			       const struct tlb_geometry *geometry)
{
	enum status status;

	if (geometry->nested_level == 0)
		return STATUS_OK;
	status = reservation_create(&model->host_memory, sizeof(*model->host), PAGE_BYTES);
	if (status != STATUS_OK)
		return status;
	status = nested_create(model->host_memory.memory, paging, &geometry->walk, geometry->nested_level);
	if (status == STATUS_OK)
		model->host = model->host_memory.memory;
	else
		reservation_destroy(&model->host_memory);
	return status;
}

static enum status create_model(struct mmu_model *model, const struct paging *paging,
				const struct tlb_geometry *geometry)
{
	enum status status = create_host(model, paging, geometry);

	if (status != STATUS_OK)
		return status;
	status = tlb_create(&model->tlb, geometry, paging, RANDOM_SEED);
	if (status == STATUS_OK) {
		status = walker_create(&model->walker, paging, &geometry->walk);
		if (status != STATUS_OK)
			tlb_destroy(&model->tlb);
	}
	if (status != STATUS_OK)
		destroy_host(model);
	return status;
}

enum status mmu_create(struct mmu *mmu, const struct pagetable *table, const struct tlb_geometry *geometries,
		       unsigned models)
{
	enum status status = models <= MMU_MODELS_MAX ? STATUS_OK : STATUS_LIMIT;

	*mmu = (struct mmu){
	    .table = table, .is_filtering = true, .last = MMU_NO_PAGE, .stages = mmu_stages_fastest()};
	for (unsigned i = 0; i < models && status == STATUS_OK; i++) {
		status = create_model(&mmu->model[i], table->paging, &geometries[i]);
		mmu->models += status == STATUS_OK;
	}
	if (status != STATUS_OK)
		mmu_destroy(mmu);
	return status;
}

void mmu_destroy(struct mmu *mmu)
{
	for (unsigned i = 0; i < mmu->models; i++) {
		tlb_destroy(&mmu->model[i].tlb);
		walker_destroy(&mmu->model[i].walker);
		destroy_host(&mmu->model[i]);
	}
	mmu->models = 0;
}

/* --- Stages --------------------------------------------------------------------------------------------------------- */

static void filter(const struct mmu *mmu, const struct mmu_references *references, struct mmu_block *block)
{
	unsigned shift = mmu->table->paging->page_shift;

	block->count = references->count;
	if (!mmu->is_filtering) {
		memcpy(block->address, references->addresses, block->count * sizeof(*block->address));
		for (uint32_t i = 0; i < block->count; i++) {
			block->place[i] = (uint16_t)i;
			block->access[i] = references->accesses[i] & MMU_ACCESS_MASK;
		}
		return;
	}
	mmu->stages.filter(block, references, shift);
	if (mmu->last == MMU_NO_PAGE || block->address[0] >> shift != mmu->last >> ACCESS_BITS ||
	    !mmu_access_adds_nothing(mmu->last & MMU_ACCESS_MASK, block->access[0]))
		return;
	/* The first goes on with the page of the block before. */
	block->count--;
	memmove(block->address, block->address + 1, block->count * sizeof(*block->address));
	memmove(block->place, block->place + 1, block->count * sizeof(*block->place));
	memmove(block->access, block->access + 1, block->count);
}

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

/* The entry where the way to an address ends. The entries above let everything through (pagetable.c). */
static pte_t *find_leaf(const struct pagetable *table, uint64_t address, unsigned *level)
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
	unsigned levels;   /* bit l: a leaf is of level l */
	unsigned accesses; /* or-ed */
};

/* Finds each reference's entry; returns the levels, bit by bit. The entries themselves are only fetched ahead: a stream over
 * more page tables than the host's caches hold waits for many of them at once. */
static unsigned find_leaves(struct mmu *mmu, struct mmu_block *block)
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
	return levels;
}

static struct in_common look_at_leaves(const struct mmu_block *block, unsigned levels)
{
	struct in_common common = {0, 0, levels, 0};

	for (uint32_t i = 0; i < block->count; i++) {
		pte_t entry = *block->entry[i];
		unsigned access = block->access[i];

		common.lacking |= needed[access] & ~(entry ^ PTE_NO_EXECUTE);
		common.any |= entry;
		common.accesses |= access;
	}
	return common;
}

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
			     (uint64_t)level << ASSOCIATIVE_CLASS_SHIFT |
			     (*entry & PTE_GLOBAL ? maker->global : maker->own);
	return true;
}

/* Makes the keys; cuts the block before the first reference that faults. */
static void use_leaves(struct mmu *mmu, struct mmu_block *block, struct mmu_fault *fault)
{
	const struct key_maker maker = {
	    .paging = mmu->table->paging,
	    .translated = paging_page_number(mmu->table->paging, UINT64_MAX, 0),
	    .own = (uint64_t)mmu->space << ASSOCIATIVE_SPACE_SHIFT,
	    .global = (uint64_t)TLB_GLOBAL << ASSOCIATIVE_SPACE_SHIFT,
	};
	uint32_t done = 0;

	renew_regions(mmu);
	struct in_common common = look_at_leaves(block, find_leaves(mmu, block));

	block->has_fetches = common.accesses & WALK_EXECUTE;
	for (uint32_t i = 0; i < block->count && block->has_fetches; i++)
		block->kind[i] = block->access[i] & WALK_EXECUTE ? TLB_FETCH : TLB_DATA;
	block->is_plain = common.lacking == 0 && !(common.any & PTE_GLOBAL) && block->count > 0 &&
			  (common.levels & (common.levels - 1)) == 0;
	if (block->is_plain) {
		unsigned level = block->level[0];
		struct mmu_key_recipe recipe = {maker.translated,
						maker.own | (uint64_t)level << ASSOCIATIVE_CLASS_SHIFT,
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

/* True when the group of pages around an address is contiguous in physical memory and alike in its rights. */
static bool is_coalescible(const struct mmu *mmu, const struct tlb *tlb, uint64_t address)
{
	const struct paging *paging = mmu->table->paging;
	uint64_t pages = (uint64_t)1 << tlb->coalesce_shift;
	uint64_t first = address & ~((pages << paging->page_shift) - 1);
	pte_t rights = PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_GLOBAL | PTE_NO_EXECUTE;
	unsigned level;
	const pte_t *group = find_leaf(mmu->table, first, &level);

	if (level != 1 || !pte_is_present(*group) || (pte_frame(*group) & (pages - 1)) != 0)
		return false;
	for (uint64_t i = 1; i < pages; i++) {
		if (pte_frame(group[i]) != pte_frame(*group) + i || ((group[i] ^ *group) & rights) != 0)
			return false;
	}
	return true;
}

/* The block's keys for one model: those of all, or with groups of pages. */
static const uint64_t *keys_for(const struct mmu *mmu, const struct tlb *tlb, struct mmu_block *block)
{
	if (tlb->coalesce_shift == 0)
		return block->key;
	for (uint32_t i = 0; i < block->count; i++) {
		uint64_t key = block->key[i];

		if (block->level[i] == 1 && is_coalescible(mmu, tlb, block->address[i]))
			key = tlb_key_of_group(tlb, block->address[i],
					       (uint16_t)(key >> ASSOCIATIVE_SPACE_SHIFT));
		block->group_key[i] = key;
	}
	return block->group_key;
}

/* The walks through guest and host, one by one. */
static void walk_nested(const struct mmu *mmu, struct mmu_model *model, const struct mmu_block *block,
			const uint16_t *missed, uint32_t misses)
{
	for (uint32_t i = 0; i < misses; i++) {
		struct walk_request request = {
		    .table = mmu->table, .address = block->address[missed[i]], .space = mmu->space};

		(void)nested_walk(model->host, &model->walker, &request);
	}
}

/* The walks of what missed both levels. */
static void count_walks(const struct mmu *mmu, struct mmu_model *model, const struct mmu_block *block,
			const uint16_t *missed, uint32_t misses)
{
	uint64_t pages[MMU_BLOCK];
	uint8_t levels[MMU_BLOCK];
	const struct paging *paging = mmu->table->paging;
	uint64_t space = (uint64_t)mmu->space << ASSOCIATIVE_SPACE_SHIFT;

	if (model->host) {
		walk_nested(mmu, model, block, missed, misses);
		return;
	}
	if (block->is_plain && block->level[0] == 1) {
		for (uint32_t i = 0; i < misses; i++)
			pages[i] = block->key[missed[i]];
		walker_count_run(&model->walker, pages, NULL, misses);
		return;
	}
	for (uint32_t i = 0; i < misses; i++) {
		pages[i] = paging_page_number(paging, block->address[missed[i]], paging->page_shift) | space;
		levels[i] = block->level[missed[i]];
	}
	walker_count_run(&model->walker, pages, levels, misses);
}

static void run_models(struct mmu *mmu, struct mmu_block *block)
{
	struct tlb_batch batch = {
	    .count = block->count, .kinds = block->has_fetches ? block->kind : NULL, .places = block->place};
	uint16_t missed[MMU_BLOCK];

	for (unsigned i = 0; i < mmu->models; i++) {
		batch.keys = keys_for(mmu, &mmu->model[i].tlb, block);
		batch.is_uniform = block->is_plain && !block->has_fetches && batch.keys == block->key;
		uint32_t misses = tlb_run(&mmu->model[i].tlb, &batch, missed);

		count_walks(mmu, &mmu->model[i], block, missed, misses);
	}
}

/* References at the start of a block that the filter dropped because of the block before: they hit. */
static void count_leading(struct mmu *mmu, uint32_t leading)
{
	unsigned level;
	uint64_t address = mmu->last >> ACCESS_BITS << mmu->table->paging->page_shift;
	unsigned kind = mmu->last & WALK_EXECUTE ? TLB_FETCH : TLB_DATA;

	if (leading == 0)
		return;
	(void)find_leaf(mmu->table, address, &level);
	for (unsigned i = 0; i < mmu->models; i++) {
		struct tlb *tlb = &mmu->model[i].tlb;
		bool is_group = tlb->coalesce_shift > 0 && level == 1 && is_coalescible(mmu, tlb, address);

		tlb->counts.accesses[kind][is_group ? TLB_CLASS_COALESCED : level] += leading;
	}
}

/* One block of references: returns how many were done. */
static uint32_t run_block(struct mmu *mmu, const struct mmu_references *references, struct mmu_fault *fault)
{
	struct mmu_block block;
	uint32_t done = references->count;

	filter(mmu, references, &block);
	block.place[block.count] = (uint16_t)done;
	uint32_t kept = block.count;
	uint32_t leading = block.place[0];

	use_leaves(mmu, &block, fault);
	if (block.count < kept)
		done = block.place[block.count];
	count_leading(mmu, leading);
	block.place[block.count] = (uint16_t)done;
	run_models(mmu, &block);
	if (done > 0)
		mmu->last = references->addresses[done - 1] >> mmu->table->paging->page_shift << ACCESS_BITS |
			    (references->accesses[done - 1] & MMU_ACCESS_MASK);
	return done;
}

/* Where a stream stands. */
static void count_run(struct mmu *mmu, size_t done, const struct mmu_fault *fault)
{
	mmu->references += done;
	mmu->faults += fault->outcome != WALK_FINE;
}

size_t mmu_run(struct mmu *mmu, const struct mmu_stream *stream, struct mmu_fault *fault)
{
	uint8_t reads[MMU_BLOCK];
	size_t done = 0;

	*fault = (struct mmu_fault){WALK_FINE, 0};
	if (!stream->accesses)
		memset(reads, WALK_USER, stream->count < MMU_BLOCK ? stream->count : MMU_BLOCK);
	while (done < stream->count && fault->outcome == WALK_FINE) {
		size_t left = stream->count - done;
		struct mmu_references references = {stream->addresses + done,
						    stream->accesses ? stream->accesses + done : reads,
						    left < MMU_BLOCK ? (uint32_t)left : MMU_BLOCK};

		done += run_block(mmu, &references, fault);
	}
	count_run(mmu, done, fault);
	return done;
}

size_t mmu_run_columns(struct mmu *mmu, const struct mmu_columns *columns, struct mmu_fault *fault)
{
	uint64_t addresses[MMU_BLOCK];
	uint8_t accesses[MMU_BLOCK];
	size_t done = 0;

	*fault = (struct mmu_fault){WALK_FINE, 0};
	while (done < columns->count && fault->outcome == WALK_FINE) {
		size_t left = columns->count - done;
		struct mmu_references references = {addresses, accesses,
						    left < MMU_BLOCK ? (uint32_t)left : MMU_BLOCK};

		for (uint32_t i = 0; i < references.count; i++)
			addresses[i] = columns->where[columns->context[done + i]] + columns->offset[done + i];
		for (uint32_t i = 0; i < references.count; i++)
			accesses[i] = columns->access[columns->shape[done + i]];
		done += run_block(mmu, &references, fault);
	}
	count_run(mmu, done, fault);
	return done;
}

/* --- Switching and flushing ----------------------------------------------------------------------------------------- */

void mmu_switch(struct mmu *mmu, const struct pagetable *table, uint16_t space)
{
	CHECK(table->paging == mmu->table->paging && space != TLB_GLOBAL,
	      "a processor's page tables have one shape, and a space is not the global one");
	mmu->table = table;
	mmu->space = space;
	mmu->last = MMU_NO_PAGE;
	mmu->regions.table = NULL;
	for (unsigned i = 0; i < mmu->models; i++) {
		if (mmu->model[i].tlb.tagged)
			continue;
		tlb_flush_nonglobal(&mmu->model[i].tlb);
		walker_flush_all(&mmu->model[i].walker);
	}
}

static void flush_walks(const struct mmu *mmu, struct mmu_model *model, bool tables_freed)
{
	if (tables_freed || model->walker.emptied_by_pages)
		walker_flush_space(&model->walker, mmu->space);
}

void mmu_flush_page(struct mmu *mmu, uint64_t address)
{
	mmu->last = MMU_NO_PAGE;
	for (unsigned i = 0; i < mmu->models; i++) {
		tlb_flush_page(&mmu->model[i].tlb, address, mmu->space);
		flush_walks(mmu, &mmu->model[i], false);
	}
}

void mmu_flush_range(struct mmu *mmu, uint64_t address, uint64_t bytes, bool tables_freed)
{
	mmu->last = MMU_NO_PAGE;
	for (unsigned i = 0; i < mmu->models && (bytes > 0 || tables_freed); i++) {
		tlb_flush_range(&mmu->model[i].tlb, address, bytes, mmu->space);
		flush_walks(mmu, &mmu->model[i], tables_freed);
	}
}

void mmu_flush_space(struct mmu *mmu, uint16_t space)
{
	mmu->last = MMU_NO_PAGE;
	for (unsigned i = 0; i < mmu->models; i++) {
		tlb_flush_space(&mmu->model[i].tlb, space);
		walker_flush_space(&mmu->model[i].walker, space);
	}
}

void mmu_flush_all(struct mmu *mmu)
{
	mmu->last = MMU_NO_PAGE;
	for (unsigned i = 0; i < mmu->models; i++) {
		tlb_flush_all(&mmu->model[i].tlb);
		walker_flush_all(&mmu->model[i].walker);
		if (mmu->model[i].host)
			walker_flush_all(&mmu->model[i].host->walker);
	}
}

const char *mmu_check(const struct mmu *mmu)
{
	const char *broken = NULL;

	for (unsigned i = 0; i < mmu->models && !broken; i++) {
		broken = tlb_check(&mmu->model[i].tlb);
		if (!broken && mmu->model[i].host)
			broken = nested_check(mmu->model[i].host);
	}
	return broken;
}
