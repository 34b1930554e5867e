#include "config.h"

#include "engine/virt/mmu.h"

#include "engine/base/check.h"
#include "engine/virt/mmu_leaves.h"

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

/* The filter's sets must divide those of level 1. */
static void limit_sets(struct mmu *mmu, const struct tlb *tlb)
{
	for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
		uint8_t part = tlb->route[0][kind][1];
		uint32_t sets = MMU_RECENT_SETS_MAX;

		if (part != TLB_NO_PART)
			sets = 1u << tlb->part[part].even_shift;
		if (tlb->coalesce_shift > 0 || (part == TLB_NO_PART && kind == TLB_DATA))
			sets = 1;
		if (sets < mmu->recent.sets)
			mmu->recent.sets = sets;
		for (unsigned level = 1; level <= tlb->paging->levels; level++)
			mmu->lacks_part[kind] |= paging_may_be_leaf(tlb->paging, level) &&
						 tlb->route[0][kind][level] == TLB_NO_PART;
	}
	mmu->lacks_fetch |= tlb->route[0][TLB_FETCH][1] == TLB_NO_PART;
}

enum status mmu_create(struct mmu *mmu, const struct pagetable *table, const struct tlb_geometry *geometries,
		       unsigned models)
{
	enum status status = models <= MMU_MODELS_MAX ? STATUS_OK : STATUS_LIMIT;

	*mmu = (struct mmu){
	    .table = table, .is_filtering = true, .last = MMU_NO_PAGE, .stages = mmu_stages_fastest()};
	mmu->recent.sets = MMU_RECENT_SETS_MAX;
	mmu->recent.shift = table->paging->page_shift;
	mmu_recent_forget(&mmu->recent);
	for (unsigned i = 0; i < models && status == STATUS_OK; i++) {
		status = create_model(&mmu->model[i], table->paging, &geometries[i]);
		mmu->models += status == STATUS_OK;
		if (status == STATUS_OK)
			limit_sets(mmu, &mmu->model[i].tlb);
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

/* What misses always must not be dropped. */
static bool may_filter(const struct mmu *mmu, const struct mmu_references *references)
{
	unsigned seen = 0;

	for (uint32_t i = 0; i < references->count && mmu->lacks_part[TLB_FETCH]; i++)
		seen |= references->accesses[i];
	return mmu->is_filtering && !mmu->lacks_part[TLB_DATA] && !(seen & WALK_EXECUTE);
}

static void filter(const struct mmu *mmu, const struct mmu_references *references, struct mmu_block *block)
{
	unsigned shift = mmu->table->paging->page_shift;

	block->count = references->count;
	if (!may_filter(mmu, references)) {
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

/* True when the group of pages around an address is contiguous in physical memory and alike in its rights. */
static bool is_coalescible(const struct mmu *mmu, const struct tlb *tlb, uint64_t address)
{
	const struct paging *paging = mmu->table->paging;
	uint64_t pages = (uint64_t)1 << tlb->coalesce_shift;
	uint64_t first = address & ~((pages << paging->page_shift) - 1);
	pte_t rights = PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_GLOBAL | PTE_NO_EXECUTE;
	unsigned level;
	const pte_t *group = mmu_find_leaf(mmu->table, first, &level);

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

static void run_models(struct mmu *mmu, struct mmu_block *block, bool is_counted)
{
	struct tlb_batch batch = {.count = block->count,
				  .kinds = block->has_fetches ? block->kind : NULL,
				  .places = block->place,
				  .is_counted = is_counted};
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
	(void)mmu_find_leaf(mmu->table, address, &level);
	for (unsigned i = 0; i < mmu->models; i++) {
		struct tlb *tlb = &mmu->model[i].tlb;
		bool is_group = tlb->coalesce_shift > 0 && level == 1 && is_coalescible(mmu, tlb, address);

		tlb->counts.accesses[kind][is_group ? TLB_CLASS_COALESCED : level] += leading;
	}
}

/* When a filter drops less than one in so many, it costs more than it saves. */
#define WORTH_DROPPING 4u
#define PAUSE_BLOCKS 16u

/* One block of references: returns how many were done. */
static uint32_t run_block(struct mmu *mmu, const struct mmu_references *references, struct mmu_fault *fault)
{
	struct mmu_block block;
	uint32_t done = references->count;

	filter(mmu, references, &block);
	block.place[block.count] = (uint16_t)done;
	uint32_t kept = block.count;

	uint32_t leading = block.place[0];

	mmu_use_leaves(mmu, &block, fault);
	if (block.count < kept)
		done = block.place[block.count];
	count_leading(mmu, leading);
	block.place[block.count] = (uint16_t)done;
	run_models(mmu, &block, false);
	if (done > 0)
		mmu->last = references->addresses[done - 1] >> mmu->table->paging->page_shift << ACCESS_BITS |
			    (references->accesses[done - 1] & MMU_ACCESS_MASK);
	return done;
}

/* --- Streams -------------------------------------------------------------------------------------------------------- */

/* Either of the two forms. */
struct source {
	const struct mmu_stream *stream;   /* or NULL */
	const struct mmu_columns *columns; /* or NULL */
	size_t count;
};

/* Room for references of columns, and accesses for a stream that has none. */
struct scratch {
	uint64_t addresses[MMU_BLOCK];
	uint8_t accesses[MMU_BLOCK];
};

/* At most `most` references from `first` on. */
static struct mmu_references fetch(const struct source *source, size_t first, uint32_t most,
				   struct scratch *scratch)
{
	const struct mmu_columns *columns = source->columns;
	size_t left = source->count - first;
	struct mmu_references references = {scratch->addresses, scratch->accesses,
					    left < most ? (uint32_t)left : most};

	if (source->stream) {
		references.addresses = source->stream->addresses + first;
		if (source->stream->accesses)
			references.accesses = source->stream->accesses + first;
		else
			memset(scratch->accesses, WALK_USER, references.count);
		return references;
	}
	for (uint32_t i = 0; i < references.count; i++)
		scratch->addresses[i] =
		    columns->where[columns->context[first + i]] + columns->offset[first + i];
	for (uint32_t i = 0; i < references.count; i++)
		scratch->accesses[i] = columns->access[columns->shape[first + i]];
	return references;
}

/* True when all leaves are of level 1. */
static bool is_of_small_pages(const struct mmu_block *block)
{
	if (block->levels == 1u << 1)
		return true;
	for (uint32_t i = 0; i < block->count; i++) {
		if (block->level[i] != 1)
			return false;
	}
	return true;
}

/* How many of `count` references are fetches. */
static uint64_t count_fetches(const struct source *source, size_t first, uint32_t count)
{
	struct scratch scratch;
	uint64_t fetches = 0;

	for (uint32_t done = 0; done < count;) {
		struct mmu_references references = fetch(
		    source, first + done, count - done < MMU_BLOCK ? count - done : MMU_BLOCK, &scratch);

		for (uint32_t i = 0; i < references.count; i++)
			fetches += (references.accesses[i] & WALK_EXECUTE) != 0;
		done += references.count;
	}
	return fetches;
}

/* References that go through the filter at once, and so many until the filter's room is used. */
#define CHUNK 128u
#define BLOCK_REFERENCES_MAX 32768u

/* References from `at` on through the filter, as the next of the block: adds how many to block->references. */
static void filter_chunk(struct mmu *mmu, const struct source *source, size_t at, struct mmu_block *block)
{
	size_t left = source->count - at;
	uint32_t count = left < CHUNK ? (uint32_t)left : CHUNK;

	if (source->columns) {
		struct mmu_columns columns = *source->columns;

		columns.context += at;
		columns.offset += at;
		columns.shape += at;
		columns.count = count;
		mmu_recent_filter_columns(&mmu->recent, block, &columns, block->references);
	} else {
		struct scratch scratch;
		struct mmu_references references = fetch(source, at, count, &scratch);

		mmu_recent_filter(&mmu->recent, block, &references, block->references);
	}
	block->references += count;
}

/* One block through the filter by sets: returns how many references were done; 0, and a pause, when the filter may not be used
 * for them. */
static uint32_t run_filtered(struct mmu *mmu, const struct source *source, size_t first,
			     struct mmu_fault *fault)
{
	struct mmu_block block;

	block.count = block.references = block.seen = 0;
	while (block.count <= MMU_BLOCK - CHUNK && block.references < BLOCK_REFERENCES_MAX &&
	       first + block.references < source->count)
		filter_chunk(mmu, source, first + block.references, &block);
	uint32_t done = block.references;
	uint32_t kept = block.count;

	mmu_use_leaves(mmu, &block, fault);
	if (!is_of_small_pages(&block) || ((block.seen & WALK_EXECUTE) && mmu->lacks_fetch)) {
		*fault = (struct mmu_fault){WALK_FINE, 0};
		mmu->pause = PAUSE_BLOCKS;
		return 0;
	}
	if (block.count < kept)
		done = block.place[block.count];
	uint64_t fetches = block.seen & WALK_EXECUTE ? count_fetches(source, first, done) : 0;

	for (unsigned i = 0; i < mmu->models; i++) {
		mmu->model[i].tlb.counts.accesses[TLB_FETCH][1] += fetches;
		mmu->model[i].tlb.counts.accesses[TLB_DATA][1] += done - fetches;
	}
	run_models(mmu, &block, true);
	if (kept > done - done / WORTH_DROPPING)
		mmu->pause = PAUSE_BLOCKS;
	return done;
}

static void forget_recent(struct mmu *mmu)
{
	mmu->last = MMU_NO_PAGE;
	mmu_recent_forget(&mmu->recent);
}

static size_t run(struct mmu *mmu, const struct source *source, struct mmu_fault *fault)
{
	struct scratch scratch;
	size_t done = 0;

	*fault = (struct mmu_fault){WALK_FINE, 0};
	while (done < source->count && fault->outcome == WALK_FINE) {
		if (mmu->is_filtering && mmu->pause == 0 && mmu->recent.sets > 1) {
			done += run_filtered(mmu, source, done, fault);
			if (mmu->pause > 0 || fault->outcome != WALK_FINE)
				forget_recent(mmu);
			continue;
		}
		struct mmu_references references = fetch(source, done, MMU_BLOCK, &scratch);

		done += run_block(mmu, &references, fault);
		mmu->pause -= mmu->pause > 0;
	}
	mmu->references += done;
	mmu->faults += fault->outcome != WALK_FINE;
	return done;
}

size_t mmu_run(struct mmu *mmu, const struct mmu_stream *stream, struct mmu_fault *fault)
{
	return run(mmu, &(struct source){.stream = stream, .count = stream->count}, fault);
}

size_t mmu_run_columns(struct mmu *mmu, const struct mmu_columns *columns, struct mmu_fault *fault)
{
	return run(mmu, &(struct source){.columns = columns, .count = columns->count}, fault);
}

/* --- Switching and flushing ----------------------------------------------------------------------------------------- */

void mmu_switch(struct mmu *mmu, const struct pagetable *table, uint16_t space)
{
	CHECK(table->paging == mmu->table->paging && space != TLB_GLOBAL,
	      "a processor's page tables have one shape, and a space is not the global one");
	mmu->table = table;
	mmu->space = space;
	forget_recent(mmu);
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
	forget_recent(mmu);
	for (unsigned i = 0; i < mmu->models; i++) {
		tlb_flush_page(&mmu->model[i].tlb, address, mmu->space);
		flush_walks(mmu, &mmu->model[i], false);
	}
}

void mmu_flush_range(struct mmu *mmu, uint64_t address, uint64_t bytes, bool tables_freed)
{
	forget_recent(mmu);
	for (unsigned i = 0; i < mmu->models && (bytes > 0 || tables_freed); i++) {
		tlb_flush_range(&mmu->model[i].tlb, address, bytes, mmu->space);
		flush_walks(mmu, &mmu->model[i], tables_freed);
	}
}

void mmu_flush_space(struct mmu *mmu, uint16_t space)
{
	forget_recent(mmu);
	for (unsigned i = 0; i < mmu->models; i++) {
		tlb_flush_space(&mmu->model[i].tlb, space);
		walker_flush_space(&mmu->model[i].walker, space);
	}
}

void mmu_flush_all(struct mmu *mmu)
{
	forget_recent(mmu);
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
