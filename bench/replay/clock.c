#include "config.h"

#include "bench/replay/clock.h"

#include <string.h>
#include <time.h>

#define CLOCK_READINGS 100000
#define CLOCK_TRIES 10
/* Two readings of a stepping counter that should be equal may differ by so many ticks. */
#define CLOCK_JITTER 2
/* Steps beyond this are not looked for. */
#define CLOCK_STEPS 4096
/* A difference beyond this is no reading but an interruption. */
#define CLOCK_PREEMPTION_TICKS 2000

uint64_t clock_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Durations of nothing differ by jitter or by whole steps: the smallest difference that is more than jitter and not rare is a step.
 * A step that is no whole number of ticks shows as two neighbouring differences, whose mean it is. */
static double step_of(const uint32_t differences[CLOCK_STEPS])
{
	uint64_t counted = 0, sum = 0, near = 0;
	unsigned step = CLOCK_JITTER + 1;

	for (unsigned ticks = step; ticks < CLOCK_STEPS; ticks++)
		counted += differences[ticks];
	while (step + 2 * CLOCK_JITTER < CLOCK_STEPS && (uint64_t)differences[step] * 50 <= counted)
		step++;
	if (step <= 2 * CLOCK_JITTER + 1 || step + 2 * CLOCK_JITTER >= CLOCK_STEPS)
		return 1; /* a counter without steps shows all small differences */
	for (unsigned ticks = step - 1; ticks <= step + CLOCK_JITTER; ticks++) {
		near += differences[ticks];
		sum += (uint64_t)differences[ticks] * ticks;
	}
	return (double)sum / (double)near;
}

/* Both clocks at one moment: of a few tries the one in which least happened between the readings. */
static void read_both(uint64_t *ticks, uint64_t *ns)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < CLOCK_TRIES; i++) {
		uint64_t before = clock_begin(), now_ns = clock_now_ns(), after = clock_begin();

		if (after - before < least) {
			least = after - before;
			*ticks = before + least / 2;
			*ns = now_ns;
		}
	}
}

void clock_measure(struct clock *clock)
{
	static uint32_t differences[CLOCK_STEPS];
	uint64_t total = 0, counted = 0, before = 0;

	memset(differences, 0, sizeof(differences));
	read_both(&clock->start_ticks, &clock->start_ns);
	for (int i = 0; i < CLOCK_READINGS; i++) {
		uint64_t begin = clock_begin();
		uint64_t ticks = clock_end() - begin;
		uint64_t difference = ticks > before ? ticks - before : before - ticks;

		before = ticks;
		if (difference < CLOCK_STEPS)
			differences[difference]++;
		if (ticks < CLOCK_PREEMPTION_TICKS) {
			total += ticks;
			counted++;
		}
	}
	clock->step_ticks = step_of(differences);
	clock->overhead_ticks = counted ? (double)total / (double)counted : 0;
}

double clock_ns_per_tick(const struct clock *clock)
{
	uint64_t ticks, ns;

	read_both(&ticks, &ns);
	return ticks > clock->start_ticks
		   ? (double)(ns - clock->start_ns) / (double)(ticks - clock->start_ticks)
		   : 1;
}
