#include "config.h"

#include "engine/zone_source.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGES 16384u

struct rig {
	struct memory memory;
	struct zone_source zones;
	pfn_t taken;
};

/*  [DMA     |DMA32           ]   of 64 MiB; 3 pages are in use, 5 retained  */
static void rig_make(struct rig *rig, enum zone_keeper keeper)
{
	struct memory_shape shape = {.size = {.pages = PAGES},
				     .backing = ARENA_NONE,
				     .max_order = BUDDY_KERNEL_ORDER,
				     .cpus = 1,
				     .keeper = keeper};
	struct span_source *source = &rig->zones.source;
	bool zero;

	assert_int_equal(memory_create(&rig->memory, &shape), STATUS_OK);
	assert_int_equal(zone_source_create(&rig->zones, &rig->memory, 1000), STATUS_OK);
	rig->taken = source->acquire(source, 8, 1, &zero);
	assert_true(rig->taken != PFN_NONE && zero);
	source->release(source, rig->taken + 3, 5);
	assert_null(zone_source_check(&rig->zones));
}

static void rig_drop(struct rig *rig)
{
	zone_source_destroy(&rig->zones);
	memory_destroy(&rig->memory);
}

/* The highest zone is taken from first, and from the next when it may not give more. */
static void test_zones_are_tried_from_the_highest_down(void **state)
{
	struct rig rig;
	struct span_source *source = &rig.zones.source;
	bool zero;

	rig_make(&rig, *(const enum zone_keeper *)*state);
	assert_int_equal(rig.zones.zones, 2);
	assert_true(rig.taken >= rig.zones.part[1].first);
	pfn_t pfn = source->acquire(source, 512, 1, &zero);

	while (pfn >= rig.zones.part[1].first)
		pfn = source->acquire(source, 512, 1, &zero);
	assert_true(pfn != PFN_NONE);
	assert_true(rig.memory.zone[1].refusals > 0);
	assert_null(zone_source_check(&rig.zones));
	rig_drop(&rig);
}

/* More than a block of the largest order, and alignments beyond it, come from neighbouring blocks and go back. */
static void test_large_runs(void **state)
{
	struct rig rig;
	struct span_source *source = &rig.zones.source;
	bool zero;

	rig_make(&rig, *(const enum zone_keeper *)*state);
	uint64_t free = zone_free_pages(&rig.memory.zone[1]);
	pfn_t aligned = source->acquire(source, 100, 4096, &zero);
	pfn_t large = source->acquire(source, 5000, 1, &zero);

	assert_int_not_equal(aligned, PFN_NONE);
	assert_int_equal(aligned % 4096, 0);
	assert_int_not_equal(large, PFN_NONE);
	assert_int_equal(zone_free_pages(&rig.memory.zone[1]), free - 5100);
	assert_true(source->claim(source, large + 5000, 3));
	source->release(source, large, 5003);
	source->release(source, aligned, 100);
	assert_int_equal(zone_free_pages(&rig.memory.zone[1]), free);
	assert_null(zone_source_check(&rig.zones));
	rig_drop(&rig);
}

static void break_direct(struct zone_source *zones)
{
	zones->direct[1].retained_pages--;
}

static void break_order_of_parts(struct zone_source *zones)
{
	zones->part[1].first++;
}

static void break_end(struct zone_source *zones)
{
	zones->source.pages--;
}

static void test_check_finds_each_broken_invariant(void **state)
{
	static const struct {
		void (*break_it)(struct zone_source *);
		const char *text;
	} cases[] = {
	    {break_direct, "I1: direct_source_check() of every zone"},
	    {break_order_of_parts,
	     "I2: the zones' parts follow one another and end where the direct map does"},
	    {break_end, "I2: the zones' parts follow one another and end where the direct map does"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig;

		rig_make(&rig, *(const enum zone_keeper *)*state);
		cases[i].break_it(&rig.zones);
		const char *broken = zone_source_check(&rig.zones);

		assert_non_null(broken);
		assert_string_equal(broken, cases[i].text);
		rig_drop(&rig);
	}
}

#define FOR_ALL(test)                                                                                        \
	cmocka_unit_test_prestate(test, &bitmaps), cmocka_unit_test_prestate(test, &lists),                  \
	    cmocka_unit_test_prestate(test, &typed)

int main(void)
{
	static enum zone_keeper bitmaps = ZONE_BITMAPS;
	static enum zone_keeper lists = ZONE_LISTS;
	static enum zone_keeper typed = ZONE_TYPED;
	const struct CMUnitTest tests[] = {
	    FOR_ALL(test_zones_are_tried_from_the_highest_down),
	    FOR_ALL(test_large_runs),
	    FOR_ALL(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
