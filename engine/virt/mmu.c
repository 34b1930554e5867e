#include "config.h"

#include "engine/virt/mmu.h"

#include "engine/base/check.h"
#include "engine/virt/mmu_models.h"

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
	}
	mmu->lacks_fetch |= tlb->route[0][TLB_FETCH][1] == TLB_NO_PART;
}

enum status mmu_create(struct mmu *mmu, const struct pagetable *table, const struct tlb_geometry *geometries,
		       unsigned models)
{
	enum status status = models <= MMU_MODELS_MAX ? STATUS_OK : STATUS_LIMIT;

	*mmu = (struct mmu){.table = table,
			    .is_filtering = true,
			    .stages = mmu_stages_fastest(),
			    .make_keys = key_recipe_fastest()};
	mmu->recent.sets = MMU_RECENT_SETS_MAX;
	mmu->recent.shift = table->paging->page_shift;
	mmu_recent_forget(&mmu->recent);
	mmu_sieve_forget(&mmu->sieve);
	if (status == STATUS_OK)
		status = mmu_regions_create(&mmu->regions, table->paging);
	for (unsigned i = 0; i < models && status == STATUS_OK; i++) {
		status = create_model(&mmu->model[i], table->paging, &geometries[i]);
		mmu->models += status == STATUS_OK;
		if (status != STATUS_OK)
			break;
		limit_sets(mmu, &mmu->model[i].tlb);
		mmu_models_add(mmu, i);
	}
	if (status == STATUS_OK)
		status = mmu_state_create(&mmu->state, mmu->model, mmu->models);
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
	mmu_state_destroy(&mmu->state);
	mmu_regions_destroy(&mmu->regions);
}

/* --- Switching and flushing ----------------------------------------------------------------------------------------- */

void mmu_switch(struct mmu *mmu, const struct pagetable *table, uint16_t space)
{
	CHECK(table->paging == mmu->table->paging && space != TLB_GLOBAL,
	      "a processor's page tables have one shape, and a space is not the global one");
	mmu->table = table;
	mmu->space = space;
	mmu_recent_forget(&mmu->recent);
	mmu_sieve_forget(&mmu->sieve);
	mmu_regions_forget(&mmu->regions);
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
	mmu_recent_forget(&mmu->recent);
	mmu_sieve_forget(&mmu->sieve);
	mmu_regions_forget_range(&mmu->regions, address, 1);
	for (unsigned i = 0; i < mmu->models; i++) {
		tlb_flush_page(&mmu->model[i].tlb, address, mmu->space);
		flush_walks(mmu, &mmu->model[i], false);
	}
}

void mmu_flush_range(struct mmu *mmu, uint64_t address, uint64_t bytes, bool tables_freed)
{
	mmu_recent_forget(&mmu->recent);
	mmu_sieve_forget(&mmu->sieve);
	mmu_regions_forget_range(&mmu->regions, address, bytes);
	for (unsigned i = 0; i < mmu->models && (bytes > 0 || tables_freed); i++) {
		tlb_flush_range(&mmu->model[i].tlb, address, bytes, mmu->space);
		flush_walks(mmu, &mmu->model[i], tables_freed);
	}
}

void mmu_flush_space(struct mmu *mmu, uint16_t space)
{
	mmu_recent_forget(&mmu->recent);
	mmu_sieve_forget(&mmu->sieve);
	mmu_regions_forget(&mmu->regions);
	for (unsigned i = 0; i < mmu->models; i++) {
		tlb_flush_space(&mmu->model[i].tlb, space);
		walker_flush_space(&mmu->model[i].walker, space);
	}
}

void mmu_flush_all(struct mmu *mmu)
{
	mmu_recent_forget(&mmu->recent);
	mmu_sieve_forget(&mmu->sieve);
	mmu_regions_forget(&mmu->regions);
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
