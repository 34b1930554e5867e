#include "config.h"

#include "engine/phys/typed_buddy.h"

#include "engine/base/check.h"
#include "engine/phys/typed_buddy_step.h"

/* --- Building ----------------------------------------------------------------------------------------------------- */

/* Granules of an order, those of the last pageblock's included. */
static uint64_t granules_of_order(const struct buddy_shape *shape, unsigned order)
{
	uint64_t blocks = buddy_words_of_order(shape, 0) << PAIR_WORD_SHIFT >> order;

	return (blocks + ((uint64_t)1 << granule_shift(order)) - 1) >> granule_shift(order);
}

size_t typed_buddy_bytes(const struct buddy_shape *shape)
{
	size_t bytes = 0;

	if (!buddy_shape_is_valid(shape) || shape->placement != BUDDY_ORDER_FIRST)
		return 0;
	for (unsigned order = 0; order <= shape->max_order; order++) {
		uint64_t words = buddy_words_of_order(shape, order);

		bytes += words * sizeof(uint64_t);
		bytes += order < HUGE_ORDER ? MIGRATE_PCPTYPES * bitmap_bytes(granules_of_order(shape, order))
					    : bitmap_bytes(words);
	}
	return bytes;
}

enum status typed_buddy_create(struct typed_buddy *buddy, const struct buddy_shape *shape,
			       struct pageblocks *pageblocks, void *memory)
{
	unsigned char *free = memory;

	if (typed_buddy_bytes(shape) == 0)
		return STATUS_BAD_ARGUMENT;
	CHECK((uintptr_t)memory % BUDDY_MEMORY_ALIGNMENT == 0, "a buddy's memory is aligned");
	*buddy = (struct typed_buddy){.pageblocks = pageblocks};
	buddy_begin(&buddy->map, shape);
	for (unsigned order = 0; order <= shape->max_order; order++) {
		uint64_t words = buddy_words_of_order(shape, order);

		buddy_take_words(&buddy->map.order[order], words, &free);
		if (order >= HUGE_ORDER)
			buddy_take_search(&buddy->map.order[order], words, &free);
		for (unsigned type = 0; order < HUGE_ORDER && type < MIGRATE_PCPTYPES; type++) {
			struct buddy_order *of = &buddy->order[type][order];

			*of = buddy->map.order[order];
			buddy_take_search(of, granules_of_order(shape, order), &free);
		}
	}
	buddy->map.order[shape->max_order].pairs = PAIR_NO_BITS;
	return STATUS_OK;
}

/* --- Blocks below order 9 ------------------------------------------------------------------------------------------ */

/* A block of the smallest sufficient order that the type has; `orders` says that there is one. */
static inline pfn_t take_own(struct typed_buddy *buddy, struct typed_piece piece, uint32_t orders)
{
	unsigned found = piece.order + (unsigned)__builtin_ctz(orders);
	uint64_t block = typed_take_nearest(buddy, piece.type, found);

	if (found > piece.order)
		typed_split(buddy, block, found, piece);
	buddy->map.free_pages -= (uint64_t)1 << piece.order;
	return buddy_pfn_of(&buddy->map, block, found);
}

/* --- Whole pageblocks ---------------------------------------------------------------------------------------------- */

/* Movable is what pageblocks are that nobody has. */
static inline void set_type(struct typed_buddy *buddy, pfn_t pfn, enum migrate_type type)
{
	if (pageblock_kept_type(buddy->pageblocks, pfn) != type)
		pageblock_set_type(buddy->pageblocks, pfn, type);
}

static void set_types(struct typed_buddy *buddy, pfn_t pfn, unsigned order, enum migrate_type type)
{
	for (pfn_t at = pfn; at < pfn + ((pfn_t)1 << order); at += PAGEBLOCK_PAGES)
		set_type(buddy, at, type);
}

/* A part of a pageblock that was wholly free, or whole ones. */
static __attribute__((noinline)) pfn_t take_fresh(struct typed_buddy *buddy, struct typed_piece piece)
{
	unsigned order = piece.order > HUGE_ORDER ? piece.order : HUGE_ORDER;
	pfn_t pfn = buddy_allocate(&buddy->map, order);

	if (pfn == PFN_NONE)
		return PFN_NONE;
	set_types(buddy, pfn, order, piece.type);
	buddy->counts.fresh++;
	if (piece.order < HUGE_ORDER) {
		typed_split(buddy, buddy_block_of(&buddy->map, pfn, HUGE_ORDER), HUGE_ORDER, piece);
		buddy->map.free_pages += HUGE_PAGES - ((uint64_t)1 << piece.order);
	}
	return pfn;
}

pfn_t typed_buddy_allocate(struct typed_buddy *buddy, unsigned order, enum migrate_type type,
			   unsigned largest)
{
	struct typed_piece piece = {order, type};
	uint32_t orders = order < HUGE_ORDER ? buddy->nonempty[type] >> order : 0;

	if (orders == 0)
		return largest >= HUGE_ORDER ? take_fresh(buddy, piece) : PFN_NONE;
	if ((unsigned)__builtin_ctz(orders) > largest - order)
		return PFN_NONE;
	buddy->counts.own++;
	return take_own(buddy, piece, orders);
}

/* --- Blocks of other types ------------------------------------------------------------------------------------------ */

/* Moves what is free in a granule of a pageblock from one type's search to another's. */
static void move_granule(struct typed_buddy *buddy, uint64_t granule, struct typed_piece from,
			 enum migrate_type to)
{
	struct buddy_order *of = &buddy->order[from.type][from.order];
	unsigned blocks = (unsigned)__builtin_popcountll(granule_free(of, granule, from.order));

	if (blocks == 0)
		return;
	of->blocks -= blocks - 1;
	typed_count_down(buddy, from.type, from.order, granule, false);
	typed_count_up(buddy, to, from.order, granule);
	of = &buddy->order[to][from.order];
	of->blocks += blocks - 1;
	buddy_remember(of, granule);
}

void typed_buddy_convert(struct typed_buddy *buddy, pfn_t pfn, enum migrate_type type)
{
	uint64_t huge = buddy_block_of(&buddy->map, pfn, HUGE_ORDER);

	for (unsigned order = 0; order < HUGE_ORDER; order++) {
		struct typed_piece from = {order, MIGRATE_MOVABLE};
		uint64_t granule = huge << granules_shift(order);
		uint64_t end = (huge + 1) << granules_shift(order);

		for (; granule < end; granule++)
			move_granule(buddy, granule, from, type);
	}
	set_type(buddy, pfn, type);
}

static pfn_t borrow(struct typed_buddy *buddy, struct typed_piece piece)
{
	for (unsigned nth = 0; nth < MIGRATE_FALLBACKS; nth++) {
		struct typed_piece lender = {piece.order, migrate_fallback(piece.type, nth)};
		uint32_t orders = buddy->nonempty[lender.type] >> piece.order;

		if (lender.type == MIGRATE_MOVABLE || orders == 0)
			continue;
		buddy->counts.borrowed++;
		return take_own(buddy, lender, orders);
	}
	return PFN_NONE;
}

pfn_t typed_buddy_fall_back(struct typed_buddy *buddy, unsigned order, enum migrate_type type)
{
	struct typed_piece piece = {order, type};

	if (order >= HUGE_ORDER)
		return PFN_NONE;
	pfn_t pfn = borrow(buddy, piece);
	uint32_t orders = type != MIGRATE_MOVABLE ? buddy->nonempty[MIGRATE_MOVABLE] >> order : 0;

	if (pfn != PFN_NONE || orders == 0)
		return pfn;
	unsigned largest = order + 31u - (unsigned)__builtin_clz(orders);
	uint64_t granule = typed_nearest_granule(&buddy->order[MIGRATE_MOVABLE][largest]);

	typed_buddy_convert(buddy, granule_pfn(buddy, granule, largest), type);
	buddy->counts.converted++;
	return take_own(buddy, piece, buddy->nonempty[type] >> order);
}

/* --- Freeing ------------------------------------------------------------------------------------------------------ */

/* Whole pageblocks merge on, and nobody has them any more. */
static __attribute__((noinline)) void free_whole(struct typed_buddy *buddy, uint64_t block, unsigned order)
{
	struct buddy *map = &buddy->map;
	pfn_t pfn = buddy_pfn_of(map, block, order);

	set_types(buddy, pfn, order, MIGRATE_MOVABLE);
	for (; order < map->max_order && !buddy_bit(&map->order[order], block); order++) {
		buddy_leave(map, block, order, 0, pair_bit(block ^ 1));
		block >>= 1;
	}
	bool top = order == map->max_order;

	buddy_enter(map, block, order, top ? pair_bit(block) : 0, top ? 0 : pair_bit(block ^ 1));
}

void typed_buddy_free(struct typed_buddy *buddy, pfn_t pfn, unsigned order)
{
	buddy_demand_allocated(&buddy->map, pfn, order);
	enum migrate_type type = pageblock_kept_type(buddy->pageblocks, pfn);
	uint64_t block = buddy_block_of(&buddy->map, pfn, order);

	buddy->map.free_pages += (uint64_t)1 << order;
	for (; order < HUGE_ORDER; order++) {
		struct buddy_order *of = &buddy->order[type][order];
		uint64_t granule = block >> granule_shift(order);

		if (buddy_bit(of, block)) {
			*buddy_word(of, block) &= ~pair_bit(block ^ 1);
			typed_count_up(buddy, type, order, granule);
			buddy_remember(of, granule);
			return;
		}
		*buddy_word(of, block) &= ~pair_bit(block ^ 1);
		typed_count_down(buddy, type, order, granule, granule_free(of, granule, order) != 0);
		block >>= 1;
	}
	free_whole(buddy, block, order);
}

void typed_buddy_free_range(struct typed_buddy *buddy, pfn_t pfn, uint64_t pages)
{
	pfn_t end = pfn + pages;

	while (pfn < end) {
		unsigned order = buddy_whole_order(&buddy->map, pfn, end - pfn);

		typed_buddy_free(buddy, pfn, order);
		pfn += (pfn_t)1 << order;
	}
}

void typed_buddy_add(struct typed_buddy *buddy, pfn_t pfn, uint64_t pages)
{
	struct buddy *map = &buddy->map;

	CHECK(pfn >= map->first && pfn <= map->end && pages <= map->end - pfn,
	      "added frames lie in the buddy's range");
	map->managed_pages += pages;
	typed_buddy_free_range(buddy, pfn, pages);
	for (unsigned order = HUGE_ORDER; order <= map->max_order; order++)
		map->order[order].hint = 0;
}

/* --- Claiming ----------------------------------------------------------------------------------------------------- */

/* This free block becomes in use; its pageblock keeps its type. */
static void take_this(struct typed_buddy *buddy, pfn_t pfn, unsigned order)
{
	uint64_t block = buddy_block_of(&buddy->map, pfn, order);

	buddy->map.free_pages -= (uint64_t)1 << order;
	if (order >= HUGE_ORDER) {
		buddy_take(&buddy->map, block, order);
		return;
	}
	enum migrate_type type = pageblock_kept_type(buddy->pageblocks, pfn);
	struct buddy_order *of = &buddy->order[type][order];
	uint64_t granule = block >> granule_shift(order);

	*buddy_word(of, block) |= pair_bit(block ^ 1);
	typed_count_down(buddy, type, order, granule, granule_free(of, granule, order) != 0);
}

void typed_buddy_claim(struct typed_buddy *buddy, pfn_t pfn, uint64_t pages)
{
	pfn_t end = pfn + pages;

	while (pfn < end) {
		pfn_t first;
		unsigned order;

		CHECK(buddy_find_free(&buddy->map, pfn, &first, &order), "a claimed frame is free");
		pfn_t next = first + ((pfn_t)1 << order);

		take_this(buddy, first, order);
		if (pfn > first)
			typed_buddy_free_range(buddy, first, pfn - first);
		if (next > end)
			typed_buddy_free_range(buddy, end, next - end);
		pfn = next;
	}
}

bool typed_buddy_has_top(const struct typed_buddy *buddy, pfn_t pfn)
{
	const struct buddy *map = &buddy->map;

	return buddy_bit(&map->order[map->max_order], buddy_block_of(map, pfn, map->max_order));
}
