#include "config.h"

#include "engine/pressure/compact.h"

#include "tests/unit/compact_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct compact_request huge_request = {
    .order = HUGE_ORDER, .type = MIGRATE_MOVABLE, .effort = COMPACT_LIGHT};

static void make_fragmented(struct compact_world *world)
{
	world_make(world);
	world_fragment(world);
	assert_true(world->rig.lists.free_pages > 1500);
	assert_int_equal(free_lists_blocks_of_order(&world->rig.lists, 0), world->rig.lists.free_pages);
}

static bool can_have_huge(struct compact_world *world)
{
	struct zone_request request = rig_request(HUGE_ORDER, MIGRATE_MOVABLE, 0);
	pfn_t pfn = rig_take(&world->rig, request);

	if (pfn != PFN_NONE)
		rig_give(&world->rig, pfn, HUGE_ORDER, 0);
	return pfn != PFN_NONE;
}

static void huge_block_is_made(void **state)
{
	static struct compact_world world;
	const struct compact_counts *counts = &world.compact.counts;
	pfn_t pfn;

	(void)state;
	make_fragmented(&world);
	uint64_t mapped = resident_pages(&world.resident[0]);
	uint64_t free_pages = world.rig.lists.free_pages;

	assert_false(can_have_huge(&world));
	assert_int_equal(compact_for_request(&world.compact, &huge_request, &pfn), COMPACT_SUCCESS);
	assert_int_not_equal(pfn, PFN_NONE);
	assert_int_equal(pfn % HUGE_PAGES, 0);
	assert_int_equal(counts->captured, 1);
	assert_int_equal(world.rig.lists.free_pages, free_pages - HUGE_PAGES);
	/* What it cost: half a pageblock moved, once, and nothing else. */
	assert_int_equal(counts->moved, world.migration.moved_pages);
	assert_in_range(counts->moved, 256, 512);
	assert_int_equal(world.migration.copied_bytes, counts->moved * PAGE_BYTES);
	assert_int_equal(world.migration.changed_entries, counts->moved);
	assert_int_equal(resident_pages(&world.resident[0]), mapped);
	for (pfn_t frame = pfn; frame < pfn + HUGE_PAGES; frame++)
		assert_int_equal(page_of_pfn(&world.rig.array, frame)->flags, 0);
	world_check(&world);
	rig_give(&world.rig, pfn, HUGE_ORDER, 0);
	assert_true(can_have_huge(&world));
	world_check(&world);
	world_drop(&world);
}

/* One frame of each pageblock is pinned: no pageblock can be emptied. */
static void pinned_page_is_the_reason(void **state)
{
	static struct compact_world world;
	pfn_t pinned[WORLD_FRAMES / PAGEBLOCK_PAGES] = {0};
	unsigned pins = 0;
	pfn_t pfn;

	(void)state;
	make_fragmented(&world);
	for (pfn_t block = 0; block < WORLD_FRAMES; block += PAGEBLOCK_PAGES) {
		for (pfn = block; pfn < block + PAGEBLOCK_PAGES; pfn++) {
			if (page_of_pfn(&world.rig.array, pfn)->flags & PAGE_ANONYMOUS) {
				frames_pin(&world.frames, pfn);
				pinned[pins++] = pfn;
				break;
			}
		}
	}
	world_check(&world);
	assert_int_equal(compact_for_request(&world.compact, &huge_request, &pfn), COMPACT_COMPLETE);
	assert_int_equal(pfn, PFN_NONE);
	assert_false(can_have_huge(&world));
	assert_true(world.compact.counts.not_moved[MOVE_PINNED] >= 3);
	assert_true(world.compact.counts.not_moved[MOVE_PINNED] <= pins);
	assert_int_equal(world.compact.counts.results[COMPACT_COMPLETE], 1);
	world_check(&world);
	for (unsigned i = 0; i < pins; i++)
		frames_unpin(&world.frames, pinned[i]);
	struct compact_request request = huge_request;

	request.effort = COMPACT_FULL;
	assert_int_equal(compact_for_request(&world.compact, &request, &pfn), COMPACT_SUCCESS);
	if (pfn != PFN_NONE)
		rig_give(&world.rig, pfn, HUGE_ORDER, 0);
	assert_true(can_have_huge(&world));
	world_check(&world);
	world_drop(&world);
}

/* A page that two address spaces see, and one of a file: every entry is changed. */
static void all_entries_follow(void **state)
{
	static struct compact_world world;
	pfn_t pfn;

	(void)state;
	make_fragmented(&world);
	world_map_file(&world, 8);
	world_fork(&world);
	uint64_t entries = resident_pages(&world.resident[0]) + resident_pages(&world.resident[1]);

	assert_int_equal(compact_for_request(&world.compact, &huge_request, &pfn), COMPACT_SUCCESS);
	assert_true(world.migration.changed_entries > world.migration.moved_pages);
	assert_int_equal(entries, resident_pages(&world.resident[0]) + resident_pages(&world.resident[1]));
	world_check(&world);
	if (pfn != PFN_NONE)
		rig_give(&world.rig, pfn, HUGE_ORDER, 0);
	(void)compact_all(&world.compact);
	world_check(&world);
	/* Writes after the move are copied: what was shared still is. */
	for (uint64_t page = 0; page < 100; page++) {
		uint64_t address = world_address(page);

		if (world_frame(&world, 0, address) == PFN_NONE)
			continue;
		assert_int_equal(world_frame(&world, 0, address), world_frame(&world, 1, address));
	}
	world_drop(&world);
}

static void too_little_memory_is_not_compacted(void **state)
{
	static struct compact_world world;
	pfn_t pfn;

	(void)state;
	make_fragmented(&world);
	world.compact.low_pages = world.rig.lists.free_pages - 2 * HUGE_PAGES;
	assert_false(compact_is_suitable(&world.compact, &huge_request));
	assert_int_equal(compact_for_request(&world.compact, &huge_request, &pfn), COMPACT_SKIPPED);
	world.compact.low_pages--;
	assert_true(compact_is_suitable(&world.compact, &huge_request));
	assert_int_equal(world.compact.counts.moved, 0);
	world_drop(&world);
}

static void there_is_nothing_to_do_where_a_block_is(void **state)
{
	static struct compact_world world;
	pfn_t pfn;

	(void)state;
	world_make(&world);
	assert_int_equal(compact_for_request(&world.compact, &huge_request, &pfn), COMPACT_SUCCESS);
	assert_int_equal(pfn, PFN_NONE);
	assert_int_equal(world.compact.counts.migrate_scanned, 0);
	world_drop(&world);
}

/* Nothing can be moved: after each failure twice as many requests do without, up to 64. */
static void failures_defer(void **state)
{
	static struct compact_world world;
	unsigned deferred = 0;
	pfn_t pfn;

	(void)state;
	make_fragmented(&world);
	for (pfn = 0; pfn < WORLD_FRAMES; pfn++) {
		if (page_of_pfn(&world.rig.array, pfn)->flags & PAGE_ANONYMOUS)
			frames_pin(&world.frames, pfn);
	}
	for (unsigned failures = 1; failures <= 8; failures++) {
		unsigned shift =
		    failures - 1 < COMPACT_DEFER_SHIFT_MAX ? failures - 1 : COMPACT_DEFER_SHIFT_MAX;

		for (deferred = 0;
		     compact_for_request(&world.compact, &huge_request, &pfn) == COMPACT_DEFERRED;)
			deferred++;
		assert_int_equal(deferred, (1u << shift) - 1);
	}
	assert_int_equal(world.compact.order_failed, HUGE_ORDER);
	struct compact_request smaller = huge_request;

	smaller.order = 1;
	assert_int_not_equal(compact_for_request(&world.compact, &smaller, &pfn), COMPACT_DEFERRED);
	compact_served(&world.compact, HUGE_ORDER);
	assert_int_equal(world.compact.defer_shift, 0);
	assert_int_equal(world.compact.order_failed, HUGE_ORDER + 1);
	assert_int_equal(world.compact.counts.moved, 0);
	for (pfn = 0; pfn < WORLD_FRAMES; pfn++) {
		if (page_of_pfn(&world.rig.array, pfn)->flags & PAGE_ANONYMOUS)
			frames_unpin(&world.frames, pfn);
	}
	world_check(&world);
	world_drop(&world);
}

static void score_falls_by_proactive_runs(void **state)
{
	static struct compact_world world;

	(void)state;
	make_fragmented(&world);
	assert_int_equal(compact_fragmentation_score(&world.compact), 100);
	assert_false(compact_proactively(&world.compact, 0));
	assert_false(compact_proactively(&world.compact, 10));
	assert_true(compact_proactively(&world.compact, COMPACT_PROACTIVENESS));
	assert_in_range(compact_fragmentation_score(&world.compact), 0, 100 - COMPACT_PROACTIVENESS);
	assert_false(compact_proactively(&world.compact, COMPACT_PROACTIVENESS));
	assert_int_equal(world.compact.counts.proactive_runs, 1);
	world_check(&world);
	uint64_t moved = world.compact.counts.moved;

	assert_int_equal(compact_all(&world.compact), COMPACT_COMPLETE);
	assert_true(world.compact.counts.moved > moved);
	assert_in_range(compact_fragmentation_score(&world.compact), 0, 40);
	world_check(&world);
	world_drop(&world);
}

/* The kernel's own memory is passed over and counted; an asynchronous run looks at pageblocks of its own type only. */
static void other_memory_is_counted(void **state)
{
	static struct compact_world world;
	struct compact_request request = huge_request;
	pfn_t pfn;

	(void)state;
	make_fragmented(&world);
	request.effort = COMPACT_ASYNC;
	request.type = MIGRATE_UNMOVABLE;
	assert_int_not_equal(compact_for_request(&world.compact, &request, &pfn), COMPACT_SUCCESS);
	assert_true(world.compact.counts.skipped_blocks > 0);
	assert_int_equal(world.compact.counts.moved, 0);
	assert_int_equal(world.compact.defer_shift, 0);
	request.effort = COMPACT_FULL;
	assert_int_equal(compact_for_request(&world.compact, &request, &pfn), COMPACT_SUCCESS);
	assert_true(world.compact.counts.not_moved[MOVE_UNMOVABLE] > 0);
	world_check(&world);
	if (pfn != PFN_NONE)
		rig_give(&world.rig, pfn, HUGE_ORDER, 0);
	world_drop(&world);
}

static void zone_keeps_its_watermark(void **state)
{
	static struct compact_world world;

	(void)state;
	make_fragmented(&world);
	world.compact.min_pages = world.rig.lists.free_pages;
	(void)compact_all(&world.compact);
	assert_int_equal(world.compact.counts.moved, 0);
	assert_true(world.compact.counts.not_moved[MOVE_NO_TARGET] > 0);
	world_check(&world);
	world_drop(&world);
}

static void every_corruption_is_found(void **state)
{
	static struct compact_world world;
	struct compact *compact = &world.compact;

	(void)state;
	world_make(&world);
	compact->cached_free = WORLD_FRAMES + 1;
	assert_string_equal(compact_check(compact), "I1: where scanners begin lies in the range");
	compact->cached_free = 0;
	compact->cached_migrate[1] = WORLD_FRAMES + 1;
	assert_string_equal(compact_check(compact), "I1: where scanners begin lies in the range");
	compact->cached_migrate[1] = 0;
	compact->defer_shift = 7;
	assert_string_equal(compact_check(compact), "I2: defer_shift <= 6, and order_failed <= 11");
	compact->defer_shift = 0;
	compact->counts.moved = 1;
	assert_string_equal(
	    compact_check(compact),
	    "I3: moved <= isolated <= migrate_scanned + free_scanned, and not_moved[MOVE_DONE] = 0");
	world_drop(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(huge_block_is_made),
	    cmocka_unit_test(pinned_page_is_the_reason),
	    cmocka_unit_test(all_entries_follow),
	    cmocka_unit_test(too_little_memory_is_not_compacted),
	    cmocka_unit_test(there_is_nothing_to_do_where_a_block_is),
	    cmocka_unit_test(failures_defer),
	    cmocka_unit_test(score_falls_by_proactive_runs),
	    cmocka_unit_test(other_memory_is_counted),
	    cmocka_unit_test(zone_keeps_its_watermark),
	    cmocka_unit_test(every_corruption_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
