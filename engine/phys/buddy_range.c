#include "config.h"

#include "engine/base/check.h"
#include "engine/phys/buddy_map.h"

/* A run of frames: first .. end-1. */
struct run {
	pfn_t first, end;
};

static bool overlap(pfn_t pfn, unsigned order, const struct run *run)
{
	return pfn < run->end && run->first < pfn + ((pfn_t)1 << order);
}

static bool lies_in(pfn_t pfn, unsigned order, const struct run *run)
{
	return run->first <= pfn && pfn + ((pfn_t)1 << order) <= run->end;
}

/* Divides a block in use, of which some frames are to be kept: the others become free. No more than two blocks of each
 * order are divided. */
static void divide(struct buddy *buddy, pfn_t pfn, unsigned order, const struct run *kept)
{
	if (lies_in(pfn, order, kept))
		return;
	order--;
	uint64_t left = buddy_block_of(buddy, pfn, order);
	pfn_t middle = pfn + ((pfn_t)1 << order);
	bool keep_left = overlap(pfn, order, kept);
	bool keep_right = overlap(middle, order, kept);

	if (keep_left && keep_right)
		*buddy_word(&buddy->order[order], left) |= pair_bit(left) | pair_bit(left + 1);
	else
		buddy_enter(buddy, left, order, pair_bit(keep_left ? left + 1 : left), 0);
	if (keep_left)
		divide(buddy, pfn, order, kept);
	if (keep_right)
		divide(buddy, middle, order, kept);
}

/* Takes a free block and keeps only what lies in the run. */
static void keep(struct buddy *buddy, pfn_t pfn, unsigned order, const struct run *kept)
{
	pfn_t last = pfn + ((pfn_t)1 << order) - 1;

	buddy_take(buddy, buddy_block_of(buddy, pfn, order), order);
	divide(buddy, pfn, order, kept);
	buddy_settle(buddy, kept->first > pfn ? kept->first : pfn);
	buddy_settle(buddy, kept->end <= last ? kept->end - 1 : last);
}

/* A run of set bits that is being followed over the words of a map. */
struct top_run {
	uint64_t first, blocks;
};

/* Follows the run through one word; true when it has reached `wanted` blocks. */
static bool follow_word(struct top_run *run, uint64_t word, uint64_t bits, uint64_t wanted)
{
	for (unsigned bit = 0; bit < 64;) {
		uint64_t rest = bits >> bit;
		unsigned gap = rest != 0 ? (unsigned)__builtin_ctzll(rest) : 64 - bit;

		if (gap > 0)
			run->blocks = 0;
		bit += gap;
		if (bit >= 64)
			return false;
		if (run->blocks == 0)
			run->first = word << PAIR_WORD_SHIFT | bit;
		unsigned length = ~(bits >> bit) != 0 ? (unsigned)__builtin_ctzll(~(bits >> bit)) : 64;

		run->blocks += length;
		bit += length;
		if (run->blocks >= wanted)
			return true;
	}
	return false;
}

/* The number of the first of `blocks` neighbouring free blocks of the top order, or BITMAP_NONE. */
static uint64_t find_top_run(const struct buddy *buddy, uint64_t blocks)
{
	const struct buddy_order *top = &buddy->order[buddy->max_order];
	struct top_run run = {0, 0};
	uint64_t previous = 0;

	for (uint64_t word = bitmap_find_from(&top->free, 0); word != BITMAP_NONE;
	     word = bitmap_find_from(&top->free, word + 1)) {
		if (word != previous + 1)
			run.blocks = 0;
		if (follow_word(&run, word, top->words[word], blocks))
			return run.first;
		previous = word;
	}
	return BITMAP_NONE;
}

static pfn_t allocate_top_run(struct buddy *buddy, uint64_t pages)
{
	pfn_t top = (pfn_t)1 << buddy->max_order;

	if (pages > buddy->free_pages)
		return PFN_NONE;
	uint64_t block = find_top_run(buddy, (pages + top - 1) >> buddy->max_order);

	if (block == BITMAP_NONE)
		return PFN_NONE;
	pfn_t first = buddy_pfn_of(buddy, block, buddy->max_order);
	struct run kept = {first, first + pages};

	for (pfn_t pfn = first; pfn < kept.end; pfn += top)
		keep(buddy, pfn, buddy->max_order, &kept);
	buddy->free_pages -= pages;
	return first;
}

pfn_t buddy_allocate_pages(struct buddy *buddy, uint64_t pages)
{
	unsigned found = 0;

	CHECK(pages > 0, "a request asks for at least one page");
	if (pages > (uint64_t)1 << buddy->max_order)
		return allocate_top_run(buddy, pages);
	if (is_power_of_two(pages))
		return buddy_allocate(buddy, order_of_pages(pages));
	uint64_t block = buddy_choose(buddy, order_of_pages(pages), &found);

	if (block == BITMAP_NONE)
		return PFN_NONE;
	pfn_t pfn = buddy_pfn_of(buddy, block, found);
	struct run kept = {pfn, pfn + pages};

	keep(buddy, pfn, found, &kept);
	buddy->free_pages -= pages;
	return pfn;
}

/* The largest block (its order) that starts at `pfn` and is no longer than `pages`. */
static unsigned piece_order(const struct buddy *buddy, pfn_t pfn, uint64_t pages)
{
	unsigned order = 63u - (unsigned)__builtin_clzll(pages);

	if (pfn != 0 && (unsigned)__builtin_ctzll(pfn) < order)
		order = (unsigned)__builtin_ctzll(pfn);
	return order < buddy->max_order ? order : buddy->max_order;
}

/* Cuts the allocated block of `order` that holds `pfn`, so that the block of order `piece` at `pfn` is one by itself. */
static void cut(struct buddy *buddy, pfn_t pfn, unsigned order, unsigned piece)
{
	while (order > piece) {
		order--;
		uint64_t left = buddy_block_of(buddy, pfn, order) & ~(uint64_t)1;

		*buddy_word(&buddy->order[order], left) |= pair_bit(left) | pair_bit(left + 1);
	}
}

/* A block that is allocated as it
 * could be freed, as all are in a range that is new, is known without a look at the orders below: reading the maps of a
 * terabyte from the bottom would cost a page fault for each of some five thousand pages. */
unsigned buddy_whole_order(struct buddy *buddy, pfn_t pfn, uint64_t pages)
{
	unsigned piece = piece_order(buddy, pfn, pages), order = 0;
	pfn_t first = 0;

	if (pfn >= buddy->first && pfn < buddy->end &&
	    buddy_is_allocated(buddy, buddy_block_of(buddy, pfn, piece), piece))
		return piece;
	if (buddy_find(buddy, pfn, &first, &order) != BUDDY_ALLOCATED)
		buddy_refuse(buddy, pfn, 0);
	if (first == pfn && (uint64_t)1 << order <= pages)
		return order;
	cut(buddy, pfn, order, piece);
	return piece;
}

void buddy_split(struct buddy *buddy, pfn_t pfn, unsigned order, unsigned piece)
{
	if (pfn < buddy->first || pfn >= buddy->end || order > buddy->max_order ||
	    !buddy_is_allocated(buddy, buddy_block_of(buddy, pfn, order), order))
		buddy_refuse(buddy, pfn, order);
	for (unsigned below = order; below-- > piece;) {
		uint64_t first = buddy_block_of(buddy, pfn, below);

		for (uint64_t block = first; block < first + ((uint64_t)1 << (order - below)); block++)
			*buddy_word(&buddy->order[below], block) |= pair_bit(block);
	}
}

void buddy_free_range(struct buddy *buddy, pfn_t pfn, uint64_t pages)
{
	pfn_t end = pfn + pages;

	CHECK(pages <= buddy->end - buddy->first, "a freed run is no longer than the buddy's range");
	while (pfn < end) {
		unsigned order = buddy_whole_order(buddy, pfn, end - pfn);

		buddy_free(buddy, pfn, order);
		pfn += (pfn_t)1 << order;
	}
}

void buddy_add(struct buddy *buddy, pfn_t pfn, uint64_t pages)
{
	CHECK(pfn >= buddy->first && pfn <= buddy->end && pages <= buddy->end - pfn,
	      "added frames lie in the buddy's range");
	buddy->managed_pages += pages;
	buddy_free_range(buddy, pfn, pages);
	for (unsigned order = 0; order <= buddy->max_order; order++)
		buddy->order[order].hint = 0;
}

static bool is_wholly_free(const struct buddy *buddy, pfn_t pfn, pfn_t end)
{
	while (pfn < end) {
		unsigned order;

		if (buddy_find(buddy, pfn, &pfn, &order) != BUDDY_FREE)
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
		unsigned order = 0;

		CHECK(buddy_find(buddy, pfn, &pfn, &order) == BUDDY_FREE, "a claimed frame is free");
		keep(buddy, pfn, order, &kept);
		pfn += (pfn_t)1 << order;
	}
	buddy->free_pages -= pages;
	return true;
}
