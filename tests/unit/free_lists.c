#include "config.h"

#include "engine/phys/free_lists_step.h"

#include "tests/unit/free_lists_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define U MIGRATE_UNMOVABLE
#define M MIGRATE_MOVABLE
#define R MIGRATE_RECLAIMABLE

/* Four pageblocks, 0 .. 2047, as two blocks of order 10. */
static void make_four(struct free_lists_rig *rig)
{
	rig_make(rig, 0, 2048);
	free_lists_add(&rig->lists, 0, 2048);
}

static pfn_t at_head(const struct free_lists_rig *rig, unsigned order, enum migrate_type type)
{
	return free_lists_pfn(&rig->lists, rig->lists.order[order].type[type].next);
}

static pfn_t at_tail(const struct free_lists_rig *rig, unsigned order, enum migrate_type type)
{
	return free_lists_pfn(&rig->lists, rig->lists.order[order].type[type].previous);
}

static void assert_sound(const struct free_lists_rig *rig)
{
	assert_null(pageblocks_check(&rig->pageblocks));
	assert_null(free_lists_check(&rig->lists));
}

/* Takes `count` frames one by one, the first of which is `pfn`: what the lists give next. */
static void take_singles(struct free_lists_rig *rig, pfn_t pfn, unsigned count, enum migrate_type type)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(rig_take(rig, rig_request(0, type, 0)), pfn + i);
}

/* Frames 5 .. 1029: | 5 | 6 6 | 8.. | ... | 512.. | 1024.. | 1028 | */
static void boot_gives_the_largest_aligned_blocks(void **state)
{
	static const unsigned orders[] = {0, 1, 3, 4, 5, 6, 7, 8, 9, 2, 0};
	struct free_lists_rig rig;
	pfn_t pfn = 5;

	(void)state;
	rig_make(&rig, 5, 1024);
	free_lists_add(&rig.lists, 5, 1024);
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		pfn_t first;
		unsigned order;

		assert_true(free_lists_find(&rig.lists, pfn, &first, &order));
		assert_int_equal(first, pfn);
		assert_int_equal(order, orders[i]);
		pfn += (pfn_t)1 << order;
	}
	assert_int_equal(pfn, 1029);
	assert_int_equal(rig.lists.free_pages, 1024);
	assert_int_equal(rig.lists.free_huge_pages, 512);
	assert_false(free_lists_find(&rig.lists, 4, &pfn, &(unsigned){0}));
	assert_false(free_lists_find(&rig.lists, 1029, &pfn, &(unsigned){0}));
	assert_sound(&rig);
	rig_drop(&rig);
}

/* | a | 1 | 2 2 | 4 4 4 4 | ... and all together again. */
static void split_leaves_halves_and_free_joins_them(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	make_four(&rig);
	assert_int_equal(rig_take(&rig, rig_request(0, M, 0)), 0);
	for (unsigned order = 0; order < 10; order++)
		assert_int_equal(at_head(&rig, order, M), (pfn_t)1 << order);
	assert_int_equal(rig.lists.free_pages, 2047);
	assert_sound(&rig);
	rig_give(&rig, 0, 0, 0);
	assert_int_equal(free_lists_blocks(&rig.lists, 10, M), 2);
	assert_int_equal(free_lists_blocks_of_order(&rig.lists, 10), 2);
	assert_int_equal(at_head(&rig, 10, M), 0);
	assert_int_equal(rig.lists.free_pages, 2048);
	assert_sound(&rig);
	rig_drop(&rig);
}

/* 0 .. 8 are in use one by one. 6 and 7 are freed and are one block of order 1:
 *
 *   | 0 | 1 | 2 | 3 | 4 | 5 | 6   7 |       4 is freed: were its buddy 5 freed, too, both would merge with 6 and 7. It goes to the
 *                     F       [ F F ]       tail. 0 goes to the head: nothing beside its pair is free. 2 goes to the tail when asked
 */
static void what_may_merge_soon_goes_to_the_tail(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	make_four(&rig);
	take_singles(&rig, 0, 9, M);
	rig_give(&rig, 6, 0, 0);
	rig_give(&rig, 7, 0, 0);
	assert_int_equal(at_head(&rig, 0, M), 9);
	rig_give(&rig, 0, 0, 0);
	assert_int_equal(at_head(&rig, 0, M), 0);
	rig_give(&rig, 4, 0, 0);
	assert_int_equal(at_head(&rig, 0, M), 0);
	assert_int_equal(at_tail(&rig, 0, M), 4);
	rig_give(&rig, 2, 0, FREE_TO_TAIL);
	assert_int_equal(at_tail(&rig, 0, M), 2);
	assert_sound(&rig);
	rig_drop(&rig);
}

static void assert_told(const struct free_lists_rig *rig, struct extfrag event)
{
	const struct extfrag *last = &rig->lists.extfrag.last;

	assert_int_equal(last->pfn, event.pfn);
	assert_int_equal(last->alloc_order, event.alloc_order);
	assert_int_equal(last->fallback_order, event.fallback_order);
	assert_int_equal(last->type, event.type);
	assert_int_equal(last->fallback_type, event.fallback_type);
	assert_int_equal(last->change_ownership, event.change_ownership);
	assert_true(rig->lists.extfrag.table[event.alloc_order][event.fallback_order][event.type]
					    [event.fallback_type][event.change_ownership] > 0);
	assert_int_equal(extfrag_is_fragmenting(last), event.fallback_order < 9);
}

/* | M | M | M | M |  ->  | U | U | M | M |: the block of order 10 with both of its pageblocks. */
static void whole_pageblocks_change_owner(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	make_four(&rig);
	assert_int_equal(rig_take(&rig, rig_request(0, U, ALLOC_NOFRAGMENT)), 0);
	assert_told(&rig, (struct extfrag){0, 0, 10, U, M, true});
	assert_int_equal(rig.pageblocks.blocks[U], 2);
	assert_int_equal(rig.lists.counts.conversions, 2);
	assert_int_equal(rig.lists.counts.boosts, 0);
	assert_int_equal(at_head(&rig, 9, U), 512);
	assert_int_equal(rig_take(&rig, rig_request(0, U, 0)), 1);
	assert_int_equal(rig.lists.extfrag.events, 1);
	assert_int_equal(rig.lists.free_pages, 2046);
	assert_sound(&rig);
	rig_drop(&rig);
}

/* One pageblock, of which `used` frames are taken by movable pages: 0 .. used-1. */
static void make_one(struct free_lists_rig *rig, unsigned used)
{
	rig_make(rig, 0, 512);
	free_lists_add(&rig->lists, 0, 512);
	take_singles(rig, 0, used, M);
}

/* | 256 movable frames in use | 256 free |: half is free, the pageblock becomes Unmovable. */
static void half_free_pageblock_is_claimed(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	make_one(&rig, 256);
	assert_int_equal(rig_take(&rig, rig_request(2, U, 0)), 256);
	assert_told(&rig, (struct extfrag){256, 2, 8, U, M, true});
	assert_int_equal(rig.lists.counts.claimed, 1);
	assert_int_equal(rig.lists.counts.boosts, 1);
	assert_int_equal(rig.pageblocks.blocks[U], 1);
	assert_int_equal(rig.lists.free_pages, 252);
	assert_sound(&rig);
	rig_drop(&rig);
}

/* | 257 movable | 255 free |: it stays Movable. Orders 7 down to 0 are looked at in turn, then the smallest block is stolen. */
static void less_than_half_is_stolen_from(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	make_one(&rig, 257);
	assert_int_equal(rig_take(&rig, rig_request(0, U, 0)), 257);
	assert_told(&rig, (struct extfrag){257, 0, 0, U, M, false});
	assert_int_equal(rig.lists.counts.stolen, 1);
	assert_int_equal(rig.lists.counts.claimed, 0);
	assert_int_equal(rig.lists.counts.boosts, 8);
	assert_int_equal(rig.pageblocks.blocks[M], 1);
	assert_sound(&rig);
	rig_drop(&rig);
}

/* | 300 unmovable in a Movable pageblock | 212 free |: used alike, so an Unmovable request claims it. */
static void pageblock_used_alike_is_claimed(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	make_one(&rig, 300);
	for (pfn_t pfn = 0; pfn < 300; pfn++)
		rig_mark(&rig, pfn, 0, false);
	assert_int_equal(rig_take(&rig, rig_request(0, U, 0)), 300);
	assert_told(&rig, (struct extfrag){300, 0, 7, U, M, true});
	assert_int_equal(rig.pageblocks.blocks[U], 1);
	assert_sound(&rig);
	rig_drop(&rig);
}

/* A pageblock that is Unmovable, with blocks of order 3 and less free in it: Movable requests do not claim through those. The
 * search starts small, and from order 4 on large. */
static void movable_claims_from_order_4_on(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	rig_make(&rig, 0, 512);
	pageblock_set_type(&rig.pageblocks, 0, U);
	free_lists_add(&rig.lists, 0, 512);
	for (unsigned i = 0; i < 31; i++)
		(void)rig_take(&rig, rig_request(4, U, 0));
	(void)rig_take(&rig, rig_request(3, U, 0));
	assert_int_equal(rig_take(&rig, rig_request(0, M, 0)), 504);
	assert_told(&rig, (struct extfrag){504, 0, 3, M, U, false});
	assert_int_equal(rig.lists.counts.boosts, 0);
	rig_give(&rig, 0, 4, 0);
	assert_int_equal(rig_take(&rig, rig_request(4, M, 0)), 0);
	assert_told(&rig, (struct extfrag){0, 4, 4, M, U, false});
	assert_int_equal(rig.lists.counts.boosts, 1);
	assert_false(free_lists_may_claim(&rig.lists, 3, M));
	assert_true(free_lists_may_claim(&rig.lists, 3, R));
	assert_sound(&rig);
	rig_drop(&rig);
}

static void nofragment_takes_nothing_smaller(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	make_one(&rig, 1);
	assert_int_equal(rig_take(&rig, rig_request(0, U, ALLOC_NOFRAGMENT)), PFN_NONE);
	assert_int_equal(rig.lists.counts.refused, 1);
	assert_int_equal(rig.lists.counts.boosts, 0);
	assert_int_not_equal(rig_take(&rig, rig_request(0, U, 0)), PFN_NONE);
	rig_drop(&rig);
}

/* The pageblock at the end reaches beyond the range: it cannot change owner. */
static void pageblock_at_the_edge_is_not_claimed(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	rig_make(&rig, 0, 256);
	free_lists_add(&rig.lists, 0, 256);
	assert_int_equal(free_lists_move_block(&rig.lists, 0, M, U), -1);
	assert_int_equal(rig_take(&rig, rig_request(0, U, 0)), 0);
	assert_told(&rig, (struct extfrag){0, 0, 8, U, M, false});
	assert_false(free_lists_isolate(&rig.lists, 0));
	assert_sound(&rig);
	rig_drop(&rig);
}

/* A batch that had to steal does not try to claim again for its next block. */
static void batch_remembers_the_way(void **state)
{
	struct free_lists_rig rig;
	struct zone_request request = rig_request(0, U, 0);
	pfn_t frames[4];

	(void)state;
	make_one(&rig, 257);
	assert_int_equal(free_lists_allocate_bulk(&rig.lists, &request, frames, 4), 4);
	assert_int_equal(rig.lists.counts.boosts, 8);
	assert_int_equal(rig.lists.counts.stolen, 4);
	assert_int_equal(frames[0], 257);
	assert_int_equal(frames[1], 258);
	assert_int_equal(frames[2], 259);
	assert_int_equal(frames[3], 260);
	assert_int_equal(rig.lists.extfrag.events, 4);
	rig_drop(&rig);
}

static void batch_ends_where_memory_does(void **state)
{
	struct free_lists_rig rig;
	struct zone_request request = rig_request(8, M, 0);
	pfn_t frames[4];

	(void)state;
	make_one(&rig, 0);
	assert_int_equal(free_lists_allocate_bulk(&rig.lists, &request, frames, 4), 2);
	assert_int_equal(rig.lists.counts.refused, 1);
	rig_drop(&rig);
}

/* | CMA | M | ...: movable memory comes from CMA while over half of what is free is there. */
static void contiguous_areas_lend_to_movable_only(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	rig_make(&rig, 0, 1024);
	pageblock_set_type(&rig.pageblocks, 0, MIGRATE_CMA);
	free_lists_add(&rig.lists, 0, 512);
	free_lists_add(&rig.lists, 512, 512);
	assert_int_equal(free_lists_blocks(&rig.lists, 9, MIGRATE_CMA), 1);
	assert_int_equal(free_lists_blocks(&rig.lists, 9, M), 1);
	assert_int_equal(rig_take(&rig, rig_request(0, M, ALLOC_CMA)), 512);
	assert_int_equal(rig_take(&rig, rig_request(0, M, ALLOC_CMA)), 0);
	assert_int_equal(rig_take(&rig, rig_request(8, M, 0)), 768);
	assert_int_equal(rig_take(&rig, rig_request(8, M, 0)), PFN_NONE);
	assert_int_equal(rig_take(&rig, rig_request(8, U, ALLOC_NOFRAGMENT)), PFN_NONE);
	assert_true(free_lists_can_serve(&rig.lists, 8, ALLOC_CMA));
	assert_false(free_lists_can_serve(&rig.lists, 8, 0));
	assert_int_equal(rig_take(&rig, rig_request(8, M, ALLOC_CMA)), 256);
	assert_int_equal(rig.lists.counts.cma, 2);
	assert_sound(&rig);
	rig_drop(&rig);
}

/* 1 % of 60,000 frames is a pageblock and a bit: two may be reserved. */
static void urgent_requests_have_a_reserve(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	rig_make(&rig, 0, 60000);
	free_lists_add(&rig.lists, 0, 60000);
	pfn_t pfn = rig_take(&rig, rig_request(1, U, ALLOC_HIGHATOMIC | ALLOC_NON_BLOCK));

	assert_true(free_lists_reserve_highatomic(&rig.lists, pfn, 1));
	assert_false(free_lists_reserve_highatomic(&rig.lists, pfn, 1));
	assert_int_equal(rig.lists.highatomic_pages, 512);
	assert_int_equal(rig.lists.free_highatomic_pages, 510);
	assert_int_equal(rig_take(&rig, rig_request(1, U, ALLOC_HIGHATOMIC)), pfn + 2);
	assert_int_equal(rig.lists.counts.highatomic, 1);
	assert_int_not_equal(rig_take(&rig, rig_request(1, U, 0)), pfn + 4);
	assert_false(free_lists_unreserve_highatomic(&rig.lists, M, false));
	assert_true(free_lists_unreserve_highatomic(&rig.lists, M, true));
	assert_int_equal(rig.lists.highatomic_pages, 0);
	assert_int_equal(pageblock_type(&rig.pageblocks, pfn), M);
	assert_sound(&rig);

	pfn_t huge = rig_take(&rig, rig_request(9, M, 0));

	assert_true(free_lists_reserve_highatomic(&rig.lists, huge, 9));
	assert_true(free_lists_reserve_highatomic(&rig.lists, pfn, 1));
	assert_false(free_lists_reserve_highatomic(&rig.lists, rig_take(&rig, rig_request(9, R, 0)), 9));
	assert_true(free_lists_unreserve_highatomic(&rig.lists, R, false));
	assert_int_equal(pageblock_type(&rig.pageblocks, pfn), R);
	assert_sound(&rig);
	rig_give(&rig, huge, 9, 0);
	assert_int_equal(free_lists_blocks(&rig.lists, 9, MIGRATE_HIGHATOMIC), 1);
	assert_true(free_lists_unreserve_highatomic(&rig.lists, U, true));
	assert_int_equal(pageblock_type(&rig.pageblocks, huge), U);
	assert_sound(&rig);
	rig_drop(&rig);
}

/* | I | M | M | M |: the block of order 10 is cut. */
static void isolation_takes_a_pageblock_out(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	make_four(&rig);
	assert_int_equal(rig_take(&rig, rig_request(0, M, 0)), 0);
	assert_true(free_lists_isolate(&rig.lists, 1500));
	assert_false(free_lists_isolate(&rig.lists, 1024));
	assert_int_equal(free_lists_blocks(&rig.lists, 9, MIGRATE_ISOLATE), 1);
	assert_int_equal(rig.lists.free_pages, 2047 - 512);
	assert_true(free_lists_isolate(&rig.lists, 0));
	assert_int_equal(rig.lists.free_pages, 1024);
	rig_give(&rig, 0, 0, 0);
	assert_int_equal(rig.lists.free_pages, 1024);
	assert_int_equal(free_lists_blocks(&rig.lists, 9, MIGRATE_ISOLATE), 2);
	assert_sound(&rig);
	assert_true(free_lists_unisolate(&rig.lists, 0));
	assert_true(free_lists_unisolate(&rig.lists, 1024));
	assert_false(free_lists_unisolate(&rig.lists, 1024));
	assert_int_equal(free_lists_blocks(&rig.lists, 10, M), 2);
	assert_int_equal(rig.lists.free_pages, 2048);
	assert_int_equal(rig.lists.isolated_blocks, 0);
	assert_sound(&rig);
	rig_drop(&rig);
}

static void isolated_pageblock_can_be_removed(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	make_four(&rig);
	assert_true(free_lists_isolate(&rig.lists, 512));
	free_lists_remove(&rig.lists, 512);
	assert_int_equal(rig.lists.managed_pages, 2048 - 512);
	assert_false(free_lists_find(&rig.lists, 600, &(pfn_t){0}, &(unsigned){0}));
	assert_sound(&rig);
	rig_drop(&rig);
}

/* Whoever takes half a pageblock makes it Movable. */
static void single_block_can_be_taken(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	make_four(&rig);
	assert_int_equal(rig_take(&rig, rig_request(8, U, 0)), 0);
	assert_int_equal(pageblock_type(&rig.pageblocks, 0), U);
	free_lists_take(&rig.lists, 256, 8);
	assert_int_equal(pageblock_type(&rig.pageblocks, 0), M);
	assert_int_equal(rig.lists.free_pages, 2048 - 512);
	assert_sound(&rig);
	rig_drop(&rig);
}

/* | 0 | 1 | 2 | 3 | in use: freeing 0 and 1 makes a block of order 1, for which somebody waits. What cannot be moved does not get a
 * part of a Movable pageblock. */
static void freed_block_goes_to_who_waits(void **state)
{
	struct free_lists_capture waiting = {.order = 1, .type = U, .pfn = PFN_NONE};
	struct free_lists_rig rig;

	(void)state;
	make_four(&rig);
	take_singles(&rig, 0, 4, M);
	rig.lists.capture = &waiting;
	rig_give(&rig, 0, 0, 0);
	rig_give(&rig, 1, 0, 0);
	assert_int_equal(waiting.pfn, PFN_NONE);
	assert_int_equal(at_head(&rig, 1, M), 0);
	waiting.type = M;
	rig_give(&rig, 2, 0, 0);
	assert_int_equal(rig.lists.free_pages, 2047);
	rig_give(&rig, 3, 0, 0);
	assert_int_equal(waiting.pfn, 2);
	assert_int_equal(rig.lists.free_pages, 2046);
	assert_int_equal(rig.lists.extfrag.events, 0);
	rig.lists.capture = NULL;
	assert_sound(&rig);
	rig_drop(&rig);
}

static void mobility_can_be_ignored(void **state)
{
	struct free_lists_rig rig;

	(void)state;
	make_one(&rig, 500);
	rig.lists.is_mobility_ignored = true;
	assert_int_not_equal(rig_take(&rig, rig_request(0, U, 0)), PFN_NONE);
	assert_int_equal(pageblock_type(&rig.pageblocks, 0), U);
	assert_true(free_lists_may_claim(&rig.lists, 0, M));
	rig_drop(&rig);
}

static void shapes_have_bounds(void **state)
{
	struct free_lists_rig rig;
	struct free_lists_shape shape = {.array = &rig.array, .pageblocks = &rig.pageblocks};

	(void)state;
	rig_make(&rig, 0, 1024);
	assert_int_equal(free_lists_create(&rig.lists, &shape), STATUS_BAD_ARGUMENT);
	shape.pages = 1025;
	assert_int_equal(free_lists_create(&rig.lists, &shape), STATUS_BAD_ARGUMENT);
	shape.first = 1;
	shape.pages = UINT64_MAX;
	assert_int_equal(free_lists_create(&rig.lists, &shape), STATUS_BAD_ARGUMENT);
	shape.pages = 1023;
	assert_int_equal(free_lists_create(&rig.lists, &shape), STATUS_OK);
	assert_null(free_lists_check(&rig.lists));
	rig_drop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(boot_gives_the_largest_aligned_blocks),
	    cmocka_unit_test(split_leaves_halves_and_free_joins_them),
	    cmocka_unit_test(what_may_merge_soon_goes_to_the_tail),
	    cmocka_unit_test(whole_pageblocks_change_owner),
	    cmocka_unit_test(half_free_pageblock_is_claimed),
	    cmocka_unit_test(less_than_half_is_stolen_from),
	    cmocka_unit_test(pageblock_used_alike_is_claimed),
	    cmocka_unit_test(movable_claims_from_order_4_on),
	    cmocka_unit_test(nofragment_takes_nothing_smaller),
	    cmocka_unit_test(pageblock_at_the_edge_is_not_claimed),
	    cmocka_unit_test(batch_remembers_the_way),
	    cmocka_unit_test(batch_ends_where_memory_does),
	    cmocka_unit_test(contiguous_areas_lend_to_movable_only),
	    cmocka_unit_test(urgent_requests_have_a_reserve),
	    cmocka_unit_test(isolation_takes_a_pageblock_out),
	    cmocka_unit_test(isolated_pageblock_can_be_removed),
	    cmocka_unit_test(single_block_can_be_taken),
	    cmocka_unit_test(freed_block_goes_to_who_waits),
	    cmocka_unit_test(mobility_can_be_ignored),
	    cmocka_unit_test(shapes_have_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
