/* memory_outcome.h: what the replay of a kernel recording left of a machine's memory, in the figures by which policies are compared.
 *
 *                              at the end, over all zones                            over the replay
 *   order  0  1 ... 8 | 9  10                                    requests of any order,  those of a 2 MiB block or more
 *   free blocks       | huge                                     refused of them         refused of them
 *
 *   huge                 2 MiB that lie free in one piece; of the most: of the 2 MiB that the free pages could make
 *   unusable             the share of the free memory that lies in smaller pieces (fragmentation.h)
 *   kernel blocks        2 MiB pageblocks in which something lies that nobody can move: no compaction makes them whole. Those that are
 *                        reserved since boot are not among them
 *
 * What nobody knows is OUTCOME_UNKNOWN: of a recorded machine, which pages of the kernel's can be moved and which wait in page sets.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_MEMORY_OUTCOME_H
#define FAULTLINE_BENCH_PHYSICAL_MEMORY_OUTCOME_H

#include "engine/base/ratio.h"
#include "engine/phys/fragmentation.h"
#include "engine/phys/memory.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define OUTCOME_UNKNOWN UINT64_MAX

struct outcome_requests {
	uint64_t asked, refused;
};

struct outcome_load {
	struct outcome_requests all, huge; /* huge: of order HUGE_ORDER and more */
};

struct memory_outcome {
	bool has_free; /* false: nothing tells of the end */
	struct free_blocks free;
	uint64_t kernel_blocks; /* or OUTCOME_UNKNOWN */
	struct outcome_load load;
};

/* One more request. */
void outcome_load_count(struct outcome_load *load, unsigned order, bool is_refused);

/* Free blocks and kernel blocks of the memory as it is. O(frames). */
void memory_outcome_take(struct memory_outcome *outcome, const struct memory *memory);

uint64_t memory_outcome_huge(const struct memory_outcome *outcome);

/* huge.refused / huge.asked: none where nobody asked. */
struct ratio memory_outcome_huge_refused(const struct memory_outcome *outcome);

/* {blocks, huge_blocks, free_huge_over_optimal, unusable_free_index_order9, kernel_huge_blocks, requests, refused, huge_requests, huge_refused,
 * huge_refused_share}: null for what is not known. NULL without memory. */
json_t *memory_outcome_json(const struct memory_outcome *outcome);

/* The same as a series with one row, outcome.tsv: its columns are named by a line of `#`. */
void memory_outcome_write(const struct memory_outcome *outcome, FILE *file);

#endif
