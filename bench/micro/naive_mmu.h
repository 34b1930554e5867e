/* naive_mmu.h: the yardstick of the MMU: two TLB levels and page-walk caches as anyone would write them first.
 *
 * Every entry has its page and the time of its last use; a lookup goes through the ways of a set, a miss replaces the
 * entry that was used longest ago. One reference after the other, with the branches that this takes. It does what the
 * engine does for a stream of loads and stores by 4 KiB pages: finds the entry in the page table, checks and marks it, looks up both
 * levels, asks the walk caches and counts the references. Not part of the engine: only the benchmark uses it.
 */
#ifndef FAULTLINE_BENCH_MICRO_NAIVE_MMU_H
#define FAULTLINE_BENCH_MICRO_NAIVE_MMU_H

#include "engine/virt/pagetable.h"

struct naive_line {
	uint64_t page;
	uint64_t used; /* time of its last use; 0: empty */
};

struct naive_mmu {
	uint64_t time;
	struct naive_line level_1[64], level_2[1536];
	struct naive_line pde[32], pdpte[4], pml4e[2];
	uint64_t misses[2];
	uint64_t references; /* entries that walks read */
};

void naive_mmu_clear(struct naive_mmu *mmu);
void naive_mmu_access(struct naive_mmu *mmu, const struct pagetable *table, uint64_t address, bool stores);

#endif
