#include "config.h"

#include "traces/generate/uniform.h"

#include <stdlib.h>

enum {
	UNIFORM_OBJECTS,
	UNIFORM_MIN,
	UNIFORM_MAX,
	UNIFORM_THREADS,
	UNIFORM_CROSS,
	UNIFORM_REALLOC,
	UNIFORM_EVENTS
};

static const struct workload_key uniform_keys[] = {
    [UNIFORM_OBJECTS] = {"objects", "live blocks", 10000, 1, 1 << 28, false},
    [UNIFORM_MIN] = {"min_bytes", "smallest block", 16, 0, UINT64_C(1) << 40, false},
    [UNIFORM_MAX] = {"max_bytes", "largest block", 1024, 0, UINT64_C(1) << 40, false},
    [UNIFORM_THREADS] = {"threads", "threads", 1, 1, 1024, false},
    [UNIFORM_CROSS] = {"cross_percent", "frees by another thread than the allocating one", 0, 0, 100, false},
    [UNIFORM_REALLOC] = {"realloc_percent", "moves that resize instead of replace", 0, 0, 100, false},
    [UNIFORM_EVENTS] = {"events", "length of the trace", 1000000, 1, UINT64_C(100000000000), false},
    {0},
};

struct uniform_block {
	uint64_t object; /* 0 = freed a moment ago */
	uint32_t thread;
};

static const char *uniform_fault(const struct settings *settings)
{
	if (settings->value[UNIFORM_MIN] > settings->value[UNIFORM_MAX])
		return "min_bytes must not be above max_bytes";
	return settings->value[UNIFORM_CROSS] && settings->value[UNIFORM_THREADS] < 2
		   ? "cross_percent needs at least 2 threads"
		   : NULL;
}

static uint64_t uniform_size(struct generation *generation)
{
	const uint64_t *value = generation->settings->value;

	return xoshiro_between(&generation->random, value[UNIFORM_MIN], value[UNIFORM_MAX]);
}

static void uniform_allocate(struct generation *generation, struct uniform_block *block)
{
	block->thread =
	    (uint32_t)xoshiro_below(&generation->random, generation->settings->value[UNIFORM_THREADS]);
	block->object = emitter_malloc(&generation->emitter, block->thread, uniform_size(generation));
}

static void uniform_free(struct generation *generation, struct uniform_block *block)
{
	const uint64_t *value = generation->settings->value;
	uint64_t thread = block->thread;

	if (xoshiro_percent(&generation->random, value[UNIFORM_CROSS]))
		thread = (thread + 1 + xoshiro_below(&generation->random, value[UNIFORM_THREADS] - 1)) %
			 value[UNIFORM_THREADS];
	emitter_free(&generation->emitter, (uint32_t)thread, block->object);
	block->object = 0;
}

static void uniform_move(struct generation *generation, struct uniform_block *block)
{
	if (!block->object)
		uniform_allocate(generation, block);
	else if (xoshiro_percent(&generation->random, generation->settings->value[UNIFORM_REALLOC]))
		block->object = emitter_realloc(&generation->emitter, block->thread, block->object,
						uniform_size(generation));
	else
		uniform_free(generation, block);
}

static void uniform_play(struct generation *generation)
{
	const uint64_t *value = generation->settings->value;
	struct uniform_block *block =
				 generation_array(generation, (size_t)value[UNIFORM_OBJECTS], sizeof(*block)),
			     *last;

	if (!block)
		return;
	for (uint64_t thread = 0; thread < value[UNIFORM_THREADS]; thread++)
		(void)emitter_thread(&generation->emitter, NULL);
	for (uint64_t index = 0;
	     index < value[UNIFORM_OBJECTS] && emitter_goes_on(&generation->emitter, value[UNIFORM_EVENTS]);
	     index++)
		uniform_allocate(generation, &block[index]);
	last = block;
	while (emitter_goes_on(&generation->emitter, value[UNIFORM_EVENTS])) {
		if (last->object)
			last = &block[xoshiro_below(&generation->random, value[UNIFORM_OBJECTS])];
		uniform_move(generation, last);
	}
	free(block);
}

const struct workload uniform_workload = {
    .name = "uniform",
    .summary = "random replacement in a steady heap, sizes uniform",
    .key = uniform_keys,
    .fault = uniform_fault,
    .play = uniform_play,
};
