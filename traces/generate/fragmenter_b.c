#include "config.h"

#include "traces/generate/fragmenter_b.h"

#include <stdlib.h>

enum { B_HEAP, B_SMALL, B_HUGE, B_OCCUPANCY, B_EVENTS };

static const struct workload_key fragmenter_b_keys[] = {
    [B_HEAP] = {"heap_mib", "size of the heap, MiB", 256, 1, 1 << 20, false},
    [B_SMALL] = {"small_bytes", "size of a small block", 4096, 16, 1 << 30, false},
    [B_HUGE] = {"huge_bytes", "size of a huge block", 2 << 20, 16, UINT64_C(1) << 40, false},
    [B_OCCUPANCY] = {"occupancy_percent", "share of the heap that is live", 90, 1, 100, false},
    [B_EVENTS] = {"events", "length of the trace", 500000, 1, UINT64_C(100000000000), false},
    {0},
};

struct fragmenter_b_block {
	uint64_t object;
	uint64_t bytes;
};

struct fragmenter_b_heap {
	struct fragmenter_b_block *block;
	size_t live;
	uint64_t live_bytes, limit_bytes;
};

static uint64_t fragmenter_b_limit(const struct settings *settings)
{
	return (settings->value[B_HEAP] << 20) / 100 * settings->value[B_OCCUPANCY];
}

static const char *fragmenter_b_fault(const struct settings *settings)
{
	uint64_t limit = fragmenter_b_limit(settings);

	if (settings->value[B_SMALL] >= settings->value[B_HUGE])
		return "small_bytes must be below huge_bytes";
	if (settings->value[B_HUGE] > limit)
		return "huge_bytes must fit in occupancy_percent of heap_mib";
	return limit / settings->value[B_SMALL] > (size_t)1 << 28
		   ? "heap_mib must hold at most 2^28 small blocks"
		   : NULL;
}

/* Equal bytes per size: of SMALL + HUGE draws, SMALL are huge. */
static uint64_t fragmenter_b_size(struct generation *generation)
{
	const uint64_t *value = generation->settings->value;

	return xoshiro_below(&generation->random, value[B_SMALL] + value[B_HUGE]) < value[B_SMALL]
		   ? value[B_HUGE]
		   : value[B_SMALL];
}

static void fragmenter_b_make_room(struct generation *generation, struct fragmenter_b_heap *heap,
				   uint64_t bytes)
{
	while (heap->live_bytes + bytes > heap->limit_bytes) {
		size_t victim = (size_t)xoshiro_below(&generation->random, heap->live);

		emitter_free(&generation->emitter, 0, heap->block[victim].object);
		heap->live_bytes -= heap->block[victim].bytes;
		heap->block[victim] = heap->block[--heap->live];
	}
}

static void fragmenter_b_play(struct generation *generation)
{
	const uint64_t *value = generation->settings->value;
	struct fragmenter_b_heap heap = {.limit_bytes = fragmenter_b_limit(generation->settings)};

	heap.block = generation_array(generation, (size_t)(heap.limit_bytes / value[B_SMALL]) + 1,
				      sizeof(*heap.block));
	if (!heap.block)
		return;
	(void)emitter_thread(&generation->emitter, "main");
	while (emitter_goes_on(&generation->emitter, value[B_EVENTS])) {
		uint64_t bytes = fragmenter_b_size(generation);

		fragmenter_b_make_room(generation, &heap, bytes);
		heap.block[heap.live].object = emitter_malloc(&generation->emitter, 0, bytes);
		heap.block[heap.live++].bytes = bytes;
		heap.live_bytes += bytes;
	}
	free(heap.block);
}

const struct workload fragmenter_b_workload = {
    .name = "fragmenter-b",
    .summary = "small and huge blocks in a nearly full heap: can huge ones still be had?",
    .key = fragmenter_b_keys,
    .fault = fragmenter_b_fault,
    .play = fragmenter_b_play,
};
