/* trace_summary.h: what `faultline info` says of a trace, as text for people and as JSON for programs.
 *
 * Both come from the footer alone (struct flt_summary), so they cost the same for a trace of any length.
 */
#ifndef FAULTLINE_BENCH_TRACE_SUMMARY_H
#define FAULTLINE_BENCH_TRACE_SUMMARY_H

#include "traces/flt.h"

#include <jansson.h>
#include <stdio.h>

/* A new JSON object: path, source, command, host, events, threads, processes, kinds {name: count}, objects,
 * live_peak_bytes, live_peak_objects, live_end_bytes, live_end_objects, left_at_exit_bytes, left_at_exit_objects,
 * requested_bytes, cross_thread_frees, null_frees, failed, foreign, has_time, has_stacks, duration_ns, sizes [{low_bytes,
 * high_bytes, objects, bytes}], kernel (kernel_summary.h), size_p50_bytes, size_p90_bytes, size_p99_bytes, file_bytes, bytes_per_event, truncated,
 * warnings {text: count}, hash. What the trace does not know is null. NULL when memory is short. */
json_t *trace_summary_json(const char *path, const struct flt_summary *summary);

/* The same for people. */
void trace_summary_print(FILE *out, const char *path, const struct flt_summary *summary);

/* The upper end of the class of sizes that holds the `permille`-th thousandth of the created objects; 0 without objects. */
uint64_t trace_summary_size_quantile(const struct flt_summary *summary, unsigned permille);

#endif
