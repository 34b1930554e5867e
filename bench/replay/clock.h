/* clock.h: the time stamp counter, for what is too short for a system call (x86-64).
 *
 * The counter may advance in steps of several ticks (26 ticks = 10 ns on some virtual machines); clock_measure() finds the step
 * and nothing finer is ever reported.
 */
#ifndef FAULTLINE_BENCH_REPLAY_CLOCK_H
#define FAULTLINE_BENCH_REPLAY_CLOCK_H

#include <stdint.h>

struct clock {
	double step_ticks;     /* distance of neighbouring values of the counter */
	double overhead_ticks; /* mean of clock_end() - clock_begin() with nothing between */
	uint64_t start_ticks;  /* readings of both clocks when clock_measure() ran */
	uint64_t start_ns;
};

/* Ticks; earlier instructions are complete before the reading, later ones start after it. */
static inline uint64_t clock_begin(void)
{
	__builtin_ia32_lfence();
	uint64_t ticks = __builtin_ia32_rdtsc();
	__builtin_ia32_lfence();
	return ticks;
}

static inline uint64_t clock_end(void)
{
	__builtin_ia32_lfence();
	return __builtin_ia32_rdtsc();
}

/* CLOCK_MONOTONIC in ns. */
uint64_t clock_now_ns(void);

/* Takes about 5 ms. Not for two threads at once. */
void clock_measure(struct clock *clock);

/* Nanoseconds per tick, from all the time since clock_measure(). */
double clock_ns_per_tick(const struct clock *clock);

#endif
