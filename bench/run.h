/* run.h: one replay of one trace on one target, with everything that its run directory says.
 *
 * run.json is the contract of the project's design, section 7; keys are added, never renamed. A number that cannot be had is null.
 */
#ifndef FAULTLINE_BENCH_RUN_H
#define FAULTLINE_BENCH_RUN_H

#include "bench/measurement.h"
#include "bench/mmu_pass.h"
#include "bench/model.h"
#include "bench/placement/placement.h"

#include <jansson.h>

struct run {
	const char *trace_path; /* NULL: it was recorded online and is in no file */
	const struct flt_summary *trace;
	const struct plan_totals *totals;
	const struct measurement_options *options;
	const struct measurement *measurement;
	const struct model *model;   /* NULL for live targets and mode parallel */
	const struct mmu_pass *pass; /* NULL: none through MMUs was made; then the next two are NULL, too */
	const struct placement
	    *placement;		      /* that the pass was made with; NULL: no live allocator placed blocks */
	const struct mmu_series *mmu; /* NULL: no pass through MMUs was made */
	const struct space_map *space; /* NULL: its address spaces were not looked at */
	const char *command;	       /* that makes this run again */
};

/* The run as run.json has it; NULL without memory. */
json_t *run_json(const struct run *run);

/* A number, or null for NaN and infinities. */
json_t *run_number(double value);

const char *run_mode_name(enum replay_mode mode);
const char *run_touch_name(enum replay_touch touch);
const char *run_pace_name(enum replay_pace pace);

#endif
