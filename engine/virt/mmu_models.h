/* mmu_models.h: the keys of a block through every model of an MMU: TLB, walk caches, and what they count.
 *
 *   block --> keys --> sieve --> TLB of a model --> misses --> its walker
 *                        |
 *                      sieve --> TLB of the next model --> ...
 *
 * Models are taken in the order of their sieves (mmu_sieve.h), which changes nothing in what they count. A model whose entries
 * hold several pages, and one that has no part of level 1 for a page in the block, take all keys.
 */
#ifndef FAULTLINE_ENGINE_VIRT_MMU_MODELS_H
#define FAULTLINE_ENGINE_VIRT_MMU_MODELS_H

#include "engine/virt/mmu.h"

/* Model `number`, the last one so far, has been made: puts it in its place in the order. */
void mmu_models_add(struct mmu *mmu, unsigned number);

/* All keys of the block. `places` of its references in the stream, or NULL when none was dropped; their accesses are counted
 * already, or are to be. */
void mmu_models_run(struct mmu *mmu, struct mmu_block *block, const uint16_t *places, bool is_counted);

/* So many references to a page hit level 1 of every model. */
void mmu_models_count(struct mmu *mmu, uint64_t address, enum tlb_kind kind, uint32_t references);

#endif
