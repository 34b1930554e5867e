/* placer.h: who says where the blocks of a program lie: an allocator, ours or one that was asked in a pass of its own.
 *
 *   heap event ──▶ placer ──▶ spaces_put_block(): where the block lies in the address space that spaces.h rebuilds
 *                     └────▶ spaces_call(): the mappings that the allocator makes for it
 *
 * The placer gets every heap event of the one process whose blocks it places, in the order of the trace; if it wants, those of
 * the others too, and what begins and ends processes and programs. What it maps must not overlap what the program has mapped: it
 * asks spaces_mm() for a gap, or brings its addresses into a range that it has reserved at the start.
 */
#ifndef FAULTLINE_BENCH_SPACES_PLACER_H
#define FAULTLINE_BENCH_SPACES_PLACER_H

#include "traces/event.h"

struct spaces;

struct placer {
	/* A heap event of the process, or the end of one of its threads, at `position`. */
	enum trace_status (*place)(struct placer *placer, struct spaces *spaces, const struct event *event,
				   uint64_t position, struct trace_error *error);
	/* The process's program has its first mappings: at its first event, its fork, and after each exec. What it has inherited by a
	 * fork lies somewhere from then on. */
	enum trace_status (*start)(struct placer *placer, struct spaces *spaces, uint32_t process,
				   struct trace_error *error);
	/* May be NULL. A birth, exec or end of any process, and heap events of others, before anything is made of it: who holds which
	 * blocks, and what a fork will hand down. */
	enum trace_status (*follow)(struct placer *placer, struct spaces *spaces, const struct event *event,
				    struct trace_error *error);
};

#endif
