#include "config.h"

#include "tests/unit/fault_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define MACHINE_FRAMES 2048u

static void test_residency(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, MACHINE_FRAMES, 3000);
	struct file_pages *file = world.file;

	assert_true(file_pages_is_resident(file, 2999));
	assert_false(file_pages_is_resident(file, 3000));
	assert_int_equal(file_pages_set_resident(file, 500, 100, false), STATUS_OK);
	assert_true(file_pages_is_resident(file, 499));
	assert_false(file_pages_is_resident(file, 500));
	assert_false(file_pages_is_resident(file, 599));
	assert_true(file_pages_is_resident(file, 600));
	assert_int_equal(file_pages_find(file, 600), PFN_NONE);
	pfn_t frame = file_pages_frame(file, 600);

	assert_true(frame != PFN_NONE);
	assert_int_equal(file_pages_frame(file, 600), frame);
	assert_int_equal(file_pages_find(file, 600), frame);
	file_pages_set_dirty(file, 600, true);
	assert_true(file_pages_is_dirty(file, 600));
	assert_int_equal(file->dirty_pages, 1);
	assert_null(file_pages_check(file));
	/* A page that nobody maps leaves with its frame. */
	assert_int_equal(file_pages_set_resident(file, 0, UINT64_MAX, false), STATUS_OK);
	assert_false(file_pages_is_resident(file, 600));
	assert_int_equal(file->framed_pages, 0);
	assert_null(file_pages_check(file));
	world_drop(&world);
}

/* One that somebody maps stays. */
static void test_mapped_page_stays(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, MACHINE_FRAMES, 100);
	pfn_t frame = file_pages_frame(world.file, 7);

	frames_map(&world.frames, frame, false);
	assert_int_equal(file_pages_set_resident(world.file, 0, 100, false), STATUS_OK);
	assert_true(file_pages_is_resident(world.file, 7));
	assert_false(file_pages_is_resident(world.file, 8));
	frames_unmap(&world.frames, frame, false);
	assert_null(file_pages_check(world.file));
	world_drop(&world);
}

/*  0 ... 1000 ........ 1536 ......... 2048 ..... 3000
 *  |<--- window around 1000 -->|marker
 */
static void test_read_around_and_ahead(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, MACHINE_FRAMES, 3000);
	struct file_pages *file = world.file;

	assert_int_equal(file_pages_set_resident(file, 0, 3000, false), STATUS_OK);
	assert_int_equal(file_pages_read(file, 1000, 32), STATUS_OK);
	assert_false(file_pages_is_resident(file, 983));
	assert_true(file_pages_is_resident(file, 984));
	assert_true(file_pages_is_resident(file, 1015));
	assert_false(file_pages_is_resident(file, 1016));
	assert_int_equal(file->marker, 1008);
	assert_int_equal(file_pages_read_ahead(file, 32), STATUS_OK);
	assert_int_equal(file->marker, 1016);
	assert_true(file_pages_is_resident(file, 1047));
	assert_false(file_pages_is_resident(file, 1048));
	assert_int_equal(file_pages_read(file, 5, 32), STATUS_OK);
	assert_true(file_pages_is_resident(file, 0));
	assert_true(file_pages_is_resident(file, 31));
	assert_int_equal(file_pages_read(file, 2999, 32), STATUS_OK);
	assert_int_equal(file->marker, FILE_NO_PAGE);
	assert_int_equal(file_pages_read(file, 2000, 0), STATUS_OK);
	assert_false(file_pages_is_resident(file, 2001));
	world_drop(&world);
}

static void test_resize_and_size_without_end(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, MACHINE_FRAMES, 16);
	struct file_pages *file = file_pages_create(&world.frames, FILE_REGULAR, UINT64_MAX, true);

	assert_non_null(file);
	assert_true(file_pages_is_resident(file, UINT64_MAX - 1));
	assert_true(file_pages_frame(file, UINT64_MAX - 1) != PFN_NONE);
	assert_true(file_pages_frame(file, 3) != PFN_NONE);
	assert_int_equal(file_pages_set_resident(file, 0, UINT64_MAX, false), STATUS_LIMIT);
	file_pages_resize(file, 4);
	assert_int_equal(file->framed_pages, 1);
	assert_false(file_pages_is_resident(file, 4));
	file_pages_resize(file, 3);
	assert_int_equal(file->framed_pages, 0);
	assert_null(file_pages_check(file));
	file_pages_hold(file);
	file_pages_drop(file);
	file_pages_drop(file);
	world_drop(&world);
}

static void break_framed(struct world *world)
{
	world->file->framed_pages++;
}

static void break_dirty(struct world *world)
{
	world->file->dirty_pages++;
}

static void break_owner(struct world *world)
{
	frames_page(&world->frames, file_pages_find(world->file, 9))->mapping = NULL;
}

static void break_index(struct world *world)
{
	frames_page(&world->frames, file_pages_find(world->file, 9))->index++;
}

static void break_flags(struct world *world)
{
	frames_page(&world->frames, file_pages_find(world->file, 9))->flags = 0;
}

static void test_check_finds_each_broken_invariant(void **state)
{
	static const struct {
		void (*break_it)(struct world *);
		const char *text;
	} cases[] = {{break_framed, "I1: "},
		     {break_dirty, "I1: "},
		     {break_owner, "I2: "},
		     {break_index, "I2: "},
		     {break_flags, "I2: "}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world world;

		world_make(&world, MACHINE_FRAMES, 16);
		struct page *page = frames_page(&world.frames, file_pages_frame(world.file, 9));

		assert_null(file_pages_check(world.file));
		struct page saved = *page;
		struct file_pages counters = *world.file;

		cases[i].break_it(&world);
		const char *broken = file_pages_check(world.file);

		assert_non_null(broken);
		assert_memory_equal(broken, cases[i].text, strlen(cases[i].text));
		*page = saved;
		*world.file = counters;
		world_drop(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_residency),
	    cmocka_unit_test(test_mapped_page_stays),
	    cmocka_unit_test(test_read_around_and_ahead),
	    cmocka_unit_test(test_resize_and_size_without_end),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
