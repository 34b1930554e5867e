#include "config.h"

#include "traces/generate/realloc_growth.h"

#include <stdlib.h>

enum { GROWTH_BUFFERS, GROWTH_START, GROWTH_MAX, GROWTH_PERCENT, GROWTH_EVENTS };

static const struct workload_key realloc_growth_keys[] = {
    [GROWTH_BUFFERS] = {"buffers", "buffers that grow at a time", 100, 1, 1 << 24, false},
    [GROWTH_START] = {"start_bytes", "size of a new buffer", 16, 1, UINT64_C(1) << 40, false},
    [GROWTH_MAX] = {"max_bytes", "largest limit of a buffer", 1 << 20, 1, UINT64_C(1) << 40, false},
    [GROWTH_PERCENT] = {"growth_percent", "new size of a full buffer", 150, 101, 1000, false},
    [GROWTH_EVENTS] = {"events", "length of the trace", 500000, 1, UINT64_C(100000000000), false},
    {0},
};

struct growth_buffer {
	uint64_t object; /* 0 = freed */
	uint64_t bytes;
	uint64_t limit_bytes;
};

static const char *realloc_growth_fault(const struct settings *settings)
{
	return settings->value[GROWTH_START] > settings->value[GROWTH_MAX]
		   ? "start_bytes must not be above max_bytes"
		   : NULL;
}

/* Sizes halve between max_bytes and start_bytes: a limit is one of these steps. */
static uint64_t draw_limit(struct generation *generation)
{
	const uint64_t *value = generation->settings->value;
	unsigned steps = 0;

	while (value[GROWTH_MAX] >> (steps + 1) >= value[GROWTH_START] && steps < 62)
		steps++;
	return value[GROWTH_MAX] >> xoshiro_between(&generation->random, 0, steps);
}

static void buffer_move(struct generation *generation, struct growth_buffer *buffer)
{
	const uint64_t *value = generation->settings->value;
	struct emitter *emitter = &generation->emitter;

	if (!buffer->object) {
		buffer->limit_bytes = draw_limit(generation);
		buffer->bytes = value[GROWTH_START];
		buffer->object = emitter_malloc(emitter, 0, buffer->bytes);
	} else if (buffer->bytes >= buffer->limit_bytes) {
		emitter_free(emitter, 0, buffer->object);
		buffer->object = 0;
	} else {
		buffer->bytes = buffer->bytes * value[GROWTH_PERCENT] / 100 + 1;
		if (buffer->bytes > buffer->limit_bytes)
			buffer->bytes = buffer->limit_bytes;
		buffer->object = emitter_realloc(emitter, 0, buffer->object, buffer->bytes);
	}
}

static void realloc_growth_play(struct generation *generation)
{
	const uint64_t *value = generation->settings->value;
	struct growth_buffer *buffer =
	    generation_array(generation, (size_t)value[GROWTH_BUFFERS], sizeof(*buffer));

	if (!buffer)
		return;
	(void)emitter_thread(&generation->emitter, "main");
	while (emitter_goes_on(&generation->emitter, value[GROWTH_EVENTS]))
		buffer_move(generation, &buffer[xoshiro_below(&generation->random, value[GROWTH_BUFFERS])]);
	free(buffer);
}

const struct workload realloc_growth_workload = {
    .name = "realloc-growth",
    .summary = "buffers that grow by realloc and begin again",
    .key = realloc_growth_keys,
    .fault = realloc_growth_fault,
    .play = realloc_growth_play,
};
