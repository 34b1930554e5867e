#include "config.h"

#include "engine/phys/typed_buddy.h"

#include "engine/base/reservation.h"
#include "tests/unit/death.h"
#include "tests/unit/model.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#define GIB_PAGES ((uint64_t)1 << 18)

struct rig {
	struct typed_buddy buddy;
	struct pageblocks pageblocks;
	struct reservation memory;
};

static void rig_make(struct rig *rig, const struct buddy_shape *shape)
{
	assert_int_equal(reservation_create(&rig->memory, typed_buddy_bytes(shape), PAGE_BYTES), STATUS_OK);
	assert_int_equal(pageblocks_create(&rig->pageblocks, shape->first, shape->pages), STATUS_OK);
	assert_int_equal(typed_buddy_create(&rig->buddy, shape, &rig->pageblocks, rig->memory.memory),
			 STATUS_OK);
	typed_buddy_add(&rig->buddy, shape->first, shape->pages);
}

static pfn_t allocate(struct typed_buddy *buddy, unsigned order, enum migrate_type type)
{
	return typed_buddy_allocate(buddy, order, type, buddy->map.max_order);
}

static void rig_drop(struct rig *rig)
{
	pageblocks_destroy(&rig->pageblocks);
	reservation_destroy(&rig->memory);
}

/* --- The oracle: a word per frame, a type per pageblock, and the rules one by one ------------------------------------- */

#define ORACLE_PAGES 5000u
#define ORACLE_FIRST 700u /* not aligned to anything */
#define ORACLE_END (ORACLE_FIRST + ORACLE_PAGES)
#define ORACLE_PAGEBLOCKS 12u /* 0 .. 5700 */

struct oracle {
	struct rig rig;
	bool is_free[ORACLE_END];
	enum migrate_type type[ORACLE_PAGEBLOCKS];
	struct {
		pfn_t pfn;
		unsigned order;
	} live[ORACLE_PAGES];
	size_t count;
};

static bool all_free(const struct oracle *oracle, pfn_t pfn, unsigned order)
{
	for (pfn_t frame = pfn; frame < pfn + ((pfn_t)1 << order); frame++) {
		if (frame >= ORACLE_END || !oracle->is_free[frame])
			return false;
	}
	return true;
}

/* The free blocks of an order are the maximal aligned ones; counted in pageblocks of a type. */
static uint64_t blocks_of(const struct oracle *oracle, unsigned order, enum migrate_type type)
{
	unsigned max_order = oracle->rig.buddy.map.max_order;
	uint64_t blocks = 0;

	for (pfn_t pfn = 0; pfn < ORACLE_END; pfn += (pfn_t)1 << order) {
		pfn_t above = pfn >> (order + 1) << (order + 1);

		blocks += oracle->type[pfn >> PAGEBLOCK_ORDER] == type && all_free(oracle, pfn, order) &&
			  (order == max_order || !all_free(oracle, above, order + 1));
	}
	return blocks;
}

/* The smallest and the largest order from `order` to 8 of which the type has a block, or HUGE_ORDER. */
static unsigned smallest_own(const struct oracle *oracle, unsigned order, enum migrate_type type)
{
	while (order < HUGE_ORDER && blocks_of(oracle, order, type) == 0)
		order++;
	return order;
}

static unsigned largest_own(const struct oracle *oracle, unsigned order, enum migrate_type type)
{
	for (unsigned at = HUGE_ORDER; at-- > order;) {
		if (blocks_of(oracle, at, type) > 0)
			return at;
	}
	return HUGE_ORDER;
}

static bool has_whole(const struct oracle *oracle, unsigned order)
{
	for (; order <= oracle->rig.buddy.map.max_order; order++) {
		if (blocks_of(oracle, order, MIGRATE_MOVABLE) > 0)
			return true;
	}
	return false;
}

/* The order of the largest free block that holds the frame. */
static unsigned order_around(const struct oracle *oracle, pfn_t pfn)
{
	unsigned order = 0;

	while (order < oracle->rig.buddy.map.max_order &&
	       all_free(oracle, pfn >> (order + 1) << (order + 1), order + 1))
		order++;
	return order;
}

static const char *check_took(struct oracle *oracle, pfn_t pfn, unsigned order)
{
	if (pfn < ORACLE_FIRST || (pfn & (((pfn_t)1 << order) - 1)) != 0)
		return "a block is not aligned to its size";
	if (!all_free(oracle, pfn, order))
		return "a block was handed out that is not free";
	memset(&oracle->is_free[pfn], false, (size_t)1 << order);
	oracle->live[oracle->count].pfn = pfn;
	oracle->live[oracle->count++].order = order;
	return NULL;
}

/* Own: of the smallest order. Fresh: of a pageblock that is free, which has the type then. */
static const char *do_allocate(struct oracle *oracle, unsigned order, enum migrate_type type,
			       unsigned largest)
{
	unsigned own = order < HUGE_ORDER ? smallest_own(oracle, order, type) : HUGE_ORDER;
	bool fresh = largest >= HUGE_ORDER && own == HUGE_ORDER && has_whole(oracle, order > 9 ? order : 9);
	pfn_t pfn = typed_buddy_allocate(&oracle->rig.buddy, order, type, largest);

	if (own > largest || (own == HUGE_ORDER && !fresh))
		return pfn == PFN_NONE ? NULL : "a block came from nowhere";
	if (pfn == PFN_NONE)
		return "an allocation failed that was possible";
	if (pfn >= ORACLE_END)
		return "a block is foreign";
	if (own < HUGE_ORDER &&
	    (oracle->type[pfn >> PAGEBLOCK_ORDER] != type || order_around(oracle, pfn) != own))
		return "an own block is not of the type and the smallest order";
	if (fresh && order_around(oracle, pfn) < HUGE_ORDER)
		return "a fresh block is not of a whole pageblock";
	for (pfn_t at = pfn; fresh && at < pfn + ((pfn_t)1 << order); at += PAGEBLOCK_PAGES)
		oracle->type[at >> PAGEBLOCK_ORDER] = type;
	return check_took(oracle, pfn, order);
}

/* Borrowed: of the first other type but Movable that has one. Converted: the movable pageblock with the largest block. */
static const char *do_fall_back(struct oracle *oracle, unsigned order, enum migrate_type type)
{
	enum migrate_type lender = type;
	unsigned expected = HUGE_ORDER;

	for (unsigned nth = 0; nth < MIGRATE_FALLBACKS && expected == HUGE_ORDER; nth++) {
		lender = migrate_fallback(type, nth);
		if (lender != MIGRATE_MOVABLE && order < HUGE_ORDER)
			expected = smallest_own(oracle, order, lender);
	}
	if (expected == HUGE_ORDER && type != MIGRATE_MOVABLE && order < HUGE_ORDER) {
		lender = MIGRATE_MOVABLE;
		expected = largest_own(oracle, order, lender);
	}
	pfn_t pfn = typed_buddy_fall_back(&oracle->rig.buddy, order, type);

	if (expected == HUGE_ORDER)
		return pfn == PFN_NONE ? NULL : "a block came from nowhere";
	if (pfn == PFN_NONE)
		return "a request failed that was possible";
	pfn_t pageblock = pfn >> PAGEBLOCK_ORDER;

	if (pfn >= ORACLE_END || oracle->type[pageblock] != lender)
		return "a borrowed block is not of the type whose turn it is";
	if (lender != MIGRATE_MOVABLE)
		return order_around(oracle, pfn) == expected
			   ? check_took(oracle, pfn, order)
			   : "a borrowed block is not of the smallest order";
	bool has_largest = false;

	for (pfn_t at = pageblock << PAGEBLOCK_ORDER; at < (pageblock + 1) << PAGEBLOCK_ORDER; at++)
		has_largest |= at < ORACLE_END && oracle->is_free[at] && order_around(oracle, at) == expected;
	oracle->type[pageblock] = type;
	return has_largest ? check_took(oracle, pfn, order)
			   : "a converted pageblock has not the largest free block";
}

static const char *do_free(struct oracle *oracle, size_t victim)
{
	pfn_t pfn = oracle->live[victim].pfn;
	unsigned order = oracle->live[victim].order;

	typed_buddy_free(&oracle->rig.buddy, pfn, order);
	memset(&oracle->is_free[pfn], true, (size_t)1 << order);
	oracle->live[victim] = oracle->live[--oracle->count];
	for (pfn_t at = pageblock_start(pfn); at < pfn + ((pfn_t)1 << order); at += PAGEBLOCK_PAGES) {
		if (all_free(oracle, at, HUGE_ORDER))
			oracle->type[at >> PAGEBLOCK_ORDER] = MIGRATE_MOVABLE;
	}
	return NULL;
}

static const char *oracle_compare(const struct oracle *oracle)
{
	const struct typed_buddy *buddy = &oracle->rig.buddy;
	const char *broken = typed_buddy_check(buddy);

	if (!broken)
		broken = pageblocks_check(&oracle->rig.pageblocks);
	if (broken)
		return broken;
	for (unsigned type = 0; type < MIGRATE_PCPTYPES; type++) {
		for (unsigned order = 0; order <= buddy->map.max_order; order++) {
			enum migrate_type of = (enum migrate_type)type;

			if (typed_buddy_blocks(buddy, order, of) != blocks_of(oracle, order, of))
				return "the free blocks are not the maximal aligned ones of their types";
		}
	}
	for (pfn_t pfn = ORACLE_FIRST; pfn < ORACLE_END; pfn += PAGEBLOCK_PAGES / 2) {
		if (pageblock_type(&oracle->rig.pageblocks, pfn) != oracle->type[pfn >> PAGEBLOCK_ORDER])
			return "a pageblock is not of its type";
	}
	return NULL;
}

/* What has neither own nor fresh blocks falls back. */
static const char *do_request(struct oracle *oracle, unsigned order, enum migrate_type type)
{
	size_t before = oracle->count;
	const char *wrong = do_allocate(oracle, order, type, BUDDY_ORDER_MAX);

	return wrong || oracle->count > before ? wrong : do_fall_back(oracle, order, type);
}

/* Now and then whole pageblocks; else small orders, so that the range becomes full and types must mix. */
static const char *step(struct oracle *oracle, uint64_t operation)
{
	enum migrate_type type = (enum migrate_type)((operation >> 8 & 0xff) % MIGRATE_PCPTYPES);
	unsigned order = (operation >> 16 & 0xff) % ((operation >> 24 & 7) == 0 ? 11 : 9);
	unsigned max_order = oracle->rig.buddy.map.max_order;

	if (order > max_order)
		order = max_order;
	switch (operation % 8) {
	case 0:
	case 1:
	case 2:
	case 3:
		return do_request(oracle, order, type);
	case 4:
		return do_allocate(oracle, order, type, order + (unsigned)(operation >> 40 & 3));
	default:
		return oracle->count > 0 ? do_free(oracle, (operation >> 32) % oracle->count) : NULL;
	}
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));
	const char *wrong = NULL;

	assert_non_null(oracle);
	rig_make(&oracle->rig, context);
	memset(&oracle->is_free[ORACLE_FIRST], true, ORACLE_PAGES);
	for (size_t i = 0; i < ORACLE_PAGEBLOCKS; i++)
		oracle->type[i] = MIGRATE_MOVABLE;
	for (size_t i = 0; i < count && !wrong; i++) {
		wrong = step(oracle, operations[i]);
		if (!wrong)
			wrong = oracle_compare(oracle);
	}
	while (oracle->count > 0 && !wrong)
		wrong = do_free(oracle, oracle->count - 1);
	if (!wrong)
		wrong = oracle_compare(oracle);
	if (!wrong && oracle->rig.buddy.map.free_pages != ORACLE_PAGES)
		wrong = "frames are missing";
	rig_drop(&oracle->rig);
	free(oracle);
	return wrong;
}

static void test_model(void **state)
{
	static const unsigned max_orders[] = {9, 10, 18};

	(void)state;
	for (size_t i = 0; i < sizeof(max_orders) / sizeof(max_orders[0]); i++) {
		struct buddy_shape shape = {ORACLE_FIRST, ORACLE_PAGES, max_orders[i], BUDDY_ORDER_FIRST};
		struct model model = {"typed buddy", run, &shape, 250, max_orders[i] == 18 ? 1 : 3};

		model_test(&model);
	}
}

/* --- Costs and shapes --------------------------------------------------------------------------------------------- */

/* The figures of the header, of GiBs and of a terabyte. */
static void test_bytes_of_maps_per_gib(void **state)
{
	struct buddy_shape kernel = {0, GIB_PAGES, BUDDY_KERNEL_ORDER, BUDDY_ORDER_FIRST};
	struct buddy_shape terabyte = {0, GIB_PAGES * 1024, BUDDY_KERNEL_ORDER, BUDDY_ORDER_FIRST};
	uint64_t pageblocks = GIB_PAGES >> PAGEBLOCK_ORDER;

	(void)state;
	assert_int_equal(buddy_bytes(&kernel), 66600);
	assert_int_equal(typed_buddy_bytes(&kernel) + pageblocks, 70088);
	assert_in_range(typed_buddy_bytes(&terabyte) / 1024 + pageblocks, 1, 70088);
}

static void test_shapes_out_of_bounds(void **state)
{
	static const struct buddy_shape bad[] = {
	    {0, 0, 10, BUDDY_ORDER_FIRST},     {0, 512, 8, BUDDY_ORDER_FIRST},
	    {0, 512, 19, BUDDY_ORDER_FIRST},   {0, 512, 10, BUDDY_LOWEST_ADDRESS},
	    {0, 512, 10, BUDDY_FULLEST_BLOCK},
	};
	struct typed_buddy buddy;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(typed_buddy_bytes(&bad[i]), 0);
		assert_int_equal(typed_buddy_create(&buddy, &bad[i], NULL, NULL), STATUS_BAD_ARGUMENT);
	}
}

static void test_a_terabyte_is_made_without_touching_its_maps(void **state)
{
	struct buddy_shape shape = {0, GIB_PAGES * 1024, 18, BUDDY_ORDER_FIRST};
	struct rusage before, after;
	struct rig rig;

	(void)state;
	(void)getrusage(RUSAGE_SELF, &before);
	rig_make(&rig, &shape);
	(void)getrusage(RUSAGE_SELF, &after);
	assert_int_equal(typed_buddy_whole_pageblocks(&rig.buddy), 1024 * 512);
	assert_in_range(after.ru_minflt - before.ru_minflt, 0, 400);
	assert_int_equal(allocate(&rig.buddy, 0, MIGRATE_UNMOVABLE), 0);
	typed_buddy_free(&rig.buddy, 0, 0);
	assert_int_equal(typed_buddy_whole_pageblocks(&rig.buddy), 1024 * 512);
	rig_drop(&rig);
}

/* Half the memory is in use, a sixth of it for good: when what can be moved is given back, as many pageblocks are whole as the
 * others left. */
static void test_types_are_kept_apart(void **state)
{
	struct buddy_shape shape = {0, 64 * HUGE_PAGES, BUDDY_KERNEL_ORDER, BUDDY_ORDER_FIRST};
	static pfn_t movable[64 * HUGE_PAGES];
	size_t count = 0;
	struct rig rig;

	(void)state;
	rig_make(&rig, &shape);
	while (rig.buddy.map.free_pages > 32 * HUGE_PAGES) {
		for (int i = 0; i < 5; i++)
			movable[count++] = allocate(&rig.buddy, 0, MIGRATE_MOVABLE);
		assert_int_not_equal(allocate(&rig.buddy, 0, MIGRATE_UNMOVABLE), PFN_NONE);
	}
	while (count > 0)
		typed_buddy_free(&rig.buddy, movable[--count], 0);
	assert_int_equal(typed_buddy_whole_pageblocks(&rig.buddy), 64 - 6);
	assert_int_equal(rig.buddy.counts.converted + rig.buddy.counts.borrowed, 0);
	assert_null(typed_buddy_check(&rig.buddy));
	rig_drop(&rig);
}

/* --- Mistakes of the caller --------------------------------------------------------------------------------------- */

struct mistake {
	struct typed_buddy *buddy;
	pfn_t pfn;
	unsigned order;
};

static void commit(void *argument)
{
	struct mistake *mistake = argument;

	typed_buddy_free(mistake->buddy, mistake->pfn, mistake->order);
}

static void test_mistakes_die(void **state)
{
	struct buddy_shape shape = {1024, 4096, BUDDY_KERNEL_ORDER, BUDDY_ORDER_FIRST};
	struct rig rig;

	(void)state;
	rig_make(&rig, &shape);
	pfn_t pfn = allocate(&rig.buddy, 3, MIGRATE_RECLAIMABLE);
	struct mistake wrong_order = {&rig.buddy, pfn, 2};
	struct mistake inside = {&rig.buddy, pfn + 4, 2};
	struct mistake foreign = {&rig.buddy, 1023, 0};
	struct mistake beyond = {&rig.buddy, 5120, 0};
	struct mistake twice = {&rig.buddy, pfn, 3};

	assert_dies(commit, &wrong_order, "wrong order");
	assert_dies(commit, &inside, "misaligned pfn");
	assert_dies(commit, &foreign, "foreign pfn");
	assert_dies(commit, &beyond, "foreign pfn");
	typed_buddy_free(&rig.buddy, pfn, 3);
	assert_dies(commit, &twice, "double free");
	rig_drop(&rig);
}

/* --- Every invariant broken once ---------------------------------------------------------------------------------- */

/* Frames 0 .. 511 belong to unmovable pages, of which 0 .. 4 and 6 are in use; the rest is free. */
static struct typed_buddy *broken_make(struct rig *rig)
{
	struct buddy_shape shape = {0, 1 << 13, BUDDY_KERNEL_ORDER, BUDDY_ORDER_FIRST};

	rig_make(rig, &shape);
	assert_int_equal(allocate(&rig->buddy, 2, MIGRATE_UNMOVABLE), 0);
	assert_int_equal(allocate(&rig->buddy, 0, MIGRATE_UNMOVABLE), 4);
	assert_int_equal(allocate(&rig->buddy, 0, MIGRATE_UNMOVABLE), 5);
	assert_int_equal(allocate(&rig->buddy, 0, MIGRATE_UNMOVABLE), 6);
	typed_buddy_free(&rig->buddy, 5, 0);
	assert_null(typed_buddy_check(&rig->buddy));
	return &rig->buddy;
}

static void break_bitmap(struct typed_buddy *buddy)
{
	buddy->order[MIGRATE_UNMOVABLE][0].free.level[1][0] ^= 1;
}

static void break_bitmap_of_whole_ones(struct typed_buddy *buddy)
{
	buddy->map.order[10].free.level[0][0] |= (uint64_t)1 << 63;
}

static void break_search(struct typed_buddy *buddy)
{
	bitmap_clear(&buddy->order[MIGRATE_UNMOVABLE][0].free, 0);
}

/* As if the pageblock had been movable when the block was freed. */
static void break_search_by_type(struct typed_buddy *buddy)
{
	bitmap_clear(&buddy->order[MIGRATE_UNMOVABLE][0].free, 0);
	bitmap_set(&buddy->order[MIGRATE_MOVABLE][0].free, 0);
}

/* Block 4 of order 9 is the left half of a free block of order 10; blocks 32 and 33 of order 7 lie in it. */
static void break_division(struct typed_buddy *buddy)
{
	buddy->map.order[9].words[0] |= 3u << 4;
}

static void break_small_division(struct typed_buddy *buddy)
{
	buddy->map.order[7].words[0] |= (uint64_t)3 << 32;
}

static void break_count(struct typed_buddy *buddy)
{
	buddy->order[MIGRATE_UNMOVABLE][0].blocks++;
}

static void break_count_of_whole_ones(struct typed_buddy *buddy)
{
	buddy->map.order[10].blocks++;
}

static void break_nonempty(struct typed_buddy *buddy)
{
	buddy->nonempty[MIGRATE_RECLAIMABLE] |= 1u << 3;
}

static void break_nonempty_of_map(struct typed_buddy *buddy)
{
	buddy->map.nonempty |= 1u << 3;
}

static void break_pages(struct typed_buddy *buddy)
{
	buddy->map.free_pages--;
}

static void break_managed(struct typed_buddy *buddy)
{
	buddy->map.managed_pages = buddy->map.free_pages - 1;
}

static void break_type_of_whole_one(struct typed_buddy *buddy)
{
	pageblock_set_type(buddy->pageblocks, 2048, MIGRATE_UNMOVABLE);
}

static void break_type(struct typed_buddy *buddy)
{
	pageblock_set_type(buddy->pageblocks, 0, MIGRATE_CMA);
}

/* 2^13 frames: order 2 has 32 granules. */
static void break_hint(struct typed_buddy *buddy)
{
	buddy->order[MIGRATE_MOVABLE][2].hint = 32;
}

static void break_recent(struct typed_buddy *buddy)
{
	buddy->order[MIGRATE_MOVABLE][2].recent[BUDDY_RECENT - 1] = 32;
}

static void break_newest(struct typed_buddy *buddy)
{
	buddy->map.order[9].newest = BUDDY_RECENT;
}

static void test_check_finds_each_broken_invariant(void **state)
{
	static const struct {
		void (*break_it)(struct typed_buddy *);
		const char *text;
	} cases[] = {
	    {break_bitmap, "I1: "},
	    {break_bitmap_of_whole_ones, "I1: "},
	    {break_search, "I2: "},
	    {break_search_by_type, "I2: "},
	    {break_division, "I3: "},
	    {break_small_division, "I3: "},
	    {break_count, "I4: "},
	    {break_count_of_whole_ones, "I4: "},
	    {break_nonempty, "I4: "},
	    {break_nonempty_of_map, "I4: "},
	    {break_pages, "I5: "},
	    {break_managed, "I5: "},
	    {break_type_of_whole_one, "I6: "},
	    {break_type, "I6: "},
	    {break_hint, "I7: "},
	    {break_recent, "I7: "},
	    {break_newest, "I7: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig;

		cases[i].break_it(broken_make(&rig));
		const char *broken = typed_buddy_check(&rig.buddy);

		if (!broken || strncmp(broken, cases[i].text, strlen(cases[i].text)) != 0)
			fail_msg("case %zu: expected %s, got %s", i, cases[i].text,
				 broken ? broken : "nothing");
		rig_drop(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bytes_of_maps_per_gib),
	    cmocka_unit_test(test_shapes_out_of_bounds),
	    cmocka_unit_test(test_a_terabyte_is_made_without_touching_its_maps),
	    cmocka_unit_test(test_types_are_kept_apart),
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_mistakes_die),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
