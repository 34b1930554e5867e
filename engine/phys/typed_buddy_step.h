/* typed_buddy_step.h: granules, as the files of the typed buddy see them. Private to it.
 */
#ifndef FAULTLINE_ENGINE_PHYS_TYPED_BUDDY_STEP_H
#define FAULTLINE_ENGINE_PHYS_TYPED_BUDDY_STEP_H

#include "engine/phys/buddy_map.h"
#include "engine/phys/typed_buddy.h"

/* The largest order whose words lie in one pageblock each. */
#define GRANULE_WORD_ORDER (HUGE_ORDER - PAIR_WORD_SHIFT)

/* What is wanted: 2^order frames for a type, or of its blocks. */
struct typed_piece {
	unsigned order;
	enum migrate_type type;
};

/* Blocks of a granule of `order` (below 9), as a power of two. */
static inline unsigned granule_shift(unsigned order)
{
	return order <= GRANULE_WORD_ORDER ? PAIR_WORD_SHIFT : HUGE_ORDER - order;
}

/* Granules of a pageblock, as a power of two. */
static inline unsigned granules_shift(unsigned order)
{
	return order <= GRANULE_WORD_ORDER ? GRANULE_WORD_ORDER - order : 0;
}

/* The free blocks of a granule: bit i is its i-th block. */
static inline uint64_t granule_free(const struct buddy_order *of, uint64_t granule, unsigned order)
{
	uint64_t first = granule << granule_shift(order);
	uint64_t all = ~(uint64_t)0 >> (64 - (1u << granule_shift(order)));

	return pair_free_bits(*buddy_word(of, first), PAIR_LEFT_BITS) >> (first & 63) & all;
}

/* The first frame of a granule. */
static inline pfn_t granule_pfn(const struct typed_buddy *buddy, uint64_t granule, unsigned order)
{
	return buddy_pfn_of(&buddy->map, granule << granule_shift(order), order);
}

#endif
