#include "config.h"

#include "traces/generate/fleetbench.h"

#include "traces/generate/death_queue.h"
#include "traces/generate/fixed.h"
#include "traces/generate/profile.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_START_BLOCKS (UINT64_C(1) << 26)
#define GAP_UNIT UINT64_C(65536)	      /* gaps between births are in 2^-16 ns */
#define NS_RATE UINT64_C(1000000000000000000) /* ns per second x PROFILE_RATE_UNIT */

enum { FLEET_PROFILE, FLEET_HEAP, FLEET_MAX, FLEET_THREADS, FLEET_CROSS, FLEET_EVENTS };

static const struct workload_key fleetbench_keys[] = {
    [FLEET_PROFILE] = {"profile", "CSV file: size, alloc_rate, num_live (required)", 0, 0, 0, true},
    [FLEET_HEAP] = {"heap_mib", "live bytes, MiB", 64, 1, 1 << 20, false},
    [FLEET_MAX] = {"max_bytes", "larger sizes are left out; 0 = a 64th of the heap", 0, 0, UINT64_C(1) << 40,
		   false},
    [FLEET_THREADS] = {"threads", "threads that allocate", 1, 1, 1024, false},
    [FLEET_CROSS] = {"cross_percent", "frees by another thread than the allocating one", 0, 0, 100, false},
    [FLEET_EVENTS] = {"events", "length of the trace, the blocks live at its start included", 1000000, 1,
		      UINT64_C(100000000000), false},
    {0},
};

struct fleet {
	struct profile profile;	  /* the rows that are played, live counts scaled */
	uint64_t *cumulated_rate; /* of rows 0 ... i */
	uint64_t start_blocks;
	uint64_t mean_gap; /* between births, in 2^-16 ns */
	struct death_queue deaths;
};

static const char *fleetbench_fault(const struct settings *settings)
{
	if (settings->text[0] == '\0')
		return "a profile is needed: --set profile=FILE.csv";
	return settings->value[FLEET_CROSS] && settings->value[FLEET_THREADS] < 2
		   ? "cross_percent needs at least 2 threads"
		   : NULL;
}

static void fleet_load(struct generation *generation, struct fleet *fleet)
{
	struct emitter *emitter = &generation->emitter;
	struct input *input;

	emitter->status = input_open(&input, generation->settings->text, emitter->error);
	if (emitter->status != TRACE_OK)
		return;
	emitter->status = profile_read(&fleet->profile, input, emitter->error);
	input_close(input);
}

/* The sum of size x live, in KiB x PROFILE_LIVE_UNIT; UINT64_MAX when it does not fit. */
static uint64_t live_kib_of(const struct profile *profile)
{
	uint64_t sum = 0;

	for (size_t index = 0; index < profile->rows; index++) {
		uint64_t kib =
		    fixed_multiply_divide(profile->row[index].size_bytes, profile->row[index].live, 1024);

		if (kib == UINT64_MAX || sum > UINT64_MAX - kib)
			return UINT64_MAX;
		sum += kib;
	}
	return sum;
}

/* Leaves rows above max_bytes out. */
static void fleet_choose_rows(struct generation *generation, struct fleet *fleet)
{
	const uint64_t *value = generation->settings->value;
	uint64_t largest = value[FLEET_MAX] ? value[FLEET_MAX] : (value[FLEET_HEAP] << 20) / 64;
	struct profile *profile = &fleet->profile;
	size_t kept = 0;

	for (size_t index = 0; index < profile->rows; index++) {
		if (profile->row[index].size_bytes <= largest)
			profile->row[kept++] = profile->row[index];
	}
	if (kept < profile->rows)
		(void)snprintf(generation->note, sizeof(generation->note),
			       "%zu of the profile's %zu rows have sizes above %llu bytes and are left out",
			       profile->rows - kept, profile->rows, (unsigned long long)largest);
	profile->rows = kept;
	if (kept == 0)
		emitter_fail(&generation->emitter, TRACE_BAD_INPUT,
			     "%s: all sizes are above max_bytes (%llu); raise max_bytes or heap_mib",
			     generation->settings->text, (unsigned long long)largest);
}

/* Brings the profile to heap_mib: live counts and the pace of births by the same factor. */
static void fleet_scale(struct generation *generation, struct fleet *fleet)
{
	uint64_t heap = (generation->settings->value[FLEET_HEAP] << 10) * PROFILE_LIVE_UNIT;
	uint64_t whole = live_kib_of(&fleet->profile), rate = 0;

	for (size_t index = 0; index < fleet->profile.rows; index++) {
		struct profile_row *row = &fleet->profile.row[index];

		row->live = fixed_multiply_divide(row->live, heap, whole);
		fleet->start_blocks += row->live / PROFILE_LIVE_UNIT + 1;
		if (whole == UINT64_MAX || rate > UINT64_MAX - row->rate ||
		    fleet->start_blocks > MAX_START_BLOCKS) {
			emitter_fail(&generation->emitter, TRACE_BAD_INPUT,
				     "%s: its counts and rates make more than %llu live blocks or do not fit "
				     "in 64 bits; lower "
				     "heap_mib",
				     generation->settings->text, (unsigned long long)MAX_START_BLOCKS);
			return;
		}
		rate += row->rate;
		fleet->cumulated_rate[index] = rate;
	}
	rate = fixed_multiply_divide(rate, heap, whole);
	fleet->mean_gap = fixed_multiply_divide(NS_RATE, GAP_UNIT, rate);
	if (fleet->mean_gap > UINT64_C(1) << 56)
		emitter_fail(&generation->emitter, TRACE_BAD_INPUT,
			     "%s: its rates are too low; raise heap_mib", generation->settings->text);
}

static void fleet_birth(struct generation *generation, struct fleet *fleet, const struct profile_row *row)
{
	const uint64_t *value = generation->settings->value;
	uint64_t thread = xoshiro_below(&generation->random, value[FLEET_THREADS]), end = thread;
	struct emitter *emitter = &generation->emitter;
	struct death death = {.time_ns = emitter->time_ns +
					 xoshiro_exponential(&generation->random, row->mean_life_ns)};

	if (xoshiro_percent(&generation->random, value[FLEET_CROSS]))
		end = (thread + 1 + xoshiro_below(&generation->random, value[FLEET_THREADS] - 1)) %
		      value[FLEET_THREADS];
	death.object = emitter_malloc(emitter, (uint32_t)thread, row->size_bytes);
	death.thread = (uint32_t)end;
	if (!death_queue_add(&fleet->deaths, &death))
		emitter_fail(emitter, TRACE_NO_MEMORY, "no memory for %zu live blocks",
			     fleet->deaths.entries + 1);
}

/* The blocks live at the start: each row's average, its fraction rounded up or down at random, all rows
 * mixed. */
static void fleet_begin(struct generation *generation, struct fleet *fleet)
{
	uint32_t *row_of = generation_array(generation, (size_t)fleet->start_blocks, sizeof(*row_of));
	uint64_t events = generation->settings->value[FLEET_EVENTS];
	size_t blocks = 0;

	if (!row_of)
		return;
	for (size_t index = 0; index < fleet->profile.rows; index++) {
		uint64_t live = fleet->profile.row[index].live, count = live / PROFILE_LIVE_UNIT;

		count += xoshiro_below(&generation->random, PROFILE_LIVE_UNIT) < live % PROFILE_LIVE_UNIT;
		while (count-- > 0)
			row_of[blocks++] = (uint32_t)index;
	}
	for (; blocks > 0 && emitter_goes_on(&generation->emitter, events); blocks--) {
		size_t chosen = (size_t)xoshiro_below(&generation->random, blocks);

		fleet_birth(generation, fleet, &fleet->profile.row[row_of[chosen]]);
		row_of[chosen] = row_of[blocks - 1];
	}
	free(row_of);
}

/* The row of a birth: one whose share of all rates holds a uniform draw. */
static const struct profile_row *fleet_draw_row(struct generation *generation, const struct fleet *fleet)
{
	size_t low = 0, high = fleet->profile.rows - 1;
	uint64_t draw = xoshiro_below(&generation->random, fleet->cumulated_rate[high]);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (draw < fleet->cumulated_rate[middle])
			high = middle;
		else
			low = middle + 1;
	}
	return &fleet->profile.row[low];
}

static void fleet_run(struct generation *generation, struct fleet *fleet)
{
	struct emitter *emitter = &generation->emitter;
	uint64_t birth_ns = 0, fraction = 0;
	bool drawn = false;

	while (emitter_goes_on(emitter, generation->settings->value[FLEET_EVENTS])) {
		const struct death *death = death_queue_first(&fleet->deaths);

		if (!drawn) {
			fraction += xoshiro_exponential(&generation->random, fleet->mean_gap);
			birth_ns += fraction / GAP_UNIT;
			fraction %= GAP_UNIT;
			drawn = true;
		}
		if (death && death->time_ns <= birth_ns) {
			emitter->time_ns = death->time_ns;
			emitter_free(emitter, death->thread, death->object);
			death_queue_remove_first(&fleet->deaths);
		} else {
			emitter->time_ns = birth_ns;
			fleet_birth(generation, fleet, fleet_draw_row(generation, fleet));
			drawn = false;
		}
	}
}

static void fleetbench_play(struct generation *generation)
{
	struct fleet fleet = {0};

	fleet_load(generation, &fleet);
	if (generation->emitter.status == TRACE_OK)
		fleet_choose_rows(generation, &fleet);
	if (generation->emitter.status == TRACE_OK)
		fleet.cumulated_rate =
		    generation_array(generation, fleet.profile.rows, sizeof(*fleet.cumulated_rate));
	if (generation->emitter.status == TRACE_OK)
		fleet_scale(generation, &fleet);
	for (uint64_t thread = 0; thread < generation->settings->value[FLEET_THREADS]; thread++)
		(void)emitter_thread(&generation->emitter, NULL);
	if (generation->emitter.status == TRACE_OK) {
		fleet_begin(generation, &fleet);
		fleet_run(generation, &fleet);
	}
	death_queue_destroy(&fleet.deaths);
	free(fleet.cumulated_rate);
	profile_destroy(&fleet.profile);
}

const struct workload fleetbench_workload = {
    .name = "fleetbench",
    .summary =
	"a steady heap with the sizes, rates and live counts of a profile (Google Fleetbench's CSV files)",
    .key = fleetbench_keys,
    .has_time = true,
    .fault = fleetbench_fault,
    .play = fleetbench_play,
};
