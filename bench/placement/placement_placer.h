/* placement_placer.h: the blocks of a program placed where a live allocator put them.
 *
 *   heap event e ──▶ cursor.h: what belongs to e ──▶ calls: spaces_call()
 *                                               └──▶ block: spaces_put_block()
 *
 * The holes are found once, between everything that the trace says the process ever had mapped, and above what the simulated
 * system maps by itself.
 *
 * A program that is executed starts with an empty address space. The allocator went on as if nothing had happened (the
 * blocks of the program before were freed), so what it had mapped then is mapped again.
 */
#ifndef FAULTLINE_BENCH_PLACEMENT_PLACEMENT_PLACER_H
#define FAULTLINE_BENCH_PLACEMENT_PLACEMENT_PLACER_H

#include "bench/placement/placement.h"
#include "bench/spaces/placer.h"
#include "traces/flt.h"

struct placement_counts {
	uint64_t blocks, calls;
	uint64_t refused; /* calls that the simulated system refused */
};

/* The placer of a take; the placement must stay. `trace` is the one that was placed. */
enum trace_status placement_placer_create(struct placer **placer, const struct placement *placement,
					  unsigned take, const struct flt_summary *trace,
					  struct trace_error *error) TRACE_MUST_USE;
struct placement_counts placement_placer_counts(const struct placer *placer);
void placement_placer_destroy(struct placer *placer);

#endif
