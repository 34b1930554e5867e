#include "config.h"

#include "engine/phys/page_runs.h"

#include "engine/base/random.h"
#include "engine/phys/zone.h"
#include "tests/unit/model.h"

#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Two odd ends: the range begins and ends inside a block of order 10. */
#define FIRST 300u
#define PAGES 9000u
#define RUNS 64u
#define TOP_PAGES 1024u

static const enum zone_keeper bitmaps = ZONE_BITMAPS;
static const enum zone_keeper lists = ZONE_LISTS;
static const enum zone_keeper typed = ZONE_TYPED;

struct run {
	pfn_t pfn;
	uint64_t pages;
};

/* A zone and who has each of its pages: run + 1, 0 = free. */
struct rig {
	struct page_array array;
	struct zone zone;
	struct page_runs runs;
	uint8_t owner[FIRST + PAGES];
	struct run run[RUNS];
	uint64_t free;
};

static void rig_make(struct rig *rig, enum zone_keeper keeper)
{
	struct zone_shape shape = {
	    .kind = ZONE_NORMAL,
	    .buddy = {.first = FIRST, .pages = PAGES, .max_order = BUDDY_KERNEL_ORDER},
	    .keeper = keeper,
	    .cpus = keeper == ZONE_TYPED ? 2 : 0, /* so that there are several parts */
	    .array = &rig->array,
	};

	memset(rig, 0, sizeof(*rig));
	assert_int_equal(page_array_create(&rig->array, 0, FIRST + PAGES), STATUS_OK);
	assert_int_equal(zone_create(&rig->zone, &shape), STATUS_OK);
	rig->zone.present_pages = PAGES;
	zone_add(&rig->zone, FIRST, PAGES);
	rig->runs = zone_runs(&rig->zone);
	rig->free = PAGES;
}

static void rig_drop(struct rig *rig)
{
	zone_destroy(&rig->zone);
	page_array_destroy(&rig->array);
}

static uint64_t alignment_of(uint64_t pages)
{
	return pages >= TOP_PAGES ? TOP_PAGES : (uint64_t)1 << order_of_pages(pages);
}

static bool is_free(const struct rig *rig, pfn_t pfn, uint64_t pages)
{
	if (pfn < FIRST || pfn >= FIRST + PAGES || pages > FIRST + PAGES - pfn)
		return false;
	for (uint64_t i = 0; i < pages; i++) {
		if (rig->owner[pfn + i] != 0)
			return false;
	}
	return true;
}

/* Is there an aligned place for it? For more than a block of order 10 that is whole blocks in a row. */
static bool has_room(const struct rig *rig, uint64_t pages)
{
	uint64_t alignment = alignment_of(pages);

	for (pfn_t pfn = 0; pfn + pages <= FIRST + PAGES; pfn += alignment) {
		if (is_free(rig, pfn, round_up(pages, alignment)))
			return true;
	}
	return false;
}

static void enter(struct rig *rig, unsigned run, pfn_t pfn, uint64_t pages)
{
	memset(rig->owner + pfn, (int)run + 1, pages);
	rig->run[run] = (struct run){pfn, pages};
	rig->free -= pages;
}

static const char *do_allocate(struct rig *rig, unsigned run, uint64_t number)
{
	uint64_t pages = 1 + (number >> 16) % ((number >> 8 & 15) == 0 ? 4000 : (number >> 8 & 1) ? 700 : 9);
	pfn_t pfn = rig->runs.allocate(rig->runs.keeper, pages);

	if (pfn == PFN_NONE)
		return has_room(rig, pages) ? "a run that was there is refused" : NULL;
	if (pfn % alignment_of(pages) != 0)
		return "a run is not aligned";
	if (!is_free(rig, pfn, pages))
		return "a page was handed out twice";
	enter(rig, run, pfn, pages);
	return NULL;
}

static const char *do_claim(struct rig *rig, unsigned run, uint64_t number)
{
	uint64_t pages = 1 + (number >> 16 & 0xffff) % 1500;
	pfn_t pfn = (number >> 32) % (FIRST + PAGES + 100);
	bool claimed = rig->runs.claim(rig->runs.keeper, pfn, pages);

	if (claimed != is_free(rig, pfn, pages))
		return claimed ? "pages that were not free were claimed" : "free pages were not claimed";
	if (claimed)
		enter(rig, run, pfn, pages);
	return NULL;
}

/* Gives back a piece at either end of a run, or all of it. */
static void do_release(struct rig *rig, unsigned run, uint64_t number)
{
	struct run *of = &rig->run[run];
	uint64_t pages = (number & 3) == 0 ? of->pages : 1 + (number >> 16) % of->pages;
	pfn_t pfn = (number & 1) ? of->pfn : of->pfn + of->pages - pages;

	rig->runs.release(rig->runs.keeper, pfn, pages);
	memset(rig->owner + pfn, 0, pages);
	rig->free += pages;
	if (pfn == of->pfn)
		of->pfn += pages;
	of->pages -= pages;
}

static const char *step(struct rig *rig, uint64_t number)
{
	unsigned run = number % RUNS;

	number /= RUNS;
	if (rig->run[run].pages > 0)
		do_release(rig, run, number);
	else
		return number % 4 == 0 ? do_claim(rig, run, number / 4) : do_allocate(rig, run, number / 4);
	return NULL;
}

static const char *compare(const struct rig *rig)
{
	if (rig->runs.check(rig->runs.keeper) || zone_kept_pages(&rig->zone) != rig->free)
		return "the keeper is not sound";
	for (pfn_t pfn = FIRST; pfn < FIRST + PAGES; pfn += 7) {
		if (rig->runs.is_free(rig->runs.keeper, pfn) != (rig->owner[pfn] == 0))
			return "a page is not what it should be";
	}
	return NULL;
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	static struct rig rig;
	const char *wrong = NULL;

	rig_make(&rig, *(const enum zone_keeper *)context);
	for (size_t i = 0; i < count && !wrong; i++) {
		wrong = step(&rig, operations[i]);
		if (!wrong && i % 16 == 0)
			wrong = compare(&rig);
	}
	for (unsigned i = 0; i < RUNS && !wrong; i++) {
		if (rig.run[i].pages > 0)
			do_release(&rig, i, 0);
	}
	if (!wrong)
		wrong = compare(&rig);
	rig_drop(&rig);
	return wrong;
}

static void test_bitmaps_against_an_array(void **state)
{
	struct model model = {"runs of bitmaps", run, &bitmaps, 1500, 3};

	(void)state;
	model_test(&model);
}

static void test_lists_against_an_array(void **state)
{
	struct model model = {"runs of lists", run, &lists, 1500, 3};

	(void)state;
	model_test(&model);
}

static void test_parts_against_an_array(void **state)
{
	struct model model = {"runs of parts", run, &typed, 1500, 3};
	static struct rig rig;

	(void)state;
	model_test(&model);
	rig_make(&rig, ZONE_TYPED);
	assert_true(rig.zone.parts > 1);
	assert_int_equal(rig.runs.allocate(rig.runs.keeper, 7168), 1024);
	assert_int_equal(rig.runs.allocate(rig.runs.keeper, 1025), PFN_NONE);
	assert_false(rig.runs.claim(rig.runs.keeper, FIRST + PAGES - 1, 2));
	assert_false(rig.runs.claim(rig.runs.keeper, FIRST - 1, 1));
	assert_true(rig.runs.claim(rig.runs.keeper, FIRST + PAGES - 1, 1));
	assert_int_equal(zone_seen_free_pages(&rig.zone), PAGES - 7169);
	assert_null(zone_check(&rig.zone));
	rig_drop(&rig);
}

/* A pageblock in use gets its type with what is free in it; one that is wholly free has none. */
static void test_conversion(void **state)
{
	static struct rig rig;

	(void)state;
	rig_make(&rig, ZONE_TYPED);
	assert_true(rig.runs.claim(rig.runs.keeper, 1030, 100));
	assert_true(rig.runs.claim(rig.runs.keeper, 4096, 1024));
	zone_convert(&rig.zone, 4608, MIGRATE_RECLAIMABLE);
	assert_int_equal(zone_type_of(&rig.zone, 4096), MIGRATE_MOVABLE);
	assert_int_equal(zone_type_of(&rig.zone, 4608), MIGRATE_RECLAIMABLE);
	zone_convert(&rig.zone, 1024, MIGRATE_UNMOVABLE);
	zone_convert(&rig.zone, 2048, MIGRATE_RECLAIMABLE);
	assert_int_equal(zone_type_of(&rig.zone, 1030), MIGRATE_UNMOVABLE);
	assert_int_equal(zone_type_of(&rig.zone, 2048), MIGRATE_MOVABLE);
	assert_int_equal(zone_free_blocks_of_type(&rig.zone, 1, MIGRATE_UNMOVABLE), 2);
	assert_int_equal(zone_free_blocks_of_type(&rig.zone, 8, MIGRATE_UNMOVABLE), 1);
	assert_null(zone_check(&rig.zone));
	rig.runs.release(rig.runs.keeper, 1030, 100);
	rig.runs.release(rig.runs.keeper, 4096, 1024);
	assert_int_equal(zone_type_of(&rig.zone, 4608), MIGRATE_MOVABLE);
	assert_int_equal(zone_type_of(&rig.zone, 1030), MIGRATE_MOVABLE);
	assert_null(zone_check(&rig.zone));
	rig_drop(&rig);
}

/* | 0 : Isolate | 1 | ...: what is isolated is not free for anybody, and a run of top blocks goes past it. */
static void test_isolated_memory_is_not_claimed(void **state)
{
	static struct rig rig;

	(void)state;
	rig_make(&rig, ZONE_LISTS);
	assert_true(free_lists_isolate(rig.zone.lists, 1024));
	assert_false(rig.runs.claim(rig.runs.keeper, 1000, 100));
	assert_true(rig.runs.claim(rig.runs.keeper, 1000, 24));
	assert_int_equal(rig.runs.allocate(rig.runs.keeper, 2048), 2048);
	assert_null(rig.runs.check(rig.runs.keeper));
	rig_drop(&rig);
}

/* The pageblocks of a run of top blocks become movable; those of a claim keep their type. */
static void test_types_of_pageblocks(void **state)
{
	struct zone_request unmovable = {.order = 10, .type = MIGRATE_UNMOVABLE, .cpu = -1};
	static struct rig rig;

	(void)state;
	rig_make(&rig, ZONE_LISTS);
	pfn_t pfn = free_lists_allocate(rig.zone.lists, &unmovable);

	assert_int_equal(pageblock_type(&rig.zone.pageblocks, pfn), MIGRATE_UNMOVABLE);
	rig.runs.release(rig.runs.keeper, pfn, 1024);
	assert_true(rig.runs.claim(rig.runs.keeper, pfn, 3));
	assert_int_equal(pageblock_type(&rig.zone.pageblocks, pfn), MIGRATE_UNMOVABLE);
	rig.runs.release(rig.runs.keeper, pfn, 3);
	assert_int_equal(rig.runs.allocate(rig.runs.keeper, 7168), 1024);
	assert_int_equal(pageblock_type(&rig.zone.pageblocks, pfn), MIGRATE_MOVABLE);
	assert_null(rig.runs.check(rig.runs.keeper));
	rig_drop(&rig);
}

/* --- Runs beside a page set; the thread sanitizer watches ------------------------------------------------------------- */

#define TURNS 4000u

/* What both hand out is marked in the rig's `owner`, and was nobody's. */
static void mark(struct rig *rig, pfn_t pfn, uint64_t pages, uint8_t owner)
{
	for (uint64_t i = 0; i < pages; i++) {
		if ((rig->owner[pfn + i] == 0) != (owner != 0))
			abort();
		rig->owner[pfn + i] = owner;
	}
}

static void *take_runs(void *argument)
{
	struct rig *rig = argument;
	struct random random = {1};
	struct run run[8] = {{0}};

	for (unsigned turn = 0; turn < TURNS; turn++) {
		struct run *one = &run[random_below(&random, 8)];
		uint64_t pages = 1 + random_below(&random, random_below(&random, 16) == 0 ? 1500 : 40);

		zone_lock(&rig->zone);
		if (one->pages > 0) {
			mark(rig, one->pfn, one->pages, 0);
			rig->runs.release(rig->runs.keeper, one->pfn, one->pages);
			one->pages = 0;
		} else {
			one->pfn = rig->runs.allocate(rig->runs.keeper, pages);
			one->pages = one->pfn != PFN_NONE ? pages : 0;
			mark(rig, one->pfn, one->pages, 1);
		}
		zone_unlock(&rig->zone);
	}
	for (unsigned i = 0; i < 8; i++) {
		mark(rig, run[i].pfn, run[i].pages, 0);
		if (run[i].pages > 0)
			rig->runs.release(rig->runs.keeper, run[i].pfn, run[i].pages);
	}
	return rig;
}

static void *take_blocks(void *argument)
{
	struct rig *rig = argument;
	struct random random = {2};
	struct block {
		pfn_t pfn;
		unsigned order;
	} block[512] = {{0}};

	for (unsigned turn = 0; turn < TURNS * 16; turn++) {
		struct block *one = &block[random_below(&random, 512)];
		struct zone_request request = {.order = turn % 8 == 0 ? 3 : 0,
					       .type = turn % 3 == 0 ? MIGRATE_UNMOVABLE : MIGRATE_MOVABLE,
					       .flags = ALLOC_NO_WATERMARKS,
					       .highest = ZONE_NORMAL,
					       .cpu = 1};

		if (one->pfn != 0) {
			mark(rig, one->pfn, (uint64_t)1 << one->order, 0);
			zone_free(&rig->zone, 1, one->pfn, one->order);
			one->pfn = 0;
			continue;
		}
		pfn_t pfn = zone_allocate(&rig->zone, &request);

		if (pfn == PFN_NONE)
			continue;
		*one = (struct block){pfn, request.order};
		mark(rig, pfn, (uint64_t)1 << request.order, 2);
	}
	for (unsigned i = 0; i < 512; i++) {
		if (block[i].pfn == 0)
			continue;
		mark(rig, block[i].pfn, (uint64_t)1 << block[i].order, 0);
		zone_free(&rig->zone, 1, block[i].pfn, block[i].order);
	}
	return rig;
}

static void test_runs_and_page_sets_at_once(void **state)
{
	struct rig *rig = malloc(sizeof(*rig));
	pthread_t threads[2];

	(void)state;
	assert_non_null(rig);
	rig_make(rig, ZONE_TYPED);
	assert_int_equal(pthread_create(&threads[0], NULL, take_runs, rig), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, take_blocks, rig), 0);
	assert_int_equal(pthread_join(threads[0], NULL), 0);
	assert_int_equal(pthread_join(threads[1], NULL), 0);
	assert_null(zone_check(&rig->zone));
	assert_int_equal(zone_free_pages(&rig->zone), PAGES);
	zone_drain(&rig->zone, 1);
	assert_int_equal(zone_kept_pages(&rig->zone), PAGES);
	rig_drop(rig);
	free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bitmaps_against_an_array),
	    cmocka_unit_test(test_lists_against_an_array),
	    cmocka_unit_test(test_parts_against_an_array),
	    cmocka_unit_test(test_conversion),
	    cmocka_unit_test(test_isolated_memory_is_not_claimed),
	    cmocka_unit_test(test_types_of_pageblocks),
	    cmocka_unit_test(test_runs_and_page_sets_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
