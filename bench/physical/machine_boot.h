/* machine_boot.h: a simulated memory that is a recorded machine (machine_state.h).
 *
 *   LISTED      in the keeper, as the largest aligned blocks that the runs of free frames make: Linux merges whatever it can
 *   SET         in the page set of the same processor: what is handed out first lies first
 *   the rest    allocated, in blocks as far as these are known, else as single frames: each can be freed later
 *
 * Free blocks lie in the lists of their pageblocks' types, in rising order: in which order Linux has them nothing tells. A set holds as many
 * pages as it had at the start (machine_sets.h): where events told of fewer, frames that nothing is known of make up for it, in no list that
 * ran empty later; single ones, those in Movable pageblocks first, and then, if all lists of them ran empty, blocks.
 * A keeper without sets, or with sets that do not hold an order, has these blocks in its lists.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_MACHINE_BOOT_H
#define FAULTLINE_BENCH_PHYSICAL_MACHINE_BOOT_H

#include "bench/physical/machine_state.h"
#include "engine/phys/memory.h"

/* What came of it, in pages. */
struct machine_boot {
	uint64_t listed, used;
	uint64_t in_sets;
	uint64_t guessed; /* of those in sets, the frames that nothing is known of */
};

/* Builds the machine. `shape` says how it keeps its memory (engine/policy_memory.h); description, size, processors (as many as are
 * recorded, unless it has 0) and, unless it names some, watermarks are the state's. What is in use has PAGE_HEAD and one
 * reference; what processes and files have, PAGE_LRU, too. TRACE_NO_MEMORY; TRACE_BAD_INPUT when the state describes no machine that can be
 * built. Nothing is left to destroy then. */
enum trace_status machine_state_boot(const struct machine_state *state, struct memory *memory,
				     const struct memory_shape *shape, struct machine_boot *boot,
				     struct trace_error *error) TRACE_MUST_USE;

/* The free blocks of a zone of the memory as they are now, and as a buddyinfo has them: NULL when it does not tell of the zone. */
const struct free_blocks *machine_zone_blocks(const struct buddyinfo *buddyinfo, const struct zone *zone);

/* Sum over zones and orders of |free blocks of the memory - those of the buddyinfo|. */
uint64_t machine_blocks_difference(const struct memory *memory, const struct buddyinfo *buddyinfo);

#endif
