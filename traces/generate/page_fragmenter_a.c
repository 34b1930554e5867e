#include "config.h"

#include "traces/generate/page_fragmenter_a.h"

#include "traces/generate/page_load.h"

enum { A_MEMORY, A_KEEP, A_ROUNDS, A_CHURN };

static const struct workload_key keys[] = {
    [A_MEMORY] = {"memory_mib", "memory of the machine, MiB, a multiple of 4", 256, 4, PAGE_LOAD_MIB_MAX,
		  false},
    [A_KEEP] = {"keep_percent", "pages that survive the first free", 50, 1, 99, false},
    [A_ROUNDS] = {"rounds", "rounds of churn", 200, 0, 1 << 20, false},
    [A_CHURN] = {"churn_percent", "pages in use that are replaced in each round", 10, 1, 100, false},
    {0},
};

static const char *fault(const struct settings *settings)
{
	return settings->value[A_MEMORY] % 4 ? "memory_mib must be a multiple of 4" : NULL;
}

static void churn(struct page_load *load, uint64_t percent)
{
	const uint64_t count = load->blocks * percent / 100;

	for (uint64_t i = 0; i < count; i++)
		page_load_give_any(load);
	for (uint64_t i = 0; i < count; i++)
		(void)page_load_take(load, 0);
}

static void play(struct generation *generation)
{
	const uint64_t *value = generation->settings->value;
	struct page_load load;

	if (!page_load_begin(&load, generation, value[A_MEMORY]))
		return;
	while (load.pages < load.capacity)
		(void)page_load_take(&load, 0);
	while (load.pages > load.capacity * value[A_KEEP] / 100)
		page_load_give_any(&load);
	for (uint64_t round = 1;
	     round <= value[A_ROUNDS] && emitter_goes_on(&generation->emitter, UINT64_MAX); round++) {
		churn(&load, value[A_CHURN]);
		emitter_marker(&generation->emitter, load.thread, round);
	}
	page_load_end(&load);
}

const struct workload page_fragmenter_a_workload = {
    .name = "page-fragmenter-a",
    .summary = "a kernel recording: fill a machine with single pages, free half at random, churn: do huge "
	       "pages come back?",
    .key = keys,
    .has_time = true,
    .fault = fault,
    .play = play,
};
