/* model.h: a trace replayed on the simulated machine, in this process: the deterministic half of an engine run.
 *
 * The plan's operations are applied to a machine (engine/machine.h) one at a time in recorded order; in mode baton with the lanes as
 * threads, in mode single as one thread. The same trace, policy, seed and mode give byte-identical figures, with either backing and
 * on any compiler.
 */
#ifndef FAULTLINE_BENCH_MODEL_H
#define FAULTLINE_BENCH_MODEL_H

#include "bench/replay/plan.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct model;

struct model_options {
	const char *policy; /* "NAME[,key=value]..." */
	struct plan *plan;  /* for mode single or baton */
	bool backing_real;  /* managed memory exists; false: only its metadata */
	uint64_t check;	    /* machine_check(): 0 never, else at every sample and after so many operations */
	uint64_t memory_bytes; /* of the machine; 0 = the machine's default */
	uint64_t seed;
	unsigned samples;
};

/* False with a message: unknown policy or key, no memory for the machine, a simulated out-of-memory does not count as a failure. */
bool model_run(struct model **model, const struct model_options *options, struct trace_error *error);

/* `model` and `policy` of run.json. */
json_t *model_json(const struct model *model);
json_t *model_policy_json(const struct model *model);

/* Most bytes of frames that the heap held at once. */
uint64_t model_frames_peak_bytes(const struct model *model);

/* The rows of model.tsv and buddy.tsv, column names included. */
void model_write_samples(const struct model *model, FILE *file);
void model_write_buddy(const struct model *model, FILE *file);

/* The rows of page_sizes.tsv: what the live blocks at their peak cost under each page size (engine/virt/page_size.h). */
void model_write_page_sizes(const struct model *model, FILE *file);

void model_destroy(struct model *model);

#endif
