/* prediction.h: what the model says that the kernel counted: the native recording's calls, and the
 * references of the emulated one, run through the model's page faults.
 *
 * None of the recorded faults are used. What the kernel's exec touched before the program's first instruction is taken from
 * the native recording (the snapshot "pages" at exec) and not counted as faults.
 *
 *   counter                          user   kernel's copies   MAP_POPULATE, mlock, MADV_POPULATE_*
 *   getrusage's ru_minflt, stat        x           x                x
 *   perf's page-faults                 x           x
 *   exceptions:page_fault_user         x
 */
#ifndef FAULTLINE_BENCH_FIDELITY_PREDICTION_H
#define FAULTLINE_BENCH_FIDELITY_PREDICTION_H

#include "bench/fidelity/figures.h"
#include "bench/fidelity/listing.h"
#include "bench/fidelity/pairing.h"
#include "bench/spaces/spaces.h"
#include "engine/policy.h"

struct prediction_faults {
	uint64_t user, kernel,
	    calls; /* minor faults of the program's instructions, of the kernel's copies, of calls */
};

/* One native process whose references are there from its first instruction to its end. */
struct predicted_process {
	bool is_complete; /* it ended, and executed nothing that was not emulated */
	struct prediction_faults minor;
	struct figures figures;
	struct listing listing; /* its mappings at the end, beside those recorded */
};

struct prediction_options {
	const struct policy *policy;
	enum spaces_addresses addresses; /* forced: where the kernel put them; free: where we do */
	FILE *differences;		 /* of mappings; NULL: they are not said */
};

struct prediction {
	struct predicted_process *process; /* by native number */
	uint32_t processes;
	uint64_t references;
	uint64_t unplaced;    /* references to places that are not known natively: left out */
	uint64_t unmapped;    /* mappings that had to be made because nothing was where a reference went */
	uint64_t calls_moved; /* calls that returned another address than recorded, although forced */
};

/* Both recordings' cursors are used. TRACE_NO_MEMORY, TRACE_BAD_INPUT, TRACE_UNSUPPORTED, and the readers'. */
enum trace_status prediction_make(struct prediction *prediction, struct pairing *pairing,
				  const struct prediction_options *options,
				  struct trace_error *error) TRACE_MUST_USE;
void prediction_destroy(struct prediction *prediction);

#endif
