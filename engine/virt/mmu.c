#include "config.h"

#include "engine/virt/mmu.h"

#include "engine/base/check.h"

#include <string.h>

#define ACCESS_BITS 3
#define ACCESS_MASK 7u

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

/* All reads: the page alone tells references apart. */
static void filter_reads(const struct mmu *mmu, const struct mmu_stream *stream, uint32_t count,
			 struct mmu_block *block)
{
	unsigned shift = mmu->table->paging->page_shift;

	block->count = count;
	if (!mmu->is_filtering) {
		memcpy(block->address, stream->addresses, count * sizeof(*block->address));
		for (uint32_t i = 0; i < count; i++)
			block->place[i] = (uint16_t)i;
		return;
	}
	mmu->stages.filter(block, stream->addresses, count, shift);
	if ((block->address[0] >> shift << ACCESS_BITS | WALK_USER) != mmu->last)
		return;
	/* The first goes on with the page of the block before. */
	block->count--;
	memmove(block->address, block->address + 1, block->count * sizeof(*block->address));
	memmove(block->place, block->place + 1, block->count * sizeof(*block->place));
}

static void filter_accesses(const struct mmu *mmu, const struct mmu_stream *stream, uint32_t count,
			    struct mmu_block *block)
{
	unsigned shift = mmu->table->paging->page_shift;
	uint64_t last = mmu->last;
	bool all = !mmu->is_filtering;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint8_t access = stream->accesses[i] & ACCESS_MASK;
		uint64_t page = stream->addresses[i] >> shift << ACCESS_BITS | access;

		block->address[kept] = stream->addresses[i];
		block->place[kept] = (uint16_t)i;
		block->access[kept] = access;
		block->kind[kept] = access & WALK_EXECUTE ? TLB_FETCH : TLB_DATA;
		kept += (page != last) | all;
		last = page;
	}
	block->count = kept;
}

/* What an entry must have, for each kind of access; the no-execute bit must be clear where it is asked for. */
static const pte_t needed[ACCESS_MASK + 1] = {
    PTE_PRESENT,
    PTE_PRESENT | PTE_WRITE,
    PTE_PRESENT | PTE_NO_EXECUTE,
    PTE_PRESENT | PTE_WRITE | PTE_NO_EXECUTE,
    PTE_PRESENT | PTE_USER,
    PTE_PRESENT | PTE_WRITE | PTE_USER,
    PTE_PRESENT | PTE_USER | PTE_NO_EXECUTE,
    PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_NO_EXECUTE,
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

/* Goes all the way down for an address whose region is not remembered, and remembers it, unless the lowest table is
 * somebody else's or there is none. */
static pte_t *go_down(struct mmu *mmu, uint64_t address, uint8_t *level)
{
	const struct pagetable *table = mmu->table;
	uint32_t slot = table->root;
	bool own = true;
	unsigned at_level;

	*level = (uint8_t)table->paging->levels;
	if (!paging_is_canonical(table->paging, address))
		return &mmu->regions.nothing;
	for (at_level = table->paging->levels; at_level > 1; at_level--) {
		const struct table_level *tables = &table->store->level[at_level];
		size_t at = table_place(tables, slot, paging_index(table->paging, at_level, address));

		*level = (uint8_t)at_level;
		if (tables->child[at] == TABLE_NONE)
			return &tables->entry[at];
		own = own && !(tables->child[at] & TABLE_BORROWED);
		slot = tables->child[at] & ~TABLE_BORROWED;
	}
	const struct table_level *tables = &table->store->level[1];
	uint64_t region = address >> table->paging->shift[2];

	pte_t *entries = &tables->entry[table_place(tables, slot, 0)];

	*level = 1;
	if (own) {
		mmu->regions.region[region % MMU_REGIONS] = region;
		mmu->regions.entries[region % MMU_REGIONS] = entries;
	}
	return &entries[paging_index(table->paging, 1, address)];
}

static void renew_regions(struct mmu *mmu)
{
	if (mmu->regions.table == mmu->table && mmu->regions.generation == mmu->table->generation)
		return;
	mmu->regions.table = mmu->table;
	mmu->regions.generation = mmu->table->generation;
	memset(mmu->regions.region, 0xff, sizeof(mmu->regions.region));
}

/* Finds each reference's entry. The entries themselves are only fetched ahead: a stream over more page tables than the
 * host's caches hold waits for many of them at once. */
static void find_leaves(struct mmu *mmu, struct mmu_block *block)
{
	const struct paging *paging = mmu->table->paging;
	unsigned region_shift = paging->shift[2];
	unsigned page_shift = paging->page_shift;
	uint64_t mask = ((uint64_t)1 << paging->bits[1]) - 1;
	unsigned levels = 1;

	renew_regions(mmu);
	memset(block->level, 1, block->count);
	for (uint32_t i = 0; i < block->count; i++) {
		uint64_t address = block->address[i];
		uint64_t region = address >> region_shift;
		pte_t *entry;

		if (mmu->regions.region[region % MMU_REGIONS] == region) {
			entry = mmu->regions.entries[region % MMU_REGIONS] + (address >> page_shift & mask);
		} else {
			entry = go_down(mmu, address, &block->level[i]);
			levels |= block->level[i];
		}
		__builtin_prefetch(entry);
		block->entry[i] = entry;
	}
	block->is_plain = levels == 1;
}

/* What a block's references share when their keys are made. */
struct key_maker {
	const struct paging *paging;
	uint64_t translated;  /* mask of the address bits that are translated */
	uint64_t own, global; /* the space's bits of a key */
};

/* Asks an entry for the rights of an access, sets its accessed and dirty bits, and makes the page's key: false when it
 * faults. */
static inline bool use_leaf(const struct key_maker *maker, struct mmu_block *block, uint32_t number,
			    unsigned access)
{
	unsigned level = block->level[number];
	pte_t *entry = block->entry[number];
	pte_t have = *entry ^ PTE_NO_EXECUTE;
	pte_t marks = PTE_ACCESSED | (access & WALK_WRITE ? PTE_DIRTY | PTE_SOFT_DIRTY : 0);

	if (!pte_has(have, needed[access]))
		return false;
	if (!pte_has(have, marks))
		*entry |= marks;
	block->key[number] = (block->address[number] & maker->translated) >> maker->paging->shift[level] |
			     (uint64_t)level << ASSOCIATIVE_CLASS_SHIFT |
			     (have & PTE_GLOBAL ? maker->global : maker->own);
	return true;
}

/* Reads of a plain block whose entries all have what a read needs and are marked already: nothing is to be done but to
 * make the keys. False when there is more to it. */
static bool use_plain_leaves(const struct mmu *mmu, const struct key_maker *maker, struct mmu_block *block)
{
	struct mmu_key_recipe recipe = {maker->translated,
					maker->own | (uint64_t)1 << ASSOCIATIVE_CLASS_SHIFT,
					maker->paging->page_shift};
	pte_t all = UINT64_MAX;
	pte_t any = 0;

	for (uint32_t i = 0; i < block->count && block->is_plain; i++) {
		all &= *block->entry[i];
		any |= *block->entry[i];
	}
	block->is_plain = block->is_plain && !(any & PTE_GLOBAL);
	if (!block->is_plain || !pte_has(all, PTE_PRESENT | PTE_USER | PTE_ACCESSED))
		return false;
	mmu->stages.make_keys(block, &recipe);
	return true;
}

/* Cuts the block before the first reference that faults. */
static void use_leaves(const struct mmu *mmu, struct mmu_block *block, bool all_reads,
		       struct mmu_fault *fault)
{
	const struct key_maker maker = {
	    .paging = mmu->table->paging,
	    .translated = paging_page_number(mmu->table->paging, UINT64_MAX, 0),
	    .own = (uint64_t)mmu->space << ASSOCIATIVE_SPACE_SHIFT,
	    .global = (uint64_t)TLB_GLOBAL << ASSOCIATIVE_SPACE_SHIFT,
	};
	uint32_t done = 0;

	if (all_reads && use_plain_leaves(mmu, &maker, block))
		return;
	block->is_plain = false;
	while (done < block->count &&
	       use_leaf(&maker, block, done, all_reads ? WALK_USER : block->access[done]))
		done++;
	if (done < block->count)
		*fault = fault_of(maker.paging, block, done, all_reads ? WALK_USER : block->access[done]);
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
	if (block->is_plain) {
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

static void run_models(struct mmu *mmu, struct mmu_block *block, bool has_kinds)
{
	struct tlb_batch batch = {
	    .count = block->count, .kinds = has_kinds ? block->kind : NULL, .places = block->place};
	uint16_t missed[MMU_BLOCK];

	for (unsigned i = 0; i < mmu->models; i++) {
		batch.keys = keys_for(mmu, &mmu->model[i].tlb, block);
		batch.is_uniform = block->is_plain && batch.keys == block->key;
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

/* One block of at most MMU_BLOCK references: returns how many were done. */
static uint32_t run_block(struct mmu *mmu, const struct mmu_stream *stream, uint32_t count,
			  struct mmu_fault *fault)
{
	struct mmu_block block;
	uint32_t done = count;

	if (stream->accesses)
		filter_accesses(mmu, stream, count, &block);
	else
		filter_reads(mmu, stream, count, &block);
	block.place[block.count] = (uint16_t)count;
	uint32_t kept = block.count;
	uint32_t leading = block.place[0];

	find_leaves(mmu, &block);
	use_leaves(mmu, &block, !stream->accesses, fault);
	if (block.count < kept)
		done = block.place[block.count];
	count_leading(mmu, leading);
	block.place[block.count] = (uint16_t)done;
	run_models(mmu, &block, stream->accesses != NULL);
	if (done > 0) {
		uint8_t access = stream->accesses ? stream->accesses[done - 1] & ACCESS_MASK : WALK_USER;

		mmu->last =
		    stream->addresses[done - 1] >> mmu->table->paging->page_shift << ACCESS_BITS | access;
	}
	return done;
}

size_t mmu_run(struct mmu *mmu, const struct mmu_stream *stream, struct mmu_fault *fault)
{
	size_t done = 0;

	*fault = (struct mmu_fault){WALK_FINE, 0};
	while (done < stream->count && fault->outcome == WALK_FINE) {
		struct mmu_stream rest = {stream->addresses + done,
					  stream->accesses ? stream->accesses + done : NULL,
					  stream->count - done};
		uint32_t count = rest.count < MMU_BLOCK ? (uint32_t)rest.count : MMU_BLOCK;

		done += run_block(mmu, &rest, count, fault);
	}
	mmu->references += done;
	mmu->faults += fault->outcome != WALK_FINE;
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
