/* interleaving.h: the order of several threads' references between the points at which it is known.
 *
 * The plugin hands a thread's references over in blocks. A block handed over at order number n holds what the thread did since
 * its own block before, at number p: of two blocks nothing is known but that one came wholly before the other when it was
 * handed over before the other began, n1 < p2. Everything else may have happened in any order:
 *
 *   thread 1   |----- block -----|-------- block --------|          time ──▶
 *   thread 2        |------ block ------|
 *                           └ before any, between or after the words of thread 1
 *
 * Without a seed blocks keep the order of their hand-over. With one, pieces of random length are taken from random threads, so
 * that runs with several seeds show what depends on an order that nobody knows.
 *
 *   I1  a block's words are given out in order, and no thread has two blocks
 *   I2  words = the sum of what the blocks still hold, and is at most INTERLEAVING_WORDS_MAX
 */
#ifndef FAULTLINE_TRACES_RECORD_INTERLEAVING_H
#define FAULTLINE_TRACES_RECORD_INTERLEAVING_H

#include "traces/generate/xoshiro.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERLEAVING_WORDS_MAX (1u << 18)
#define INTERLEAVING_PIECE_MAX 64u

struct interleaving_block {
	uint64_t *word; /* copies */
	size_t next, count;
	uint64_t until;	 /* order number of the hand-over */
	uint32_t thread; /* the caller's number */
};

struct interleaving {
	struct xoshiro random;
	struct interleaving_block *block; /* in order of their hand-over */
	size_t blocks, capacity;
	size_t words; /* I2 */
};

/* What is to be merged next. */
struct interleaving_piece {
	const uint64_t *word; /* valid until the next call */
	size_t count;
	uint32_t thread;
};

void interleaving_start(struct interleaving *interleaving, uint64_t seed);
void interleaving_end(struct interleaving *interleaving);

/* Takes a copy of a thread's words, handed over at `until`. There must be room for them (I2), and nothing left of the thread's
 * block before, to which interleaving_precedes applies (I1). False: no memory. */
bool interleaving_add(struct interleaving *interleaving, const struct interleaving_piece *words,
		      uint64_t until);

/* Is there a block that was handed over at `since` or before? It has to be given out before what began then is added. */
bool interleaving_precedes(const struct interleaving *interleaving, uint64_t since);

/* The next piece, at random. False: nothing is left. Cost: the blocks. */
bool interleaving_next(struct interleaving *interleaving, struct interleaving_piece *piece);

/* NULL, or the text of the first broken invariant. */
const char *interleaving_check(const struct interleaving *interleaving);

#endif
