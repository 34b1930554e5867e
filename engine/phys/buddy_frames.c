#include "config.h"

#include "engine/phys/buddy_map.h"

/* The free frames of the nearest word of order 0, which has some. */
static uint32_t take_singles(struct buddy *buddy, uint32_t *frame, uint32_t wanted)
{
	struct buddy_order *of = &buddy->order[0];
	uint64_t word = buddy_nearest_word(of);
	uint64_t free = pair_free_bits(of->words[word], of->pairs);
	uint64_t left = free;
	uint32_t first = (uint32_t)buddy_pfn_of(buddy, word << PAIR_WORD_SHIFT, 0);
	uint32_t taken = 0;

	for (; left != 0 && taken < wanted; left &= left - 1)
		frame[taken++] = first + (unsigned)__builtin_ctzll(left);
	of->words[word] |= pair_buddies(free & ~left);
	buddy_keep_or_forget(of, word, left != 0);
	of->blocks -= taken - 1;
	buddy_count_down(buddy, 0, word, left != 0);
	return taken;
}

/* What the order remembers after so many blocks of it became free, and were taken, each alone. */
static void forget(struct buddy_order *of, uint32_t times)
{
	of->newest = (of->newest - times) % BUDDY_RECENT;
	of->hint = of->recent[(of->newest + 1) % BUDDY_RECENT];
}

/* The frames of a whole block; no order below it has a free one. */
static uint32_t take_whole(struct buddy *buddy, uint32_t *frame, unsigned found)
{
	uint64_t block = buddy_take_nearest(buddy, found);
	pfn_t first = buddy_pfn_of(buddy, block, found);

	for (unsigned order = 0; order < found; order++) {
		struct buddy_order *of = &buddy->order[order];

		pair_use_all(buddy_word(of, block << (found - order)), block << (found - order),
			     found - order);
		forget(of, 1u << (found - order - 1));
	}
	for (uint32_t i = 0; i < 1u << found; i++)
		frame[i] = (uint32_t)first + i;
	return 1u << found;
}

/* Some frames, at least one, from the smallest blocks that there are. */
static uint32_t take_some(struct buddy *buddy, uint32_t *frame, uint32_t wanted)
{
	unsigned found = (unsigned)__builtin_ctz(buddy->nonempty);

	if (found == 0)
		return take_singles(buddy, frame, wanted);
	if (wanted >> found != 0)
		return take_whole(buddy, frame, found);
	uint64_t block = buddy_take_nearest(buddy, found);

	buddy_split_first(buddy, block, found, 0);
	*frame = (uint32_t)buddy_pfn_of(buddy, block, found);
	return 1;
}

static uint32_t take_one_by_one(struct buddy *buddy, const struct buddy_frames *frames)
{
	uint32_t taken = 0;

	for (; taken < frames->wanted; taken++) {
		pfn_t pfn = buddy_allocate(buddy, 0);

		if (pfn == PFN_NONE)
			break;
		frames->first[taken] = (uint32_t)pfn;
	}
	return taken;
}

uint32_t buddy_allocate_frames(struct buddy *buddy, const struct buddy_frames *frames)
{
	uint32_t taken = 0;

	if (buddy->placement != BUDDY_ORDER_FIRST)
		return take_one_by_one(buddy, frames);
	while (taken < frames->wanted && buddy->nonempty != 0)
		taken += take_some(buddy, frames->first + taken, frames->wanted - taken);
	buddy->free_pages -= taken;
	return taken;
}
