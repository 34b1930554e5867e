#include "config.h"

#include "engine/virt/rmap.h"

#include "tests/unit/compact_world.h"
#include "tests/unit/death.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ENTRIES 8u

static size_t find(struct compact_world *world, uint64_t address, struct rmap_entry *entries)
{
	return rmap_find(&world->rmap, world_frame(world, 0, address), entries, ENTRIES);
}

static void page_of_one_process_is_found_at_once(void **state)
{
	static struct compact_world world;
	struct rmap_entry entries[ENTRIES];

	(void)state;
	world_make(&world);
	world_write(&world, 0, (const uint64_t[]){0, 20, 1});
	for (uint64_t page = 0; page < 20; page++) {
		assert_int_equal(find(&world, world_address(page), entries), 1);
		assert_ptr_equal(entries[0].resident, &world.resident[0]);
		assert_int_equal(entries[0].address, world_address(page));
	}
	assert_int_equal(world.rmap.searches, 0);
	world_drop(&world);
}

static void forked_page_has_an_entry_in_each(void **state)
{
	static struct compact_world world;
	struct rmap_entry entries[ENTRIES];

	(void)state;
	world_make(&world);
	world_write(&world, 0, (const uint64_t[]){0, 2, 1});
	world_fork(&world);
	assert_int_equal(find(&world, world_address(1), entries), 2);
	assert_ptr_equal(entries[0].resident, &world.resident[0]);
	assert_ptr_equal(entries[1].resident, &world.resident[1]);
	assert_int_equal(entries[1].address, world_address(1));
	/* Only as many are written down as there is room for. */
	assert_int_equal(rmap_find(&world.rmap, world_frame(&world, 0, world_address(1)), entries, 1), 2);
	/* A write takes the page out of one of them. */
	world_write(&world, 1, (const uint64_t[]){1, 2, 1});
	assert_int_equal(find(&world, world_address(1), entries), 1);
	assert_int_equal(world.rmap.searches, 0);
	world_drop(&world);
}

static void moved_page_is_searched_for(void **state)
{
	static struct compact_world world;
	struct rmap_entry entries[ENTRIES];
	uint64_t to = WORLD_BASE + ((uint64_t)3 << 28);

	(void)state;
	world_make(&world);
	world_write(&world, 0, (const uint64_t[]){0, 4, 1});
	assert_true(resident_move(&world.resident[0], world_address(2), to, PAGE_BYTES));
	assert_int_equal(find(&world, to, entries), 1);
	assert_int_equal(entries[0].address, to);
	assert_int_equal(world.rmap.searches, 1);
	world_drop(&world);
}

static void page_of_a_file_is_searched_for(void **state)
{
	static struct compact_world world;
	struct rmap_entry entries[ENTRIES];

	(void)state;
	world_make(&world);
	world_map_file(&world, 4);
	assert_int_equal(find(&world, WORLD_FILE_BASE + 3 * PAGE_BYTES, entries), 1);
	assert_int_equal(entries[0].address, WORLD_FILE_BASE + 3 * PAGE_BYTES);
	assert_int_equal(world.rmap.searches, 1);
	world_drop(&world);
}

static void unknown_space_is_missed(void **state)
{
	static struct compact_world world;
	struct rmap_entry entries[ENTRIES];

	(void)state;
	world_make(&world);
	world_write(&world, 0, (const uint64_t[]){0, 1, 1});
	rmap_remove(&world.rmap, &world.resident[0]);
	assert_int_equal(find(&world, world_address(0), entries), 0);
	assert_int_equal(rmap_add(&world.rmap, &world.resident[0]), STATUS_OK);
	assert_int_equal(find(&world, world_address(0), entries), 1);
	world_drop(&world);
}

static void grows(void **state)
{
	static struct resident residents[40];
	struct rmap rmap;

	(void)state;
	rmap_create(&rmap);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(rmap_add(&rmap, &residents[i]), STATUS_OK);
	assert_null(rmap_check(&rmap));
	for (size_t i = 0; i < 40; i += 2)
		rmap_remove(&rmap, &residents[i]);
	assert_int_equal(rmap.count, 20);
	assert_null(rmap_check(&rmap));
	rmap_destroy(&rmap);
}

static void add_again(void *world)
{
	(void)!rmap_add(&((struct compact_world *)world)->rmap,
			&((struct compact_world *)world)->resident[0]);
}

static void remove_stranger(void *world)
{
	rmap_remove(&((struct compact_world *)world)->rmap, &((struct compact_world *)world)->resident[1]);
}

static void mistakes_and_corruption_are_found(void **state)
{
	static struct compact_world world;
	static const char I1[] = "I1: no address space is in the list twice, and count <= room";

	(void)state;
	world_make(&world);
	assert_dies(add_again, &world, "an address space is added once");
	assert_dies(remove_stranger, &world, "an address space that is removed was added");
	world.rmap.residents[1] = world.rmap.residents[0];
	world.rmap.count = 2;
	assert_string_equal(rmap_check(&world.rmap), I1);
	world.rmap.count = 17;
	assert_string_equal(rmap_check(&world.rmap), I1);
	world.rmap.count = 1;
	world_drop(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(page_of_one_process_is_found_at_once),
	    cmocka_unit_test(forked_page_has_an_entry_in_each),
	    cmocka_unit_test(moved_page_is_searched_for),
	    cmocka_unit_test(page_of_a_file_is_searched_for),
	    cmocka_unit_test(unknown_space_is_missed),
	    cmocka_unit_test(grows),
	    cmocka_unit_test(mistakes_and_corruption_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
