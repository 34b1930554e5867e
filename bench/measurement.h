/* measurement.h: the passes that make a comparison fair, and what they brought.
 *
 * Targets are measured together. Each round runs every target and the null target once, starting with another target than the
 * round before; what disturbs a round disturbs all of it, so targets are compared by the ratios within rounds. Nothing is timed
 * per call in these rounds; latency, batches and memory have passes of their own:
 *
 *   throughput   rounds x targets   gross time per call (processor time in mode single, else wall clock); net = gross - null,
 *                                   NaN where null is over half of gross
 *   latency      1 x targets        a clock around every call
 *   batch        1 x targets        a clock around 64 calls, for means (not in mode parallel)
 *   memory       memory_rounds x targets   footprint, usable sizes; the first with a time line
 *   verify       1 x targets        only on request
 */
#ifndef FAULTLINE_BENCH_MEASUREMENT_H
#define FAULTLINE_BENCH_MEASUREMENT_H

#include "bench/interval.h"
#include "bench/replay/pass.h"

#define MEASUREMENT_MAX_ROUNDS 101u
#define MEASUREMENT_MAX_TARGETS 32u

enum {
	MEASURE_THROUGHPUT = 1u << 0,
	MEASURE_LATENCY = 1u << 1,
	MEASURE_MEMORY = 1u << 2,
	MEASURE_MODEL = 1u << 3,
	MEASURE_VERIFY = 1u << 4,
};

struct measurement_options {
	unsigned what; /* MEASURE_ bits */
	enum replay_mode speed_mode, memory_mode;
	enum replay_touch touch;
	enum replay_pace pace;
	unsigned rounds, memory_rounds;
	unsigned samples;  /* of the time line */
	uint64_t drain_ns; /* 0: no drain */
	bool thp_disable;
	uint64_t seed; /* of the paddings */
	unsigned watchdog_s;
	bool progress;			       /* a line on stderr */
	struct plan *speed_plan, *memory_plan; /* equal pointers when the modes are */
};

/* What one target showed. Arrays hold one entry per round. */
struct measurement {
	const struct target *target;
	unsigned rounds, memory_rounds;
	double gross_ns[MEASUREMENT_MAX_ROUNDS];       /* per call */
	double null_ns[MEASUREMENT_MAX_ROUNDS];	       /* per call, of the null target in the same round */
	double net_ns[MEASUREMENT_MAX_ROUNDS];	       /* NaN where null is over half of gross */
	double footprint_peak[MEASUREMENT_MAX_ROUNDS]; /* bytes */
	double footprint_end[MEASUREMENT_MAX_ROUNDS];
	double footprint_drained[MEASUREMENT_MAX_ROUNDS]; /* NaN without a drain */
	struct session_reply *latency;			  /* NULL when not measured */
	struct session_reply *batch, *null_batch;	  /* null_batch belongs to the first measurement */
	struct session_reply *memory;			  /* of the first memory round */
	struct timeline timeline;			  /* of the first memory round */
	bool verified;
	char version[128];
};

/* Measures targets[0..count) together into measurements[0..count). False with a message when a pass failed; then the measurements are
 * destroyed. */
bool measurement_run(struct measurement *measurements, const struct target *const *targets, size_t count,
		     const struct measurement_options *options, struct trace_error *error);

void measurement_destroy(struct measurement *measurement);

/* Mean duration of calls of `kind` in ns, net of the null target, from the batches by least squares; NaN where the batches do not
 * determine it (fewer than 1,000 calls of the kind, never apart from another kind, or not more than the null target). */
double measurement_mean_batched(const struct measurement *measurement, enum latency_kind kind);

/* Calls per second of a gross time per call; NaN for NaN. */
double measurement_rate(double gross_ns);

#endif
