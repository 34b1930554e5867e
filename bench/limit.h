/* limit.h: naming a figure of run.json, and a limit for how it may change: what `diff --fail-if` takes.
 *
 *   limit   = metric (">" | "<") number ["%"]
 *   metric  = alias | operation "." percentile | path
 *   path    = keys of run.json joined by dots: host.memory.footprint_end_bytes
 *
 *   alias                  path
 *   p50 p90 p99 p999 p9999 max     host.latency_ns.malloc.THAT
 *   OPERATION.p99 ...      host.latency_ns.OPERATION.THAT  (malloc calloc realloc memalign free)
 *   net gross rate         host.throughput.{net_ns_per_event, gross_ns_per_event, events_per_s}
 *   footprint footprint_end footprint_over_live   host.memory.{footprint_peak_bytes, ...}
 *   frames fragmentation   model.memory.{frames_peak_bytes, internal_fragmentation}
 *
 * `p99>5%` is exceeded when the second run's p99 is more than 5 % above the first's, `rate<3%` when the second's rate is more than 3 %
 * below; without the percent sign the number is a difference in the figure's own unit.
 */
#ifndef FAULTLINE_BENCH_LIMIT_H
#define FAULTLINE_BENCH_LIMIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct limit {
	char metric[128]; /* as written */
	bool above;	  /* '>': a rise beyond the limit exceeds it; '<': a fall */
	bool relative;	  /* in per cent of the first run's figure */
	double limit;
};

/* Parses one limit; false when the text is none. */
bool limit_parse(struct limit *limit, const char *text);

/* The figure that `metric` names; NaN when the run has none (null or no such key). */
double limit_figure(const json_t *run, const char *metric);

enum limit_result { LIMIT_WITHIN, LIMIT_EXCEEDED, LIMIT_UNKNOWN };

/* How the change from `before` to `after` stands to the limit; unknown when one of them is NaN, or relative to 0. */
enum limit_result limit_judge(const struct limit *limit, double before, double after);

/* Calls visit(context, path, before, after) for every number that either run has, in the order of the first run. */
void limit_each_figure(json_t *before, json_t *after,
		       void (*visit)(void *context, const char *path, double before, double after),
		       void *context);

#endif
