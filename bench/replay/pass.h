/* pass.h: one pass of one trace on one target: starts the child, feeds it, collects what it measured. */
#ifndef FAULTLINE_BENCH_REPLAY_PASS_H
#define FAULTLINE_BENCH_REPLAY_PASS_H

#include "bench/placement/recorder.h"
#include "bench/replay/plan.h"
#include "bench/replay/session.h"
#include "bench/targets/target.h"
#include "bench/timeline.h"

struct pass_options {
	const struct target *target;
	struct plan *plan; /* made for `mode` */
	enum replay_mode mode;
	enum replay_touch touch;
	enum replay_pace pace;
	enum pass_kind kind;
	unsigned
	    samples; /* PASS_MEMORY: about so many samples over the trace, besides peak and end; 0: only those two */
	uint64_t drain_ns; /* PASS_MEMORY: pause after the trace */
	bool thp_disable;
	unsigned padding_bytes; /* added to the child's environment, so that its stack lies elsewhere */
	unsigned watchdog_s;	/* without any progress for so long the child is taken for hung */
	struct placement_recorder *recorder; /* PASS_PLACEMENT: takes what the child tells */
};

struct pass_result {
	uint64_t elapsed_ns;	  /* sum over the chunks; not in it: decoding, sampling, start-up */
	struct timeline timeline; /* PASS_MEMORY */
	struct session_reply *reply;
};

/* Runs the pass. False with a message that names the trace's event and the target when the child crashed, hung, got NULL, found a
 * broken block or could not be started. On success the result is to be destroyed. */
bool pass_run(struct pass_result *result, const struct pass_options *options, struct trace_error *error);

void pass_result_destroy(struct pass_result *result);

const char *pass_kind_name(enum pass_kind kind);

#endif
