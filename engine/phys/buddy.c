#include "config.h"

#include "engine/phys/buddy.h"

#include "engine/base/check.h"
#include "engine/phys/buddy_map.h"

bool buddy_shape_is_valid(const struct buddy_shape *shape)
{
	return shape->pages > 0 && shape->pages <= BUDDY_PAGES_MAX &&
	       shape->first <= (UINT64_MAX >> PAGE_SHIFT) - shape->pages && shape->max_order >= HUGE_ORDER &&
	       shape->max_order <= BUDDY_ORDER_MAX && shape->placement <= BUDDY_FULLEST_BLOCK;
}

static pfn_t base_of(const struct buddy_shape *shape)
{
	return shape->first >> shape->max_order << shape->max_order;
}

static uint64_t top_blocks_of(const struct buddy_shape *shape)
{
	uint64_t top = (uint64_t)1 << shape->max_order;

	return (shape->first + shape->pages - base_of(shape) + top - 1) >> shape->max_order;
}

uint64_t buddy_words_of_order(const struct buddy_shape *shape, unsigned order)
{
	return ((top_blocks_of(shape) << (shape->max_order - order)) + 63) >> PAIR_WORD_SHIFT;
}

size_t buddy_bytes(const struct buddy_shape *shape)
{
	size_t bytes = 0;

	if (!buddy_shape_is_valid(shape))
		return 0;
	for (unsigned order = 0; order <= shape->max_order; order++) {
		uint64_t words = buddy_words_of_order(shape, order);

		bytes += words * sizeof(uint64_t) + bitmap_bytes(words);
	}
	if (shape->placement == BUDDY_FULLEST_BLOCK)
		bytes += fill_queue_bytes(top_blocks_of(shape) << (shape->max_order - HUGE_ORDER));
	return round_up(bytes, BUDDY_MEMORY_ALIGNMENT);
}

void buddy_take_words(struct buddy_order *of, uint64_t words, unsigned char **memory)
{
	of->words = (void *)*memory;
	of->pairs = PAIR_LEFT_BITS;
	*memory += words * sizeof(uint64_t);
}

void buddy_take_search(struct buddy_order *of, uint64_t granules, unsigned char **memory)
{
	bitmap_create(&of->free, granules, *memory);
	*memory += bitmap_bytes(granules);
}

void buddy_begin(struct buddy *buddy, const struct buddy_shape *shape)
{
	*buddy = (struct buddy){
	    .max_order = shape->max_order,
	    .placement = shape->placement,
	    .base = base_of(shape),
	    .first = shape->first,
	    .end = shape->first + shape->pages,
	};
}

enum status buddy_create(struct buddy *buddy, const struct buddy_shape *shape, void *memory)
{
	unsigned char *free = memory;

	if (!buddy_shape_is_valid(shape))
		return STATUS_BAD_ARGUMENT;
	CHECK((uintptr_t)memory % BUDDY_MEMORY_ALIGNMENT == 0, "a buddy's memory is aligned");
	buddy_begin(buddy, shape);
	for (unsigned order = 0; order <= shape->max_order; order++) {
		uint64_t words = buddy_words_of_order(shape, order);

		buddy_take_words(&buddy->order[order], words, &free);
		buddy_take_search(&buddy->order[order], words, &free);
	}
	buddy->order[shape->max_order].pairs = PAIR_NO_BITS;
	if (shape->placement == BUDDY_FULLEST_BLOCK)
		buddy->fill = (void *)free;
	return STATUS_OK;
}

/* --- Allocating --------------------------------------------------------------------------------------------------- */

/* The first free block of a word that has one. */
static inline uint64_t first_of_word(const struct buddy_order *of, uint64_t word)
{
	return word << PAIR_WORD_SHIFT |
	       (unsigned)__builtin_ctzll(pair_free_bits(of->words[word], of->pairs));
}

static uint64_t choose_lowest(const struct buddy *buddy, unsigned order, unsigned *found)
{
	pfn_t lowest = PFN_NONE;

	for (uint32_t orders = buddy->nonempty >> order << order; orders != 0; orders &= orders - 1) {
		unsigned candidate = (unsigned)__builtin_ctz(orders);
		const struct buddy_order *of = &buddy->order[candidate];
		pfn_t pfn = first_of_word(of, bitmap_first(&of->free)) << candidate;

		if (pfn < lowest) {
			lowest = pfn;
			*found = candidate;
		}
	}
	return lowest != PFN_NONE ? lowest >> *found : BITMAP_NONE;
}

static uint64_t choose_fullest(const struct buddy *buddy, unsigned order, unsigned *found)
{
	uint32_t huge = fill_queue_fullest(buddy->fill, order);

	if (huge == FILL_NONE)
		return BITMAP_NONE;
	*found = order + (unsigned)__builtin_ctz((unsigned)buddy->fill->entry[huge].orders >> order);
	return buddy_first_in_huge(buddy, huge, *found);
}

uint64_t buddy_choose(const struct buddy *buddy, unsigned order, unsigned *found)
{
	if (buddy->placement == BUDDY_LOWEST_ADDRESS)
		return choose_lowest(buddy, order, found);
	if (buddy->placement == BUDDY_FULLEST_BLOCK && order < HUGE_ORDER) {
		uint64_t block = choose_fullest(buddy, order, found);

		if (block != BITMAP_NONE)
			return block;
		order = HUGE_ORDER;
	}
	uint32_t orders = buddy->nonempty >> order;

	if (orders == 0)
		return BITMAP_NONE;
	*found = order + (unsigned)__builtin_ctz(orders);
	return first_of_word(&buddy->order[*found], buddy_nearest_word(&buddy->order[*found]));
}

/* Takes the free block and splits it; its first part of `order` is what is left in use. */
static inline __attribute__((always_inline)) pfn_t take_and_split(struct buddy *buddy, uint64_t block,
								  unsigned found, unsigned order)
{
	pfn_t pfn = buddy_pfn_of(buddy, block, found);

	buddy_take(buddy, block, found);
	while (found > order) {
		found--;
		block = block * 2;
		buddy_enter(buddy, block, found, pair_bit(block + 1), 0);
	}
	buddy->free_pages -= (uint64_t)1 << order;
	buddy_settle(buddy, pfn);
	return pfn;
}

/* Everything but order-first, which is the quick way through buddy_allocate(): there the orders between the one asked for
 * and the one found are empty. */
static __attribute__((noinline)) pfn_t allocate_chosen(struct buddy *buddy, unsigned order)
{
	unsigned found = 0;

	CHECK(order <= buddy->max_order, "a request is no larger than the top order");
	uint64_t block = buddy_choose(buddy, order, &found);

	return block != BITMAP_NONE ? take_and_split(buddy, block, found, order) : PFN_NONE;
}

__attribute__((noinline)) void buddy_split_first(struct buddy *buddy, uint64_t block, unsigned found,
						 unsigned order)
{
	buddy->nonempty |= (1u << found) - (1u << order);
	while (found > order) {
		struct buddy_order *of = &buddy->order[--found];
		uint64_t word;

		block *= 2;
		word = block >> PAIR_WORD_SHIFT;
		of->words[word] |= pair_bit(block + 1);
		of->hint = (uint32_t)word;
		of->blocks = 1;
		bitmap_set_first(&of->free, word);
	}
}

pfn_t buddy_allocate(struct buddy *buddy, unsigned order)
{
	uint32_t orders = order <= BUDDY_ORDER_MAX ? buddy->nonempty >> order : 0;

	if (orders == 0 || buddy->placement != BUDDY_ORDER_FIRST)
		return allocate_chosen(buddy, order);
	unsigned found = order + (unsigned)__builtin_ctz(orders);
	uint64_t block = buddy_take_nearest(buddy, found);
	pfn_t pfn = buddy_pfn_of(buddy, block, found);

	if (found > order)
		buddy_split_first(buddy, block, found, order);
	buddy->free_pages -= (uint64_t)1 << order;
	return pfn;
}

/* --- Freeing ------------------------------------------------------------------------------------------------------ */

void buddy_free(struct buddy *buddy, pfn_t pfn, unsigned order)
{
	buddy_demand_allocated(buddy, pfn, order);
	uint64_t block = buddy_block_of(buddy, pfn, order);

	buddy->free_pages += (uint64_t)1 << order;
	while (order < buddy->max_order && !buddy_bit(&buddy->order[order], block)) {
		buddy_leave(buddy, block, order, 0, pair_bit(block ^ 1));
		block >>= 1;
		order++;
	}
	bool top = order == buddy->max_order;

	buddy_enter(buddy, block, order, top ? pair_bit(block) : 0, top ? 0 : pair_bit(block ^ 1));
	buddy_settle(buddy, pfn);
}

enum buddy_state buddy_find(const struct buddy *buddy, pfn_t pfn, pfn_t *first, unsigned *order)
{
	if (pfn < buddy->first || pfn >= buddy->end)
		return BUDDY_FOREIGN;
	for (*order = 0;; ++*order) {
		const struct buddy_order *of = &buddy->order[*order];
		uint64_t block = buddy_block_of(buddy, pfn, *order);

		*first = buddy_pfn_of(buddy, block, *order);
		if (*order == buddy->max_order)
			return buddy_bit(of, block) ? BUDDY_FREE : BUDDY_ALLOCATED;
		if (buddy_bit(of, block ^ 1))
			return BUDDY_ALLOCATED;
		if (buddy_bit(of, block))
			return BUDDY_FREE;
	}
}

_Noreturn void buddy_refuse(const struct buddy *buddy, pfn_t pfn, unsigned order)
{
	pfn_t first = 0;
	unsigned actual = 0;
	enum buddy_state state = buddy_find(buddy, pfn, &first, &actual);

	CHECK(state != BUDDY_FOREIGN, "a freed frame lies in the buddy's range (foreign pfn)");
	CHECK(state != BUDDY_FREE, "a freed frame is not free already (double free)");
	CHECK(first == pfn, "a free names the first frame of its block (misaligned pfn)");
	CHECK(actual == order, "a block is freed with the order it was allocated with (wrong order)");
	CHECK(false, "a block is freed as it was allocated");
}
