#include "config.h"

#include "engine/phys/buddy_map.h"

static const char I1[] = "I1: bitmap_check() holds for every order's bitmap";
static const char I2[] = "I2: bit w of free[k] is set <=> word w of order k has a free block";
static const char I3[] = "I3: only a block that exists and is in use is divided";
static const char I4[] =
    "I4: free_blocks[k] = free blocks of order k; bit k of nonempty is set <=> free_blocks[k] > 0";
static const char I5[] = "I5: free_pages = sum of free_blocks[k] * 2^k, at most managed_pages";
static const char I6[] =
    "I6: with fullest-block, the entry of every 2 MiB block in the fill queue is what the bits say";

static const char I7[] =
    "I7: hint and recent of every order are words of it, and newest is below BUDDY_RECENT";

bool buddy_are_hints_right(const struct buddy_order *of)
{
	bool right = of->hint < of->free.bits && of->newest < BUDDY_RECENT;

	for (unsigned i = 0; i < BUDDY_RECENT; i++)
		right &= of->recent[i] < of->free.bits;
	return right;
}

/* The blocks of `order` that exist are those whose parent is divided; it must be in use. */
bool buddy_is_division_right(const struct buddy *buddy, unsigned order, uint64_t word)
{
	uint64_t bits = buddy->order[order].words[word];
	const struct buddy_order *above = &buddy->order[order + 1];

	for (unsigned left = 0; left < 64; left += 2) {
		uint64_t parent = (word << PAIR_WORD_SHIFT | left) >> 1;

		if ((bits >> left & 3) == 0)
			continue;
		if (order + 1 == buddy->max_order ? buddy_bit(above, parent) : !buddy_bit(above, parent ^ 1))
			return false;
	}
	return true;
}

const char *buddy_check_order(const struct buddy *buddy, unsigned order, uint64_t *pages)
{
	const struct buddy_order *of = &buddy->order[order];
	uint64_t blocks = 0;

	for (uint64_t word = 0; word < of->free.bits; word++) {
		uint64_t free = pair_free_bits(of->words[word], of->pairs);

		blocks += (unsigned)__builtin_popcountll(free);
		if (bitmap_test(&of->free, word) != (free != 0))
			return I2;
		if (of->words[word] != 0 && order < buddy->max_order &&
		    !buddy_is_division_right(buddy, order, word))
			return I3;
	}
	*pages += blocks << order;
	return of->blocks == blocks && (buddy->nonempty >> order & 1) == (blocks > 0) ? NULL : I4;
}

static bool is_entry_right(const struct buddy *buddy, uint64_t huge)
{
	const struct fill_entry *entry = &buddy->fill->entry[huge];
	unsigned frames = 0;
	unsigned orders = 0;

	for (unsigned order = 0; order < HUGE_ORDER; order++) {
		uint64_t block = huge << (HUGE_ORDER - order);
		uint64_t end = (huge + 1) << (HUGE_ORDER - order);

		for (; block < end; block++) {
			const struct buddy_order *of = &buddy->order[order];

			if (buddy_bit(of, block) && !buddy_bit(of, block ^ 1)) {
				frames += 1u << order;
				orders |= 1u << order;
			}
		}
	}
	return entry->free_frames == frames && entry->orders == orders &&
	       (entry->largest != 0) == (orders != 0);
}

static const char *check_fill(const struct buddy *buddy)
{
	uint64_t blocks = (buddy->end - buddy->base + HUGE_PAGES - 1) >> HUGE_ORDER;

	for (uint64_t huge = 0; huge < blocks; huge++) {
		if (!is_entry_right(buddy, huge))
			return I6;
	}
	return fill_queue_check(buddy->fill, blocks) ? I6 : NULL;
}

const char *buddy_check(const struct buddy *buddy)
{
	uint64_t pages = 0;

	for (unsigned order = 0; order <= buddy->max_order; order++) {
		if (bitmap_check(&buddy->order[order].free))
			return I1;
	}
	for (unsigned order = 0; order <= buddy->max_order; order++) {
		const char *broken = buddy_check_order(buddy, order, &pages);

		if (broken)
			return broken;
	}
	if (buddy->nonempty >> (buddy->max_order + 1) != 0)
		return I4;
	for (unsigned order = 0; order <= buddy->max_order; order++) {
		if (!buddy_are_hints_right(&buddy->order[order]))
			return I7;
	}
	if (buddy->free_pages != pages || pages > buddy->managed_pages)
		return I5;
	return buddy->fill ? check_fill(buddy) : NULL;
}
