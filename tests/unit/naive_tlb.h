/* naive_tlb.h: the oracle of the TLB: every entry with the time of its last use, found by looking at all of them.
 *
 * Knows only what a book says: pages of one size for data, entries in sets by page number modulo the number of sets, exact
 * LRU or FIFO, misses put in at both levels. No keys, no routes, no batches.
 */
#ifndef FAULTLINE_TESTS_UNIT_NAIVE_TLB_H
#define FAULTLINE_TESTS_UNIT_NAIVE_TLB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct naive_entry {
	bool valid;
	uint64_t page;
	uint64_t stamp; /* of the last use, or with FIFO of its coming */
};

struct naive_array {
	uint32_t sets, ways;
	bool fifo;
	struct naive_entry *entry; /* [set * ways + way] */
};

struct naive_tlb {
	struct naive_array level[2];
	uint64_t clock;
	uint64_t accesses, misses[2];
};

void naive_tlb_make(struct naive_tlb *tlb, const uint32_t entries[2], const uint32_t ways[2], bool fifo);
void naive_tlb_drop(struct naive_tlb *tlb);

/* Level 2 without entries always misses. */
void naive_tlb_access(struct naive_tlb *tlb, uint64_t page);
void naive_tlb_flush(struct naive_tlb *tlb, uint64_t first, uint64_t last);

#endif
