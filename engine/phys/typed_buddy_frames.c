#include "config.h"

#include "engine/phys/typed_buddy_step.h"

/* The free frames of the nearest granule of order 0, which is a word. */
static uint32_t take_singles(struct typed_buddy *buddy, enum migrate_type type,
			     const struct buddy_frames *frames)
{
	struct buddy_order *of = &buddy->order[type][0];
	uint64_t granule = typed_nearest_granule(of);
	uint64_t free = granule_free(of, granule, 0);
	uint64_t left = free;
	uint32_t first = (uint32_t)granule_pfn(buddy, granule, 0);
	uint32_t taken = 0;

	for (; left != 0 && taken < frames->wanted; left &= left - 1)
		frames->first[taken++] = first + (unsigned)__builtin_ctzll(left);
	of->words[granule] |= pair_buddies(free & ~left);
	buddy_keep_or_forget(of, granule, left != 0);
	of->blocks -= taken - 1;
	typed_count_down(buddy, type, 0, granule, left != 0);
	return taken;
}

/* The frames of a whole block; no order below it has a free one of the type. What these would remember of being split and taken
 * is what they had in mind before. */
static uint32_t take_whole(struct typed_buddy *buddy, struct typed_piece found, uint32_t *frame)
{
	uint64_t block = typed_take_nearest(buddy, found.type, found.order);
	uint32_t first = (uint32_t)buddy_pfn_of(&buddy->map, block, found.order);

	for (unsigned order = 0; order < found.order; order++) {
		struct buddy_order *of = &buddy->order[found.type][order];
		uint64_t part = block << (found.order - order);

		pair_use_all(buddy_word(of, part), part, found.order - order);
		of->recent[(of->newest + 1) % BUDDY_RECENT] = of->hint;
	}
	for (uint32_t i = 0; i < 1u << found.order; i++)
		frame[i] = first + i;
	return 1u << found.order;
}

/* Some frames of the type's own blocks, the smallest of which are of order `found`. */
static uint32_t take_some(struct typed_buddy *buddy, struct typed_piece found,
			  const struct buddy_frames *frames)
{
	if (found.order == 0)
		return take_singles(buddy, found.type, frames);
	if (frames->wanted >> found.order != 0)
		return take_whole(buddy, found, frames->first);
	uint64_t block = typed_take_nearest(buddy, found.type, found.order);

	typed_split(buddy, block, found.order, (struct typed_piece){0, found.type});
	*frames->first = (uint32_t)buddy_pfn_of(&buddy->map, block, found.order);
	return 1;
}

uint32_t typed_buddy_allocate_frames(struct typed_buddy *buddy, enum migrate_type type, unsigned largest,
				     const struct buddy_frames *frames)
{
	uint32_t taken = 0;

	while (taken < frames->wanted) {
		struct buddy_frames rest = {frames->first + taken, frames->wanted - taken};
		uint32_t some = 1;

		if (buddy->nonempty[type] == 0) {
			pfn_t pfn = typed_buddy_allocate(buddy, 0, type, largest);

			if (pfn == PFN_NONE)
				break;
			*rest.first = (uint32_t)pfn;
		} else {
			struct typed_piece found = {(unsigned)__builtin_ctz(buddy->nonempty[type]), type};

			if (found.order > largest)
				break;
			some = take_some(buddy, found, &rest);
			buddy->counts.own += some;
			buddy->map.free_pages -= some;
		}
		taken += some;
	}
	return taken;
}
