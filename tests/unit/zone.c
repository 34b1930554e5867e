#include "config.h"

#include "engine/phys/zone_parts.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/death.h"

#include <cmocka.h>

#define PAGES 16384u

/* Every test runs with all keepers: the one that it is to use is in its state. */
static enum zone_keeper keepers[] = {ZONE_BITMAPS, ZONE_LISTS, ZONE_TYPED};

static struct page_array array;

static void make_with_sets(struct zone *zone, unsigned cpus, enum pcp_tuning tuning, void **state)
{
	struct zone_shape shape = {.kind = ZONE_NORMAL,
				   .buddy = {.first = 4096, .pages = PAGES, .max_order = BUDDY_KERNEL_ORDER},
				   .cpus = cpus,
				   .local_cpus = cpus,
				   .tuning = tuning,
				   .keeper = *(const enum zone_keeper *)*state,
				   .array = &array};

	assert_int_equal(page_array_create(&array, 4096, PAGES), STATUS_OK);
	assert_int_equal(zone_create(zone, &shape), STATUS_OK);
	zone->present_pages = PAGES;
	zone_add(zone, 4096, PAGES);
	zone_set_watermarks(zone, 400, 100);
	zone_set_reserve(zone, ZONE_MOVABLE, 1000);
	assert_null(zone_check(zone));
}

static void make(struct zone *zone, enum pcp_tuning tuning, void **state)
{
	make_with_sets(zone, 2, tuning, state);
}

static void drop(struct zone *zone)
{
	zone_destroy(zone);
	page_array_destroy(&array);
}

static uint64_t free_of_order(const struct zone *zone, unsigned order)
{
	struct free_blocks free;

	zone_free_blocks(zone, &free);
	return free.blocks[order];
}

/* Takes single frames from the keeper until so many are left. */
static void leave(struct zone *zone, uint64_t pages)
{
	struct zone_request request = {.flags = ALLOC_NO_WATERMARKS, .highest = ZONE_NORMAL, .cpu = -1};

	while (zone_kept_pages(zone) > pages)
		assert_true(zone_take(zone, &request) != PFN_NONE);
}

/* How few free pages a request of order 0 still gets one from. */
static uint64_t deepest(struct zone *zone, unsigned flags, enum zone_kind highest)
{
	struct zone_request request = {.flags = flags, .highest = highest, .cpu = -1};

	for (uint64_t pages = zone_kept_pages(zone); pages > 0; pages--) {
		leave(zone, pages);
		if (!zone_admits(zone, &request))
			return pages + 1;
	}
	return 1;
}

/* min 400, low 500: what may be dug into, by flags (zone_request.h). A request needs one page more than stays. */
static void test_how_deep_each_request_digs(void **state)
{
	static const struct {
		unsigned flags;
		enum zone_kind highest;
		uint64_t kept;
	} cases[] = {
	    {ALLOC_WMARK_LOW, ZONE_MOVABLE, 1500},
	    {ALLOC_WMARK_LOW, ZONE_NORMAL, 500},
	    {ALLOC_WMARK_MIN, ZONE_NORMAL, 400},
	    {ALLOC_WMARK_MIN | ALLOC_NON_BLOCK, ZONE_NORMAL, 400},
	    {ALLOC_WMARK_MIN | ALLOC_MIN_RESERVE, ZONE_NORMAL, 200},
	    {ALLOC_WMARK_MIN | ALLOC_OOM, ZONE_NORMAL, 200},
	    {ALLOC_WMARK_MIN | ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK, ZONE_NORMAL, 150},
	    {ALLOC_WMARK_MIN | ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK | ALLOC_OOM, ZONE_NORMAL, 75},
	    {ALLOC_NO_WATERMARKS, ZONE_NORMAL, 0},
	};
	struct zone zone;

	make(&zone, PCP_FIXED, state);
	leave(&zone, 2000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(deepest(&zone, cases[i].flags, cases[i].highest), cases[i].kept + 1);
	assert_null(zone_check(&zone));
	drop(&zone);
}

/* A large request needs a free block of its order, and counts with all its pages but one. */
static void test_large_requests(void **state)
{
	struct zone_request request = {.order = 4, .highest = ZONE_NORMAL, .cpu = -1};
	struct zone zone;

	make(&zone, PCP_FIXED, state);
	leave(&zone, 416);
	assert_true(zone_stays_above(&zone, &request, 400));
	assert_false(zone_stays_above(&zone, &request, 401));
	while (zone_seen_orders(&zone) >> 4 != 0)
		assert_true(zone_take(&zone, &request) != PFN_NONE);
	assert_false(zone_stays_above(&zone, &request, 0));
	assert_int_equal(zone.refusals, 0);
	assert_int_equal(zone_take(&zone, &request), PFN_NONE);
	assert_int_equal(zone.refusals, 1);
	drop(&zone);
}

static void test_boost(void **state)
{
	struct zone_request ordinary = {.highest = ZONE_NORMAL, .cpu = -1};
	struct zone_request digging = {.flags = ALLOC_MIN_RESERVE, .highest = ZONE_NORMAL, .cpu = -1};
	struct zone zone;

	make(&zone, PCP_FIXED, state);
	assert_true(zone_boost(&zone));
	assert_int_equal(zone_mark(&zone, WATERMARK_MIN), 400 + 512);
	assert_true(zone_boost(&zone));
	assert_int_equal(zone_mark(&zone, WATERMARK_HIGH), 600 + 900);
	leave(&zone, 500);
	assert_false(zone_admits(&zone, &ordinary));
	assert_true(zone_admits(&zone, &digging));
	zone_unboost(&zone, 800);
	assert_int_equal(zone_mark(&zone, WATERMARK_MIN), 500);
	zone_unboost(&zone, 800);
	assert_true(zone_admits(&zone, &ordinary));
	zone.managed_pages = 2047;
	assert_false(zone_boost(&zone));
	drop(&zone);
}

/* 63 frames per lock: a batch in, and a batch out when `high` are there. */
static void test_fixed_sets_save_locks(void **state)
{
	struct zone_request request = {.highest = ZONE_NORMAL, .cpu = 1};
	struct zone zone;
	pfn_t pfn[1000];

	make(&zone, PCP_FIXED, state);
	uint64_t taken = zone_lock_counts(&zone).taken;

	for (size_t i = 0; i < 1000; i++)
		pfn[i] = zone_allocate(&zone, &request);
	assert_int_equal(zone_lock_counts(&zone).taken - taken, (1000 + PCP_BATCH - 1) / PCP_BATCH);
	assert_null(zone_check(&zone));
	for (size_t i = 0; i < 1000; i++)
		zone_free(&zone, 1, pfn[i], 0);
	assert_in_range(zone.pcp[1].count, PCP_HIGH - PCP_BATCH, PCP_HIGH);
	assert_int_equal(zone_free_pages(&zone), PAGES);
	assert_null(zone_check(&zone));
	zone_drain(&zone, 1);
	assert_int_equal(zone.pcp[1].count, 0);
	assert_int_equal(zone_kept_pages(&zone), PAGES);
	assert_null(zone_check(&zone));
	drop(&zone);
}

/* Orders 0 to 3 and 9 go through the sets, the others do not; of a zone as small as this, a set does not keep any of 9. */
static void test_orders_of_sets(void **state)
{
	struct zone zone;

	make(&zone, PCP_TUNED, state);
	enum migrate_type type = zone.keeper != ZONE_BITMAPS ? MIGRATE_UNMOVABLE : MIGRATE_MOVABLE;

	for (unsigned order = 0; order <= 10; order++) {
		struct zone_request request = {.order = order, .highest = ZONE_NORMAL, .cpu = 0};
		pfn_t pfn = zone_allocate(&zone, &request);
		uint64_t taken = zone_lock_counts(&zone).taken;

		zone_free(&zone, 0, pfn, order);
		assert_int_equal(zone_lock_counts(&zone).taken - taken, order <= 3 ? 0 : 1);
		assert_int_equal(zone.pcp[0].list[pcp_index(type, 9)].blocks, order < 9 ? 0 : 1);
		assert_null(zone_check(&zone));
	}
	zone_drain(&zone, 0);
	assert_int_equal(zone_kept_pages(&zone), PAGES);
	assert_int_equal(free_of_order(&zone, 10), PAGES >> 10);
	drop(&zone);
}

/* Below the high watermark a tuned set shrinks; time gives back what it does not use. */
static void test_tuned_sets_follow_the_zone(void **state)
{
	struct zone_request request = {.flags = ALLOC_WMARK_MIN, .highest = ZONE_NORMAL, .cpu = 0};
	struct zone zone;
	static pfn_t pfn[4000];

	make(&zone, PCP_TUNED, state);
	assert_int_equal(zone.pcp[0].high_max, PAGES / 8 / 2);
	for (size_t i = 0; i < 4000; i++)
		pfn[i] = zone_allocate(&zone, &request);
	for (size_t i = 0; i < 4000; i++)
		zone_free(&zone, 0, pfn[i], 0);
	uint32_t high = zone.pcp[0].high;

	assert_true(high > zone.pcp[0].high_min && high <= zone.pcp[0].high_max);
	for (int second = 0; second < 60; second++)
		zone_decay(&zone, 0);
	assert_int_equal(zone.pcp[0].high, zone.pcp[0].high_min);
	assert_true(zone.pcp[0].count <= zone.pcp[0].high_min);
	assert_null(zone_check(&zone));
	leave(&zone, 550);
	zone_drain(&zone, 0);
	leave(&zone, 550);
	assert_true(zone_allocate(&zone, &request) != PFN_NONE);
	assert_true(zone.below_high);
	drop(&zone);
}

/* A zone without sets that was short of frames is looked at by a glance again when it has them back. */
static void test_without_sets(void **state)
{
	struct zone_request request = {.flags = ALLOC_WMARK_LOW, .highest = ZONE_NORMAL, .cpu = -1};
	static pfn_t taken[PAGES];
	uint64_t blocks = 0;
	struct zone zone;

	make_with_sets(&zone, 0, PCP_FIXED, state);
	uint64_t mark = zone.glance_mark[ZONE_NORMAL];

	while ((taken[blocks] = zone_allocate(&zone, &request)) != PFN_NONE)
		blocks++;
	assert_true(zone.below_high);
	assert_int_equal(zone.glance_mark[ZONE_NORMAL], UINT64_MAX);
	while (blocks > 0)
		zone_free(&zone, -1, taken[--blocks], 0);
	assert_false(zone.below_high);
	assert_int_equal(zone.glance_mark[ZONE_NORMAL], mark);
	assert_null(zone_check(&zone));
	drop(&zone);
}

static void test_split(void **state)
{
	struct zone_request request = {.order = 5, .highest = ZONE_NORMAL, .cpu = -1};
	struct zone zone;

	make(&zone, PCP_FIXED, state);
	pfn_t pfn = zone_allocate(&zone, &request);

	zone_split(&zone, pfn, 5);
	assert_null(zone_check(&zone));
	for (unsigned i = 0; i < 32; i++)
		zone_free(&zone, i % 3 == 0 ? 0 : -1, pfn + (i * 13 & 31), 0);
	assert_null(zone_check(&zone));
	zone_drain(&zone, 0);
	assert_int_equal(free_of_order(&zone, 10), PAGES >> 10);
	assert_null(zone_check(&zone));
	drop(&zone);
}

static void free_foreign(void *zone)
{
	zone_free(zone, 0, 4095, 0);
}

static void test_foreign_frame_dies(void **state)
{
	struct zone zone;

	make(&zone, PCP_FIXED, state);
	assert_dies(free_foreign, &zone, "foreign pfn");
	drop(&zone);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct zone zone;

	make(&zone, PCP_FIXED, state);
	uint64_t *free_pages = zone.lists  ? &zone.lists->free_pages
			       : zone.part ? &zone.part[1].buddy.map.free_pages
					   : &zone.buddy.free_pages;
	_Atomic uint64_t *seen = zone.part ? &zone.part[1].seen.free_pages : &zone.seen_free_pages;

	++*free_pages;
	assert_memory_equal(zone_check(&zone), "I1", 2);
	--*free_pages;
	zone.first++;
	assert_memory_equal(zone_check(&zone), "I1", 2);
	zone.first--;
	zone.watermark[WATERMARK_LOW] = UINT64_MAX;
	assert_memory_equal(zone_check(&zone), "I2", 2);
	zone.watermark[WATERMARK_LOW] = 500;
	pcp_list_push(&zone.pcp[0].list[1], 5000);
	zone.pcp[0].count++;
	assert_memory_equal(zone_check(&zone), "I3", 2);
	(void)pcp_list_pop(&zone.pcp[0].list[1]);
	assert_memory_equal(zone_check(&zone), "I3", 2);
	zone.pcp[0].count--;
	zone.managed_pages++;
	assert_memory_equal(zone_check(&zone), "I4", 2);
	zone.managed_pages--;
	++*seen;
	assert_memory_equal(zone_check(&zone), "I5", 2);
	--*seen;
	assert_null(zone_check(&zone));
	drop(&zone);
}

/* A claim that looks at less than a pageblock raises the watermarks; reclaim is woken if the request may. */
static void test_claims_boost(void **state)
{
	struct zone_request movable = {.type = MIGRATE_MOVABLE, .highest = ZONE_NORMAL, .cpu = -1};
	struct zone_request other = {.flags = ALLOC_KSWAPD, .highest = ZONE_NORMAL, .cpu = -1};
	struct zone zone;

	make(&zone, PCP_FIXED, state);
	while (zone_kept_pages(&zone) > 200)
		assert_true(zone_take(&zone, &movable) != PFN_NONE);
	assert_int_equal(zone.boost, 0);
	assert_true(zone_take(&zone, &other) != PFN_NONE);
	assert_int_equal(zone.boost > 0, zone.lists != NULL);
	assert_int_equal(zone.is_boosted, zone.lists != NULL);
	assert_null(zone_check(&zone));
	drop(&zone);
}

/* Types have lists of their own in the sets, and a freed block goes to the one of its pageblock. */
static void test_types_in_sets(void **state)
{
	struct zone_request request = {.type = MIGRATE_UNMOVABLE, .highest = ZONE_NORMAL, .cpu = 0};
	struct zone zone;

	make(&zone, PCP_FIXED, state);
	pfn_t pfn = zone_allocate(&zone, &request);
	enum migrate_type type = zone.keeper != ZONE_BITMAPS ? MIGRATE_UNMOVABLE : MIGRATE_MOVABLE;

	assert_int_equal(zone.pcp[0].list[pcp_index(type, 0)].blocks, PCP_BATCH - 1);
	zone_free(&zone, 0, pfn, 0);
	assert_int_equal(zone.pcp[0].list[pcp_index(type, 0)].blocks, PCP_BATCH);
	request.type = MIGRATE_MOVABLE;
	assert_int_not_equal(zone_allocate(&zone, &request), PFN_NONE);
	assert_int_equal(zone.pcp[0].list[pcp_index(MIGRATE_MOVABLE, 0)].blocks, PCP_BATCH - 1);
	assert_null(zone_check(&zone));
	drop(&zone);
}

/* An urgent request above order 0 reserves its pageblock, where 1 % is one; nobody else gets the rest of it. */
static void test_reserve(void **state)
{
	struct zone_request urgent = {
	    .order = 1, .flags = ALLOC_HIGHATOMIC, .highest = ZONE_NORMAL, .cpu = -1};
	struct zone zone;

	make(&zone, PCP_FIXED, state);
	if (zone.lists)
		zone.lists->managed_pages = 51200;
	pfn_t pfn = zone_allocate(&zone, &urgent);

	zone_reserve(&zone, pfn, 1);
	assert_int_equal(zone.seen_highatomic_pages, zone.lists ? 510 : 0);
	urgent.flags = 0;
	uint64_t kept = zone.lists ? 510 : 0;

	assert_true(zone_stays_above(&zone, &urgent, PAGES - 2 - 2 - kept));
	assert_false(zone_stays_above(&zone, &urgent, PAGES - 2 - 1 - kept));
	assert_false(zone_unreserve(&zone, MIGRATE_MOVABLE, false));
	assert_int_equal(zone_unreserve(&zone, MIGRATE_MOVABLE, true), zone.lists != NULL);
	assert_true(zone_stays_above(&zone, &urgent, PAGES - 2 - 2));
	if (zone.lists)
		zone.lists->managed_pages = PAGES;
	assert_null(zone_check(&zone));
	drop(&zone);
}

static void test_lists_have_their_shape(void **state)
{
	struct zone_shape shape = {.kind = ZONE_NORMAL,
				   .buddy = {.first = 0, .pages = PAGES, .max_order = 9},
				   .keeper = ZONE_LISTS,
				   .array = &array};
	struct zone zone;

	(void)state;
	assert_int_equal(zone_create(&zone, &shape), STATUS_BAD_ARGUMENT);
	shape.buddy.max_order = 10;
	shape.array = NULL;
	assert_int_equal(zone_create(&zone, &shape), STATUS_BAD_ARGUMENT);
}

#define WITH_ALL(test)                                                                                       \
	{#test " (bitmaps)", test, NULL, NULL, &keepers[0]},                                                 \
	    {#test " (lists)", test, NULL, NULL, &keepers[1]},                                               \
	{                                                                                                    \
#test " (typed)", test, NULL, NULL, &keepers[2]                                              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_ALL(test_how_deep_each_request_digs),
	    WITH_ALL(test_large_requests),
	    WITH_ALL(test_boost),
	    WITH_ALL(test_fixed_sets_save_locks),
	    WITH_ALL(test_orders_of_sets),
	    WITH_ALL(test_tuned_sets_follow_the_zone),
	    WITH_ALL(test_without_sets),
	    WITH_ALL(test_split),
	    WITH_ALL(test_foreign_frame_dies),
	    WITH_ALL(test_check_finds_each_broken_invariant),
	    WITH_ALL(test_claims_boost),
	    WITH_ALL(test_types_in_sets),
	    WITH_ALL(test_reserve),
	    cmocka_unit_test(test_lists_have_their_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
