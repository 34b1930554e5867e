#include "config.h"

#include "bench/physical/machine_boot.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* A machine of 16 MiB whose frames are what the bytes say, by runs and by events before and after the start: it boots with every keeper,
 * and all invariants hold. */

#define FRAMES 4096u
#define FIRST 4u
#define STEPS_MAX 400u

struct step {
	uint8_t what; /* 0 to 95: a run of that value in the snapshot; else an event */
	uint8_t cpu, order, type;
	uint16_t frame, frames;
};

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void describe(struct machine_state *state)
{
	struct zoneinfo_zone *zone = &state->zoneinfo.zone[0];

	*zone = (struct zoneinfo_zone){.zone = {0, ZONE_DMA},
				       .watermark = {10, 20, 30, 40},
				       .first = FIRST,
				       .spanned = FRAMES - FIRST,
				       .present = FRAMES - FIRST,
				       .managed = FRAMES - FIRST};
	zone->set[0].count = 50;
	zone->set[1].count = 5;
	state->zoneinfo.zones = 1;
	state->zoneinfo.cpus = 2;
	state->description = (struct memory_description){
	    .nodes = 1,
	    .zones = 1,
	    .zone = {{ZONE_DMA, 0, FIRST, FRAMES - FIRST, MEMORY_MANAGED_ALL}},
	    .present = {1, {{FIRST, FRAMES}}},
	    .distance = {{MEMORY_LOCAL_DISTANCE}},
	};
	for (unsigned i = 1; i < MEMORY_NODES; i++)
		state->description.distance[i][i] = MEMORY_LOCAL_DISTANCE;
}

static unsigned frame_of(unsigned what)
{
	return what % FRAME_KINDS | (what / FRAME_KINDS % 4 * FRAME_MAPPED);
}

/* The snapshot: what the first steps say, the rest is free. */
static void take_snapshot(struct machine_state *state, const struct step *step, size_t steps)
{
	const uint64_t times[2] = {0, 1};
	static uint8_t bytes[65536];
	struct frame_writer writer;
	struct trace_error error;
	unsigned told = 0;

	frame_writer_start(&writer, bytes, sizeof(bytes));
	frame_writer_header(&writer, 0, FRAMES, times);
	for (size_t i = 0; i < steps; i++) {
		for (unsigned n = 0; step[i].what < 96 && n < step[i].frames && told < FRAMES; n++, told++)
			frame_writer_add(&writer, frame_of(step[i].what));
	}
	for (; told < FRAMES; told++)
		frame_writer_add(&writer, FRAME_FREE);
	frame_writer_finish(&writer);
	const struct event_snapshot snapshot = {FRAME_KINDS_SNAPSHOT, bytes, writer.used};

	demand(machine_frames_snapshot(&state->frames, &snapshot, &error) == TRACE_OK);
}

static void take_events(struct machine_state *state, const struct step *step, size_t steps)
{
	static const uint8_t kinds[] = {EVENT_PAGE_ALLOC, EVENT_PAGE_FREE, EVENT_ZONE_LOCKED,
					EVENT_PCPU_DRAIN, EVENT_EXTFRAG,   EVENT_SWITCH};

	for (size_t i = 0; i < steps; i++) {
		const struct event event = {.kind = kinds[step[i].what % sizeof(kinds)],
					    .kernel = {.frame = step[i].frame,
						       .order = step[i].order,
						       .migrate_type = step[i].type,
						       .fallback_type = step[i].type}};
		struct trace_error error;

		if (step[i].what < 96)
			continue;
		if (i < steps / 2) {
			machine_sets_before(&state->sets, &event, step[i].cpu, NULL);
			(void)!machine_frames_before(&state->frames, &event, step[i].cpu, &error);
			continue;
		}
		machine_sets_after(&state->sets, &event, step[i].cpu, NULL);
		machine_blocks_event(&state->blocks, &event);
		(void)!machine_frames_after(&state->frames, &event, step[i].cpu, &error);
	}
	machine_frames_finish(&state->frames);
	machine_sets_finish(&state->sets, 0);
	demand(machine_sets_check(&state->sets) == NULL);
	demand(machine_frames_check(&state->frames) == NULL);
}

static void boot(const struct machine_state *state, const struct memory_shape *shape)
{
	static struct memory memory;
	struct machine_boot counts;
	struct trace_error error;

	if (machine_state_boot(state, &memory, shape, &counts, &error) != TRACE_OK)
		return;
	demand(memory_check(&memory) == NULL);
	demand(zone_free_pages(&memory.zone[0]) == counts.listed + counts.in_sets);
	memory_destroy(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct memory_shape shapes[] = {
	    {.keeper = ZONE_LISTS, .tuning = PCP_TUNED, .cpus = 1, .max_order = 10},
	    {.keeper = ZONE_BITMAPS, .cpus = 1, .max_order = 10},
	    {.keeper = ZONE_TYPED, .cpus = 1, .max_order = 10},
	    {.keeper = ZONE_BITMAPS, .placement = BUDDY_FULLEST_BLOCK, .max_order = 10},
	};
	const uint64_t zone[2] = {FIRST, FRAMES};
	const struct pagetypeinfo_zone wanted = {
	    .zone = {0, ZONE_DMA}, .blocks = {2, 4, 1}, .free = {{{3, 1}}, {{9, 5, 2}}}};
	size_t steps = size / sizeof(struct step) < STEPS_MAX ? size / sizeof(struct step) : STEPS_MAX;
	struct step *step = calloc(steps + 1, sizeof(*step));
	struct machine_state *state = calloc(1, sizeof(*state));
	struct trace_error error;

	demand(step && state);
	if (steps > 0)
		memcpy(step, data, steps * sizeof(*step));
	describe(state);
	demand(machine_frames_create(&state->frames, FRAMES, &error) == TRACE_OK);
	demand(machine_blocks_create(&state->blocks, FRAMES, &error) == TRACE_OK);
	demand(machine_sets_create(&state->sets, &state->zoneinfo, &error) == TRACE_OK);
	take_snapshot(state, step, steps);
	take_events(state, step, steps);
	demand(machine_blocks_infer(&state->blocks, &state->frames, zone, &wanted, &error) == TRACE_OK);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		boot(state, &shapes[i]);
	machine_state_destroy(state);
	free(state);
	free(step);
	return 0;
}

/* Snapshots with frames of all kinds, then events in rising and falling order. */
size_t fuzz_seed(unsigned index, uint8_t *bytes)
{
	const size_t steps = 60;

	if (index >= 3)
		return 0;
	for (size_t i = 0; i < steps; i++) {
		struct step step = {.what =
					(uint8_t)(i < 20 ? (i * 7 + index) % 96 : 96 + i * (index + 1) % 150),
				    .cpu = i % 3,
				    .order = (uint8_t)(i % (index * 4 + 2)),
				    .type = i % 4,
				    .frames = (uint16_t)(i * 8 % 96 + 1)};

		step.frame = (uint16_t)((index == 1 ? steps - i : i) * 64 >> step.order << step.order);
		memcpy(bytes + i * sizeof(step), &step, sizeof(step));
	}
	return steps * sizeof(struct step);
}
