#include "config.h"

#include "engine/virt/mmu.h"

#include "engine/virt/mmu_leaves.h"
#include "engine/virt/mmu_models.h"

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

/* References at the start of a block that the filter dropped because of the block before: they hit. */
static void count_leading(struct mmu *mmu, uint32_t leading)
{
	uint64_t address = mmu->recent.last >> ACCESS_BITS << mmu->table->paging->page_shift;

	if (leading > 0)
		mmu_models_count(mmu, address, mmu->recent.last & WALK_EXECUTE ? TLB_FETCH : TLB_DATA,
				 leading);
}

/* One block of references through the filter by page: returns how many were done, and how many were kept in *kept. */
static uint32_t run_by_page(struct mmu *mmu, const struct mmu_references *references, uint32_t *kept,
			    struct mmu_fault *fault)
{
	struct mmu_block block;
	uint32_t done = references->count;

	filter_by_page(mmu, references, &block);
	block.filter_shift = 0;
	block.place[block.count] = (uint16_t)done;
	uint32_t leading = block.place[0];

	*kept = block.count;
	mmu_use_leaves(mmu, &block, fault);
	if (block.count < *kept)
		done = block.place[block.count];
	count_leading(mmu, leading);
	block.place[block.count] = (uint16_t)done;
	mmu_models_run(mmu, &block, block.place, false);
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
	block.filter_shift = MMU_SIEVE_SHIFT_MAX;
	memcpy(block.address, references->addresses, block.count * sizeof(*block.address));
	memcpy(block.access, references->accesses, block.count);
	mmu_use_leaves(mmu, &block, fault);
	mmu_models_run(mmu, &block, NULL, false);
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
	block.filter_shift = (unsigned)__builtin_ctz(mmu->recent.sets);
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
	mmu_models_run(mmu, &block, block.place, true);
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

/* Those from `first` on, before `end`: returns how many were done. */
static size_t run_part(struct mmu *mmu, const struct source *source, size_t first, size_t end,
		       struct mmu_fault *fault)
{
	struct source part = *source;
	size_t at = first;

	part.count = end;
	while (at < end && fault->outcome == WALK_FINE)
		at += run_block(mmu, &part, at, fault);
	return at - first;
}

/* --- Loops ---------------------------------------------------------------------------------------------------------- */

/* A round takes so long that comparing what the models hold does not count. */
#define STATE_BYTES_PER_REFERENCE 16u

/* Rounds of a loop, until one leaves the models as it found them; it stands for those that follow. */
static size_t run_rounds(struct mmu *mmu, const struct source *source, const struct mmu_rounds *rounds,
			 struct mmu_fault *fault)
{
	size_t done = 0;

	if (rounds->count == 0)
		return 0;
	(void)mmu_state_note(&mmu->state, mmu->model, mmu->models);
	for (size_t left = rounds->count; left-- > 0 && fault->outcome == WALK_FINE;) {
		size_t first = rounds->first + done;

		mmu_state_note_counts(&mmu->state, mmu->model, mmu->models);
		done += run_part(mmu, source, first, first + rounds->period, fault);
		if (fault->outcome == WALK_FINE && mmu_state_note(&mmu->state, mmu->model, mmu->models)) {
			mmu_state_count_again(&mmu->state, mmu->model, mmu->models, left);
			return done + left * rounds->period;
		}
	}
	return done;
}

static size_t run_columns(struct mmu *mmu, const struct source *source, struct mmu_fault *fault)
{
	size_t least = mmu->state.bytes / STATE_BYTES_PER_REFERENCE + 1;
	size_t done = 0;

	while (done < source->count && fault->outcome == WALK_FINE) {
		struct mmu_rounds rounds =
		    mmu_loop_next(&mmu->loop, source->columns, done, least, mmu->recent.shift);

		done += run_part(mmu, source, done, rounds.first, fault);
		if (fault->outcome == WALK_FINE)
			done += run_rounds(mmu, source, &rounds, fault);
	}
	return done;
}

static size_t run(struct mmu *mmu, const struct source *source, struct mmu_fault *fault)
{
	bool has_loops = source->columns && mmu->is_filtering && mmu->state.bytes > 0;
	size_t done;

	*fault = (struct mmu_fault){WALK_FINE, 0};
	done = has_loops ? run_columns(mmu, source, fault) : run_part(mmu, source, 0, source->count, fault);
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
