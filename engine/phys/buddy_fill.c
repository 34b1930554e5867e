#include "config.h"

#include "engine/phys/buddy_map.h"

uint64_t buddy_first_in_huge(const struct buddy *buddy, uint64_t huge, unsigned order)
{
	const struct buddy_order *of = &buddy->order[order];
	uint64_t block = huge << (HUGE_ORDER - order);
	uint64_t end = (huge + 1) << (HUGE_ORDER - order);

	while (block < end) {
		uint64_t free = pair_free_bits(*buddy_word(of, block), of->pairs) >> (block & 63);

		if (free != 0) {
			uint64_t first = block + (unsigned)__builtin_ctzll(free);

			return first < end ? first : BITMAP_NONE;
		}
		block = (block | 63) + 1;
	}
	return BITMAP_NONE;
}

void buddy_fill(struct buddy *buddy, uint64_t block, unsigned order, int change)
{
	if (order >= HUGE_ORDER)
		return;
	uint64_t huge = block >> (HUGE_ORDER - order);
	struct fill_entry *entry = &buddy->fill->entry[huge];
	bool any = change > 0 || buddy_first_in_huge(buddy, huge, order) != BITMAP_NONE;

	entry->free_frames = (uint16_t)(entry->free_frames + change * (1 << order));
	entry->orders = (uint16_t)((entry->orders & ~(1u << order)) | (unsigned)any << order);
}
