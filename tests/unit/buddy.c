#include "config.h"

#include "engine/phys/buddy.h"

#include "engine/base/random.h"
#include "engine/base/reservation.h"
#include "tests/unit/death.h"
#include "tests/unit/model.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#define GIB_PAGES ((uint64_t)1 << 18)

struct rig {
	struct buddy buddy;
	struct reservation memory;
};

static void rig_make_empty(struct rig *rig, const struct buddy_shape *shape)
{
	assert_int_equal(reservation_create(&rig->memory, buddy_bytes(shape), PAGE_BYTES), STATUS_OK);
	assert_int_equal(buddy_create(&rig->buddy, shape, rig->memory.memory), STATUS_OK);
}

static void rig_make(struct rig *rig, const struct buddy_shape *shape)
{
	rig_make_empty(rig, shape);
	buddy_add(&rig->buddy, shape->first, shape->pages);
}

static void rig_drop(struct rig *rig)
{
	reservation_destroy(&rig->memory);
}

/* --- The oracle: one word per frame, and no cleverness ------------------------------------------------------------ */

#define ORACLE_PAGES 3000u
#define ORACLE_FIRST 700u /* not aligned to anything */
#define ORACLE_BLOCKS 3000u

struct oracle {
	struct rig rig;
	bool is_free[ORACLE_PAGES];
	struct {
		pfn_t pfn;
		uint64_t pages;
		bool is_run;
	} live[ORACLE_BLOCKS];
	size_t count;
};

static bool oracle_all(const struct oracle *oracle, pfn_t pfn, uint64_t pages, bool is_free)
{
	for (uint64_t i = 0; i < pages; i++) {
		pfn_t frame = pfn + i;

		if (frame < ORACLE_FIRST || frame >= ORACLE_FIRST + ORACLE_PAGES ||
		    oracle->is_free[frame - ORACLE_FIRST] != is_free)
			return false;
	}
	return true;
}

static void oracle_paint(struct oracle *oracle, pfn_t pfn, uint64_t pages, bool is_free)
{
	for (uint64_t i = 0; i < pages; i++)
		oracle->is_free[pfn + i - ORACLE_FIRST] = is_free;
}

/* The free memory as maximal aligned blocks: what a buddy must hold at any time. */
static void oracle_blocks(const struct oracle *oracle, uint64_t *blocks)
{
	unsigned max_order = oracle->rig.buddy.max_order;
	pfn_t pfn = ORACLE_FIRST;

	memset(blocks, 0, BUDDY_ORDERS * sizeof(*blocks));
	while (pfn < ORACLE_FIRST + ORACLE_PAGES) {
		unsigned order = max_order;

		while (order > 0 && ((pfn & (((pfn_t)1 << order) - 1)) != 0 ||
				     !oracle_all(oracle, pfn, (uint64_t)1 << order, true)))
			order--;
		if (order > 0 || oracle->is_free[pfn - ORACLE_FIRST])
			blocks[order]++;
		pfn += (pfn_t)1 << order;
	}
}

static const char *oracle_compare(const struct oracle *oracle)
{
	uint64_t blocks[BUDDY_ORDERS];
	const char *broken = buddy_check(&oracle->rig.buddy);

	if (broken)
		return broken;
	oracle_blocks(oracle, blocks);
	for (unsigned order = 0; order < BUDDY_ORDERS; order++) {
		if (blocks[order] != buddy_free_blocks(&oracle->rig.buddy, order))
			return "the free blocks are not the maximal aligned ones";
	}
	return NULL;
}

static const char *oracle_took(struct oracle *oracle, pfn_t pfn, uint64_t pages, bool is_run)
{
	uint64_t alignment = (uint64_t)1 << order_of_pages(pages);

	if ((pfn & (alignment - 1)) != 0)
		return "a block is not aligned to its size";
	if (!oracle_all(oracle, pfn, pages, true))
		return "a block was handed out that is not free";
	oracle_paint(oracle, pfn, pages, false);
	oracle->live[oracle->count].pfn = pfn;
	oracle->live[oracle->count].pages = pages;
	oracle->live[oracle->count++].is_run = is_run;
	return NULL;
}

static const char *do_allocate(struct oracle *oracle, uint64_t operation, bool is_run)
{
	uint64_t blocks[BUDDY_ORDERS];
	unsigned order = (operation >> 8 & 0xff) % (oracle->rig.buddy.max_order < 10 ? 10 : 11);
	uint64_t pages =
	    is_run ? 1 + (operation >> 8 & 0xffff) % ((uint64_t)1 << order) : (uint64_t)1 << order;
	bool possible = false;
	pfn_t pfn = is_run ? buddy_allocate_pages(&oracle->rig.buddy, pages)
			   : buddy_allocate(&oracle->rig.buddy, order);

	oracle_blocks(oracle, blocks);
	for (unsigned larger = order_of_pages(pages); larger < BUDDY_ORDERS; larger++)
		possible |= blocks[larger] > 0;
	if (pfn != PFN_NONE)
		return oracle_took(oracle, pfn, pages, is_run);
	return possible ? "an allocation failed that was possible" : NULL;
}

static const char *do_free(struct oracle *oracle, uint64_t operation)
{
	if (oracle->count == 0)
		return NULL;
	size_t victim = (operation >> 8) % oracle->count;
	pfn_t pfn = oracle->live[victim].pfn;
	uint64_t pages = oracle->live[victim].pages;
	uint64_t part = (operation >> 40 & 3) != 0 ? pages : 1 + (operation >> 42) % pages;

	if (!oracle->live[victim].is_run && part == pages)
		buddy_free(&oracle->rig.buddy, pfn, order_of_pages(pages));
	else
		buddy_free_range(&oracle->rig.buddy, pfn + pages - part, part);
	oracle_paint(oracle, pfn + pages - part, part, true);
	oracle->live[victim].pages -= part;
	oracle->live[victim].is_run = true;
	if (part == pages)
		oracle->live[victim] = oracle->live[--oracle->count];
	return NULL;
}

/* Claims a run behind a live block, as a realloc that grows does, or anywhere. */
static const char *do_claim(struct oracle *oracle, uint64_t operation)
{
	pfn_t pfn = ORACLE_FIRST - 20 + (operation >> 8 & 0xffff) % (ORACLE_PAGES + 40);
	uint64_t pages = 1 + (operation >> 24 & 0xff) % 200;
	size_t victim = oracle->count ? (operation >> 32) % oracle->count : 0;

	if (oracle->count && (operation & 0x80))
		pfn = oracle->live[victim].pfn + oracle->live[victim].pages;
	bool expected = oracle_all(oracle, pfn, pages, true);

	if (buddy_claim(&oracle->rig.buddy, pfn, pages) != expected)
		return "claim disagrees about what is free";
	if (expected) {
		oracle_paint(oracle, pfn, pages, false);
		oracle->live[oracle->count].pfn = pfn;
		oracle->live[oracle->count].pages = pages;
		oracle->live[oracle->count++].is_run = true;
	}
	return NULL;
}

static const char *do_find(struct oracle *oracle, uint64_t operation)
{
	pfn_t pfn = ORACLE_FIRST - 20 + (operation >> 8) % (ORACLE_PAGES + 40);
	bool inside = pfn >= ORACLE_FIRST && pfn < ORACLE_FIRST + ORACLE_PAGES;
	bool is_free = inside && oracle->is_free[pfn - ORACLE_FIRST];
	pfn_t first = 0;
	unsigned order = 0;

	enum buddy_state state = buddy_find(&oracle->rig.buddy, pfn, &first, &order);

	if (state != (!inside ? BUDDY_FOREIGN : is_free ? BUDDY_FREE : BUDDY_ALLOCATED))
		return "find disagrees about a frame";
	if (inside && (pfn - first >= (uint64_t)1 << order ||
		       !oracle_all(oracle, first, (uint64_t)1 << order, is_free)))
		return "find names a block that is not of one state";
	return NULL;
}

static const char *step(struct oracle *oracle, uint64_t operation)
{
	switch (operation % 8) {
	case 0:
	case 1:
		return do_allocate(oracle, operation, false);
	case 2:
	case 3:
		return do_allocate(oracle, operation, true);
	case 4:
		return do_claim(oracle, operation);
	case 5:
		return do_find(oracle, operation);
	default:
		return do_free(oracle, operation);
	}
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));
	const struct buddy_shape *shape = context;
	const char *wrong = NULL;

	assert_non_null(oracle);
	rig_make(&oracle->rig, shape);
	oracle_paint(oracle, ORACLE_FIRST, ORACLE_PAGES, true);
	for (size_t i = 0; i < count && !wrong; i++) {
		wrong = step(oracle, operations[i]);
		if (!wrong)
			wrong = oracle_compare(oracle);
	}
	while (oracle->count > 0 && !wrong)
		wrong = do_free(oracle, 0xff0000000000u);
	if (!wrong)
		wrong = oracle_compare(oracle);
	rig_drop(&oracle->rig);
	free(oracle);
	return wrong;
}

static void test_model(void **state)
{
	static const unsigned max_orders[] = {9, 10, 11, 18};

	(void)state;
	for (unsigned placement = BUDDY_ORDER_FIRST; placement <= BUDDY_FULLEST_BLOCK; placement++) {
		for (size_t i = 0; i < sizeof(max_orders) / sizeof(max_orders[0]); i++) {
			struct buddy_shape shape = {ORACLE_FIRST, ORACLE_PAGES, max_orders[i],
						    (enum buddy_placement)placement};
			struct model model = {"buddy", run, &shape, 300, max_orders[i] == 18 ? 1 : 4};

			model_test(&model);
		}
	}
}

/* --- Costs and shapes --------------------------------------------------------------------------------------------- */

static void test_maps_cost_at_most_67000_bytes_per_gib(void **state)
{
	struct buddy_shape kernel = {0, GIB_PAGES, 10, BUDDY_ORDER_FIRST};
	struct buddy_shape heap = {0, GIB_PAGES, 18, BUDDY_LOWEST_ADDRESS};
	struct buddy_shape terabyte = {0, GIB_PAGES * 1024, 18, BUDDY_ORDER_FIRST};
	struct buddy_shape fullest = {0, GIB_PAGES, 10, BUDDY_FULLEST_BLOCK};

	(void)state;
	assert_in_range(buddy_bytes(&kernel), 1, 67000);
	assert_in_range(buddy_bytes(&heap), 1, 67000);
	assert_in_range(buddy_bytes(&terabyte) / 1024, 1, 67000);
	assert_in_range(buddy_bytes(&fullest), 67000, 67000 + 11000);
}

static void test_shapes_out_of_bounds(void **state)
{
	static const struct buddy_shape bad[] = {
	    {0, 0, 10, BUDDY_ORDER_FIRST},
	    {0, BUDDY_PAGES_MAX + 1, 10, BUDDY_ORDER_FIRST},
	    {0, 512, 8, BUDDY_ORDER_FIRST},
	    {0, 512, 19, BUDDY_ORDER_FIRST},
	    {UINT64_MAX - 100, 512, 10, BUDDY_ORDER_FIRST},
	    {0, 512, 10, (enum buddy_placement)3},
	};
	struct buddy buddy;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(buddy_bytes(&bad[i]), 0);
		assert_int_equal(buddy_create(&buddy, &bad[i], NULL), STATUS_BAD_ARGUMENT);
	}
}

/* Not even by reading, which costs a page fault for each page as well: the top order's map and that of the one below are all
 * that is looked at. */
static void test_a_terabyte_is_made_without_touching_its_maps(void **state)
{
	struct buddy_shape shape = {0, GIB_PAGES * 1024, 18, BUDDY_ORDER_FIRST};
	struct rusage before, after;
	struct rig rig;

	(void)state;
	(void)getrusage(RUSAGE_SELF, &before);
	rig_make(&rig, &shape);
	(void)getrusage(RUSAGE_SELF, &after);
	assert_int_equal(buddy_free_blocks(&rig.buddy, 18), 1024);
	assert_in_range(after.ru_minflt - before.ru_minflt, 0, 200);
	pfn_t pfn = buddy_allocate(&rig.buddy, 0);

	assert_int_equal(pfn, 0);
	buddy_free(&rig.buddy, pfn, 0);
	assert_int_equal(buddy_free_blocks(&rig.buddy, 18), 1024);
	rig_drop(&rig);
}

/* [0 1 2 ... 1023]: allocate 1 frame, everything to its right splits; free it, everything merges. */
static void test_split_and_merge(void **state)
{
	struct buddy_shape shape = {1 << 20, 1 << 18, 18, BUDDY_ORDER_FIRST};
	struct rig rig;

	(void)state;
	for (unsigned placement = BUDDY_ORDER_FIRST; placement <= BUDDY_FULLEST_BLOCK; placement++) {
		shape.placement = (enum buddy_placement)placement;
		rig_make(&rig, &shape);
		for (unsigned order = 0; order <= 18; order++) {
			pfn_t pfn = buddy_allocate(&rig.buddy, order);

			assert_int_equal(pfn, 1 << 20);
			for (unsigned free = 0; free <= 18; free++)
				assert_int_equal(buddy_free_blocks(&rig.buddy, free),
						 free >= order && free < 18);
			assert_null(buddy_check(&rig.buddy));
			buddy_free(&rig.buddy, pfn, order);
			assert_int_equal(buddy_free_blocks(&rig.buddy, 18), 1);
			assert_int_equal(rig.buddy.free_pages, 1 << 18);
		}
		rig_drop(&rig);
	}
}

/* Order-first: what was freed last is taken first, also over several words; the tenth free is forgotten, and then the lowest
 * free frame is next.
 *
 *   word    0     1     2        10
 *        [....][f...][f...] ... [f...]      f: freed, in this order
 */
static void test_order_first_takes_what_was_freed_last(void **state)
{
	struct buddy_shape shape = {0, 4096, 10, BUDDY_ORDER_FIRST};
	struct rig rig;

	(void)state;
	rig_make(&rig, &shape);
	for (pfn_t pfn = 0; pfn < 4096; pfn++)
		assert_int_equal(buddy_allocate(&rig.buddy, 0), pfn);
	for (pfn_t word = 1; word <= BUDDY_RECENT + 2; word++)
		buddy_free(&rig.buddy, word * 64, 0);
	for (pfn_t word = BUDDY_RECENT + 2; word >= 2; word--)
		assert_int_equal(buddy_allocate(&rig.buddy, 0), word * 64);
	assert_null(buddy_check(&rig.buddy));
	assert_int_equal(buddy_allocate(&rig.buddy, 0), 64);
	assert_true(buddy_allocate(&rig.buddy, 0) == PFN_NONE);
	rig_drop(&rig);
}

/* More than a top-order block comes from neighbours:  [free][taken][free][free][free]  */
static void test_runs_longer_than_a_top_block(void **state)
{
	struct buddy_shape shape = {0, (uint64_t)1024 * 5, 10, BUDDY_ORDER_FIRST};
	struct rig rig;

	(void)state;
	rig_make(&rig, &shape);
	assert_true(buddy_claim(&rig.buddy, 1024, 1024));
	assert_true(buddy_allocate_pages(&rig.buddy, 3 * 1024 + 1) == PFN_NONE);
	assert_int_equal(buddy_allocate_pages(&rig.buddy, 2 * 1024 + 1), 2048);
	assert_null(buddy_check(&rig.buddy));
	assert_int_equal(rig.buddy.free_pages, 1024 + 1023);
	buddy_free_range(&rig.buddy, 2048, 2 * 1024 + 1);
	assert_int_equal(buddy_free_blocks(&rig.buddy, 10), 4);
	assert_true(buddy_allocate_pages(&rig.buddy, UINT64_MAX) == PFN_NONE);
	assert_false(buddy_claim(&rig.buddy, UINT64_MAX - 5, 100));
	assert_false(buddy_claim(&rig.buddy, 1024 * 5 - 1, 2));
	rig_drop(&rig);
}

/* --- Mistakes of the caller --------------------------------------------------------------------------------------- */

struct mistake {
	struct buddy *buddy;
	pfn_t pfn;
	unsigned order;
};

static void commit(void *argument)
{
	struct mistake *mistake = argument;

	buddy_free(mistake->buddy, mistake->pfn, mistake->order);
}

static void commit_range(void *argument)
{
	struct mistake *mistake = argument;

	buddy_free_range(mistake->buddy, mistake->pfn, 1u << mistake->order);
}

/* Every pair of an order that was allocated and another that is given back. */
static void test_wrong_orders_die(void **state)
{
	struct buddy_shape shape = {0, 1 << 11, 11, BUDDY_ORDER_FIRST};
	struct rig rig;

	(void)state;
	for (unsigned order = 0; order <= 11; order++) {
		rig_make(&rig, &shape);
		pfn_t pfn = buddy_allocate(&rig.buddy, order);

		for (unsigned other = 0; other <= 11; other++) {
			struct mistake mistake = {&rig.buddy, pfn, other};

			if (other != order)
				assert_dies(commit, &mistake, "wrong order");
		}
		buddy_free(&rig.buddy, pfn, order);
		rig_drop(&rig);
	}
}

static void test_double_frees_die(void **state)
{
	struct buddy_shape shape = {0, 1 << 11, 11, BUDDY_ORDER_FIRST};
	struct rig rig;

	(void)state;
	for (unsigned order = 0; order <= 11; order++) {
		rig_make(&rig, &shape);
		pfn_t pfn = buddy_allocate(&rig.buddy, order);
		struct mistake mistake = {&rig.buddy, pfn, order};

		if (order < 11)
			assert_int_not_equal(buddy_allocate(&rig.buddy, 0), PFN_NONE);
		buddy_free(&rig.buddy, pfn, order);
		assert_dies(commit, &mistake, "double free");
		assert_dies(commit_range, &mistake, "double free");
		rig_drop(&rig);
	}
}

static void test_foreign_frames_die(void **state)
{
	struct buddy_shape shape = {1000, 2000, 10, BUDDY_ORDER_FIRST};
	struct rig rig;

	(void)state;
	rig_make_empty(&rig, &shape);
	buddy_add(&rig.buddy, 1000, 500);
	struct mistake below = {&rig.buddy, 999, 0};
	struct mistake beyond = {&rig.buddy, 3000, 0};
	struct mistake absent = {&rig.buddy, 2500, 0};
	struct mistake huge = {&rig.buddy, UINT64_MAX, 0};

	assert_dies(commit, &below, "foreign pfn");
	assert_dies(commit, &beyond, "foreign pfn");
	assert_dies(commit, &absent, "misaligned pfn");
	assert_dies(commit, &huge, "foreign pfn");
	pfn_t pfn = buddy_allocate(&rig.buddy, 3);
	struct mistake inside = {&rig.buddy, pfn + 1, 0};
	struct mistake crooked = {&rig.buddy, pfn + 4, 3};

	assert_dies(commit, &inside, "misaligned pfn");
	assert_dies(commit, &crooked, "misaligned pfn");
	rig_drop(&rig);
}

/* --- Every invariant broken once ---------------------------------------------------------------------------------- */

/* A buddy with a free block of every order, made with fullest-block so that the fill queue is in use. */
static struct buddy *broken_make(struct rig *rig)
{
	struct buddy_shape shape = {0, 1 << 13, 10, BUDDY_FULLEST_BLOCK};

	rig_make(rig, &shape);
	assert_int_equal(buddy_allocate(&rig->buddy, 0), 0);
	assert_int_equal(buddy_allocate(&rig->buddy, 9), 512);
	assert_int_equal(buddy_allocate(&rig->buddy, 2), 4);
	assert_null(buddy_check(&rig->buddy));
	return &rig->buddy;
}

static void break_bitmap(struct buddy *buddy)
{
	buddy->order[0].free.level[1][0] ^= 1;
}

static void break_search(struct buddy *buddy)
{
	bitmap_clear(&buddy->order[0].free, 0);
}

/* Block 4 of order 9 is the left half of a free block of order 10. */
static void break_division(struct buddy *buddy)
{
	buddy->order[9].words[0] |= 3u << 4;
}

static void break_count(struct buddy *buddy)
{
	buddy->order[0].blocks++;
}

static void break_nonempty(struct buddy *buddy)
{
	buddy->nonempty |= 1u << 9;
}

static void break_pages(struct buddy *buddy)
{
	buddy->free_pages--;
}

static void break_fill(struct buddy *buddy)
{
	buddy->fill->entry[0].free_frames--;
}

static void break_fill_list(struct buddy *buddy)
{
	buddy->fill->occupied[3] |= 4;
}

/* 2^13 frames: order 2 has 32 words. */
static void break_hint(struct buddy *buddy)
{
	buddy->order[2].hint = 32;
}

static void break_recent(struct buddy *buddy)
{
	buddy->order[2].recent[BUDDY_RECENT - 1] = 32;
}

static void break_newest(struct buddy *buddy)
{
	buddy->order[2].newest = BUDDY_RECENT;
}

static void test_check_finds_each_broken_invariant(void **state)
{
	static const struct {
		void (*break_it)(struct buddy *);
		const char *text;
	} cases[] = {
	    {break_bitmap, "I1: "}, {break_search, "I2: "},    {break_division, "I3: "},
	    {break_count, "I4: "},  {break_nonempty, "I4: "},  {break_pages, "I5: "},
	    {break_fill, "I6: "},   {break_fill_list, "I6: "}, {break_hint, "I7: "},
	    {break_recent, "I7: "}, {break_newest, "I7: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig;

		cases[i].break_it(broken_make(&rig));
		const char *broken = buddy_check(&rig.buddy);

		assert_non_null(broken);
		if (strncmp(broken, cases[i].text, strlen(cases[i].text)) != 0)
			fail_msg("case %zu: expected %s, got %s", i, cases[i].text, broken);
		rig_drop(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_maps_cost_at_most_67000_bytes_per_gib),
	    cmocka_unit_test(test_shapes_out_of_bounds),
	    cmocka_unit_test(test_a_terabyte_is_made_without_touching_its_maps),
	    cmocka_unit_test(test_split_and_merge),
	    cmocka_unit_test(test_order_first_takes_what_was_freed_last),
	    cmocka_unit_test(test_runs_longer_than_a_top_block),
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_wrong_orders_die),
	    cmocka_unit_test(test_double_frees_die),
	    cmocka_unit_test(test_foreign_frames_die),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
