#include "config.h"

#include "engine/pressure/page_migration.h"

#include "tests/unit/compact_world.h"
#include "tests/unit/death.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static pfn_t take_target(struct compact_world *world)
{
	struct zone_request request = rig_request(0, MIGRATE_MOVABLE, 0);

	return free_lists_allocate(&world->rig.lists, &request);
}

static pte_t entry_at(const struct compact_world *world, unsigned space, uint64_t address)
{
	unsigned level;

	return *pagetable_find(&world->resident[space].table, address, &level);
}

struct told {
	unsigned flushes;
	struct resident *resident;
	struct flush last;
};

static void note_flush(void *context, struct resident *resident, const struct flush *flush)
{
	struct told *told = context;

	told->flushes++;
	told->resident = resident;
	told->last = *flush;
}

/* Rights, marks, contents and RSS are as before; the old frame is free; processors are told. */
static void page_is_the_same_elsewhere(void **state)
{
	static struct compact_world world;
	struct told told = {.flushes = 0};

	(void)state;
	world_make(&world);
	world_write(&world, 0, (const uint64_t[]){0, 3, 1});
	world.migration.flush = note_flush;
	world.migration.flush_context = &told;
	pte_t before = entry_at(&world, 0, world_address(1));
	pfn_t to = take_target(&world);
	uint64_t free_pages = world.rig.lists.free_pages;
	uint64_t peak = world.resident[0].resident_peak_pages;

	assert_int_equal(page_migration_move(&world.migration, pte_frame(before), to), MOVE_DONE);
	assert_int_equal(entry_at(&world, 0, world_address(1)), pte_with_frame(before, to));
	assert_true(pte_has(before, PTE_WRITE | PTE_DIRTY));
	assert_int_equal(world.resident[0].resident_peak_pages, peak);
	assert_int_equal(world.rig.lists.free_pages, free_pages + 1);
	assert_int_equal(told.flushes, 1);
	assert_ptr_equal(told.resident, &world.resident[0]);
	assert_int_equal(told.last.cause, FLUSH_MIGRATE);
	assert_int_equal(told.last.first, world_address(1));
	assert_int_equal(world.migration.copied_bytes, PAGE_BYTES);
	assert_int_equal(world.migration.moved_pages, 1);
	world_check(&world);
	world_drop(&world);
}

static void shared_page_moves_for_all(void **state)
{
	static struct compact_world world;

	(void)state;
	world_make(&world);
	world_write(&world, 0, (const uint64_t[]){0, 1, 1});
	world_fork(&world);
	pfn_t to = take_target(&world);

	assert_int_equal(page_migration_move(&world.migration, world_frame(&world, 0, world_address(0)), to),
			 MOVE_DONE);
	assert_int_equal(world_frame(&world, 0, world_address(0)), to);
	assert_int_equal(world_frame(&world, 1, world_address(0)), to);
	assert_int_equal(world.migration.changed_entries, 2);
	world_check(&world);
	/* It is still shared: a write copies it. */
	world_write(&world, 1, (const uint64_t[]){0, 1, 1});
	assert_int_not_equal(world_frame(&world, 1, world_address(0)), to);
	world_check(&world);
	world_drop(&world);
}

static void page_of_a_file_moves_with_it(void **state)
{
	static struct compact_world world;

	(void)state;
	world_make(&world);
	world_map_file(&world, 2);
	pfn_t to = take_target(&world);
	pfn_t from = file_pages_find(world.file, 1);

	assert_int_equal(page_migration_move(&world.migration, from, to), MOVE_DONE);
	assert_int_equal(file_pages_find(world.file, 1), to);
	assert_true(file_pages_is_dirty(world.file, 1));
	assert_int_equal(world_frame(&world, 0, WORLD_FILE_BASE + PAGE_BYTES), to);
	world_check(&world);
	/* One that nobody maps any more, too. */
	assert_true(resident_zap(&world.resident[0], WORLD_FILE_BASE, WORLD_FILE_BASE + 2 * PAGE_BYTES));
	from = take_target(&world);
	assert_int_equal(page_migration_move(&world.migration, to, from), MOVE_DONE);
	assert_int_equal(file_pages_find(world.file, 1), from);
	world_check(&world);
	world_drop(&world);
}

static void what_cannot_move_has_a_reason(void **state)
{
	static struct compact_world world;
	struct page_migration *migration = &world.migration;

	(void)state;
	world_make(&world);
	world_write(&world, 0, (const uint64_t[]){0, 1, 1});
	pfn_t frame = world_frame(&world, 0, world_address(0));
	pfn_t to = take_target(&world);

	assert_int_equal(page_migration_can_move(migration, frame), MOVE_DONE);
	assert_int_equal(page_migration_can_move(migration, world.frames.zero), MOVE_UNMOVABLE);
	assert_int_equal(page_migration_can_move(migration, pagetable_root_frame(&world.resident[0].table)),
			 MOVE_UNMOVABLE);
	frames_pin(&world.frames, frame);
	assert_int_equal(page_migration_can_move(migration, frame), MOVE_PINNED);
	assert_int_equal(page_migration_move(migration, frame, to), MOVE_PINNED);
	frames_unpin(&world.frames, frame);
	pfn_t huge = frames_take_anonymous(&world.frames, HUGE_ORDER);

	assert_int_equal(page_migration_can_move(migration, huge), MOVE_LARGE);
	frames_drop_unused(&world.frames, huge);
	rmap_remove(&world.rmap, &world.resident[0]);
	assert_int_equal(page_migration_move(migration, frame, to), MOVE_UNKNOWN_MAP);
	assert_int_equal(rmap_add(&world.rmap, &world.resident[0]), STATUS_OK);
	assert_int_equal(world_frame(&world, 0, world_address(0)), frame);
	free_lists_free(&world.rig.lists, to, 0, 0);
	world_check(&world);
	for (unsigned end = 0; end < MOVE_ENDS; end++)
		assert_non_null(move_end_name((enum move_end)end));
	world_drop(&world);
}

static void unpin_what_is_not(void *world)
{
	struct compact_world *of = world;

	frames_unpin(&of->frames, world_frame(of, 0, world_address(0)));
}

static void succeed_what_is_free(void *world)
{
	struct compact_world *of = world;

	frames_succeed(&of->frames, take_target(of), take_target(of));
}

static void mistakes_are_found(void **state)
{
	static struct compact_world world;

	(void)state;
	world_make(&world);
	world_write(&world, 0, (const uint64_t[]){0, 1, 1});
	assert_dies(unpin_what_is_not, &world, "a frame that is unpinned was pinned");
	assert_dies(succeed_what_is_free, &world, "a frame that is succeeded is a block by itself");
	world_drop(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(page_is_the_same_elsewhere),   cmocka_unit_test(shared_page_moves_for_all),
	    cmocka_unit_test(page_of_a_file_moves_with_it), cmocka_unit_test(what_cannot_move_has_a_reason),
	    cmocka_unit_test(mistakes_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
