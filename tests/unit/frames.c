#include "config.h"

#include "tests/unit/fault_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/death.h"

#define MACHINE_FRAMES 2048u

struct rig {
	struct world world;
	struct frames *frames;
};

static void rig_make(struct rig *rig)
{
	world_make(&rig->world, MACHINE_FRAMES, 16);
	rig->frames = &rig->world.frames;
}

static uint64_t free_pages(const struct rig *rig)
{
	return rig->world.buddy.free_pages;
}

static void test_small_block(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig);
	uint64_t before = free_pages(&rig);
	pfn_t frame = frames_take_anonymous(rig.frames, 0);

	assert_true(frame != PFN_NONE);
	frames_map(rig.frames, frame, false);
	assert_true(frames_is_only(rig.frames, frame));
	frames_map(rig.frames, frame, false);
	assert_false(frames_is_only(rig.frames, frame));
	assert_int_equal(frames_page(rig.frames, frame)->mapcount, 2);
	assert_int_equal(rig.frames->anonymous_frames, 1);
	assert_null(frames_check(rig.frames));
	frames_unmap(rig.frames, frame, false);
	frames_unmap(rig.frames, frame, false);
	assert_int_equal(free_pages(&rig), before);
	frame = frames_take_anonymous(rig.frames, 0);
	frames_drop_unused(rig.frames, frame);
	assert_int_equal(free_pages(&rig), before);
	assert_null(frames_check(rig.frames));
	world_drop(&rig.world);
}

/*   huge entry              divided              two pages left         */
static void test_huge_block(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig);
	uint64_t before = free_pages(&rig);
	pfn_t head = frames_take_anonymous(rig.frames, 9);

	assert_int_equal(head % 512, 0);
	frames_map(rig.frames, head, true);
	assert_int_equal(rig.frames->anonymous_frames, 512);
	assert_int_equal(rig.frames->huge_blocks, 1);
	frames_divide(rig.frames, head);
	assert_int_equal(frames_page(rig.frames, head)->count, 512);
	assert_int_equal(frames_head(rig.frames, head + 77), head);
	assert_null(frames_check(rig.frames));
	for (pfn_t i = 2; i < 512; i++)
		frames_unmap(rig.frames, head + i, false);
	assert_null(frames_check(rig.frames));
	assert_int_equal(free_pages(&rig), before - 512);
	frames_unmap(rig.frames, head, false);
	frames_unmap(rig.frames, head + 1, false);
	assert_int_equal(free_pages(&rig), before);
	assert_int_equal(rig.frames->huge_blocks, 0);
	assert_null(frames_check(rig.frames));
	world_drop(&rig.world);
}

static void test_exhaustion_is_counted(void **state)
{
	struct rig rig;
	pfn_t frames[MACHINE_FRAMES];
	size_t count = 0;

	(void)state;
	rig_make(&rig);
	while ((frames[count] = frames_take_anonymous(rig.frames, 0)) != PFN_NONE)
		count++;
	assert_int_equal(frames_take_anonymous(rig.frames, 9), PFN_NONE);
	assert_int_equal(frames_take_cached(rig.frames), PFN_NONE);
	assert_int_equal(rig.frames->refused, 2);
	assert_int_equal(rig.frames->refused_huge, 1);
	while (count > 0)
		frames_drop_unused(rig.frames, frames[--count]);
	world_drop(&rig.world);
}

static void unmap_twice(void *argument)
{
	struct rig *rig = argument;
	pfn_t frame = frames_take_anonymous(rig->frames, 0);

	frames_map(rig->frames, frame, false);
	frames_unmap(rig->frames, frame, false);
	frames_unmap(rig->frames, frame, false);
}

static void map_free(void *argument)
{
	struct rig *rig = argument;

	frames_map(rig->frames, 1000, false);
}

static void test_mistakes_die(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig);
	assert_dies(unmap_twice, &rig, "an entry that goes was counted");
	assert_dies(map_free, &rig, "a frame that is mapped is in use");
	world_drop(&rig.world);
}

/* Frame 1: anonymous, mapped once. 512: a huge block, divided. */
static void break_sum(struct rig *rig)
{
	rig->frames->anonymous_frames++;
}

static void break_cached(struct rig *rig)
{
	rig->frames->cached_frames++;
}

static void break_count(struct rig *rig)
{
	rig->world.array.page[512].count++;
}

static void break_mapcount(struct rig *rig)
{
	rig->world.array.page[515].mapcount++;
}

static void break_tail(struct rig *rig)
{
	rig->world.array.page[515].flags = 0;
}

static void break_free(struct rig *rig)
{
	rig->world.array.page[1500].mapcount = 1;
}

static void break_stray_tail(struct rig *rig)
{
	rig->world.array.page[1500].flags = PAGE_TAIL;
}

static void test_check_finds_each_broken_invariant(void **state)
{
	static const struct {
		void (*break_it)(struct rig *);
		const char *text;
	} cases[] = {
	    {break_sum, "I1: "},	{break_cached, "I1: "}, {break_count, "I2: "},
	    {break_mapcount, "I2: "},	{break_tail, "I3: "},	{break_free, "I3: "},
	    {break_stray_tail, "I3: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig;
		struct page saved[2];

		rig_make(&rig);
		pfn_t small = frames_take_anonymous(rig.frames, 0);
		pfn_t huge = frames_take_anonymous(rig.frames, 9);

		frames_map(rig.frames, small, false);
		frames_map(rig.frames, huge, true);
		frames_divide(rig.frames, huge);
		assert_int_equal(huge, 512);
		assert_null(frames_check(rig.frames));
		saved[0] = rig.world.array.page[515];
		saved[1] = rig.world.array.page[1500];
		struct frames counters = *rig.frames;

		cases[i].break_it(&rig);
		const char *broken = frames_check(rig.frames);

		assert_non_null(broken);
		assert_memory_equal(broken, cases[i].text, strlen(cases[i].text));
		rig.world.array.page[515] = saved[0];
		rig.world.array.page[1500] = saved[1];
		rig.world.array.page[512].count = 512;
		*rig.frames = counters;
		assert_null(frames_check(rig.frames));
		frames_unmap(rig.frames, small, false);
		for (pfn_t frame = huge; frame < huge + 512; frame++)
			frames_unmap(rig.frames, frame, false);
		world_drop(&rig.world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_small_block),
	    cmocka_unit_test(test_huge_block),
	    cmocka_unit_test(test_exhaustion_is_counted),
	    cmocka_unit_test(test_mistakes_die),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
