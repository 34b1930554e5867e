/* physical_replay.h: `faultline replay --physical`: a kernel recording on physical memory, where the kernel put its pages or where a policy
 * does; the parts are there for `compare`, too.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_PHYSICAL_REPLAY_H
#define FAULTLINE_BENCH_PHYSICAL_PHYSICAL_REPLAY_H

#include "bench/replay_options.h"
#include "bench/targets/target.h"

#include <jansson.h>
#include <stdio.h>

struct physical_job {
	const char *path;      /* of the trace */
	const char *directory; /* of the run, or NULL */
	FILE *print;	       /* gets the table; NULL: nobody does */
	unsigned samples;      /* of the time lines */
	uint64_t checks;       /* as replay_options.h has it */
	bool slabs_alone;      /* of a recording whose pages cannot be placed, what its slabs do is enough */
};

/* Where the kernel put them; where the policy of an engine target does. Makes run.json in *json: NULL unless TRACE_OK. */
enum trace_status physical_forced(const struct physical_job *job, json_t **json,
				  struct trace_error *error) TRACE_MUST_USE;
enum trace_status physical_free(const struct physical_job *job, const struct target *target, json_t **json,
				struct trace_error *error) TRACE_MUST_USE;

/* Replays the trace as the options say and prints the table, or with --json run.json; with -o a directory with run.json and series.
 * Returns the exit status, after one message when it is not EXIT_DONE. */
int physical_replay(const struct replay_options *options, const char *path);

#endif
