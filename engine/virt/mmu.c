#include "config.h"

#include "engine/virt/mmu.h"

#include "engine/base/check.h"

#include <string.h>

#define ACCESS_BITS 3
#define ACCESS_MASK 7u
#define NO_EXECUTE_SHIFT 63

enum status mmu_create(struct mmu *mmu, const struct pagetable *table, const struct tlb_geometry *geometries,
		       unsigned models)
{
	enum status status = models <= MMU_MODELS_MAX ? STATUS_OK : STATUS_LIMIT;

	*mmu = (struct mmu){.table = table, .is_filtering = true, .last = MMU_NO_PAGE};
	for (unsigned i = 0; i < models && status == STATUS_OK; i++) {
		struct mmu_model *model = &mmu->model[i];

		status = tlb_create(&model->tlb, &geometries[i], table->paging, i);
		if (status != STATUS_OK)
			break;
		status = walker_create(&model->walker, table->paging, &geometries[i].walk);
		if (status != STATUS_OK)
			tlb_destroy(&model->tlb);
		else
			mmu->models++;
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
	}
	mmu->models = 0;
}

/* --- Stages --------------------------------------------------------------------------------------------------------- */

/* References of a block that are not filtered out. */
struct block {
	uint32_t count;
	uint64_t address[MMU_BLOCK];
	uint8_t access[MMU_BLOCK];
	uint16_t place[MMU_BLOCK + 1]; /* in the stream's block */
	uint16_t times[MMU_BLOCK];     /* references that each stands for */
	uint8_t kind[MMU_BLOCK];       /* enum tlb_kind */
	uint8_t level[MMU_BLOCK];      /* of the leaf */
	uint16_t space[MMU_BLOCK];
	pte_t *entry[MMU_BLOCK]; /* where the way to the address ends */
	uint64_t key[MMU_BLOCK];
};

/* All reads: the page alone tells references apart. */
static void filter_reads(struct mmu *mmu, const struct mmu_stream *stream, uint32_t count,
			 struct block *block)
{
	unsigned shift = mmu->table->paging->page_shift;
	uint64_t last = mmu->last;
	bool all = !mmu->is_filtering;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t page = stream->addresses[i] >> shift << ACCESS_BITS | WALK_USER;

		block->address[kept] = stream->addresses[i];
		block->place[kept] = (uint16_t)i;
		kept += (page != last) | all;
		last = page;
	}
	block->count = kept;
	memset(block->access, WALK_USER, kept);
}

static void filter_accesses(struct mmu *mmu, const struct mmu_stream *stream, uint32_t count,
			    struct block *block)
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

/* The entry where the way to an address ends. The entries above let everything through (pagetable.c). */
static inline pte_t *find_leaf(const struct pagetable *table, uint64_t address, unsigned *level)
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

/* What the way down a level needs, out of the reach of the stores to the block. */
struct stage {
	const uint32_t *child;
	pte_t *entry;
	unsigned shift, bits;
	uint64_t mask;
};

static void make_stages(const struct pagetable *table, struct stage stages[PAGING_LEVELS_MAX + 1])
{
	for (unsigned level = 1; level <= table->paging->levels; level++) {
		const struct table_level *tables = &table->store->level[level];

		stages[level] = (struct stage){tables->child, tables->entry, table->paging->shift[level],
					       tables->bits, ((uint64_t)1 << tables->bits) - 1};
	}
}

/* Finds each reference's entry. The entries themselves are only fetched ahead: a stream over more page tables than the
 * host's caches hold waits for many of them at once. */
static void find_leaves(const struct mmu *mmu, struct block *block)
{
	struct stage stages[PAGING_LEVELS_MAX + 1];
	unsigned levels = mmu->table->paging->levels;
	uint32_t root = mmu->table->root;

	make_stages(mmu->table, stages);
	for (uint32_t i = 0; i < block->count; i++) {
		uint64_t address = block->address[i];
		const struct stage *stage = &stages[levels];
		uint64_t at = (uint64_t)root << stage->bits | (address >> stage->shift & stage->mask);

		while (stage > &stages[1] && stage->child[at] != TABLE_NONE) {
			uint64_t slot = stage->child[at] & ~TABLE_BORROWED;

			stage--;
			at = slot << stage->bits | (address >> stage->shift & stage->mask);
		}
		block->entry[i] = &stage->entry[at];
		__builtin_prefetch(block->entry[i]);
		block->level[i] = (uint8_t)(stage - stages);
	}
}

/* Asks each entry for the rights and sets its accessed and dirty bits. Cuts the block before the first reference that
 * faults. */
static void use_leaves(const struct mmu *mmu, struct block *block, struct mmu_fault *fault)
{
	const struct paging *paging = mmu->table->paging;

	for (uint32_t i = 0; i < block->count; i++) {
		uint8_t access = block->access[i];
		pte_t *entry = block->entry[i];
		pte_t have = *entry ^ PTE_NO_EXECUTE;
		pte_t marks = PTE_ACCESSED | (access & WALK_WRITE ? PTE_DIRTY | PTE_SOFT_DIRTY : 0);

		if (!paging_is_canonical(paging, block->address[i])) {
			*fault = (struct mmu_fault){WALK_NOT_CANONICAL, paging->levels};
			block->count = i;
			return;
		}
		if (!pte_has(have, needed[access])) {
			*fault = (struct mmu_fault){outcome_of(*entry, access), block->level[i]};
			block->count = i;
			return;
		}
		if (!pte_has(have, marks))
			*entry |= marks;
		block->space[i] = have & PTE_GLOBAL ? TLB_GLOBAL : mmu->space;
	}
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

static void make_keys(const struct mmu *mmu, const struct tlb *tlb, struct block *block)
{
	const struct paging *paging = tlb->paging;
	uint64_t mask = paging_page_number(paging, UINT64_MAX, 0);

	for (uint32_t i = 0; i < block->count; i++) {
		unsigned level = block->level[i];

		block->key[i] =
		    tlb_key((block->address[i] & mask) >> paging->shift[level], level, block->space[i]);
	}
	if (tlb->coalesce_shift == 0)
		return;
	for (uint32_t i = 0; i < block->count; i++) {
		if (block->level[i] == 1 && is_coalescible(mmu, tlb, block->address[i]))
			block->key[i] = tlb_key_of_group(tlb, block->address[i], block->space[i]);
	}
}

/* The walks of what missed both levels. */
static void count_walks(const struct mmu *mmu, struct mmu_model *model, const struct block *block,
			const uint16_t *missed, uint32_t misses)
{
	uint64_t pages[MMU_BLOCK];
	uint8_t levels[MMU_BLOCK];
	const struct paging *paging = mmu->table->paging;
	uint64_t space = (uint64_t)mmu->space << ASSOCIATIVE_SPACE_SHIFT;

	for (uint32_t i = 0; i < misses; i++) {
		pages[i] = paging_page_number(paging, block->address[missed[i]], paging->page_shift) | space;
		levels[i] = block->level[missed[i]];
	}
	walker_count_run(&model->walker, pages, levels, misses);
}

/* How many references in a row each one left in the block stands for: up to the place of the next, the last one up to
 * the place where the block was cut. */
static void count_times(struct block *block, uint32_t end)
{
	block->place[block->count] = (uint16_t)end;
	for (uint32_t i = 0; i < block->count; i++)
		block->times[i] = (uint16_t)(block->place[i + 1] - block->place[i]);
}

static void run_models(struct mmu *mmu, struct block *block, bool has_kinds)
{
	struct tlb_batch batch = {.count = block->count,
				  .keys = block->key,
				  .kinds = has_kinds ? block->kind : NULL,
				  .times = block->times};
	uint16_t missed[MMU_BLOCK];

	for (unsigned i = 0; i < mmu->models; i++) {
		make_keys(mmu, &mmu->model[i].tlb, block);
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
	struct block block;
	uint32_t done = count;

	if (stream->accesses)
		filter_accesses(mmu, stream, count, &block);
	else
		filter_reads(mmu, stream, count, &block);
	block.place[block.count] = (uint16_t)count;
	uint32_t kept = block.count;
	uint32_t leading = block.place[0];

	find_leaves(mmu, &block);
	use_leaves(mmu, &block, fault);
	if (block.count < kept)
		done = block.place[block.count];
	count_leading(mmu, leading);
	count_times(&block, done);
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
	for (unsigned i = 0; i < mmu->models; i++) {
		if (mmu->model[i].tlb.tagged)
			continue;
		tlb_flush_nonglobal(&mmu->model[i].tlb);
		walker_flush_all(&mmu->model[i].walker);
	}
}

void mmu_flush_page(struct mmu *mmu, uint64_t address)
{
	mmu->last = MMU_NO_PAGE;
	for (unsigned i = 0; i < mmu->models; i++)
		tlb_flush_page(&mmu->model[i].tlb, address, mmu->space);
}

void mmu_flush_range(struct mmu *mmu, uint64_t address, uint64_t bytes, bool tables_freed)
{
	uint64_t page = (uint64_t)1 << mmu->table->paging->page_shift;

	mmu->last = MMU_NO_PAGE;
	for (unsigned i = 0; i < mmu->models; i++) {
		if (tables_freed)
			walker_flush_space(&mmu->model[i].walker, mmu->space);
		if (bytes / page > MMU_FLUSH_CEILING_PAGES)
			tlb_flush_space(&mmu->model[i].tlb, mmu->space);
		else if (bytes > 0)
			tlb_flush_range(&mmu->model[i].tlb, address, bytes, mmu->space);
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
	}
}

const char *mmu_check(const struct mmu *mmu)
{
	const char *broken = NULL;

	for (unsigned i = 0; i < mmu->models && !broken; i++)
		broken = tlb_check(&mmu->model[i].tlb);
	return broken;
}
