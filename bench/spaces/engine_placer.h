/* engine_placer.h: the blocks of a program placed by the engine's own heap (engine/machine.h).
 *
 *   heap event ──▶ machine_malloc ... ──▶ offset in the machine's memory ──▶ + where its arena is mapped
 *
 * The arena is one private anonymous mapping as large as the machine's memory, as libfaultline-heap.so makes it: pages come by
 * faults. With the system's policy paging=eager the pages of a block come when it is
 * allocated. On a 32-bit machine it is as large as a program's addresses allow (address_layout.h), and so is the machine's memory. A program that is executed starts with an empty machine; a forked process with one in which the blocks that it inherits were
 * allocated in the order of their ids, as a replay of it begins. What the heap gives back to the system while it runs
 * (policy purge_delay) stays mapped here.
 *
 * Every process's live blocks are followed (traces/live_sets.h), its own as well: a child that it forks may free what it inherited,
 * and one that frees what it does not have is refused (TRACE_BAD_INPUT).
 */
#ifndef FAULTLINE_BENCH_SPACES_ENGINE_PLACER_H
#define FAULTLINE_BENCH_SPACES_ENGINE_PLACER_H

#include "bench/spaces/placer.h"
#include "engine/policy.h"

#include <stdbool.h>

struct engine_placer_options {
	const struct policy *policy; /* must stay */
	uint64_t memory_bytes;	     /* of the machine; 0: its default */
	uint64_t seed;
	bool is_single; /* all threads are one to the heap */
};

/* NULL: no memory. */
struct placer *engine_placer_create(const struct engine_placer_options *options);
void engine_placer_destroy(struct placer *placer);

#endif
