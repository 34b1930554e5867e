/* mmu_block.h: the references of one block on their way through the MMU, and the stages that look at addresses alone.
 *
 * Two of them, which every reference passes, are written for four addresses at a time where the processor has AVX2
 * (mmu_block_avx2.c); the results are the same to the bit.
 */
#ifndef FAULTLINE_ENGINE_VIRT_MMU_BLOCK_H
#define FAULTLINE_ENGINE_VIRT_MMU_BLOCK_H

#include "engine/virt/pte.h"

/* References of one block. */
#define MMU_BLOCK 496u

/* Room behind the arrays for a store of four. */
#define MMU_BLOCK_SLACK 4u

struct mmu_block {
	uint32_t count; /* references that are not filtered out */
	uint64_t address[MMU_BLOCK + MMU_BLOCK_SLACK];
	uint64_t key[MMU_BLOCK + MMU_BLOCK_SLACK];
	uint64_t group_key[MMU_BLOCK]; /* the keys of a model that coalesces */
	pte_t *entry[MMU_BLOCK];       /* where the way to the address ends */
	uint16_t place[MMU_BLOCK +
		       MMU_BLOCK_SLACK]; /* in the stream's block: each stands for those up to the next */
	uint8_t access[MMU_BLOCK];	 /* enum walk_access; not set when all are reads */
	uint8_t kind[MMU_BLOCK];	 /* enum tlb_kind; likewise */
	uint8_t level[MMU_BLOCK];	 /* of the leaf */
	bool is_plain;			 /* all leaves are of level 1 and none is global */
};

/* Puts those of `count` (1 .. MMU_BLOCK) addresses into the block whose page (of 2^shift bytes) is not that of the address
 * before, the first one in any case. */
typedef void mmu_filter(struct mmu_block *block, const uint64_t *addresses, uint32_t count, unsigned shift);

/* A plain block's keys: (address & mask) >> shift | bits. */
struct mmu_key_recipe {
	uint64_t mask, bits;
	unsigned shift;
};

typedef void mmu_key_maker(struct mmu_block *block, const struct mmu_key_recipe *recipe);

/* The stages for this processor. */
struct mmu_stages {
	mmu_filter *filter;
	mmu_key_maker *make_keys;
};

struct mmu_stages mmu_stages_portable(void);

/* The fastest: those of AVX2 where there is AVX2. */
struct mmu_stages mmu_stages_fastest(void);

#endif
