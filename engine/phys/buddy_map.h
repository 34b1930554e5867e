/* buddy_map.h: the small steps on a buddy's maps that buddy.c and buddy_range.c share: entering and removing
 * a free block, marking an allocated one, opening and closing a 2 MiB block. No step here merges or splits.
 * Private to the buddy.
 *
 * Blocks of order 9 and more are named by their pfn, smaller ones by their 2 MiB block and their node in its
 * tree.
 */
#ifndef FAULTLINE_ENGINE_PHYS_BUDDY_MAP_H
#define FAULTLINE_ENGINE_PHYS_BUDDY_MAP_H

#include "engine/base/check.h"
#include "engine/phys/buddy.h"

static inline uint32_t buddy_block_of(const struct buddy *buddy, pfn_t pfn)
{
	return (uint32_t)((pfn - buddy->base) >> HUGE_ORDER);
}

static inline unsigned buddy_node_of(const struct buddy *buddy, pfn_t pfn, unsigned order)
{
	return block_tree_node((unsigned)((pfn - buddy->base) & (HUGE_PAGES - 1)), order);
}

static inline pfn_t buddy_pfn_of(const struct buddy *buddy, uint32_t block, unsigned node, unsigned order)
{
	return buddy->base + ((pfn_t)block << HUGE_ORDER) + block_tree_frame(node, order);
}

static inline bool buddy_is_open(const struct buddy *buddy, uint32_t block)
{
	return buddy->trees[block].word[0] & BLOCK_TREE_OPEN;
}

static inline void buddy_count_in(struct buddy *buddy, unsigned order)
{
	buddy->free_blocks[order]++;
	buddy->nonempty |= 1u << order;
}

static inline void buddy_count_out(struct buddy *buddy, unsigned order)
{
	if (--buddy->free_blocks[order] == 0)
		buddy->nonempty &= ~(1u << order);
}

/* Enters the free block of `order` (below 9) at `node` of an open block. */
static inline void buddy_tree_insert(struct buddy *buddy, uint32_t block, unsigned node, unsigned order)
{
	block_tree_set(&buddy->trees[block], node);
	if (order == 0)
		buddy->detail[block] |= (uint8_t)(1u << ((node >> 6) - BLOCK_TREE_FRAME_WORD));
	buddy->hint[order] = block * BLOCK_TREE_WORDS + (node >> 6);
	bitmap_set(&buddy->free[order], block);
	buddy_count_in(buddy, order);
}

/* Is there no free block of `order` left, now that the word `word` of the block's tree has none? */
static inline bool buddy_tree_is_drained(struct buddy *buddy, uint32_t block, unsigned word, unsigned order)
{
	if (order == 0) {
		buddy->detail[block] &= (uint8_t) ~(1u << (word - BLOCK_TREE_FRAME_WORD));
		return buddy->detail[block] == 0;
	}
	return order >= 3 || block_tree_first_free(&buddy->trees[block], order) == 0;
}

/* Removes the free block of `order` (below 9) at `node`. */
static inline void buddy_tree_remove(struct buddy *buddy, uint32_t block, unsigned node, unsigned order)
{
	struct block_tree *tree = &buddy->trees[block];
	unsigned word = node >> 6;

	block_tree_clear(tree, node);
	if (block_tree_free_bits(tree->word[word] & block_tree_order_bits(order)) == 0 &&
	    buddy_tree_is_drained(buddy, block, word, order))
		bitmap_clear(&buddy->free[order], block);
	buddy_count_out(buddy, order);
}

/* The same for a block of order 9 or more. */
static inline void buddy_upper_insert(struct buddy *buddy, pfn_t pfn, unsigned order)
{
	bitmap_set(&buddy->free[order], (pfn - buddy->base) >> order);
	buddy_count_in(buddy, order);
}

static inline void buddy_upper_remove(struct buddy *buddy, pfn_t pfn, unsigned order)
{
	bitmap_clear(&buddy->free[order], (pfn - buddy->base) >> order);
	buddy_count_out(buddy, order);
}

/* Any order. */
static inline void buddy_map_insert(struct buddy *buddy, pfn_t pfn, unsigned order)
{
	if (order >= HUGE_ORDER)
		buddy_upper_insert(buddy, pfn, order);
	else
		buddy_tree_insert(buddy, buddy_block_of(buddy, pfn), buddy_node_of(buddy, pfn, order), order);
}

static inline void buddy_map_remove(struct buddy *buddy, pfn_t pfn, unsigned order)
{
	if (order >= HUGE_ORDER)
		buddy_upper_remove(buddy, pfn, order);
	else
		buddy_tree_remove(buddy, buddy_block_of(buddy, pfn), buddy_node_of(buddy, pfn, order), order);
}

/* Writes down, and strikes out, that the block is allocated with `order`. */
static inline void buddy_map_mark(struct buddy *buddy, pfn_t pfn, unsigned order)
{
	uint32_t block = buddy_block_of(buddy, pfn);

	if (order >= HUGE_ORDER) {
		buddy->trees[block].word[0] |= BLOCK_TREE_HEAD;
		buddy->detail[block] = (uint8_t)order;
	} else if (order > 0) {
		block_tree_mark(&buddy->trees[block], buddy_node_of(buddy, pfn, order));
	}
}

static inline void buddy_map_unmark(struct buddy *buddy, pfn_t pfn, unsigned order)
{
	uint32_t block = buddy_block_of(buddy, pfn);

	if (order >= HUGE_ORDER) {
		buddy->trees[block].word[0] &= ~BLOCK_TREE_HEAD;
		buddy->detail[block] = 0;
	} else if (order > 0) {
		block_tree_unmark(&buddy->trees[block], buddy_node_of(buddy, pfn, order));
	}
}

/* Is the block at `pfn` (aligned to it) marked as allocated with exactly this order, 9 or more? */
static inline bool buddy_upper_is_marked(const struct buddy *buddy, pfn_t pfn, unsigned order)
{
	uint32_t block = buddy_block_of(buddy, pfn);

	return (buddy->trees[block].word[0] & BLOCK_TREE_HEAD) && buddy->detail[block] == order;
}

static inline void buddy_open(struct buddy *buddy, uint32_t block)
{
	buddy->trees[block].word[0] |= BLOCK_TREE_OPEN;
}

static inline void buddy_close(struct buddy *buddy, uint32_t block)
{
	buddy->trees[block].word[0] &= ~BLOCK_TREE_OPEN;
}

/* Tells the fill queue, if there is one, that the free frames of `block` changed by `change`. */
static inline void buddy_settle(struct buddy *buddy, uint32_t block, int change)
{
	if (!buddy->fill)
		return;
	int free_frames = buddy->fill->entry[block].free_frames + change;

	if (!buddy_is_open(buddy, block))
		free_frames = 0;
	fill_queue_update(buddy->fill, block, (unsigned)free_frames,
			  block_tree_largest_free(&buddy->trees[block]));
}

/* The largest block (order) that starts at `pfn` and is no longer than `pages`. */
static inline unsigned buddy_piece_order(const struct buddy *buddy, pfn_t pfn, uint64_t pages)
{
	unsigned order = 63u - (unsigned)__builtin_clzll(pages);

	if (pfn != 0 && (unsigned)__builtin_ctzll(pfn) < order)
		order = (unsigned)__builtin_ctzll(pfn);
	return order < buddy->max_order ? order : buddy->max_order;
}

/* Makes a block that is marked neither free nor allocated free, merging it with its buddies. */
void buddy_release(struct buddy *buddy, pfn_t pfn, unsigned order);

/* Says which mistake a refused free is, and aborts. */
_Noreturn void buddy_refuse(const struct buddy *buddy, pfn_t pfn, unsigned order);

/* The free block that an allocation of `order` would take, not yet removed: true and its pfn and order. */
bool buddy_choose(const struct buddy *buddy, unsigned order, pfn_t *pfn, unsigned *found);

#endif
