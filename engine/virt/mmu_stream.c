#include "config.h"

#include "engine/virt/mmu.h"

#include "engine/virt/mmu_leaves.h"

#include <string.h>

#define ACCESS_BITS 3

/* --- Stages --------------------------------------------------------------------------------------------------------- */

/* What misses always must not be dropped. */
static bool may_filter(const struct mmu *mmu, const struct mmu_references *references)
{
	unsigned seen = 0;

	for (uint32_t i = 0; i < references->count && mmu->lacks_part[TLB_FETCH]; i++)
		seen |= references->accesses[i];
	return !mmu->lacks_part[TLB_DATA] && !(seen & WALK_EXECUTE);
}

static void filter_by_page(const struct mmu *mmu, const struct mmu_references *references,
			   struct mmu_block *block)
{
	unsigned shift = mmu->table->paging->page_shift;
	uint64_t last = mmu->recent.last;

	mmu->stages.filter(block, references, shift);
	if (last == MMU_NO_PAGE || block->address[0] >> shift != last >> ACCESS_BITS ||
	    !mmu_access_adds_nothing(last & MMU_ACCESS_MASK, block->access[0]))
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
	for (uint32_t i = 0; i < misses; i++) {
		pages[i] = paging_page_number(paging, block->address[missed[i]], paging->page_shift) | space;
		levels[i] = block->level[missed[i]];
	}
	walker_count_run(&model->walker, pages, levels, misses);
}

/* A block of pages of the smallest size, read and written: only keys go from stage to stage. */
static void run_plain(struct mmu_model *model, const struct tlb_batch *batch)
{
	uint64_t passed[MMU_BLOCK];
	uint32_t misses = tlb_pass(&model->tlb, batch, passed);

	walker_count_run(&model->walker, passed, NULL, misses);
}

/* `places` of the block's references in the stream, or NULL when none was dropped. */
static void run_models(struct mmu *mmu, struct mmu_block *block, const uint16_t *places, bool is_counted)
{
	struct tlb_batch batch = {.count = block->count,
				  .kinds = block->has_fetches ? block->kind : NULL,
				  .places = places,
				  .is_counted = is_counted};
	bool is_plain = block->is_plain && !block->has_fetches && block->level[0] == 1;
	uint16_t missed[MMU_BLOCK];

	for (unsigned i = 0; i < mmu->models; i++) {
		struct mmu_model *model = &mmu->model[i];

		batch.keys = keys_for(mmu, &model->tlb, block);
		if (is_plain && batch.keys == block->key && !model->host) {
			run_plain(model, &batch);
		} else {
			uint32_t misses = tlb_run(&model->tlb, &batch, missed);

			count_walks(mmu, model, block, missed, misses);
		}
	}
}

/* References at the start of a block that the filter dropped because of the block before: they hit. */
static void count_leading(struct mmu *mmu, uint32_t leading)
{
	unsigned level;
	uint64_t address = mmu->recent.last >> ACCESS_BITS << mmu->table->paging->page_shift;
	unsigned kind = mmu->recent.last & WALK_EXECUTE ? TLB_FETCH : TLB_DATA;

	if (leading == 0)
		return;
	(void)mmu_find_leaf(mmu->table, address, &level);
	for (unsigned i = 0; i < mmu->models; i++) {
		struct tlb *tlb = &mmu->model[i].tlb;
		bool is_group = tlb->coalesce_shift > 0 && level == 1 && is_coalescible(mmu, tlb, address);

		tlb->counts.accesses[kind][is_group ? TLB_CLASS_COALESCED : level] += leading;
	}
}

/* One block of references through the filter by page: returns how many were done, and how many were kept in *kept. */
static uint32_t run_by_page(struct mmu *mmu, const struct mmu_references *references, uint32_t *kept,
			    struct mmu_fault *fault)
{
	struct mmu_block block;
	uint32_t done = references->count;

	filter_by_page(mmu, references, &block);
	block.place[block.count] = (uint16_t)done;
	uint32_t leading = block.place[0];

	*kept = block.count;
	mmu_use_leaves(mmu, &block, fault);
	if (block.count < *kept)
		done = block.place[block.count];
	count_leading(mmu, leading);
	block.place[block.count] = (uint16_t)done;
	run_models(mmu, &block, block.place, false);
	if (done > 0)
		mmu->recent.last = references->addresses[done - 1] >> mmu->table->paging->page_shift
									  << ACCESS_BITS |
				   (references->accesses[done - 1] & MMU_ACCESS_MASK);
	return done;
}

/* One block of references, all of them: returns how many were done. */
static uint32_t run_whole(struct mmu *mmu, const struct mmu_references *references, struct mmu_fault *fault)
{
	struct mmu_block block;

	block.count = references->count;
	memcpy(block.address, references->addresses, block.count * sizeof(*block.address));
	memcpy(block.access, references->accesses, block.count);
	mmu_use_leaves(mmu, &block, fault);
	run_models(mmu, &block, NULL, false);
	mmu->recent.last = MMU_NO_PAGE;
	return block.count;
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

/* One block through the filter by sets: returns how many references were done, and how many were kept in *kept; 0 when the
 * filter may not be used for them. */
static uint32_t run_by_set(struct mmu *mmu, const struct source *source, size_t first, uint32_t *kept,
			   struct mmu_fault *fault)
{
	struct mmu_block block;

	block.count = block.references = block.seen = 0;
	while (block.count <= MMU_BLOCK - CHUNK && block.references < BLOCK_REFERENCES_MAX &&
	       first + block.references < source->count)
		filter_chunk(mmu, source, first + block.references, &block);
	uint32_t done = block.references;

	*kept = block.count;
	mmu_use_leaves(mmu, &block, fault);
	if (!is_of_small_pages(&block) || ((block.seen & WALK_EXECUTE) && mmu->lacks_fetch)) {
		*fault = (struct mmu_fault){WALK_FINE, 0};
		return 0;
	}
	if (block.count < *kept)
		done = block.place[block.count];
	uint64_t fetches = block.seen & WALK_EXECUTE ? count_fetches(source, first, done) : 0;

	for (unsigned i = 0; i < mmu->models; i++) {
		mmu->model[i].tlb.counts.accesses[TLB_FETCH][1] += fetches;
		mmu->model[i].tlb.counts.accesses[TLB_DATA][1] += done - fetches;
	}
	run_models(mmu, &block, block.place, true);
	return done;
}

/* --- Which filter ------------------------------------------------------------------------------------------------------ */

/* Blocks until another filter is tried. */
#define PATIENCE 64u

static void use_filter(struct mmu *mmu, enum mmu_filter_kind filter, uint32_t patience)
{
	if (mmu->filter != filter)
		mmu_recent_forget(&mmu->recent);
	mmu->filter = filter;
	mmu->patience = patience;
}

/* After a block of which the filter has kept so many of those that were done. By page is the cheapest, and stays as long as
 * it drops nearly all. */
static void choose_filter(struct mmu *mmu, uint32_t kept, uint32_t done)
{
	bool drops_most = kept <= done / 16;
	bool drops_few = kept > done - done / 8;
	bool is_over = mmu->patience == 0;

	mmu->patience -= !is_over;
	if (mmu->filter == MMU_BY_PAGE && drops_most)
		mmu->patience = PATIENCE;
	else if (mmu->filter == MMU_BY_PAGE && is_over && mmu->recent.sets > 1)
		use_filter(mmu, MMU_BY_SET, PATIENCE);
	else if (mmu->filter != MMU_WHOLE && drops_few)
		use_filter(mmu, MMU_WHOLE, PATIENCE);
	else if (is_over || (mmu->filter == MMU_BY_SET && kept > done - done / 4))
		use_filter(mmu, MMU_BY_PAGE, mmu->filter == MMU_BY_SET && !is_over ? PATIENCE : 0);
}

/* One block: returns how many references were done. */
static uint32_t run_block(struct mmu *mmu, const struct source *source, size_t first, struct mmu_fault *fault)
{
	struct scratch scratch;
	uint32_t done, kept;

	if (mmu->is_filtering && mmu->filter == MMU_BY_SET) {
		done = run_by_set(mmu, source, first, &kept, fault);
		if (done == 0 && fault->outcome == WALK_FINE)
			use_filter(mmu, MMU_BY_PAGE, PATIENCE);
		else
			choose_filter(mmu, kept, done);
		return done;
	}
	struct mmu_references references = fetch(source, first, MMU_BLOCK, &scratch);

	if (mmu->is_filtering && mmu->filter == MMU_BY_PAGE && may_filter(mmu, &references)) {
		done = run_by_page(mmu, &references, &kept, fault);
	} else {
		done = run_whole(mmu, &references, fault);
		kept = done;
	}
	choose_filter(mmu, kept, done);
	return done;
}

static size_t run(struct mmu *mmu, const struct source *source, struct mmu_fault *fault)
{
	size_t done = 0;

	*fault = (struct mmu_fault){WALK_FINE, 0};
	while (done < source->count && fault->outcome == WALK_FINE)
		done += run_block(mmu, source, done, fault);
	if (fault->outcome != WALK_FINE && mmu->filter == MMU_BY_SET)
		mmu_recent_forget(&mmu->recent);
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
