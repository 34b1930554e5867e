#include "config.h"

#include "bench/page_fragmenter.h"

#include "engine/base/random.h"
#include "engine/policy_memory.h"

#include <stdlib.h>
#include <string.h>

struct block {
	pfn_t pfn;
	unsigned order;
};

struct load {
	struct zone zone;
	struct page_array array;
	struct random random;
	int cpu;
	struct block *block; /* in use */
	uint64_t blocks, pages;
};

static void end(struct load *load)
{
	if (load->zone.name)
		zone_destroy(&load->zone);
	page_array_destroy(&load->array);
	free(load->block);
	free(load);
}

static enum status begin(struct load **result, const struct policy *policy, uint64_t seed)
{
	const struct memory_shape memory = policy_memory_shape(policy);
	struct load *load = calloc(1, sizeof(*load));
	struct zone_shape shape = {
	    .kind = ZONE_NORMAL,
	    .buddy = {.pages = PAGE_FRAGMENTER_PAGES,
		      .max_order = memory.max_order,
		      .placement = memory.placement},
	    .cpus = memory.cpus,
	    .local_cpus = memory.cpus,
	    .tuning = memory.tuning,
	    .keeper = memory.keeper,
	};

	if (!load)
		return STATUS_NO_MEMORY;
	load->random = (struct random){seed};
	load->cpu = memory.cpus > 0 ? 0 : -1;
	load->block = calloc(PAGE_FRAGMENTER_PAGES, sizeof(*load->block));
	shape.array = &load->array;
	enum status status =
	    load->block ? page_array_create(&load->array, 0, PAGE_FRAGMENTER_PAGES) : STATUS_NO_MEMORY;

	if (status == STATUS_OK)
		status = zone_create(&load->zone, &shape);
	if (status != STATUS_OK) {
		end(load);
		return status;
	}
	load->zone.present_pages = PAGE_FRAGMENTER_PAGES;
	zone_add(&load->zone, 0, PAGE_FRAGMENTER_PAGES);
	zone_set_watermarks(&load->zone, 0, 0);
	*result = load;
	return STATUS_OK;
}

static bool take(struct load *load, unsigned order)
{
	const struct zone_request request = {.order = order,
					     .type = MIGRATE_MOVABLE,
					     .flags = ALLOC_NO_WATERMARKS,
					     .highest = ZONE_NORMAL,
					     .cpu = load->cpu};
	const pfn_t pfn = zone_take(&load->zone, &request);

	if (pfn == PFN_NONE)
		return false;
	load->block[load->blocks++] = (struct block){pfn, order};
	load->pages += UINT64_C(1) << order;
	return true;
}

static void give_any(struct load *load)
{
	struct block *block = &load->block[random_below(&load->random, load->blocks)];

	zone_free(&load->zone, load->cpu, block->pfn, block->order);
	load->pages -= UINT64_C(1) << block->order;
	*block = load->block[--load->blocks];
}

static uint64_t huge_pages(const struct zone *zone)
{
	struct free_blocks free;
	uint64_t huge = 0;

	zone_free_blocks(zone, &free);
	for (unsigned order = PAGE_FRAGMENTER_HUGE_ORDER; order < FRAGMENTATION_ORDERS; order++)
		huge += free.blocks[order] << (order - PAGE_FRAGMENTER_HUGE_ORDER);
	return huge;
}

/* A tenth of what is in use. */
static void churn(struct load *load)
{
	const uint64_t count = load->blocks / 10;

	for (uint64_t i = 0; i < count; i++)
		give_any(load);
	for (uint64_t i = 0; i < count; i++)
		(void)take(load, 0);
}

enum status page_fragmenter_run_a(const struct policy *policy, const struct page_fragmenter_load *how,
				  struct page_fragmenter_a *result)
{
	struct load *load;
	enum status status = begin(&load, policy, how->seed);
	unsigned round = 0;

	if (status != STATUS_OK)
		return status;
	while (take(load, 0))
		continue;
	for (uint64_t half = load->blocks / 2; load->blocks > half;)
		give_any(load);
	for (unsigned sample = 0; sample < PAGE_FRAGMENTER_SAMPLES; sample++) {
		for (; round < how->rounds * (sample + 1) / PAGE_FRAGMENTER_SAMPLES; round++)
			churn(load);
		result->sample[sample] = huge_pages(&load->zone);
	}
	if (load->cpu >= 0)
		zone_drain(&load->zone, 0);
	result->huge = huge_pages(&load->zone);
	result->possible = (PAGE_FRAGMENTER_PAGES - load->pages) >> PAGE_FRAGMENTER_HUGE_ORDER;
	end(load);
	return STATUS_OK;
}

enum status page_fragmenter_run_b(const struct policy *policy, const struct page_fragmenter_load *how,
				  struct page_fragmenter_b *result)
{
	const uint64_t most = PAGE_FRAGMENTER_PAGES / 10 * 9, warm_up = how->steps / 3;
	struct load *load;
	enum status status = begin(&load, policy, how->seed);

	if (status != STATUS_OK)
		return status;
	*result = (struct page_fragmenter_b){0};
	for (uint64_t step = 0; step < warm_up + how->steps; step++) {
		/* One in 513 gives both orders the same bytes. */
		const bool is_huge = random_below(&load->random, 513) == 0;
		const unsigned order = is_huge ? PAGE_FRAGMENTER_HUGE_ORDER : 0;

		while (load->pages + (UINT64_C(1) << order) > most)
			give_any(load);
		const bool failed = !take(load, order);

		if (step < warm_up)
			continue;
		*(is_huge ? &result->huge_requests : &result->requests) += 1;
		*(is_huge ? &result->huge_failures : &result->failures) += failed;
	}
	end(load);
	return STATUS_OK;
}
