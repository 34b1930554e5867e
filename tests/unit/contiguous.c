#include "config.h"

#include "engine/pressure/contiguous.h"

#include "tests/unit/compact_world.h"
#include "tests/unit/death.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void make(struct compact_world *world, struct contiguous *contiguous)
{
	world_make(world);
	world_fragment(world);
	contiguous_create(contiguous, &world->rig.lists, page_migration_mover(&world->migration));
}

/* The lowest run of `pages` frames that are free or hold pages of the process, from the second pageblock on. */
static pfn_t movable_run(const struct compact_world *world, uint64_t pages)
{
	pfn_t start = PAGEBLOCK_PAGES + 1;

	for (pfn_t pfn = start; pfn < start + pages; pfn++) {
		pfn_t first;
		unsigned order;

		if (!(page_of_pfn(&world->rig.array, pfn)->flags & PAGE_ANONYMOUS) &&
		    !free_lists_find(&world->rig.lists, pfn, &first, &order))
			start = pfn + 1;
	}
	return start;
}

static void range_is_emptied_and_taken(void **state)
{
	static struct compact_world world;
	struct contiguous contiguous;

	(void)state;
	make(&world, &contiguous);
	uint64_t mapped = resident_pages(&world.resident[0]);
	uint64_t free_pages = world.rig.lists.free_pages;
	pfn_t first = movable_run(&world, 900);

	assert_true(contiguous_take(&contiguous, first, 900));
	assert_in_range(contiguous.moved, 400, 500);
	assert_int_equal(contiguous.moved, world.migration.moved_pages);
	assert_int_equal(world.rig.lists.free_pages, free_pages - 900);
	assert_int_equal(world.rig.lists.isolated_blocks, 0);
	assert_int_equal(resident_pages(&world.resident[0]), mapped);
	for (pfn_t pfn = first; pfn < first + 900; pfn++)
		assert_int_equal(page_of_pfn(&world.rig.array, pfn)->flags, 0);
	world_check(&world);
	contiguous_give(&contiguous, first, 900);
	assert_int_equal(world.rig.lists.free_pages, free_pages);
	world_check(&world);
	world_drop(&world);
}

static void pinned_page_keeps_its_range(void **state)
{
	static struct compact_world world;
	struct contiguous contiguous;

	(void)state;
	make(&world, &contiguous);
	pfn_t first = movable_run(&world, 600);
	pfn_t pinned = first + 301;
	uint64_t free_pages = world.rig.lists.free_pages;

	while (!(page_of_pfn(&world.rig.array, pinned)->flags & PAGE_ANONYMOUS))
		pinned++;
	frames_pin(&world.frames, pinned);
	assert_false(contiguous_take(&contiguous, first, 600));
	assert_int_equal(contiguous.failures, 1);
	assert_int_equal(contiguous.not_moved[MOVE_PINNED], 1);
	assert_int_equal(world.rig.lists.free_pages, free_pages);
	assert_int_equal(world.rig.lists.isolated_blocks, 0);
	world_check(&world);
	frames_unpin(&world.frames, pinned);
	assert_true(contiguous_take(&contiguous, first, 600));
	contiguous_give(&contiguous, first, 600);
	world_check(&world);
	world_drop(&world);
}

static void kernel_memory_and_lack_of_room_are_reasons(void **state)
{
	static struct compact_world world;
	struct contiguous contiguous;

	(void)state;
	make(&world, &contiguous);
	assert_false(contiguous_take(&contiguous, 0, 1));
	assert_int_equal(contiguous.not_moved[MOVE_UNMOVABLE], 1);
	pfn_t first = movable_run(&world, 10);

	while (rig_take(&world.rig, rig_request(0, MIGRATE_MOVABLE, 0)) != PFN_NONE)
		;
	assert_false(contiguous_take(&contiguous, first | 1, 1));
	assert_int_equal(contiguous.not_moved[MOVE_NO_TARGET], 1);
	/* Beyond the zone, and where somebody else is at work. */
	assert_false(contiguous_take(&contiguous, WORLD_FRAMES - 10, 11));
	assert_true(free_lists_isolate(&world.rig.lists, first));
	assert_false(contiguous_take(&contiguous, first, 1));
	assert_true(free_lists_unisolate(&world.rig.lists, first));
	assert_int_equal(contiguous.ranges, 4);
	assert_int_equal(contiguous.failures, 4);
	world_check(&world);
	world_drop(&world);
}

static void pageblock_is_removed(void **state)
{
	static struct compact_world world;
	struct contiguous contiguous;

	(void)state;
	make(&world, &contiguous);
	pfn_t block = pageblock_start(movable_run(&world, 1500) + 2 * PAGEBLOCK_PAGES - 1);
	uint64_t managed = world.rig.lists.managed_pages;

	assert_true(contiguous_remove(&contiguous, block + 5));
	assert_int_equal(world.rig.lists.managed_pages, managed - PAGEBLOCK_PAGES);
	assert_int_equal(contiguous.removed_pages, PAGEBLOCK_PAGES);
	world_check(&world);
	for (pfn_t pfn; (pfn = rig_take(&world.rig, rig_request(0, MIGRATE_MOVABLE, 0))) != PFN_NONE;)
		assert_true(pfn < block || pfn >= block + PAGEBLOCK_PAGES);
	assert_false(contiguous_remove(&contiguous, 0));
	world_check(&world);
	world_drop(&world);
}

static void take_nothing(void *contiguous)
{
	(void)contiguous_take(contiguous, 0, 0);
}

static void empty_range_is_a_mistake(void **state)
{
	static struct compact_world world;
	struct contiguous contiguous;

	(void)state;
	make(&world, &contiguous);
	assert_dies(take_nothing, &contiguous, "a range has frames");
	world_drop(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(range_is_emptied_and_taken),
	    cmocka_unit_test(pinned_page_keeps_its_range),
	    cmocka_unit_test(kernel_memory_and_lack_of_room_are_reasons),
	    cmocka_unit_test(pageblock_is_removed),
	    cmocka_unit_test(empty_range_is_a_mistake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
