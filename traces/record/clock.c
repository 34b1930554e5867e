#include "config.h"

#include "traces/record/clock.h"

#include "traces/record/ticks.h"

#include <time.h>

#define CALIBRATION_NS 10000000u
#define STEPS 20000

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A pair of readings close together: of three tries the one that took least. */
static void read_both(uint64_t *ticks, uint64_t *ns)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 3; i++) {
		uint64_t before = ticks_now(), middle = monotonic_ns(), after = ticks_now();
		if (after - before < best) {
			best = after - before;
			*ticks = before + (after - before) / 2;
			*ns = middle;
		}
	}
}

void tick_clock_start(struct tick_clock *clock)
{
	*clock = (struct tick_clock){.resolution_ns = 1};
	read_both(&clock->first, &clock->first_ns);
}

static uint64_t smallest_step(struct tick_clock *clock)
{
	uint64_t smallest = UINT64_MAX, first = ticks_now(), last = first;

	for (int i = 0; i < STEPS; i++) {
		uint64_t now = ticks_now();
		if (now > last && now - last < smallest)
			smallest = now - last;
		last = now;
	}
	clock->read_ns = (double)(last - first) * clock->ns_per_tick / STEPS;
	return smallest;
}

void tick_clock_calibrate(struct tick_clock *clock)
{
	uint64_t ticks = 0, ns = 0, step;

	do {
		uint64_t passed = monotonic_ns() - clock->first_ns;
		struct timespec rest = {.tv_nsec =
					    passed < CALIBRATION_NS ? (long)(CALIBRATION_NS - passed) : 0};
		(void)nanosleep(&rest, NULL);
		read_both(&ticks, &ns);
	} while (ns - clock->first_ns < CALIBRATION_NS);
	clock->ns_per_tick = (double)(ns - clock->first_ns) / (double)(ticks - clock->first);
	step = smallest_step(clock);
	clock->resolution_ns = (uint64_t)((double)step * clock->ns_per_tick + 0.5);
	if (clock->resolution_ns == 0)
		clock->resolution_ns = 1;
}

uint64_t tick_clock_ns(const struct tick_clock *clock, uint64_t ticks)
{
	uint64_t ns;

	if (ticks <= clock->first)
		return 0;
	ns = (uint64_t)((double)(ticks - clock->first) * clock->ns_per_tick + 0.5);
	return ns - ns % clock->resolution_ns;
}
