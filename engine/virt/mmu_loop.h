/* mmu_loop.h: loops in a stream of columns: rounds of references that go to the same pages for the same purpose.
 *
 *   ... a b c d e  a b c d e  a b c d e  a b c d e  f ...        period 5; from the second a on 15 references repeat
 *                 `---------'`---------'`---------'
 *                   round 1    round 2    round 3
 *
 * What a round does to a TLB depends on the round and on what the TLB and its walk caches hold before it. When they hold the
 * same after a round as before it, the next one does the same again: the same hits, misses and walks, and so do all that
 * follow. The page table is left as it is: what a round asks of it has been granted and marked by the one before. So such
 * rounds need only be counted (mmu_state.h compares, mmu_stream.c counts).
 *
 * A program that runs a loop of its own, or interprets one, repeats itself for thousands of references at a time, until an
 * index passes the end of a page.
 */
#ifndef FAULTLINE_ENGINE_VIRT_MMU_LOOP_H
#define FAULTLINE_ENGINE_VIRT_MMU_LOOP_H

#include "engine/virt/mmu_block.h"

/* References. Longer loops are not found. */
#define MMU_LOOP_PERIOD_MAX 8192u

struct mmu_loop {
	size_t period;	   /* references; of the last loop that was found, or 0 */
	size_t wait;	   /* references until another one is looked for; grows while none is found */
	unsigned failures; /* times in a row that the loop had no rounds where they were looked for */
};

/* Rounds of a loop. */
struct mmu_rounds {
	size_t first;  /* place of the first reference, which repeats the one `period` before */
	size_t period; /* references of a round, a multiple of the loop's */
	size_t count;  /* rounds; 0: there are none before `first`, from where on is to be looked again */
};

/* The rounds that begin next, at `at` or soon after it: at least two, of at least `least` references each. Pages have
 * 2^shift bytes. Takes about two instructions per reference of rounds and before them; without a loop one in ten
 * references or less is looked at. */
struct mmu_rounds mmu_loop_next(struct mmu_loop *loop, const struct mmu_columns *columns, size_t at,
				size_t least, unsigned shift);

#endif
