/* relocation.h: where addresses of a recording are now: a sorted list of the mappings that came to lie elsewhere.
 *
 *   recorded   |  a  |      |     b     |              ours = recorded + (piece.ours - piece.start)
 *   ours             |     b     |    |  a  |          what is in no piece is where it was
 *
 * Invariants, proved by relocation_check():
 *   I1: pieces are in order of `start`, none is empty, no two overlap
 */
#ifndef FAULTLINE_BENCH_SPACES_RELOCATION_H
#define FAULTLINE_BENCH_SPACES_RELOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct relocated {
	uint64_t start, end; /* recorded addresses */
	uint64_t ours;	     /* where `start` is */
};

/* All zero: nothing has moved. */
struct relocation {
	struct relocated *piece;
	size_t pieces, capacity;
	uint64_t changes; /* so often anything was set or removed */
};

/* A stretch of recorded addresses that moved as one. */
struct relocation_found {
	uint64_t ours; /* where the first address is */
	uint64_t
	    end; /* recorded: behind the stretch; the next piece's start, or UINT64_MAX, for what is in no piece */
	bool is_known;
};

/* [start, start + bytes) is at `ours` from now on. Empty and wrapping ranges are ignored. False: no memory. O(pieces). */
bool relocation_set(struct relocation *relocation, uint64_t start, uint64_t bytes, uint64_t ours);

/* Nothing is known of the range any more. False: no memory. */
bool relocation_remove(struct relocation *relocation, uint64_t start, uint64_t bytes);

/* O(log pieces). */
struct relocation_found relocation_find(const struct relocation *relocation, uint64_t address);

/* A fork's copy, which was empty. False: no memory. */
bool relocation_copy(struct relocation *copy, const struct relocation *relocation);
void relocation_clear(struct relocation *relocation);

/* NULL, or the text of the first invariant that does not hold. */
const char *relocation_check(const struct relocation *relocation);

#endif
