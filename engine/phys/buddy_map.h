/* buddy_map.h: the small steps on a buddy's maps that its files share. No step here merges or splits. Private to the
 * buddy.
 */
#ifndef FAULTLINE_ENGINE_PHYS_BUDDY_MAP_H
#define FAULTLINE_ENGINE_PHYS_BUDDY_MAP_H

#include "engine/phys/buddy.h"
#include "engine/phys/pair_code.h"

/* The number of the block of `order` that holds `pfn`, and back. */
static inline uint64_t buddy_block_of(const struct buddy *buddy, pfn_t pfn, unsigned order)
{
	return (pfn - buddy->base) >> order;
}

static inline pfn_t buddy_pfn_of(const struct buddy *buddy, uint64_t block, unsigned order)
{
	return buddy->base + (block << order);
}

static inline uint64_t *buddy_word(const struct buddy_order *order, uint64_t block)
{
	return &order->words[block >> PAIR_WORD_SHIFT];
}

static inline bool buddy_bit(const struct buddy_order *order, uint64_t block)
{
	return (*buddy_word(order, block) & pair_bit(block)) != 0;
}

/* Is this block, of an order below the top, divided? */
static inline bool buddy_is_divided(const struct buddy *buddy, uint64_t block, unsigned order)
{
	return order > 0 && (*buddy_word(&buddy->order[order - 1], block * 2) >> (block * 2 & 63) & 3) != 0;
}

/* With a fill queue: a block below order 9 became free (+1), or ceased to be (-1); the bits already say so. */
void buddy_fill(struct buddy *buddy, uint64_t block, unsigned order, int change);

/* One more free block of an order: in this word, which had none or others before. */
static inline void buddy_count_up(struct buddy *buddy, unsigned order, uint64_t word)
{
	struct buddy_order *of = &buddy->order[order];

	if (of->blocks++ != 0) {
		bitmap_set(&of->free, word);
		return;
	}
	bitmap_set_first(&of->free, word);
	buddy->nonempty |= 1u << order;
}

/* One free block less; `any` says whether the word has another. */
static inline void buddy_count_down(struct buddy *buddy, unsigned order, uint64_t word, bool any)
{
	struct buddy_order *of = &buddy->order[order];

	if (--of->blocks == 0) {
		bitmap_clear_last(&of->free, word);
		buddy->nonempty &= ~(1u << order);
	} else if (!any) {
		bitmap_clear(&of->free, word);
	}
}

/* A block became free in this word: the hint before is next after it. */
static inline void buddy_remember(struct buddy_order *of, uint64_t word)
{
	of->newest = (of->newest + 1) % BUDDY_RECENT;
	of->recent[of->newest] = of->hint;
	of->hint = (uint32_t)word;
}

/* Sets and clears bits of the word of `block`, by which that block, or its buddy, becomes free. */
static inline void buddy_enter(struct buddy *buddy, uint64_t block, unsigned order, uint64_t set,
			       uint64_t clear)
{
	struct buddy_order *of = &buddy->order[order];
	uint64_t *word = buddy_word(of, block);

	*word = (*word | set) & ~clear;
	buddy_count_up(buddy, order, block >> PAIR_WORD_SHIFT);
	buddy_remember(of, block >> PAIR_WORD_SHIFT);
	if (buddy->fill)
		buddy_fill(buddy, block, order, 1);
}

/* The same for bits by which it ceases to be free. */
static inline void buddy_leave(struct buddy *buddy, uint64_t block, unsigned order, uint64_t set,
			       uint64_t clear)
{
	struct buddy_order *of = &buddy->order[order];
	uint64_t *word = buddy_word(of, block);

	*word = (*word | set) & ~clear;
	buddy_count_down(buddy, order, block >> PAIR_WORD_SHIFT, pair_free_bits(*word, of->pairs) != 0);
	if (buddy->fill)
		buddy_fill(buddy, block, order, -1);
}

/* The free block becomes in use. */
static inline void buddy_take(struct buddy *buddy, uint64_t block, unsigned order)
{
	bool top = order == buddy->max_order;

	buddy_leave(buddy, block, order, top ? 0 : pair_bit(block ^ 1), top ? pair_bit(block) : 0);
}

/* The word from which order-first takes: the one in which a block became free last, else the lowest that has one. */
static inline uint64_t buddy_nearest_word(const struct buddy_order *of)
{
	uint64_t word = of->hint;

	return pair_free_bits(of->words[word], of->pairs) != 0 ? word : bitmap_first(&of->free);
}

/* A block was taken in this word. When it has no more, the hint before is next. */
static inline void buddy_keep_or_forget(struct buddy_order *of, uint64_t word, bool any)
{
	of->hint = any ? (uint32_t)word : of->recent[of->newest];
	of->newest = (of->newest - !any) % BUDDY_RECENT;
}

/* Takes a block of an order that has one. */
static inline uint64_t buddy_take_nearest(struct buddy *buddy, unsigned order)
{
	struct buddy_order *of = &buddy->order[order];
	uint64_t word = buddy_nearest_word(of);
	uint64_t bits = of->words[word];
	uint64_t block = word << PAIR_WORD_SHIFT | (unsigned)__builtin_ctzll(pair_free_bits(bits, of->pairs));

	bits = of->pairs != PAIR_NO_BITS ? bits | pair_bit(block ^ 1) : bits & ~pair_bit(block);
	bool any = pair_free_bits(bits, of->pairs) != 0;

	of->words[word] = bits;
	buddy_keep_or_forget(of, word, any);
	/* p99.9 of an allocation fell by a seventh on a busy machine, where the word is often no longer cached. */
	__builtin_prefetch(&of->words[of->hint], 1);
	buddy_count_down(buddy, order, word, any);
	return block;
}

/* Splits a block in use down to an order between which and the block's no free one exists: the right halves become free, the
 * first ones of their orders. */
void buddy_split_first(struct buddy *buddy, uint64_t block, unsigned found, unsigned order);

/* Lists the 2 MiB block that holds this frame anew, when an operation has changed its bits for good. */
static inline void buddy_settle(struct buddy *buddy, pfn_t pfn)
{
	if (buddy->fill)
		fill_queue_update(buddy->fill, (uint32_t)((pfn - buddy->base) >> HUGE_ORDER));
}

/* The lowest free block of `order` (below 9) in a 2 MiB block, given by its number; or BITMAP_NONE. */
uint64_t buddy_first_in_huge(const struct buddy *buddy, uint64_t huge, unsigned order);

/* The free block that an allocation of `order` would take, not yet taken: its number, and its order in *found; or
 * BITMAP_NONE. */
uint64_t buddy_choose(const struct buddy *buddy, unsigned order, unsigned *found);

/* The order of the allocated block at `pfn`, cut to one that is no longer than `pages`. */
unsigned buddy_whole_order(struct buddy *buddy, pfn_t pfn, uint64_t pages);

/* Are the blocks of this word, of an order below the top, those of parents that are in use? */
bool buddy_is_division_right(const struct buddy *buddy, unsigned order, uint64_t word);

/* NULL, or the invariant of an order that does not hold. The frames of its free blocks are added to *pages. */
const char *buddy_check_order(const struct buddy *buddy, unsigned order, uint64_t *pages);

/* I7: the words (or granules) that the order remembers are some. */
bool buddy_are_hints_right(const struct buddy_order *of);

/* The memory of a buddy: words of an order, and of the search over them, from *memory on, which moves behind them. */
void buddy_take_words(struct buddy_order *of, uint64_t words, unsigned char **memory);
void buddy_take_search(struct buddy_order *of, uint64_t granules, unsigned char **memory);

/* Is the shape in its bounds, and how many words do an order's blocks take? */
bool buddy_shape_is_valid(const struct buddy_shape *shape);
uint64_t buddy_words_of_order(const struct buddy_shape *shape, unsigned order);

/* A buddy without maps. */
void buddy_begin(struct buddy *buddy, const struct buddy_shape *shape);

/* Says which mistake a refused free is, and aborts. */
_Noreturn void buddy_refuse(const struct buddy *buddy, pfn_t pfn, unsigned order);

/* Is the block allocated as a whole? It must exist and be in use, and nothing may exist below it. No branch depends on the
 * order, which cannot be predicted. */
static inline bool buddy_is_allocated(const struct buddy *buddy, uint64_t block, unsigned order)
{
	const struct buddy_order *below = &buddy->order[order - (order > 0)];
	uint64_t pair = (uint64_t)3 >> (2 * (order == 0));
	uint64_t divided = *buddy_word(below, block * 2 & ~(uint64_t)1) >> (block * 2 & 63) & pair;
	bool below_top = order < buddy->max_order;

	return (divided | (buddy_bit(&buddy->order[order], block ^ below_top) ^ below_top)) == 0;
}

/* A block that is freed is allocated with this order; if not, says which mistake it is and aborts. */
static inline void buddy_demand_allocated(const struct buddy *buddy, pfn_t pfn, unsigned order)
{
	if (pfn < buddy->first || pfn >= buddy->end || order > buddy->max_order ||
	    (pfn & (((pfn_t)1 << order) - 1)) != 0 ||
	    !buddy_is_allocated(buddy, buddy_block_of(buddy, pfn, order), order))
		buddy_refuse(buddy, pfn, order);
}

#endif
