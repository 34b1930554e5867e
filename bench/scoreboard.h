/* scoreboard.h: the table that a terminal shows of several runs of one trace: a row per measure, a column per target, the best value of
 * a row marked with `*`.
 *
 *                              engine      glibc   jemalloc
 *   net time, ns/call           *21.3       44.0       30.9     single
 *   free p99, ns                 *<10         20         30     single
 */
#ifndef FAULTLINE_BENCH_SCOREBOARD_H
#define FAULTLINE_BENCH_SCOREBOARD_H

#include "bench/run.h"

#include <stdio.h>

/* What is compared; each is better when lower. */
enum measure {
	MEASURE_NET,   /* net ns per call */
	MEASURE_GROSS, /* gross ns per call */
	MEASURE_MALLOC_P50,
	MEASURE_MALLOC_P99,
	MEASURE_MALLOC_P999,
	MEASURE_FREE_P99,
	MEASURE_REALLOC_P99,
	MEASURE_FOOTPRINT_PEAK,
	MEASURE_FOOTPRINT_OVER_LIVE,
	MEASURE_FOOTPRINT_END,
	MEASURE_FOOTPRINT_DRAINED,
	MEASURE_FRAMES_PEAK,		/* engine targets: what the heap took from the buddy */
	MEASURE_INTERNAL_FRAGMENTATION, /* of the time line's fullest moment */
	MEASURE_COUNT
};

struct measured {
	double value; /* NaN when it cannot be had */
	bool below;   /* only known to be less than `value` */
};

const char *measure_name(enum measure measure);

/* The value of one run; for a measure with rounds their median. */
struct measured measure_value(const struct run *run, enum measure measure);

/* Prints the table of runs[0..count). */
void scoreboard_print(const struct run *runs, size_t count, FILE *out);

#endif
