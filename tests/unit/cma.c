#include "config.h"

#include "engine/pressure/cma.h"

#include "tests/unit/compact_world.h"
#include "tests/unit/death.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIRST ((pfn_t)4 * PAGEBLOCK_PAGES)
#define PAGES (2 * PAGEBLOCK_PAGES)

static void make(struct compact_world *world, struct contiguous *contiguous, struct cma *cma)
{
	world_make(world);
	contiguous_create(contiguous, &world->rig.lists, page_migration_mover(&world->migration));
	assert_int_equal(cma_create(cma, contiguous, FIRST, PAGES), STATUS_OK);
	assert_null(cma_check(cma));
}

static void drop(struct compact_world *world, struct cma *cma)
{
	assert_null(cma_check(cma));
	world_check(world);
	cma_destroy(cma);
	world_drop(world);
}

static void area_is_lent_and_taken_back(void **state)
{
	static struct compact_world world;
	struct contiguous contiguous;
	struct cma cma;

	(void)state;
	make(&world, &contiguous, &cma);
	assert_int_equal(world.rig.lists.free_cma_pages, PAGES);
	world_write(&world, 0, (const uint64_t[]){0, WORLD_FILLED, 1});
	assert_true(world.rig.lists.free_cma_pages < PAGES);
	world_zap(&world, 0, (const uint64_t[]){0, WORLD_FILLED, 2});
	pfn_t pfn = cma_allocate(&cma, 300, 6);

	assert_int_equal(pfn % 64, 0);
	assert_in_range(pfn, FIRST, FIRST + PAGES - 300);
	assert_true(contiguous.moved > 0);
	assert_int_equal(cma.taken_pages, 300);
	world_check(&world);
	/* The next one does not overlap it. */
	pfn_t other = cma_allocate(&cma, 300, 0);

	assert_true(other >= pfn + 300 || other + 300 <= pfn);
	cma_free(&cma, pfn, 300);
	assert_int_equal(cma_allocate(&cma, 10, 6), pfn);
	assert_int_equal(cma_allocate(&cma, PAGES, 0), PFN_NONE);
	assert_int_equal(cma_allocate(&cma, PAGES + 1, 0), PFN_NONE);
	assert_int_equal(cma.allocations, 3);
	assert_int_equal(cma.failures, 2);
	cma_free(&cma, pfn, 10);
	cma_free(&cma, other, 300);
	assert_int_equal(cma.taken_pages, 0);
	drop(&world, &cma);
}

/* The kernel's own memory never comes from the area, however short memory is. */
static void area_is_for_movable_pages_only(void **state)
{
	static struct compact_world world;
	struct contiguous contiguous;
	struct cma cma;

	(void)state;
	make(&world, &contiguous, &cma);
	for (pfn_t pfn; (pfn = rig_take(&world.rig, rig_request(0, MIGRATE_UNMOVABLE, 0))) != PFN_NONE;)
		assert_true(pfn < FIRST || pfn >= FIRST + PAGES);
	assert_int_equal(world.rig.lists.free_pages, PAGES);
	assert_int_equal(cma_allocate(&cma, PAGES, 9), FIRST);
	cma_free(&cma, FIRST, PAGES);
	drop(&world, &cma);
}

/* A lent page that is pinned: the run behind it is taken. */
static void pinned_page_is_gone_round(void **state)
{
	static struct compact_world world;
	struct contiguous contiguous;
	struct cma cma;
	pfn_t pinned = FIRST;

	(void)state;
	make(&world, &contiguous, &cma);
	world_write(&world, 0, (const uint64_t[]){0, WORLD_FILLED, 1});
	world_zap(&world, 0, (const uint64_t[]){0, WORLD_FILLED, 2});
	while (!(page_of_pfn(&world.rig.array, pinned)->flags & PAGE_ANONYMOUS))
		pinned++;
	frames_pin(&world.frames, pinned);
	assert_int_equal(cma_allocate(&cma, 64, 6), round_up(pinned + 1, 64));
	assert_true(contiguous.not_moved[MOVE_PINNED] > 0);
	frames_unpin(&world.frames, pinned);
	cma_free(&cma, round_up(pinned + 1, 64), 64);
	drop(&world, &cma);
}

static void areas_are_whole_pageblocks(void **state)
{
	static struct compact_world world;
	struct contiguous contiguous;
	struct cma cma;

	(void)state;
	world_make(&world);
	contiguous_create(&contiguous, &world.rig.lists, page_migration_mover(&world.migration));
	assert_int_equal(cma_create(&cma, &contiguous, FIRST + 1, PAGES), STATUS_BAD_ARGUMENT);
	assert_int_equal(cma_create(&cma, &contiguous, FIRST, PAGES - 1), STATUS_BAD_ARGUMENT);
	assert_int_equal(cma_create(&cma, &contiguous, FIRST, 0), STATUS_BAD_ARGUMENT);
	assert_int_equal(cma_create(&cma, &contiguous, WORLD_FRAMES, PAGES), STATUS_BAD_ARGUMENT);
	assert_int_equal(cma_create(&cma, &contiguous, 0, PAGES), STATUS_BAD_ARGUMENT);
	world_drop(&world);
}

static void free_what_is_not_taken(void *cma)
{
	cma_free(cma, FIRST, 1);
}

static void free_what_is_outside(void *cma)
{
	cma_free(cma, FIRST - 1, 1);
}

static void mistakes_and_corruption_are_found(void **state)
{
	static struct compact_world world;
	struct contiguous contiguous;
	struct cma cma;

	(void)state;
	make(&world, &contiguous, &cma);
	assert_dies(free_what_is_not_taken, &cma, "given back once");
	assert_dies(free_what_is_outside, &cma, "lie in it");
	cma.taken[0] = 1;
	assert_string_equal(cma_check(&cma), "I1: taken_pages = bits that are set, none beyond the area");
	cma.taken[0] = 0;
	pageblock_set_type(&world.rig.pageblocks, FIRST, MIGRATE_MOVABLE);
	assert_string_equal(cma_check(&cma),
			    "I2: every pageblock of the area has the type CMA, or is isolated and had it");
	pageblock_set_type(&world.rig.pageblocks, FIRST, MIGRATE_CMA);
	drop(&world, &cma);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(area_is_lent_and_taken_back),
	    cmocka_unit_test(area_is_for_movable_pages_only),
	    cmocka_unit_test(pinned_page_is_gone_round),
	    cmocka_unit_test(areas_are_whole_pageblocks),
	    cmocka_unit_test(mistakes_and_corruption_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
