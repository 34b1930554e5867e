/* run_summary.h: what one run.json says, as far as a report shows it.
 *
 * The document comes from a file that anybody may have written: each value is looked at for its type, and
 * what is missing, null or of another type is unknown (NaN, or an empty string).
 *
 * Of each MMU in model.tlb a report shows what happened per 1000 references: misses of level 1 (of data and fetches, all page
 * sizes), walks, and the model's walk references and cycles.
 */
#ifndef FAULTLINE_BENCH_REPORT_RUN_SUMMARY_H
#define FAULTLINE_BENCH_REPORT_RUN_SUMMARY_H

#include "bench/report/row.h"
#include "traces/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Of a pass through one MMU. */
struct run_mmu {
	const char *name;
	double value[MMU_ROWS];
};

struct run_summary {
	json_t *document; /* the whole run, owned; the strings below lie in it */
	const char *trace_path;
	bool is_online;	  /* the trace is in no file: `command` recorded it */
	bool is_of_pages; /* a kernel recording: no heap was replayed */
	const char *trace_hash;
	const char *target;
	const char *mode, *pace, *touch;
	const char *speed_mode; /* in which time was measured, where that is another mode */
	const char *command;	/* that makes this run again; "" when it is not recorded */
	const char *allocator_name, *allocator_version, *allocator_library;
	double events;	/* of the trace */
	double threads; /* that the trace names */
	double seed;
	double rounds; /* of the throughput measurement */
	double live_peak_bytes;
	double net_low_ns, net_high_ns; /* 95 % interval of the net time per event */
	double gross_low_ns, gross_high_ns;
	double resolution_ns; /* the clock's step */
	double value[ROWS];   /* in the units of run.json */
	struct run_mmu *mmu;  /* owned, the names are not */
	size_t mmus;
	char *trace_name; /* owned: the trace's file name without directory and `.flt` */
	char *directory;  /* owned: where its series lie, relative to the directory of the report */
};

/* Takes `document` (also when it fails: then it is released) and fills in all but `directory`.
 * TRACE_UNSUPPORTED for another schema than 1, TRACE_BAD_INPUT when it names no trace or no target; `where`
 * (a file and the place in it) begins the message. */
enum trace_status run_summary_create(struct run_summary *run, json_t *document, const char *where,
				     struct trace_error *error) TRACE_MUST_USE;

void run_summary_destroy(struct run_summary *run);

/* Whether the run's target is of that family: "engine" is the family of "engine" and "engine:linux". */
bool run_summary_is(const struct run_summary *run, const char *family);

/* The number or string at a path of keys parted by dots; NaN, or "", when there is none. */
double run_summary_number(const json_t *document, const char *path);
const char *run_summary_string(const json_t *document, const char *path);

#endif
