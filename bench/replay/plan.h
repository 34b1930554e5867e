/* plan.h: from events to operations.
 *
 * The plan of a trace names every block by a slot and every thread by a lane, both reused when they become free. It is made
 * once per mode and read once per pass:
 *
 *   events      malloc 1   malloc 2   free 1   malloc 3   realloc 3->4   free 2
 *   slots          0          1         0         0            0           1        (live peak 2: two slots)
 *
 * One process is replayed. What it inherited by fork is allocated first, in the order of the ids (event number of the fork). An
 * exec takes all its blocks away: they are freed there. Frees of blocks that the trace does not know (born before the recording)
 * are left out and counted, a realloc of one is a malloc; calls that failed when they were recorded are left out and counted.
 * realloc to 0 bytes that kept the block asks for 1 byte, since allocators differ in what 0 means.
 *
 * Mode single: no thread operations. Baton: OPERATION_SWITCH and OPERATION_EXIT where the recorded order changes threads; lane 0 is
 * the first thread of the process and never exits. Parallel: each operation carries its lane; OPERATION_EXIT ends it.
 *
 * Plans of up to PLAN_CACHED_OPERATIONS stay in memory; longer ones are made anew from the trace for every pass.
 */
#ifndef FAULTLINE_BENCH_REPLAY_PLAN_H
#define FAULTLINE_BENCH_REPLAY_PLAN_H

#include "bench/replay/operation.h"
#include "bench/replay/session.h"
#include "traces/error.h"
#include "traces/flt.h"

#define PLAN_CACHED_OPERATIONS (UINT64_C(1) << 22)
#define PLAN_PROCESS_LARGEST UINT32_MAX /* the process with the most heap events */
#define PLAN_MAX_LANES 32000u
#define PLAN_SIZE_BINS 192u    /* four per doubling */
#define PLAN_LIFETIME_BINS 64u /* one per doubling */

/* An operation with what the parent knows of it. */
struct planned {
	struct operation operation;
	uint64_t event;	     /* number of the event in the trace */
	uint64_t object;     /* id of the block that it makes; 0 = none */
	uint64_t time_ns;    /* recorded; 0 where the trace has no time */
	uint64_t live_bytes; /* requested and not freed, after this operation */
	uint32_t live_objects;
	uint32_t lane;
};

struct plan_options {
	const char *path;
	enum replay_mode mode;
	uint32_t process; /* number in the trace, or PLAN_PROCESS_LARGEST */
};

/* Counts of the whole plan; final once plan_create has returned. */
struct plan_totals {
	uint64_t operations; /* all kinds, thread operations included */
	uint64_t calls;	     /* operations that call the allocator */
	uint64_t calls_of[LATENCY_KINDS];
	uint64_t slots, lanes;	/* needed at once */
	uint64_t threads;	/* of the process, that called the allocator */
	uint64_t largest_bytes; /* of any block */
	uint64_t live_peak_bytes, live_peak_objects;
	uint64_t live_peak_operation; /* position of the operation that reached live_peak_bytes */
	uint64_t live_end_bytes;
	uint64_t foreign_frees, foreign_reallocs, failed_calls; /* left out, turned into malloc, left out */
	uint64_t inherited, exec_frees;				/* blocks allocated first, freed at exec */
	uint64_t unsized_frees;	   /* free_sized with another size than asked for: replayed as free */
	uint64_t events_of_others; /* events of the trace that belong to other processes */
	uint32_t process, processes;
	uint64_t size_count[PLAN_SIZE_BINS], size_bytes[PLAN_SIZE_BINS];
	uint64_t lifetime_count[PLAN_LIFETIME_BINS]; /* in heap calls between birth and death */
};

struct plan;

/* Reads the trace once. `error` names the trace and the event. */
enum trace_status plan_create(struct plan **plan, const struct plan_options *options,
			      struct trace_error *error) TRACE_MUST_USE;

const struct plan_totals *plan_totals(const struct plan *plan);
const struct flt_summary *plan_trace(const struct plan *plan);

/* Back to the first operation. */
enum trace_status plan_rewind(struct plan *plan, struct trace_error *error) TRACE_MUST_USE;

/* The next run of at most `most` operations (at least 1), in memory that stays valid until the next call; TRACE_END after the
 * last. */
enum trace_status plan_next(struct plan *plan, uint64_t most, const struct planned **operations,
			    uint64_t *count, struct trace_error *error) TRACE_MUST_USE;

void plan_destroy(struct plan *plan);

/* Bounds of the bins of plan_totals.size_count; `bin` below PLAN_SIZE_BINS. */
uint64_t plan_size_low(unsigned bin);
uint64_t plan_size_high(unsigned bin);
unsigned plan_size_bin(uint64_t bytes);

#endif
