/* metric.h: the figures of a run that the report's tables show, one line each, in the order of the table.
 *
 * A metric is a path into run.json; docs/metrics.md defines each one. In every metric that has a best value
 * the lowest is the best. The modelled ones are simulated, the others were measured on the machine that the
 * report names.
 */
#ifndef FAULTLINE_BENCH_REPORT_METRIC_H
#define FAULTLINE_BENCH_REPORT_METRIC_H

#include <stdbool.h>
#include <stddef.h>

enum metric_unit {
	UNIT_NANOSECONDS, /* a mean, shown to a tenth */
	UNIT_LATENCY,	  /* a percentile in nanoseconds, not finer than the clock's step */
	UNIT_BYTES,
	UNIT_RATIO,
	UNIT_SHARE, /* 0 to 1, shown in percent */
};

struct metric {
	const char *path; /* keys parted by dots */
	const char *name; /* of the table's row */
	enum metric_unit unit;
	bool has_best;
	bool in_model;
};

enum {
	METRIC_NET,
	METRIC_GROSS,
	METRIC_MALLOC_P50,
	METRIC_MALLOC_P99,
	METRIC_MALLOC_P999,
	METRIC_FREE_P50,
	METRIC_FREE_P99,
	METRIC_FREE_P999,
	METRIC_FOOTPRINT_PEAK,
	METRIC_FOOTPRINT_OVER_LIVE,
	METRIC_FOOTPRINT_END,
	METRIC_FOOTPRINT_DRAINED,
	METRIC_FRAMES_PEAK,
	METRIC_METADATA,
	METRIC_INTERNAL_FRAGMENTATION,
	METRICS
};

/* The metric of that number, which is below METRICS. */
const struct metric *metric_at(unsigned index);

#define METRIC_TEXT_BYTES 32

/* `value` for a reader, with its unit: "20.1 ns", "<10 ns", "1.2 µs", "57.2 MiB", "1.14 x", "6.1 %". "–" when
 * it is NaN. resolution_ns is the clock's step, below which UNIT_LATENCY says only that (NaN: no step is
 * known). */
void metric_text(const struct metric *metric, double value, double resolution_ns,
		 char text[METRIC_TEXT_BYTES]);

/* A whole number with its digits in groups of three: "1,234,567"; "–" when it is NaN. */
void metric_count_text(double count, char text[METRIC_TEXT_BYTES]);

#endif
