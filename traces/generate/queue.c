#include "config.h"

#include "traces/generate/queue.h"

#include <stdio.h>
#include <stdlib.h>

enum { QUEUE_PRODUCERS, QUEUE_CONSUMERS, QUEUE_CAPACITY, QUEUE_MIN, QUEUE_MAX, QUEUE_BURST, QUEUE_MESSAGES };

static const struct workload_key queue_keys[] = {
    [QUEUE_PRODUCERS] = {"producers", "threads that allocate", 2, 1, 1024, false},
    [QUEUE_CONSUMERS] = {"consumers", "threads that free", 2, 1, 1024, false},
    [QUEUE_CAPACITY] = {"capacity", "messages in the queue at most", 1000, 1, 1 << 26, false},
    [QUEUE_MIN] = {"min_bytes", "smallest message", 16, 0, UINT64_C(1) << 40, false},
    [QUEUE_MAX] = {"max_bytes", "largest message", 4096, 0, UINT64_C(1) << 40, false},
    [QUEUE_BURST] = {"burst", "moves in one direction at most", 200, 1, 1 << 26, false},
    [QUEUE_MESSAGES] = {"messages", "messages in all", 500000, 1, UINT64_C(50000000000), false},
    {0},
};

/* A ring of the messages sent and not yet received. */
struct queue_ring {
	uint64_t *object;
	uint64_t sent, received;
};

static const char *queue_fault(const struct settings *settings)
{
	return settings->value[QUEUE_MIN] > settings->value[QUEUE_MAX]
		   ? "min_bytes must not be above max_bytes"
		   : NULL;
}

static void queue_send(struct generation *generation, struct queue_ring *ring)
{
	const uint64_t *value = generation->settings->value;
	uint32_t producer = (uint32_t)xoshiro_below(&generation->random, value[QUEUE_PRODUCERS]);
	uint64_t bytes = xoshiro_between(&generation->random, value[QUEUE_MIN], value[QUEUE_MAX]);

	ring->object[ring->sent++ % value[QUEUE_CAPACITY]] =
	    emitter_malloc(&generation->emitter, producer, bytes);
}

static void queue_receive(struct generation *generation, struct queue_ring *ring)
{
	const uint64_t *value = generation->settings->value;
	uint64_t consumer =
	    value[QUEUE_PRODUCERS] + xoshiro_below(&generation->random, value[QUEUE_CONSUMERS]);

	emitter_free(&generation->emitter, (uint32_t)consumer,
		     ring->object[ring->received++ % value[QUEUE_CAPACITY]]);
}

static void queue_run(struct generation *generation, struct queue_ring *ring)
{
	const uint64_t *value = generation->settings->value;
	bool sends = true;

	while (ring->received < value[QUEUE_MESSAGES] && emitter_goes_on(&generation->emitter, UINT64_MAX)) {
		uint64_t moves = xoshiro_between(&generation->random, 1, value[QUEUE_BURST]);

		for (; sends && moves > 0 && ring->sent < value[QUEUE_MESSAGES] &&
		       ring->sent - ring->received < value[QUEUE_CAPACITY];
		     moves--)
			queue_send(generation, ring);
		for (; !sends && moves > 0 && ring->received < ring->sent; moves--)
			queue_receive(generation, ring);
		sends = !sends;
	}
}

static void queue_start_threads(struct generation *generation)
{
	const uint64_t *value = generation->settings->value;
	uint64_t threads = value[QUEUE_PRODUCERS] + value[QUEUE_CONSUMERS];
	char name[64];

	for (uint64_t thread = 0; thread < threads; thread++) {
		bool produces = thread < value[QUEUE_PRODUCERS];

		(void)snprintf(name, sizeof(name), "%s %llu", produces ? "producer" : "consumer",
			       (unsigned long long)(produces ? thread : thread - value[QUEUE_PRODUCERS]));
		(void)emitter_thread(&generation->emitter, name);
	}
}

static void queue_play(struct generation *generation)
{
	struct queue_ring ring = {0};

	ring.object = generation_array(generation, (size_t)generation->settings->value[QUEUE_CAPACITY],
				       sizeof(*ring.object));
	if (!ring.object)
		return;
	queue_start_threads(generation);
	queue_run(generation, &ring);
	free(ring.object);
}

const struct workload queue_workload = {
    .name = "queue",
    .summary = "producer threads allocate messages that consumer threads free",
    .key = queue_keys,
    .fault = queue_fault,
    .play = queue_play,
};
