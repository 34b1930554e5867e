#include "config.h"

#include "engine/phys/buddy_map.h"

static const char I1[] = "I1: bitmap_check() holds for every order's bitmap";
static const char I2[] = "I2: bit b of free[k], k < 9, is set <=> block b has a free block of order k";
static const char I3[] = "I3: two buddies are never both free";
static const char I4[] = "I4: no free or allocated block lies inside another";
static const char I5[] =
    "I5: free_blocks[k] = free blocks of order k in the maps; bit k of nonempty <=> free_blocks[k] > 0";
static const char I6[] = "I6: free_pages = sum of free_blocks[k] * 2^k, at most managed_pages";
static const char I7[] =
    "I7: detail[b] of an open block: bit i set <=> word i of its order-0 bits has a free frame";
static const char I8[] =
    "I8: with fullest-block: every open block's entry in the fill queue is what its bits say, and no "
    "other block is listed";

/* What the bits of one open block say. */
struct tally {
	uint32_t free[BLOCK_TREE_ORDERS];
	const char *broken;
};

/* Walks the children of `node`, an undivided piece of memory of order `order` >= 1 that is neither free nor
 * allocated, or, with `covered`, lies inside a block that is. */
static void tally_children(struct tally *tally, const struct block_tree *tree, unsigned node, unsigned order,
			   bool covered)
{
	bool left = block_tree_bit(tree, node * 2);
	bool right = block_tree_bit(tree, node * 2 + 1);

	if (covered && (left || right))
		tally->broken = I4;
	if (left && right && order == HUGE_ORDER)
		tally->broken = I3;
	if (left != right)
		tally->free[order - 1]++;
	if (order < 2 || tally->broken)
		return;
	tally_children(tally, tree, node * 2, order - 1, covered || left);
	tally_children(tally, tree, node * 2 + 1, order - 1, covered || right);
}

static const char *check_fill(const struct buddy *buddy, uint32_t block, const struct tally *tally)
{
	unsigned free_frames = 0;
	unsigned largest = 0;

	for (unsigned order = 0; order < BLOCK_TREE_ORDERS; order++) {
		free_frames += tally->free[order] << order;
		if (tally->free[order] != 0)
			largest = order + 1;
	}
	const struct fill_entry *entry = &buddy->fill->entry[block];

	return entry->free_frames == free_frames && entry->listed == largest ? NULL : I8;
}

static const char *check_detail(const struct buddy *buddy, uint32_t block)
{
	const uint64_t *word = &buddy->trees[block].word[BLOCK_TREE_FRAME_WORD];
	unsigned detail = 0;

	for (unsigned i = 0; i < BLOCK_TREE_WORDS - BLOCK_TREE_FRAME_WORD; i++)
		detail |= (block_tree_free_bits(word[i]) != 0 ? 1u : 0u) << i;
	return detail == buddy->detail[block] ? NULL : I7;
}

static const char *check_open(const struct buddy *buddy, uint32_t block, struct tally *tally)
{
	if (buddy->trees[block].word[0] & BLOCK_TREE_HEAD)
		return I4;
	tally_children(tally, &buddy->trees[block], 1, HUGE_ORDER, false);
	if (tally->broken)
		return tally->broken;
	return check_detail(buddy, block);
}

static const char *check_closed(const struct buddy *buddy, uint32_t block)
{
	const struct block_tree *tree = &buddy->trees[block];
	bool head = tree->word[0] & BLOCK_TREE_HEAD;
	unsigned order = buddy->detail[block];

	for (unsigned word = 0; word < BLOCK_TREE_WORDS; word++) {
		if ((tree->word[word] & ~(word == 0 ? BLOCK_TREE_HEAD : 0)) != 0)
			return I4;
	}
	if (!head)
		return order == 0 ? NULL : I7;
	if (order < HUGE_ORDER || order > buddy->max_order ||
	    (block & ((1u << (order - HUGE_ORDER)) - 1)) != 0)
		return I4;
	return NULL;
}

/* How many free or allocated blocks of order 9 and more cover the 2 MiB block, and whether its own bits add
 * another. */
static const char *check_cover(const struct buddy *buddy, uint32_t block)
{
	unsigned covers = buddy_is_open(buddy, block);

	for (unsigned order = HUGE_ORDER; order <= buddy->max_order; order++) {
		uint32_t head = block >> (order - HUGE_ORDER) << (order - HUGE_ORDER);
		uint64_t bit = block >> (order - HUGE_ORDER);
		bool free = bitmap_test(&buddy->free[order], bit);

		covers += free;
		covers += (buddy->trees[head].word[0] & BLOCK_TREE_HEAD) && buddy->detail[head] == order;
		if (free && order < buddy->max_order && bitmap_test(&buddy->free[order], bit ^ 1))
			return I3;
	}
	return covers <= 1 ? NULL : I4;
}

static const char *check_block(const struct buddy *buddy, uint32_t block, uint64_t *free_blocks)
{
	struct tally tally = {.broken = NULL};
	const char *broken =
	    buddy_is_open(buddy, block) ? check_open(buddy, block, &tally) : check_closed(buddy, block);

	if (!broken)
		broken = check_cover(buddy, block);
	for (unsigned order = 0; order < BLOCK_TREE_ORDERS && !broken; order++) {
		if (bitmap_test(&buddy->free[order], block) != (tally.free[order] != 0))
			broken = I2;
		free_blocks[order] += tally.free[order];
	}
	if (!broken && buddy->fill)
		broken = check_fill(buddy, block, &tally);
	return broken;
}

static const char *check_counts(const struct buddy *buddy, const uint64_t *free_blocks)
{
	uint64_t pages = 0;

	for (unsigned order = 0; order <= buddy->max_order; order++) {
		if (buddy->free_blocks[order] != free_blocks[order] ||
		    (buddy->nonempty >> order & 1) != (free_blocks[order] > 0))
			return I5;
		pages += free_blocks[order] << order;
	}
	if (buddy->nonempty >> (buddy->max_order + 1) != 0)
		return I5;
	return buddy->free_pages == pages && pages <= buddy->managed_pages ? NULL : I6;
}

const char *buddy_check(const struct buddy *buddy)
{
	uint64_t free_blocks[BUDDY_ORDERS] = {0};
	uint64_t blocks = buddy->free[0].bits;

	for (unsigned order = 0; order <= buddy->max_order; order++) {
		if (bitmap_check(&buddy->free[order]))
			return I1;
		if (order >= HUGE_ORDER)
			free_blocks[order] = bitmap_count(&buddy->free[order]);
	}
	for (uint64_t block = 0; block < blocks; block++) {
		const char *broken = check_block(buddy, (uint32_t)block, free_blocks);

		if (broken)
			return broken;
	}
	if (buddy->fill && fill_queue_check(buddy->fill, blocks))
		return I8;
	return check_counts(buddy, free_blocks);
}
