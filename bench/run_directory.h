/* run_directory.h: a run on disk: run.json and tab-separated series, which reports read.
 *
 * Every series starts with lines of `#`: version, trace and hash, target, policy, seed, mode; then the column names. A missing number
 * is `?`. The directory appears under its name only when it is whole (whole_directory.h).
 *
 *   run.json         everything that is one number
 *   throughput.tsv   round gross_ns_per_event null_ns_per_event net_ns_per_event events_per_s
 *   latency.tsv      operation quantile latency_ns below_resolution samples
 *   timeline.tsv     event time_ns live_bytes live_objects granted_bytes footprint_bytes lazyfree_bytes anon_huge_bytes
 *                    internal_fragmentation footprint_over_live
 *   sizes.tsv        size_low_bytes size_high_bytes allocations bytes
 *   lifetimes.tsv    events_low events_high objects
 *   model.tsv, buddy.tsv, page_sizes.tsv   engine targets only (model.h)
 *   tlb.tsv, faults.tsv, pages.tsv, walks.tsv, tlb_sizes.tsv                of a pass through MMUs (mmu_series.h)
 *   space.tsv, residency.tsv, space_image.tsv, space_rows.tsv               of its address spaces (space_map.h)
 */
#ifndef FAULTLINE_BENCH_RUN_DIRECTORY_H
#define FAULTLINE_BENCH_RUN_DIRECTORY_H

#include "bench/run.h"
#include "bench/whole_directory.h"

/* Writes the directory; its parent must exist. False with a message. */
bool run_directory_write(const struct run *run, const char *path, struct trace_error *error);

/* The name of the directory of `text` (a target or a trace's stem): characters other than [A-Za-z0-9._-] become `_`, and a leading dot
 * too. name[0..bytes) is cut when too short. */
void run_directory_name(const char *text, char *name, size_t bytes);

/* Writes `json` to run.json in the directory. False with a message. */
bool run_directory_put_json(const struct whole_directory *whole, const json_t *json,
			    struct trace_error *error);

/* Writes `json` to the file `path`, beside it first. */
bool run_directory_write_json(const json_t *json, const char *path, struct trace_error *error);

#endif
