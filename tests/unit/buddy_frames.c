#include "config.h"

#include "engine/base/random.h"
#include "engine/base/reservation.h"
#include "engine/phys/typed_buddy.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIRST 700u /* not aligned to anything */
#define PAGES 9000u
#define ROUNDS 3000u
#define MOST 200u

/* Two buddies with the same past: one hands frames out together, the other one by one. */
struct twins {
	struct typed_buddy buddy[2]; /* of the first test, only their maps */
	struct pageblocks pageblocks[2];
	struct reservation memory[2];
	struct {
		pfn_t pfn;
		unsigned order;
	} live[PAGES];
	size_t count;
};

static struct buddy_shape shape_of(enum buddy_placement placement)
{
	return (struct buddy_shape){
	    .first = FIRST, .pages = PAGES, .max_order = BUDDY_KERNEL_ORDER, .placement = placement};
}

static void remember(struct twins *twins, pfn_t pfn, unsigned order)
{
	twins->live[twins->count].pfn = pfn;
	twins->live[twins->count++].order = order;
}

static size_t any_live(struct twins *twins, struct random *random)
{
	return (size_t)random_below(random, twins->count);
}

static void assert_same_order(const struct buddy_order *left, const struct buddy_order *right)
{
	assert_int_equal(left->blocks, right->blocks);
	assert_int_equal(left->hint, right->hint);
	assert_int_equal(left->newest, right->newest);
	assert_memory_equal(left->recent, right->recent, sizeof(left->recent));
}

static void assert_same_map(const struct buddy *left, const struct buddy *right)
{
	assert_int_equal(left->free_pages, right->free_pages);
	assert_int_equal(left->nonempty, right->nonempty);
	for (unsigned order = 0; order <= left->max_order; order++)
		assert_same_order(&left->order[order], &right->order[order]);
}

static void assert_same_frames(const uint32_t *left, const uint32_t *right, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(left[i], right[i]);
}

/* --- buddy.h -------------------------------------------------------------------------------------------------------- */

static void take_together(struct twins *twins, uint32_t wanted)
{
	uint32_t left[MOST];
	uint32_t right[MOST];
	uint32_t taken = buddy_allocate_frames(&twins->buddy[0].map, &(struct buddy_frames){left, wanted});

	assert_true(taken <= wanted);
	for (uint32_t i = 0; i < taken; i++) {
		right[i] = (uint32_t)buddy_allocate(&twins->buddy[1].map, 0);
		remember(twins, right[i], 0);
	}
	assert_same_frames(left, right, taken);
	assert_true(taken == wanted || buddy_allocate(&twins->buddy[1].map, 0) == PFN_NONE);
}

static void take_block(struct twins *twins, unsigned order)
{
	pfn_t pfn = buddy_allocate(&twins->buddy[0].map, order);

	assert_int_equal(buddy_allocate(&twins->buddy[1].map, order), pfn);
	if (pfn != PFN_NONE)
		remember(twins, pfn, order);
}

static void give_back(struct twins *twins, size_t at)
{
	buddy_free(&twins->buddy[0].map, twins->live[at].pfn, twins->live[at].order);
	buddy_free(&twins->buddy[1].map, twins->live[at].pfn, twins->live[at].order);
	twins->live[at] = twins->live[--twins->count];
}

static void play(struct twins *twins, size_t bytes)
{
	struct random random = {7};

	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned what = (unsigned)random_below(&random, 8);

		if (what == 0)
			take_together(twins, (uint32_t)random_below(&random, MOST) + 1);
		else if (what == 1)
			take_block(twins, (unsigned)random_below(&random, 5));
		for (unsigned i = 0; i < what * 5 && twins->count > 0; i++)
			give_back(twins, any_live(twins, &random));
		assert_same_map(&twins->buddy[0].map, &twins->buddy[1].map);
		if (round % 100 == 0) {
			assert_null(buddy_check(&twins->buddy[0].map));
			assert_memory_equal(twins->memory[0].memory, twins->memory[1].memory, bytes);
		}
	}
	while (twins->buddy[0].map.free_pages > 0)
		take_together(twins, MOST);
	assert_null(buddy_check(&twins->buddy[0].map));
}

static void together_is_as_one_by_one(void **state)
{
	static const enum buddy_placement placements[] = {BUDDY_ORDER_FIRST, BUDDY_LOWEST_ADDRESS,
							  BUDDY_FULLEST_BLOCK};

	(void)state;
	for (size_t i = 0; i < sizeof(placements) / sizeof(placements[0]); i++) {
		struct twins *twins = calloc(1, sizeof(*twins));
		struct buddy_shape shape = shape_of(placements[i]);
		size_t bytes = buddy_bytes(&shape);

		assert_non_null(twins);
		for (unsigned side = 0; side < 2; side++) {
			struct buddy *map = &twins->buddy[side].map;

			assert_int_equal(reservation_create(&twins->memory[side], bytes, PAGE_BYTES),
					 STATUS_OK);
			assert_int_equal(buddy_create(map, &shape, twins->memory[side].memory), STATUS_OK);
			buddy_add(map, FIRST, PAGES);
		}
		play(twins, bytes);
		reservation_destroy(&twins->memory[0]);
		reservation_destroy(&twins->memory[1]);
		free(twins);
	}
}

/* --- typed_buddy.h ---------------------------------------------------------------------------------------------------- */

static void typed_take_together(struct twins *twins, enum migrate_type type, uint32_t wanted,
				unsigned largest)
{
	uint32_t left[MOST];
	uint32_t right[MOST];
	struct buddy_frames frames = {left, wanted};
	uint32_t taken = typed_buddy_allocate_frames(&twins->buddy[0], type, largest, &frames);

	for (uint32_t i = 0; i < taken; i++) {
		right[i] = (uint32_t)typed_buddy_allocate(&twins->buddy[1], 0, type, largest);
		remember(twins, right[i], 0);
	}
	assert_same_frames(left, right, taken);
	assert_true(taken == wanted || typed_buddy_allocate(&twins->buddy[1], 0, type, largest) == PFN_NONE);
}

static void typed_take_block(struct twins *twins, enum migrate_type type, unsigned order)
{
	pfn_t pfn = typed_buddy_allocate(&twins->buddy[0], order, type, BUDDY_KERNEL_ORDER);

	assert_int_equal(typed_buddy_allocate(&twins->buddy[1], order, type, BUDDY_KERNEL_ORDER), pfn);
	if (pfn != PFN_NONE)
		remember(twins, pfn, order);
}

static void typed_give_back(struct twins *twins, size_t at)
{
	typed_buddy_free(&twins->buddy[0], twins->live[at].pfn, twins->live[at].order);
	typed_buddy_free(&twins->buddy[1], twins->live[at].pfn, twins->live[at].order);
	twins->live[at] = twins->live[--twins->count];
}

static void assert_same_types(const struct twins *twins)
{
	const struct typed_buddy *left = &twins->buddy[0];
	const struct typed_buddy *right = &twins->buddy[1];

	assert_same_map(&left->map, &right->map);
	assert_memory_equal(left->nonempty, right->nonempty, sizeof(left->nonempty));
	assert_memory_equal(&left->counts, &right->counts, sizeof(left->counts));
	for (unsigned type = 0; type < MIGRATE_PCPTYPES; type++) {
		for (unsigned order = 0; order < HUGE_ORDER; order++)
			assert_same_order(&left->order[type][order], &right->order[type][order]);
	}
}

static void typed_play(struct twins *twins, size_t bytes)
{
	struct random random = {11};

	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned what = (unsigned)random_below(&random, 8);
		enum migrate_type type = (enum migrate_type)random_below(&random, MIGRATE_PCPTYPES);

		if (what == 0)
			typed_take_together(twins, type, (uint32_t)random_below(&random, MOST) + 1,
					    random_below(&random, 4) == 0 ? 3 : BUDDY_KERNEL_ORDER);
		else if (what == 1)
			typed_take_block(twins, type, (unsigned)random_below(&random, 5));
		for (unsigned i = 0; i < what * 5 && twins->count > 0; i++)
			typed_give_back(twins, any_live(twins, &random));
		assert_same_types(twins);
		if (round % 100 == 0) {
			assert_null(typed_buddy_check(&twins->buddy[0]));
			assert_memory_equal(twins->memory[0].memory, twins->memory[1].memory, bytes);
		}
	}
}

static void together_is_as_one_by_one_with_types(void **state)
{
	struct twins *twins = calloc(1, sizeof(*twins));
	struct buddy_shape shape = shape_of(BUDDY_ORDER_FIRST);
	size_t bytes = typed_buddy_bytes(&shape);

	(void)state;
	assert_non_null(twins);
	for (unsigned side = 0; side < 2; side++) {
		assert_int_equal(reservation_create(&twins->memory[side], bytes, PAGE_BYTES), STATUS_OK);
		assert_int_equal(pageblocks_create(&twins->pageblocks[side], FIRST, PAGES), STATUS_OK);
		assert_int_equal(typed_buddy_create(&twins->buddy[side], &shape, &twins->pageblocks[side],
						    twins->memory[side].memory),
				 STATUS_OK);
		typed_buddy_add(&twins->buddy[side], FIRST, PAGES);
	}
	typed_play(twins, bytes);
	for (unsigned side = 0; side < 2; side++) {
		pageblocks_destroy(&twins->pageblocks[side]);
		reservation_destroy(&twins->memory[side]);
	}
	free(twins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(together_is_as_one_by_one),
	    cmocka_unit_test(together_is_as_one_by_one_with_types),
	};

	return cmocka_run_group_tests_name("buddy_frames", tests, NULL, NULL);
}
