#include "config.h"

#include "bench/replay/clock.h"

#include <time.h>

#define CLOCK_READINGS 100000

uint64_t clock_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void clock_measure(struct clock *clock)
{
	uint64_t total = 0, counted = 0;

	clock->start_ns = clock_now_ns();
	clock->start_ticks = clock_begin();
	clock->step_ticks = UINT64_MAX;
	for (int i = 0; i < CLOCK_READINGS; i++) {
		uint64_t begin = clock_begin();
		uint64_t ticks = clock_end() - begin;

		if (ticks > 0 && ticks < clock->step_ticks)
			clock->step_ticks = ticks;
		if (ticks < 2000) { /* not a pre-emption */
			total += ticks;
			counted++;
		}
	}
	if (clock->step_ticks == UINT64_MAX)
		clock->step_ticks = 1;
	/* Readings that are all equal to one another but for the step have it as their difference; a counter without a step
	 * shows here the cost of a reading, so two neighbours are compared as well. */
	for (int i = 0; i < CLOCK_READINGS; i++) {
		uint64_t first = clock_begin(), second = clock_begin(), third = clock_begin();
		uint64_t one = second - first, two = third - second;
		uint64_t difference = one > two ? one - two : two - one;

		if (difference > 0 && difference < clock->step_ticks)
			clock->step_ticks = difference;
	}
	clock->overhead_ticks = counted ? (double)total / (double)counted : 0;
}

double clock_ns_per_tick(const struct clock *clock)
{
	uint64_t ticks = clock_begin() - clock->start_ticks;
	uint64_t elapsed_ns = clock_now_ns() - clock->start_ns;

	return ticks ? (double)elapsed_ns / (double)ticks : 1;
}
