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

/* One more free block in this granule of the type. */
static inline void typed_count_up(struct typed_buddy *buddy, enum migrate_type type, unsigned order,
				  uint64_t granule)
{
	struct buddy_order *of = &buddy->order[type][order];

	if (of->blocks++ != 0) {
		bitmap_set(&of->free, granule);
		return;
	}
	bitmap_set_first(&of->free, granule);
	buddy->nonempty[type] |= 1u << order;
}

/* One less; `any` says whether the granule has another. */
static inline void typed_count_down(struct typed_buddy *buddy, enum migrate_type type, unsigned order,
				    uint64_t granule, bool any)
{
	struct buddy_order *of = &buddy->order[type][order];

	if (--of->blocks == 0) {
		bitmap_clear_last(&of->free, granule);
		buddy->nonempty[type] &= ~(1u << order);
	} else if (!any) {
		bitmap_clear(&of->free, granule);
	}
}

/* The granule from which a type takes: the one in which a block became free last, else the lowest that has one. One that changed
 * its type meanwhile has none. */
static inline uint64_t typed_nearest_granule(const struct buddy_order *of)
{
	return bitmap_test(&of->free, of->hint) ? of->hint : bitmap_first(&of->free);
}

/* Takes a block of an order of which the type has one. */
static inline uint64_t typed_take_nearest(struct typed_buddy *buddy, enum migrate_type type, unsigned order)
{
	struct buddy_order *of = &buddy->order[type][order];
	uint64_t granule = typed_nearest_granule(of);
	uint64_t free = granule_free(of, granule, order);
	uint64_t block = (granule << granule_shift(order)) + (unsigned)__builtin_ctzll(free);
	bool any = (free & (free - 1)) != 0;

	*buddy_word(of, block) |= pair_bit(block ^ 1);
	buddy_keep_or_forget(of, granule, any);
	__builtin_prefetch(buddy_word(of, (uint64_t)of->hint << granule_shift(order)), 1);
	typed_count_down(buddy, type, order, granule, any);
	return block;
}

/* Halves a block in use, of order `found`, down to `order`: the right halves become free, for the type. */
static inline void typed_split(struct typed_buddy *buddy, uint64_t block, unsigned found,
			       struct typed_piece piece)
{
	while (found > piece.order) {
		struct buddy_order *of = &buddy->order[piece.type][--found];

		block *= 2;
		*buddy_word(of, block) |= pair_bit(block + 1);
		typed_count_up(buddy, piece.type, found, block >> granule_shift(found));
		buddy_remember(of, block >> granule_shift(found));
	}
}

#endif
