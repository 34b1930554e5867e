/* pace.h: how fast the machine runs just now.
 *
 *   a + 1 ─▶ + 1 ─▶ + 1 ─▶ ...        each waits for the one before: one cycle each, whatever the processor can do beside
 *   b + 1    c + 1    d + 1 ...       none waits: as many a cycle as the processor has room for
 *
 * Nanoseconds of one run cannot be laid beside those of another day where the processor's clock changes, or others share it. What
 * one dependent addition takes says what a cycle was worth; how many independent ones go into it, how much of the processor there
 * was: where another program runs on the other half of a core, half as many. With both the figures of two runs can be scaled.
 */
#ifndef FAULTLINE_BENCH_MICRO_PACE_H
#define FAULTLINE_BENCH_MICRO_PACE_H

struct pace {
	double dependent_ns;   /* one addition that waits for the one before */
	double independent_ns; /* one of many that do not */
};

/* Medians of several samples, in some 30 ms of this thread's own time. */
struct pace pace_measure(void);

#endif
