/* trial.h: one trace on several targets: plans, passes, models, and a run for each target. `replay` is a comparison of one. */
#ifndef FAULTLINE_BENCH_TRIAL_H
#define FAULTLINE_BENCH_TRIAL_H

#include "bench/placement/placement.h"
#include "bench/replay_options.h"
#include "bench/run.h"

struct trial {
	const char *trace_path;
	struct plan *speed_plan, *memory_plan; /* may be the same; NULL when the only target is recorded */
	struct measurement_options options;
	size_t count;
	struct target target[MEASUREMENT_MAX_TARGETS];
	struct measurement *measurement;
	struct model *model[MEASUREMENT_MAX_TARGETS];	      /* NULL but for engine targets */
	struct mmu_pass *pass[MEASUREMENT_MAX_TARGETS];	      /* NULL without --mmu, and for null */
	struct placement *placement[MEASUREMENT_MAX_TARGETS]; /* of live targets, with --mmu; else NULL */
	struct flt_reader *reader;			      /* when there is no plan: nothing is measured */
	struct plan_totals nothing;			      /* what is planned then */
	char *command[MEASUREMENT_MAX_TARGETS];
	struct run run[MEASUREMENT_MAX_TARGETS];
};

/* Everything that can be refused before anything is measured: the targets exist, the trace can be read. Says on stderr which process is
 * replayed when the trace has several, and what is left out. False after one message. */
bool trial_prepare(struct trial *trial, const struct replay_options *options, const char *trace);

/* Measures. False after one message. */
bool trial_measure(struct trial *trial, const struct replay_options *options);

void trial_destroy(struct trial *trial);

#endif
