#include "config.h"

#include "engine/phys/buddy_map.h"

/* A run of frames: first .. end-1. */
struct run {
	pfn_t first, end;
};

/* Divides a block that is marked neither free nor allocated: what lies in `kept` becomes allocated, the rest
 * free. The depth is at most max_order, and no more than two nodes of each order are divided. */
static void divide(struct buddy *buddy, pfn_t pfn, unsigned order, const struct run *kept)
{
	pfn_t end = pfn + ((pfn_t)1 << order);

	if (kept->first <= pfn && end <= kept->end) {
		buddy_map_mark(buddy, pfn, order);
	} else if (kept->end <= pfn || end <= kept->first) {
		buddy_map_insert(buddy, pfn, order);
	} else {
		if (order == HUGE_ORDER)
			buddy_open(buddy, buddy_block_of(buddy, pfn));
		order--;
		divide(buddy, pfn, order, kept);
		divide(buddy, pfn + ((pfn_t)1 << order), order, kept);
	}
}

/* Tells the fill queue of a 2 MiB block whose free frames nobody counted on the way. */
static void recount(struct buddy *buddy, uint32_t block)
{
	int free_frames = 0;

	if (!buddy->fill)
		return;
	for (unsigned order = 0; order < BLOCK_TREE_ORDERS; order++) {
		unsigned word = block_tree_first_word(order);
		unsigned end = word + block_tree_words(order);

		for (; word < end; word++) {
			uint64_t bits = buddy->trees[block].word[word] & block_tree_order_bits(order);

			free_frames += __builtin_popcountll(block_tree_free_bits(bits)) << order;
		}
	}
	buddy_settle(buddy, block, free_frames - buddy->fill->entry[block].free_frames);
}

static void keep(struct buddy *buddy, pfn_t pfn, unsigned order, const struct run *kept)
{
	pfn_t end = pfn + ((pfn_t)1 << order);
	pfn_t last = (kept->end < end ? kept->end : end) - 1;

	buddy_map_remove(buddy, pfn, order);
	divide(buddy, pfn, order, kept);
	recount(buddy, buddy_block_of(buddy, kept->first > pfn ? kept->first : pfn));
	recount(buddy, buddy_block_of(buddy, last));
}

/* The first of `blocks` neighbouring free blocks of the top order, or PFN_NONE. */
static pfn_t find_top_run(const struct buddy *buddy, uint64_t blocks)
{
	const struct bitmap *map = &buddy->free[buddy->max_order];
	uint64_t first = bitmap_find_from(map, 0);
	uint64_t bit = first;

	while (bit != BITMAP_NONE) {
		if (bit - first + 1 == blocks)
			return buddy->base + (first << buddy->max_order);
		uint64_t next = bitmap_find_from(map, bit + 1);

		if (next != bit + 1)
			first = next;
		bit = next;
	}
	return PFN_NONE;
}

static pfn_t allocate_top_run(struct buddy *buddy, uint64_t pages)
{
	uint64_t top = (uint64_t)1 << buddy->max_order;
	pfn_t first = pages <= buddy->free_pages ? find_top_run(buddy, (pages + top - 1) >> buddy->max_order)
						 : PFN_NONE;

	if (first != PFN_NONE) {
		struct run kept = {first, first + pages};

		for (pfn_t pfn = first; pfn < kept.end; pfn += top)
			keep(buddy, pfn, buddy->max_order, &kept);
		buddy->free_pages -= pages;
	}
	return first;
}

pfn_t buddy_allocate_pages(struct buddy *buddy, uint64_t pages)
{
	pfn_t pfn;
	unsigned found;

	CHECK(pages > 0, "a request asks for at least one page");
	if (pages > (uint64_t)1 << buddy->max_order)
		return allocate_top_run(buddy, pages);
	if (is_power_of_two(pages))
		return buddy_allocate(buddy, order_of_pages(pages));
	if (!buddy_choose(buddy, order_of_pages(pages), &pfn, &found))
		return PFN_NONE;
	struct run kept = {pfn, pfn + pages};

	keep(buddy, pfn, found, &kept);
	buddy->free_pages -= pages;
	return pfn;
}

void buddy_add(struct buddy *buddy, pfn_t pfn, uint64_t pages)
{
	pfn_t end = pfn + pages;

	CHECK(pages <= buddy->end - buddy->first && pfn >= buddy->first && end <= buddy->end,
	      "added frames lie in the buddy's range");
	buddy->managed_pages += pages;
	while (pfn < end) {
		unsigned order = buddy_piece_order(buddy, pfn, end - pfn);
		pfn_t first;
		unsigned actual;

		CHECK(!buddy_find_free(buddy, pfn, &first, &actual), "an added frame is not free already");
		if (order < HUGE_ORDER)
			buddy_open(buddy, buddy_block_of(buddy, pfn));
		buddy_release(buddy, pfn, order);
		pfn += (pfn_t)1 << order;
	}
}

/* Cuts the allocated block (first, order) so that the block (pfn, piece) inside it is allocated by itself. */
static void cut(struct buddy *buddy, pfn_t first, unsigned order, pfn_t pfn, unsigned piece)
{
	buddy_map_unmark(buddy, first, order);
	while (order > piece) {
		if (order == HUGE_ORDER)
			buddy_open(buddy, buddy_block_of(buddy, first));
		order--;
		pfn_t middle = first + ((pfn_t)1 << order);

		buddy_map_mark(buddy, pfn < middle ? middle : first, order);
		if (pfn >= middle)
			first = middle;
	}
	buddy_map_mark(buddy, pfn, piece);
}

void buddy_free_range(struct buddy *buddy, pfn_t pfn, uint64_t pages)
{
	pfn_t end = pfn + pages;

	CHECK(pages <= buddy->end - buddy->first, "a freed run is no longer than the buddy's range");
	while (pfn < end) {
		pfn_t first;
		unsigned order;

		if (!buddy_find_allocated(buddy, pfn, &first, &order))
			buddy_refuse(buddy, pfn, 0);
		if (first != pfn || (uint64_t)1 << order > end - pfn) {
			unsigned piece = buddy_piece_order(buddy, pfn, end - pfn);

			cut(buddy, first, order, pfn, piece);
			order = piece;
		}
		buddy_free(buddy, pfn, order);
		pfn += (pfn_t)1 << order;
	}
}

static bool is_wholly_free(const struct buddy *buddy, pfn_t pfn, pfn_t end)
{
	while (pfn < end) {
		unsigned order;

		if (!buddy_find_free(buddy, pfn, &pfn, &order))
			return false;
		pfn += (pfn_t)1 << order;
	}
	return true;
}

bool buddy_claim(struct buddy *buddy, pfn_t pfn, uint64_t pages)
{
	struct run kept = {pfn, pfn + pages};

	if (pfn >= buddy->end || pages > buddy->free_pages || !is_wholly_free(buddy, kept.first, kept.end))
		return false;
	while (pfn < kept.end) {
		pfn_t first = pfn;
		unsigned order = 0;

		CHECK(buddy_find_free(buddy, pfn, &first, &order), "a claimed frame is free");
		keep(buddy, first, order, &kept);
		pfn = first + ((pfn_t)1 << order);
	}
	buddy->free_pages -= pages;
	return true;
}

bool buddy_find_free(const struct buddy *buddy, pfn_t pfn, pfn_t *first, unsigned *order)
{
	if (pfn < buddy->first || pfn >= buddy->end)
		return false;
	uint32_t block = buddy_block_of(buddy, pfn);
	bool open = buddy_is_open(buddy, block);

	for (*order = open ? 0 : HUGE_ORDER; *order <= (open ? HUGE_ORDER - 1 : buddy->max_order); ++*order) {
		unsigned node = buddy_node_of(buddy, pfn, *order);

		*first = pfn >> *order << *order;
		if (!open && bitmap_test(&buddy->free[*order], (pfn - buddy->base) >> *order))
			return true;
		if (open && block_tree_bit(&buddy->trees[block], node))
			return !block_tree_bit(&buddy->trees[block], node ^ 1);
	}
	return false;
}

static bool find_allocated_in_tree(const struct buddy *buddy, pfn_t pfn, pfn_t *first, unsigned *order)
{
	const struct block_tree *tree = &buddy->trees[buddy_block_of(buddy, pfn)];
	unsigned node = buddy_node_of(buddy, pfn, 0);

	*order = 0;
	*first = pfn;
	for (unsigned above = 1; above <= HUGE_ORDER; above++, node >>= 1) {
		if (!block_tree_bit(tree, node))
			continue;
		*order = above;
		*first = pfn >> above << above;
		return block_tree_bit(tree, node ^ 1);
	}
	return true;
}

bool buddy_find_allocated(const struct buddy *buddy, pfn_t pfn, pfn_t *first, unsigned *order)
{
	if (pfn < buddy->first || pfn >= buddy->end)
		return false;
	if (buddy_is_open(buddy, buddy_block_of(buddy, pfn)))
		return find_allocated_in_tree(buddy, pfn, first, order);
	for (*order = HUGE_ORDER; *order <= buddy->max_order; ++*order) {
		*first = pfn >> *order << *order;
		if (buddy_upper_is_marked(buddy, *first, *order))
			return true;
	}
	return false;
}
