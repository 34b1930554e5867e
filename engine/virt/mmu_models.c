#include "config.h"

#include "engine/virt/mmu_models.h"

#include "engine/virt/mmu_leaves.h"

/* --- Order ---------------------------------------------------------------------------------------------------------- */

static void find_lacking(struct mmu *mmu, struct mmu_model *model)
{
	const struct tlb *tlb = &model->tlb;

	for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
		for (unsigned level = 1; level <= tlb->paging->levels; level++) {
			if (!paging_may_be_leaf(tlb->paging, level) ||
			    tlb->route[0][kind][level] != TLB_NO_PART)
				continue;
			mmu->lacks_part[kind] = true;
			model->lacks[kind] |= 1u << level;
		}
	}
}

/* Puts the model, which is the last one, in its place among those before. */
static void order_model(struct mmu *mmu, unsigned number)
{
	unsigned at = number;

	mmu->model[number].sieve_shift = mmu_sieve_shift(&mmu->model[number].tlb);
	for (; at > 0 && mmu->model[mmu->order[at - 1]].sieve_shift > mmu->model[number].sieve_shift; at--)
		mmu->order[at] = mmu->order[at - 1];
	mmu->order[at] = (uint8_t)number;
}

void mmu_models_add(struct mmu *mmu, unsigned number)
{
	find_lacking(mmu, &mmu->model[number]);
	order_model(mmu, number);
}

/* --- Blocks --------------------------------------------------------------------------------------------------------- */

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

static bool is_plain(const struct mmu_block *block)
{
	return block->is_plain && !block->has_fetches && block->level[0] == 1;
}

/* A block of pages of the smallest size, read and written: only keys go from stage to stage. */
static void run_plain(struct mmu_model *model, const struct tlb_batch *batch)
{
	uint64_t passed[MMU_BLOCK];
	uint32_t misses = tlb_pass(&model->tlb, batch, passed);

	walker_count_run(&model->walker, passed, NULL, misses);
}

/* All keys of the block through one model. */
static void run_whole(const struct mmu *mmu, struct mmu_model *model, struct mmu_block *block,
		      const struct tlb_batch *of)
{
	struct tlb_batch batch = *of;
	uint16_t missed[MMU_BLOCK];

	batch.keys = keys_for(mmu, &model->tlb, block);
	if (is_plain(block) && batch.keys == block->key && !model->host) {
		run_plain(model, &batch);
		return;
	}
	uint32_t misses = tlb_run(&model->tlb, &batch, missed);

	count_walks(mmu, model, block, missed, misses);
}

/* Those that the sieves let through. */
static void run_sieved(const struct mmu *mmu, struct mmu_model *model, const struct mmu_block *block,
		       const struct mmu_sieved *keys)
{
	struct tlb_batch batch = {.count = keys->count,
				  .keys = keys->key,
				  .kinds = keys->has_fetches ? keys->kind : NULL,
				  .is_counted = true};
	uint16_t missed[MMU_BLOCK];

	if (is_plain(block) && !model->host) {
		run_plain(model, &batch);
		return;
	}
	uint32_t misses = tlb_run(&model->tlb, &batch, missed);

	for (uint32_t i = 0; i < misses; i++)
		missed[i] = keys->number[missed[i]];
	count_walks(mmu, model, block, missed, misses);
}

/* What the block's references add to the accesses of a model. */
struct access_sums {
	uint64_t of[TLB_KINDS][TLB_CLASSES];
};

static void sum_accesses(const struct mmu_block *block, const uint16_t *places, struct access_sums *sums)
{
	*sums = (struct access_sums){0};
	if (is_plain(block)) {
		sums->of[TLB_DATA][1] =
		    places ? (uint64_t)(places[block->count] - places[0]) : (uint64_t)block->count;
		return;
	}
	for (uint32_t i = 0; i < block->count; i++)
		sums->of[block->has_fetches ? block->kind[i] : TLB_DATA][block->level[i]] +=
		    places ? (uint64_t)(places[i + 1] - places[i]) : 1;
}

static void add_accesses(struct tlb_counts *counts, const struct access_sums *sums)
{
	for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
		for (unsigned class = 0; class < TLB_CLASSES; class ++)
			counts->accesses[kind][class] += sums->of[kind][class];
	}
}

/* A sieve is of no use where a filter as fine let references through: those of pages of the smallest size, and data alone. */
static bool is_sieved(const struct mmu_block *block, unsigned shift)
{
	return block->levels != 1u << 1 || block->has_fetches || shift > block->filter_shift;
}

static void sieve(struct mmu *mmu, const struct mmu_block *block, unsigned shift, struct mmu_sieved *keys)
{
	if (is_sieved(block, shift))
		mmu_sieve_pass(&mmu->sieve, shift, keys);
	else
		mmu_sieve_skip(&mmu->sieve, shift);
}

/* Not all that goes to the model has a place in its level 1, or is a page by itself: it takes all keys. */
static bool takes_all(const struct mmu *mmu, const struct mmu_model *model, const struct mmu_block *block)
{
	return !mmu->is_filtering || model->tlb.coalesce_shift > 0 ||
	       (model->lacks[TLB_DATA] & block->levels) ||
	       (block->has_fetches && (model->lacks[TLB_FETCH] & block->levels));
}

void mmu_models_run(struct mmu *mmu, struct mmu_block *block, const uint16_t *places, bool is_counted)
{
	const struct tlb_batch whole = {.count = block->count,
					.kinds = block->has_fetches ? block->kind : NULL,
					.places = places,
					.is_counted = is_counted};
	unsigned passed = UINT32_MAX;
	struct access_sums sums = {0};
	struct mmu_sieved keys;

	keys.count = UINT32_MAX;
	for (unsigned i = 0; i < mmu->models; i++) {
		struct mmu_model *model = &mmu->model[mmu->order[i]];

		if (takes_all(mmu, model, block) ||
		    (keys.count == UINT32_MAX && !is_sieved(block, model->sieve_shift))) {
			if (model->sieve_shift != passed)
				mmu_sieve_skip(&mmu->sieve, model->sieve_shift);
			run_whole(mmu, model, block, &whole);
			continue;
		}
		if (keys.count == UINT32_MAX) {
			mmu_sieve_begin(&keys, block);
			if (!is_counted)
				sum_accesses(block, places, &sums);
		}
		if (model->sieve_shift != passed)
			sieve(mmu, block, model->sieve_shift, &keys);
		passed = model->sieve_shift;
		add_accesses(&model->tlb.counts, &sums);
		run_sieved(mmu, model, block, &keys);
	}
}

/* --- References that were dropped ----------------------------------------------------------------------------------- */

void mmu_models_count(struct mmu *mmu, uint64_t address, enum tlb_kind kind, uint32_t references)
{
	unsigned level;

	(void)mmu_find_leaf(mmu->table, address, &level);
	for (unsigned i = 0; i < mmu->models; i++) {
		struct tlb *tlb = &mmu->model[i].tlb;
		bool is_group = tlb->coalesce_shift > 0 && level == 1 && is_coalescible(mmu, tlb, address);

		tlb->counts.accesses[kind][is_group ? TLB_CLASS_COALESCED : level] += references;
	}
}
