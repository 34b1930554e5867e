/* latency.h: percentiles of the calls of one pass, in nanoseconds, and what may be said of them.
 *
 * value = (steps of the percentile - overhead of the clock in whole steps) * step: never finer than the clock. A value of no step is only
 * known to be below one step. Samples during which the thread lost its processor are counted apart and take no part.
 */
#ifndef FAULTLINE_BENCH_LATENCY_H
#define FAULTLINE_BENCH_LATENCY_H

#include "bench/histogram.h"
#include "bench/replay/session.h"

#include <stdbool.h>

struct latency {
	double ns;	       /* 0 when below_resolution */
	bool exists;	       /* enough samples: 10 / (1 - quantile), and at least one */
	bool below_resolution; /* less than a step of the clock */
};

/* What is known of the clock that the values of a histogram were read from. */
struct latency_clock {
	double resolution_ns; /* its step */
	double overhead_ns;   /* mean difference of two readings with nothing between */
};

/* Of values in steps of the clock. `quantile` above 0; 1 is the maximum, which always exists when there is a sample. */
struct latency latency_percentile(const struct histogram *histogram, struct latency_clock clock,
				  double quantile);

/* The same of a pass's calls. */
struct latency latency_quantile(const struct session_reply *reply, enum latency_kind kind, double quantile);

double latency_resolution_ns(const struct session_reply *reply);
double latency_clock_overhead_ns(const struct session_reply *reply);

/* The quantiles that a table of a run gives, with their keys in run.json: p50 ... p9999, max. */
struct latency_key {
	const char *name;
	double quantile;
};
extern const struct latency_key latency_keys[];
extern const unsigned latency_key_count;

#endif
