/* free_replay.h: `faultline replay --physical=free`: a kernel recording whose pages a policy places (free_pass.h), with its figures, its
 * series and, where they were read at the end, the machine's own free blocks beside it (free_prediction.h); and whose slab objects go through
 * the policy's caches (kmem_pass.h), where the recording has them.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_FREE_REPLAY_H
#define FAULTLINE_BENCH_PHYSICAL_FREE_REPLAY_H

#include "bench/physical/free_pass.h"
#include "engine/policy.h"

#include <jansson.h>

#define FREE_REPLAY_CHECKS 4u /* of the slab caches, on the way */

struct free_replay_options {
	const char *path;   /* of the trace */
	const char *target; /* as the user wrote it: "engine:linux" */
	const struct policy *policy;
	const char *policy_name;
	const char *directory; /* of the run, or NULL */
	FILE *print;	       /* gets the table; NULL: nobody does */
	unsigned samples;      /* of the time lines */
	uint64_t
	    checks; /* the invariants: 0 never, UINT64_MAX at every sample, else after so many events, too: one that
				* is broken dies by CHECK */
	bool
	    slabs_alone; /* of a recording whose pages cannot be placed, its slab events are told; no directory */
};

/* Replays the trace of the reader and makes run.json in *json; with a directory, its series, too, among them latencies, for which
 * the trace is replayed twice. The reader is at the trace's beginning, and nobody else moves it. */
enum trace_status free_replay(struct flt_reader *reader, const struct free_replay_options *options,
			      json_t **json, struct trace_error *error) TRACE_MUST_USE;

#endif
