/* pair_code.h: what the two bits of two buddies say. One word holds 32 pairs of one order.
 *
 *   right left
 *       0 0     the block above them is not divided: neither of them exists
 *       0 1     both exist; the left one is free, the right one in use
 *       1 0     both exist; the right one is free, the left one in use
 *       1 1     both exist and are in use: allocated, or divided further
 *
 * Both free cannot be said, and need not be: they would have merged. So a block's buddy bit is set exactly if the block
 * exists and is in use, and then its own bit says whether the buddy is in use too. One look at a pair answers everything
 * that a free has to ask.
 *
 * Blocks of the top order have no buddy: their bit alone says that they are free.
 */
#ifndef FAULTLINE_ENGINE_PHYS_PAIR_CODE_H
#define FAULTLINE_ENGINE_PHYS_PAIR_CODE_H

#include <stdbool.h>
#include <stdint.h>

#define PAIR_WORD_SHIFT 6
#define PAIR_LEFT_BITS 0x5555555555555555u /* `pairs` of every order below the top */
#define PAIR_NO_BITS 0u			   /* `pairs` of the top order */

/* The bit of a block, given its number within its order, in word number >> PAIR_WORD_SHIFT. */
static inline uint64_t pair_bit(uint64_t block)
{
	return (uint64_t)1 << (block & 63);
}

/* The bits of the free blocks of a word. */
static inline uint64_t pair_free_bits(uint64_t word, uint64_t pairs)
{
	return word & ~((word & word >> 1 & pairs) * 3);
}

/* The bits of the buddies of some blocks. */
static inline uint64_t pair_buddies(uint64_t blocks)
{
	return (blocks & PAIR_LEFT_BITS) << 1 | (blocks >> 1 & PAIR_LEFT_BITS);
}

/* From `word` on, which holds the bit of `block`: 2^shift blocks, at least two and aligned to their number, exist and are in use. */
static inline void pair_use_all(uint64_t *word, uint64_t block, unsigned shift)
{
	if (shift < PAIR_WORD_SHIFT) {
		*word |= (((uint64_t)1 << (1u << shift)) - 1) << (block & 63);
		return;
	}
	for (uint64_t i = 0; i < (uint64_t)1 << (shift - PAIR_WORD_SHIFT); i++)
		word[i] = UINT64_MAX;
}

#endif
