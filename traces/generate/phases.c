#include "config.h"

#include "traces/generate/phases.h"

#include <stdlib.h>

enum { PHASES_HEAP, PHASES_FIRST, PHASES_GROWTH, PHASES_PHASES, PHASES_SURVIVORS };

static const struct workload_key phases_keys[] = {
    [PHASES_HEAP] = {"heap_mib", "live bytes at the end of each phase's filling, MiB", 16, 1, 1 << 20, false},
    [PHASES_FIRST] = {"first_bytes", "size of the first phase's blocks", 64, 16, 1 << 30, false},
    [PHASES_GROWTH] = {"growth_percent", "size of a phase's blocks, in percent of the phase before", 200, 101,
		       1000, false},
    [PHASES_PHASES] = {"phases", "number of phases", 6, 1, 64, false},
    [PHASES_SURVIVORS] = {"survivor_percent", "blocks of a phase that stay for good", 2, 0, 50, false},
    {0},
};

static const char *phases_fault(const struct settings *settings)
{
	const uint64_t *value = settings->value;
	uint64_t heap_bytes = value[PHASES_HEAP] << 20, bytes = value[PHASES_FIRST];

	if (heap_bytes / bytes > (size_t)1 << 28)
		return "heap_mib must hold at most 2^28 blocks of first_bytes";
	if (value[PHASES_SURVIVORS] * value[PHASES_PHASES] > 100)
		return "survivor_percent x phases must not be above 100";
	for (uint64_t phase = 1; phase < value[PHASES_PHASES]; phase++) {
		bytes = bytes * value[PHASES_GROWTH] / 100;
		if (bytes > heap_bytes / 16)
			return "the last phase's blocks must be at most a 16th of heap_mib";
	}
	return NULL;
}

static void phases_play(struct generation *generation)
{
	const uint64_t *value = generation->settings->value;
	struct emitter *emitter = &generation->emitter;
	uint64_t heap_bytes = value[PHASES_HEAP] << 20, bytes = value[PHASES_FIRST], survived_bytes = 0;
	uint64_t *object = generation_array(generation, (size_t)(heap_bytes / bytes) + 1, sizeof(*object));

	if (!object)
		return;
	(void)emitter_thread(emitter, "main");
	for (uint64_t phase = 1; phase <= value[PHASES_PHASES] && emitter_goes_on(emitter, UINT64_MAX);
	     phase++) {
		size_t blocks = (size_t)((heap_bytes - survived_bytes) / bytes);

		for (size_t index = 0; index < blocks; index++)
			object[index] = emitter_malloc(emitter, 0, bytes);
		for (size_t index = 0; index < blocks; index++) {
			if (xoshiro_percent(&generation->random, value[PHASES_SURVIVORS]))
				survived_bytes += bytes;
			else
				emitter_free(emitter, 0, object[index]);
		}
		emitter_marker(emitter, 0, phase);
		bytes = bytes * value[PHASES_GROWTH] / 100;
	}
	free(object);
}

const struct workload phases_workload = {
    .name = "phases",
    .summary = "fill with one size after another, a few blocks of each stay: pinned pages",
    .key = phases_keys,
    .fault = phases_fault,
    .play = phases_play,
};
