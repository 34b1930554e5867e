#include "config.h"

#include "engine/phys/buddy.h"

#include "engine/phys/buddy_map.h"

/* Where the pieces of the caller's memory lie. */
struct layout {
	pfn_t base;
	uint64_t blocks;		       /* 2 MiB blocks, a whole number of top-order blocks */
	uint64_t detail, bitmaps, fill, bytes; /* offsets; the trees are first */
};

static bool shape_is_valid(const struct buddy_shape *shape)
{
	return shape->pages > 0 && shape->pages <= BUDDY_PAGES_MAX &&
	       shape->first <= (UINT64_MAX >> PAGE_SHIFT) - shape->pages && shape->max_order >= HUGE_ORDER &&
	       shape->max_order <= BUDDY_ORDER_MAX && shape->placement <= BUDDY_FULLEST_BLOCK;
}

/* Bits of the bitmap of `order`: blocks of the order, or 2 MiB blocks below order 9. */
static uint64_t bits_of_order(uint64_t blocks, unsigned order)
{
	return order < HUGE_ORDER ? blocks : blocks >> (order - HUGE_ORDER);
}

static struct layout layout_of(const struct buddy_shape *shape)
{
	uint64_t top = (uint64_t)1 << shape->max_order;
	pfn_t base = shape->first & ~(top - 1);
	uint64_t blocks = round_up(shape->first + shape->pages - base, top) >> HUGE_ORDER;
	struct layout layout = {.base = base, .blocks = blocks};

	layout.detail = blocks * sizeof(struct block_tree);
	layout.bitmaps = round_up(layout.detail + blocks, sizeof(uint64_t));
	layout.fill = layout.bitmaps;
	for (unsigned order = 0; order <= shape->max_order; order++)
		layout.fill += bitmap_bytes(bits_of_order(blocks, order));
	layout.bytes = layout.fill;
	if (shape->placement == BUDDY_FULLEST_BLOCK)
		layout.bytes += fill_queue_bytes(blocks);
	layout.bytes = round_up(layout.bytes, BUDDY_MEMORY_ALIGNMENT);
	return layout;
}

size_t buddy_bytes(const struct buddy_shape *shape)
{
	return shape_is_valid(shape) ? layout_of(shape).bytes : 0;
}

enum status buddy_create(struct buddy *buddy, const struct buddy_shape *shape, void *memory)
{
	if (!shape_is_valid(shape))
		return STATUS_BAD_ARGUMENT;
	struct layout layout = layout_of(shape);
	unsigned char *bytes = memory;
	unsigned char *bitmap = bytes + layout.bitmaps;

	CHECK((uintptr_t)memory % BUDDY_MEMORY_ALIGNMENT == 0, "a buddy's memory is aligned");
	*buddy = (struct buddy){
	    .max_order = shape->max_order,
	    .placement = shape->placement,
	    .base = layout.base,
	    .first = shape->first,
	    .end = shape->first + shape->pages,
	    .trees = memory,
	    .detail = bytes + layout.detail,
	};
	if (shape->placement == BUDDY_FULLEST_BLOCK)
		buddy->fill = (void *)(bytes + layout.fill);
	for (unsigned order = 0; order < BLOCK_TREE_ORDERS; order++)
		buddy->hint[order] = block_tree_first_word(order);
	for (unsigned order = 0; order <= shape->max_order; order++) {
		uint64_t bits = bits_of_order(layout.blocks, order);

		bitmap_create(&buddy->free[order], bits, bitmap);
		bitmap += bitmap_bytes(bits);
	}
	return STATUS_OK;
}

/* --- Choosing a free block
 * ---------------------------------------------------------------------------------------- */

/* A free node of `order` (below 9): near the last one freed, else the lowest. */
static unsigned near_node(const struct buddy *buddy, unsigned order, uint32_t *block)
{
	uint32_t hint = buddy->hint[order];
	uint64_t free =
	    block_tree_free_bits(buddy->trees[hint / BLOCK_TREE_WORDS].word[hint % BLOCK_TREE_WORDS] &
				 block_tree_order_bits(order));

	if (free != 0) {
		*block = hint / BLOCK_TREE_WORDS;
		return hint % BLOCK_TREE_WORDS * 64 + (unsigned)__builtin_ctzll(free);
	}
	*block = (uint32_t)bitmap_first(&buddy->free[order]);
	if (order == 0) {
		unsigned word = BLOCK_TREE_FRAME_WORD + (unsigned)__builtin_ctz(buddy->detail[*block]);

		return word * 64 +
		       (unsigned)__builtin_ctzll(block_tree_free_bits(buddy->trees[*block].word[word]));
	}
	return block_tree_first_free(&buddy->trees[*block], order);
}

static pfn_t near_block(const struct buddy *buddy, unsigned order)
{
	uint32_t block;

	if (order >= HUGE_ORDER)
		return buddy->base + (bitmap_first(&buddy->free[order]) << order);
	unsigned node = near_node(buddy, order, &block);

	return buddy_pfn_of(buddy, block, node, order);
}

/* The first pfn of a free block of `order`, of which there is one. */
static pfn_t lowest_block(const struct buddy *buddy, unsigned order)
{
	uint64_t bit = bitmap_first(&buddy->free[order]);

	if (order >= HUGE_ORDER)
		return buddy->base + (bit << order);
	return buddy_pfn_of(buddy, (uint32_t)bit, block_tree_first_free(&buddy->trees[bit], order), order);
}

static bool choose_lowest(const struct buddy *buddy, unsigned order, pfn_t *pfn, unsigned *found)
{
	*pfn = PFN_NONE;
	for (uint32_t orders = buddy->nonempty >> order << order; orders != 0; orders &= orders - 1) {
		unsigned candidate = (unsigned)__builtin_ctz(orders);
		pfn_t lowest = lowest_block(buddy, candidate);

		if (lowest < *pfn) {
			*pfn = lowest;
			*found = candidate;
		}
	}
	return *pfn != PFN_NONE;
}

static bool choose_fullest(const struct buddy *buddy, unsigned order, pfn_t *pfn, unsigned *found)
{
	uint32_t block = fill_queue_fullest(buddy->fill, order);

	if (block == FILL_NONE)
		return false;
	for (*found = order; *found < HUGE_ORDER; ++*found) {
		unsigned node = block_tree_first_free(&buddy->trees[block], *found);

		if (node != 0) {
			*pfn = buddy_pfn_of(buddy, block, node, *found);
			return true;
		}
	}
	CHECK(false, "I8: a listed block has a free block of its largest order");
}

bool buddy_choose(const struct buddy *buddy, unsigned order, pfn_t *pfn, unsigned *found)
{
	if (buddy->placement == BUDDY_LOWEST_ADDRESS)
		return choose_lowest(buddy, order, pfn, found);
	if (buddy->placement == BUDDY_FULLEST_BLOCK && order < HUGE_ORDER) {
		if (choose_fullest(buddy, order, pfn, found))
			return true;
		order = HUGE_ORDER;
	}
	uint32_t orders = buddy->nonempty >> order;

	if (orders == 0)
		return false;
	*found = order + (unsigned)__builtin_ctz(orders);
	*pfn = near_block(buddy, *found);
	return true;
}

/* --- Allocating
 * --------------------------------------------------------------------------------------------------- */

/* Splits the free node of order `found` down to `order` and marks its first part. */
static pfn_t take_from_tree(struct buddy *buddy, pfn_t pfn, unsigned found, unsigned order)
{
	uint32_t block = buddy_block_of(buddy, pfn);
	unsigned node = buddy_node_of(buddy, pfn, found);

	buddy_tree_remove(buddy, block, node, found);
	while (found > order) {
		found--;
		node *= 2;
		buddy_tree_insert(buddy, block, node + 1, found);
	}
	if (order > 0)
		block_tree_mark(&buddy->trees[block], node);
	buddy_settle(buddy, block, -(1 << order));
	return pfn;
}

static pfn_t take_from_upper(struct buddy *buddy, pfn_t pfn, unsigned found, unsigned order)
{
	uint32_t block = buddy_block_of(buddy, pfn);

	buddy_upper_remove(buddy, pfn, found);
	while (found > order && found > HUGE_ORDER) {
		found--;
		buddy_upper_insert(buddy, pfn + ((pfn_t)1 << found), found);
	}
	if (order < HUGE_ORDER) {
		buddy_open(buddy, block);
		for (unsigned right = HUGE_ORDER; right-- > order;)
			buddy_tree_insert(buddy, block, block_tree_node(0, right) + 1, right);
	}
	buddy_map_mark(buddy, pfn, order);
	if (order < HUGE_ORDER)
		buddy_settle(buddy, block, (int)HUGE_PAGES - (1 << order));
	return pfn;
}

pfn_t buddy_allocate(struct buddy *buddy, unsigned order)
{
	pfn_t pfn;
	unsigned found;

	CHECK(order <= buddy->max_order, "a request is no larger than the top order");
	if (!buddy_choose(buddy, order, &pfn, &found))
		return PFN_NONE;
	buddy->free_pages -= (uint64_t)1 << order;
	return found < HUGE_ORDER ? take_from_tree(buddy, pfn, found, order)
				  : take_from_upper(buddy, pfn, found, order);
}

/* --- Freeing
 * ------------------------------------------------------------------------------------------------------ */

static void release_to_upper(struct buddy *buddy, pfn_t pfn, unsigned order)
{
	while (order < buddy->max_order) {
		uint64_t other = (pfn - buddy->base) >> order ^ 1;

		if (!bitmap_test(&buddy->free[order], other))
			break;
		buddy_upper_remove(buddy, buddy->base + (other << order), order);
		pfn &= ~((pfn_t)1 << order);
		order++;
	}
	buddy_upper_insert(buddy, pfn, order);
}

static void release_to_tree(struct buddy *buddy, uint32_t block, unsigned node, unsigned order)
{
	struct block_tree *tree = &buddy->trees[block];
	int change = 1 << order;

	while (node > 1 && block_tree_bit(tree, node ^ 1)) {
		buddy_tree_remove(buddy, block, node ^ 1, order);
		node >>= 1;
		order++;
	}
	if (node > 1) {
		buddy_tree_insert(buddy, block, node, order);
		buddy_settle(buddy, block, change);
	} else {
		buddy_close(buddy, block);
		buddy_settle(buddy, block, change);
		release_to_upper(buddy, buddy->base + ((pfn_t)block << HUGE_ORDER), HUGE_ORDER);
	}
}

void buddy_release(struct buddy *buddy, pfn_t pfn, unsigned order)
{
	buddy->free_pages += (uint64_t)1 << order;
	if (order >= HUGE_ORDER)
		release_to_upper(buddy, pfn, order);
	else
		release_to_tree(buddy, buddy_block_of(buddy, pfn), buddy_node_of(buddy, pfn, order), order);
}

static bool is_allocated_as(const struct buddy *buddy, pfn_t pfn, unsigned order)
{
	if ((pfn & (((pfn_t)1 << order) - 1)) != 0)
		return false;
	if (order >= HUGE_ORDER)
		return buddy_upper_is_marked(buddy, pfn, order);
	unsigned node = buddy_node_of(buddy, pfn, order);
	const struct block_tree *tree = &buddy->trees[buddy_block_of(buddy, pfn)];

	return order == 0 ? block_tree_is_frame_allocated(tree, node - (unsigned)HUGE_PAGES)
			  : block_tree_is_allocated(tree, node);
}

void buddy_free(struct buddy *buddy, pfn_t pfn, unsigned order)
{
	if (pfn < buddy->first || pfn >= buddy->end || order > buddy->max_order ||
	    !is_allocated_as(buddy, pfn, order))
		buddy_refuse(buddy, pfn, order);
	buddy_map_unmark(buddy, pfn, order);
	buddy_release(buddy, pfn, order);
}

_Noreturn void buddy_refuse(const struct buddy *buddy, pfn_t pfn, unsigned order)
{
	pfn_t first;
	unsigned actual;

	CHECK(pfn >= buddy->first && pfn < buddy->end,
	      "a freed frame lies in the buddy's range (foreign pfn)");
	CHECK(!buddy_find_free(buddy, pfn, &first, &actual),
	      "a freed frame is not free already (double free)");
	CHECK(buddy_find_allocated(buddy, pfn, &first, &actual), "a freed frame was allocated (foreign pfn)");
	CHECK(first == pfn, "a free names the first frame of its block (misaligned pfn)");
	CHECK(actual == order, "a block is freed with the order it was allocated with (wrong order)");
	CHECK(false, "a block is freed as it was allocated");
}
