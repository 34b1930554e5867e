/* block_tree.h: the free blocks of order 0 .. 8 inside one 2 MiB block, as a tree of bits in two cache lines.
 *
 * Node 1 is the whole block (order 9), node n has the children 2n and 2n+1, and the nodes of order k are
 * 2^(9-k) .. 2^(10-k)-1. Bit n of 1024 belongs to node n, so that each order is a slice of consecutive bits
 * and the bits that one frame's free and merge look at lie together:
 *
 *   word    0                        1        2..3     4..7     8..15
 *   orders  8 7 6 5 4 (63 bits)      3        2        1        0
 *   line    |------------------------ first ----------------|- second -|
 *
 * Two siblings are never both free (they would have merged). The otherwise impossible pair 11 therefore has a
 * meaning of its own: the *parent* is allocated as one block. So two bits per frame tell free, split and
 * allocated apart for every order, and a free with a wrong order, or a second one, is found by looking at one
 * or a few bits:
 *
 *   node of order k >= 1 is allocated  <=>  both children's bits are set
 *   frame is allocated by itself       <=>  the block is open; neither its bit nor an ancestor's is set
 *
 * Bits 0 and 1 belong to no node below order 9: OPEN says that the block is broken into smaller ones (else it
 * is part of a block of order 9 or more, or not managed), HEAD that an allocated block of order 9 or more
 * begins here.
 *
 * There is nothing to check here that buddy_check() does not check.
 */
#ifndef FAULTLINE_ENGINE_PHYS_BLOCK_TREE_H
#define FAULTLINE_ENGINE_PHYS_BLOCK_TREE_H

#include "engine/base/units.h"

#define BLOCK_TREE_WORDS 16u
#define BLOCK_TREE_ORDERS HUGE_ORDER /* orders 0 .. 8 */
#define BLOCK_TREE_OPEN ((uint64_t)1 << 0)
#define BLOCK_TREE_HEAD ((uint64_t)1 << 1)
#define BLOCK_TREE_EVEN 0x5555555555555555u
/* The first word of the order-0 bits. */
#define BLOCK_TREE_FRAME_WORD 8u

struct block_tree {
	uint64_t word[BLOCK_TREE_WORDS];
} __attribute__((aligned(64)));

/* The node of `order` (0 .. 9) that holds `frame` (0 .. 511, counted within the block). */
static inline unsigned block_tree_node(unsigned frame, unsigned order)
{
	return ((unsigned)HUGE_PAGES + frame) >> order;
}

/* The first frame of `node` of `order`, counted within the block. */
static inline unsigned block_tree_frame(unsigned node, unsigned order)
{
	return (node << order) - (unsigned)HUGE_PAGES;
}

static inline bool block_tree_bit(const struct block_tree *tree, unsigned node)
{
	return (tree->word[node >> 6] >> (node & 63)) & 1;
}

static inline void block_tree_set(struct block_tree *tree, unsigned node)
{
	tree->word[node >> 6] |= (uint64_t)1 << (node & 63);
}

static inline void block_tree_clear(struct block_tree *tree, unsigned node)
{
	tree->word[node >> 6] &= ~((uint64_t)1 << (node & 63));
}

/* Is `node` (of order 1 or more) allocated as one block? */
static inline bool block_tree_is_allocated(const struct block_tree *tree, unsigned node)
{
	unsigned child = node * 2;

	return ((tree->word[child >> 6] >> (child & 63)) & 3) == 3;
}

/* Marks and unmarks `node` (of order 1 or more) as allocated. */
static inline void block_tree_mark(struct block_tree *tree, unsigned node)
{
	tree->word[node * 2 >> 6] |= (uint64_t)3 << (node * 2 & 63);
}

static inline void block_tree_unmark(struct block_tree *tree, unsigned node)
{
	tree->word[node * 2 >> 6] &= ~((uint64_t)3 << (node * 2 & 63));
}

/* Is this frame allocated as a block of order 0? Five words of two lines. */
static inline bool block_tree_is_frame_allocated(const struct block_tree *tree, unsigned frame)
{
	unsigned node = (unsigned)HUGE_PAGES + frame;
	uint64_t ancestors = (uint64_t)1 << (node >> 4) | (uint64_t)1 << (node >> 5) |
			     (uint64_t)1 << (node >> 6) | (uint64_t)1 << (node >> 7) |
			     (uint64_t)1 << (node >> 8) | BLOCK_TREE_OPEN;

	return (tree->word[0] & ancestors) == BLOCK_TREE_OPEN &&
	       ((unsigned)block_tree_bit(tree, node) | (unsigned)block_tree_bit(tree, node >> 1) |
		(unsigned)block_tree_bit(tree, node >> 2) | (unsigned)block_tree_bit(tree, node >> 3)) == 0;
}

/* The bits of `word` that mean free blocks: those whose sibling's bit is not set. */
static inline uint64_t block_tree_free_bits(uint64_t word)
{
	uint64_t both = word & word >> 1 & BLOCK_TREE_EVEN;

	return word & ~(both | both << 1);
}

/* The first word with nodes of `order`, how many there are, and which bits of it (the others belong to other
 * orders). */
static inline unsigned block_tree_first_word(unsigned order)
{
	return (unsigned)HUGE_PAGES >> order >> 6;
}

static inline unsigned block_tree_words(unsigned order)
{
	return order >= 3 ? 1 : BLOCK_TREE_FRAME_WORD >> order;
}

static inline uint64_t block_tree_order_bits(unsigned order)
{
	unsigned nodes = (unsigned)HUGE_PAGES >> order;

	return nodes >= 64 ? UINT64_MAX : (((uint64_t)1 << nodes) - 1) << nodes;
}

/* The lowest free node of `order` (0 .. 8), or 0 when there is none. */
static inline unsigned block_tree_first_free(const struct block_tree *tree, unsigned order)
{
	unsigned first = block_tree_first_word(order);
	unsigned end = first + block_tree_words(order);
	uint64_t bits = block_tree_order_bits(order);

	for (unsigned word = first; word < end; word++) {
		uint64_t free = block_tree_free_bits(tree->word[word] & bits);

		if (free != 0)
			return word * 64 + (unsigned)__builtin_ctzll(free);
	}
	return 0;
}

/* The order of the largest free block (0 .. 8); 0 also when there is none. */
static inline unsigned block_tree_largest_free(const struct block_tree *tree)
{
	uint64_t free = block_tree_free_bits(tree->word[0] & ~(BLOCK_TREE_OPEN | BLOCK_TREE_HEAD));

	if (free != 0)
		return HUGE_ORDER - 31u + (unsigned)__builtin_clz((unsigned)__builtin_ctzll(free));
	for (unsigned order = 3; order > 0; order--) {
		if (block_tree_first_free(tree, order) != 0)
			return order;
	}
	return 0;
}

#endif
