#include "config.h"

#include "traces/generate/page_fragmenter_b.h"

#include "traces/generate/page_load.h"

enum { B_MEMORY, B_USE, B_ALLOCATIONS };

static const struct workload_key keys[] = {
    [B_MEMORY] = {"memory_mib", "memory of the machine, MiB, a multiple of 4", 1024, 16, PAGE_LOAD_MIB_MAX,
		  false},
    [B_USE] = {"use_percent", "of it that is in use at most", 90, 10, 100, false},
    [B_ALLOCATIONS] = {"allocations", "allocations in all", 600000, 1, UINT64_C(1) << 32, false},
    {0},
};

static const char *fault(const struct settings *settings)
{
	return settings->value[B_MEMORY] % 4 ? "memory_mib must be a multiple of 4" : NULL;
}

static void play(struct generation *generation)
{
	const uint64_t *value = generation->settings->value;
	struct page_load load;

	if (!page_load_begin(&load, generation, value[B_MEMORY]))
		return;
	const uint64_t most = load.capacity * value[B_USE] / 100;

	for (uint64_t i = 0; i < value[B_ALLOCATIONS] && emitter_goes_on(&generation->emitter, UINT64_MAX);
	     i++) {
		/* One in 513 gives both orders the same bytes. */
		const bool is_huge = xoshiro_below(&generation->random, FRAME_POOL_BLOCK + 1) == 0;
		const unsigned order = is_huge ? FRAME_POOL_ORDER : 0;

		while (load.pages + (UINT64_C(1) << order) > most)
			page_load_give_any(&load);
		(void)page_load_take(&load, order);
	}
	page_load_end(&load);
}

const struct workload page_fragmenter_b_workload = {
    .name = "page-fragmenter-b",
    .summary = "a kernel recording: pages of 4 KiB and 2 MiB in a machine that is 90 % in use: does a huge "
	       "one find room?",
    .key = keys,
    .has_time = true,
    .fault = fault,
    .play = play,
};
