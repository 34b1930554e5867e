/* mmu_leaves.h: where the addresses of a block end in the page table, and what the entries there say. */
#ifndef FAULTLINE_ENGINE_VIRT_MMU_LEAVES_H
#define FAULTLINE_ENGINE_VIRT_MMU_LEAVES_H

#include "engine/virt/mmu.h"

/* The entry where the way to an address ends, and its level. The entries above let everything through (pagetable.c). */
pte_t *mmu_find_leaf(const struct pagetable *table, uint64_t address, unsigned *level);

/* For each of the block's references asks its entry for the rights, sets accessed and dirty bits, and makes the key. Cuts the
 * block before the first that faults: then *fault says why. */
void mmu_use_leaves(struct mmu *mmu, struct mmu_block *block, struct mmu_fault *fault);

#endif
