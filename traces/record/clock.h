/* clock.h: ticks (ticks.h) as nanoseconds since the start of a recording.
 *
 *   ns = (ticks - first) x ns_per_tick, rounded down to a multiple of resolution_ns
 *
 * The rate comes from two readings of the tick counter beside CLOCK_MONOTONIC, at least 10 ms apart (error about 10 ppm).
 * Some counters step by many ticks at a time; the resolution is the smallest step seen, and nothing finer is reported.
 */
#ifndef FAULTLINE_TRACES_RECORD_CLOCK_H
#define FAULTLINE_TRACES_RECORD_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct tick_clock {
	uint64_t first;		/* ticks at the start */
	uint64_t first_ns;	/* CLOCK_MONOTONIC then */
	uint64_t resolution_ns; /* at least 1; 1 until calibrated */
	double ns_per_tick;	/* 0 until calibrated */
	double read_ns;		/* what reading the counter costs */
};

/* Notes the start. */
void tick_clock_start(struct tick_clock *clock);

/* Computes the rate; waits until 10 ms have passed since the start. Once. */
void tick_clock_calibrate(struct tick_clock *clock);

/* The time of a tick count; 0 for one before the start. The clock must be calibrated. */
uint64_t tick_clock_ns(const struct tick_clock *clock, uint64_t ticks);

#endif
