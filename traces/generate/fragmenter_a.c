#include "config.h"

#include "traces/generate/fragmenter_a.h"

#include <stdlib.h>

enum { A_HEAP, A_BLOCK, A_KEEP, A_ITERATIONS, A_CHURN };

static const struct workload_key fragmenter_a_keys[] = {
    [A_HEAP] = {"heap_mib", "size of the full heap, MiB", 256, 1, 1 << 20, false},
    [A_BLOCK] = {"block_bytes", "size of every block", 4096, 16, 1 << 30, false},
    [A_KEEP] = {"keep_percent", "blocks that survive the first free", 50, 1, 99, false},
    [A_ITERATIONS] = {"iterations", "rounds of churn", 50, 0, 1 << 20, false},
    [A_CHURN] = {"churn_percent", "blocks replaced in each round", 10, 1, 100, false},
    {0},
};

static size_t fragmenter_a_blocks(const struct settings *settings)
{
	return (size_t)((settings->value[A_HEAP] << 20) / settings->value[A_BLOCK]);
}

static const char *fragmenter_a_fault(const struct settings *settings)
{
	size_t blocks = fragmenter_a_blocks(settings);

	return blocks < 2 || blocks > (size_t)1 << 28 ? "heap_mib must hold 2 to 2^28 blocks of block_bytes"
						      : NULL;
}

/* Frees a random one of the first `live` entries and closes the gap with the last. */
static void fragmenter_a_kill(struct generation *generation, uint64_t *object, size_t live)
{
	size_t victim = (size_t)xoshiro_below(&generation->random, live);

	emitter_free(&generation->emitter, 0, object[victim]);
	object[victim] = object[live - 1];
}

static void fragmenter_a_play(struct generation *generation)
{
	const uint64_t *value = generation->settings->value;
	struct emitter *emitter = &generation->emitter;
	size_t blocks = fragmenter_a_blocks(generation->settings), kept, churn, live = 0;
	uint64_t *object = generation_array(generation, blocks, sizeof(*object));

	if (!object)
		return;
	(void)emitter_thread(emitter, "main");
	kept = blocks * value[A_KEEP] / 100 > 0 ? blocks * value[A_KEEP] / 100 : 1;
	churn = kept * value[A_CHURN] / 100 > 0 ? kept * value[A_CHURN] / 100 : 1;
	while (live < blocks)
		object[live++] = emitter_malloc(emitter, 0, value[A_BLOCK]);
	while (live > kept)
		fragmenter_a_kill(generation, object, live--);
	for (uint64_t round = 1; round <= value[A_ITERATIONS] && emitter_goes_on(emitter, UINT64_MAX);
	     round++) {
		for (size_t count = 0; count < churn; count++)
			fragmenter_a_kill(generation, object, live--);
		while (live < kept)
			object[live++] = emitter_malloc(emitter, 0, value[A_BLOCK]);
		emitter_marker(emitter, 0, round);
	}
	free(object);
}

const struct workload fragmenter_a_workload = {
    .name = "fragmenter-a",
    .summary = "fill with one size, free half at random, then churn: does large free space come back?",
    .key = fragmenter_a_keys,
    .fault = fragmenter_a_fault,
    .play = fragmenter_a_play,
};
