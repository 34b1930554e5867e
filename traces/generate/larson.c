#include "config.h"

#include "traces/generate/larson.h"

#include <stdio.h>
#include <stdlib.h>

enum { LARSON_THREADS, LARSON_OBJECTS, LARSON_MIN, LARSON_MAX, LARSON_OPERATIONS, LARSON_GENERATIONS };

static const struct workload_key larson_keys[] = {
    [LARSON_THREADS] = {"threads", "threads at a time", 4, 1, 1024, false},
    [LARSON_OBJECTS] = {"objects", "blocks per thread", 1000, 1, 1 << 20, false},
    [LARSON_MIN] = {"min_bytes", "smallest block", 8, 0, UINT64_C(1) << 40, false},
    [LARSON_MAX] = {"max_bytes", "largest block", 1000, 0, UINT64_C(1) << 40, false},
    [LARSON_OPERATIONS] = {"operations", "replacements per thread and generation", 10000, 1, 1 << 30, false},
    [LARSON_GENERATIONS] = {"generations", "threads that inherit from each other", 10, 1, 512, false},
    {0},
};

struct larson_server {
	uint32_t thread;
	uint64_t generation;
	uint64_t operations; /* left in this generation */
	uint64_t *object;
};

static const char *larson_fault(const struct settings *settings)
{
	return settings->value[LARSON_MIN] > settings->value[LARSON_MAX]
		   ? "min_bytes must not be above max_bytes"
		   : NULL;
}

static uint64_t larson_size(struct generation *generation)
{
	const uint64_t *value = generation->settings->value;

	return xoshiro_between(&generation->random, value[LARSON_MIN], value[LARSON_MAX]);
}

static void larson_start(struct generation *generation, struct larson_server *server, uint64_t line)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "server %llu.%llu", (unsigned long long)line,
		       (unsigned long long)server->generation);
	server->thread = emitter_thread(&generation->emitter, name);
	server->operations = generation->settings->value[LARSON_OPERATIONS];
}

static void larson_serve(struct generation *generation, struct larson_server *server)
{
	uint64_t slot = xoshiro_below(&generation->random, generation->settings->value[LARSON_OBJECTS]);

	emitter_free(&generation->emitter, server->thread, server->object[slot]);
	server->object[slot] = emitter_malloc(&generation->emitter, server->thread, larson_size(generation));
	server->operations--;
}

/* Every server that is not done moves with the same chance: the done ones are swapped behind the others. */
static void larson_run(struct generation *generation, struct larson_server *server, uint64_t servers)
{
	const uint64_t *value = generation->settings->value;

	while (servers > 0 && emitter_goes_on(&generation->emitter, UINT64_MAX)) {
		uint64_t line = xoshiro_below(&generation->random, servers);
		struct larson_server *mover = &server[line];

		larson_serve(generation, mover);
		if (mover->operations > 0)
			continue;
		emitter_thread_exit(&generation->emitter, mover->thread);
		if (++mover->generation < value[LARSON_GENERATIONS]) {
			larson_start(generation, mover, line);
		} else {
			struct larson_server done = *mover;

			*mover = server[--servers];
			server[servers] = done;
		}
	}
}

static void larson_play(struct generation *generation)
{
	const uint64_t *value = generation->settings->value;
	size_t servers = value[LARSON_THREADS], objects = value[LARSON_OBJECTS];
	struct larson_server *server = generation_array(generation, servers, sizeof(*server));
	uint64_t *object = generation_array(generation, servers * objects, sizeof(*object));

	if (server && object) {
		(void)emitter_thread(&generation->emitter, "main");
		for (size_t index = 0; index < servers * objects; index++)
			object[index] = emitter_malloc(&generation->emitter, 0, larson_size(generation));
		for (size_t line = 0; line < servers; line++) {
			server[line].object = object + line * objects;
			larson_start(generation, &server[line], line);
		}
		larson_run(generation, server, servers);
	}
	free(object);
	free(server);
}

const struct workload larson_workload = {
    .name = "larson",
    .summary = "server threads that replace random blocks and inherit them (Larson and Krishnan 1998)",
    .key = larson_keys,
    .fault = larson_fault,
    .play = larson_play,
};
