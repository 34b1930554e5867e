/* mmu_sieve.h: the keys of a block on their way from model to model; those that would change nothing in the next are left out.
 *
 *   all keys --> zen4: 1 set --> sieve of 4 sets --> 16x4 --> sieve of 8 sets --> 32x4 --> sieve of 16 sets --> skylake-sp ...
 *
 * When `sets` divides the sets of an array, a key that was the last one in its set of the sieve was the last one in its set
 * there: it hits and changes nothing, whatever the replacement. So models are taken in the order of the sets that all parts of
 * their level 1 can be divided by, and each sieve takes what the one before let through. Other than the filter of references
 * (mmu_recent.h) a sieve looks at keys, and holds for pages of any sizes.
 *
 * A sieve must forget when anything is flushed.
 */
#ifndef FAULTLINE_ENGINE_VIRT_MMU_SIEVE_H
#define FAULTLINE_ENGINE_VIRT_MMU_SIEVE_H

#include "engine/virt/mmu_block.h"
#include "engine/virt/tlb.h"

/* Sieves have 1, 2, 4 ... sets. */
#define MMU_SIEVE_SHIFT_MAX 10u
#define MMU_SIEVE_SETS_MAX (1u << MMU_SIEVE_SHIFT_MAX)

struct mmu_sieve {
	uint16_t stale; /* bit s: the sieve of 2^s sets has missed keys, and must forget before it is used */
	bool has_fetched; /* there may be keys in last[TLB_FETCH] */
	/* [kind][sets + set]: the last key of the set, if it was for this kind; else ASSOCIATIVE_EMPTY */
	uint64_t last[TLB_KINDS][2 * MMU_SIEVE_SETS_MAX];
};

/* Keys on their way. */
struct mmu_sieved {
	uint32_t count;
	bool has_fetches; /* kind[] is set; false: all are data */
	uint64_t key[MMU_BLOCK];
	uint16_t number[MMU_BLOCK]; /* in the block */
	uint8_t kind[MMU_BLOCK];    /* enum tlb_kind */
};

void mmu_sieve_forget(struct mmu_sieve *sieve);

/* log2 of the sets of the sieve for a TLB: of the finest one that all parts of level 1 allow. */
unsigned mmu_sieve_shift(const struct tlb *tlb);

/* All keys of the block. */
void mmu_sieve_begin(struct mmu_sieved *keys, const struct mmu_block *block);

/* Takes the keys out that the sieve of 2^shift sets does not let through. */
void mmu_sieve_pass(struct mmu_sieve *sieve, unsigned shift, struct mmu_sieved *keys);

/* The keys of a block do not go through the sieve of 2^shift sets. */
static inline void mmu_sieve_skip(struct mmu_sieve *sieve, unsigned shift)
{
	sieve->stale |= (uint16_t)(1u << shift);
}

#endif
