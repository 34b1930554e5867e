/* mmu_block.h: the references of one block on their way through the MMU, and the stages that look at addresses alone.
 *
 * Two of them, which every reference passes, are written for four addresses at a time where the processor has AVX2
 * (mmu_block_avx2.c); the results are the same to the bit.
 */
#ifndef FAULTLINE_ENGINE_VIRT_MMU_BLOCK_H
#define FAULTLINE_ENGINE_VIRT_MMU_BLOCK_H

#include "engine/virt/walk.h"

/* References of one block. */
#define MMU_BLOCK 496u

/* Room behind the arrays for a store of four. */
#define MMU_BLOCK_SLACK 4u

struct mmu_block {
	uint32_t references;   /* that have gone through the filter */
	uint32_t count;	       /* of them that are not filtered out */
	unsigned seen;	       /* their accesses, or-ed, of those that are filtered out, too */
	unsigned filter_shift; /* sieves of up to 2^filter_shift sets would take out no more small pages */
	uint64_t address[MMU_BLOCK + MMU_BLOCK_SLACK];
	uint64_t key[MMU_BLOCK + MMU_BLOCK_SLACK];
	uint64_t group_key[MMU_BLOCK];		     /* the keys of a model that coalesces */
	pte_t *entry[MMU_BLOCK];		     /* where the way to the address ends */
	uint16_t place[MMU_BLOCK + MMU_BLOCK_SLACK]; /* in the stream, from the block's first reference */
	uint8_t access[MMU_BLOCK + MMU_BLOCK_SLACK]; /* enum walk_access, or-ed */
	uint8_t kind[MMU_BLOCK];		     /* enum tlb_kind; set only when there are fetches */
	uint8_t level[MMU_BLOCK];		     /* of the leaf */
	unsigned levels;			     /* bit l: a leaf is of level l */
	bool has_fetches;
	bool is_plain; /* all leaves are of one level, present, marked, and none is global */
};

/* Bits of enum walk_access; what else is in an access is ignored. */
#define MMU_ACCESS_MASK 7u

/* References as they come: at each address what is done there. */
struct mmu_references {
	const uint64_t *addresses;
	const uint8_t *accesses; /* enum walk_access, or-ed */
	uint32_t count;		 /* 1 .. MMU_BLOCK */
};

/* A stream as a trace stores it, in columns: the address of reference i is where[context[i]] + offset[i], and what it does
 * there access[shape[i]]. */
struct mmu_columns {
	const uint16_t *context, *offset;
	const uint8_t *shape;
	const uint64_t *where;
	const uint8_t *access; /* [256]: enum walk_access of each shape, or-ed */
	size_t count;
};

/* True when a reference right after one to the same page finds everything done already: it asks for no right and sets no bit
 * that the one before did not, and goes to the same TLB. */
static inline bool mmu_access_adds_nothing(unsigned before, unsigned access)
{
	return ((access & ~before & MMU_ACCESS_MASK) | (before & ~access & WALK_EXECUTE)) == 0;
}

/* Puts those references into the block whose page (of 2^shift bytes) is not that of the one before, or that add something to
 * it; the first one in any case. */
typedef void mmu_filter(struct mmu_block *block, const struct mmu_references *references, unsigned shift);

/* The stages for this processor. */
struct mmu_stages {
	mmu_filter *filter;
};

struct mmu_stages mmu_stages_portable(void);

/* The fastest: those of AVX2 where there is AVX2. */
struct mmu_stages mmu_stages_fastest(void);

#endif
