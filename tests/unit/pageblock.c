#include "config.h"

#include "engine/phys/pageblock.h"

#include "tests/unit/death.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Frames 300 .. 1299 reach into three pageblocks: | 0 | 1 | 2 |. */
static void rig_make(struct pageblocks *pageblocks)
{
	assert_int_equal(pageblocks_create(pageblocks, 300, 1000), STATUS_OK);
}

static void all_are_movable_at_boot(void **state)
{
	struct pageblocks pageblocks;

	(void)state;
	rig_make(&pageblocks);
	assert_int_equal(pageblocks.first, 0);
	assert_int_equal(pageblocks.count, 3);
	assert_int_equal(pageblocks.blocks[MIGRATE_MOVABLE], 3);
	for (pfn_t pfn = 300; pfn < 1300; pfn += 100)
		assert_int_equal(pageblock_type(&pageblocks, pfn), MIGRATE_MOVABLE);
	assert_null(pageblocks_check(&pageblocks));
	pageblocks_destroy(&pageblocks);
}

static void type_is_kept_while_isolated(void **state)
{
	struct pageblocks pageblocks;

	(void)state;
	rig_make(&pageblocks);
	pageblock_set_type(&pageblocks, 700, MIGRATE_RECLAIMABLE);
	assert_int_equal(pageblock_type(&pageblocks, 512), MIGRATE_RECLAIMABLE);
	assert_int_equal(pageblock_type(&pageblocks, 511), MIGRATE_MOVABLE);
	pageblock_set_isolated(&pageblocks, 1023, true);
	assert_int_equal(pageblock_type(&pageblocks, 512), MIGRATE_ISOLATE);
	assert_int_equal(pageblock_kept_type(&pageblocks, 512), MIGRATE_RECLAIMABLE);
	assert_true(pageblock_is_isolated(&pageblocks, 600));
	pageblock_set_type(&pageblocks, 512, MIGRATE_CMA);
	assert_int_equal(pageblocks.blocks[MIGRATE_ISOLATE], 1);
	assert_int_equal(pageblocks.blocks[MIGRATE_CMA], 0);
	pageblock_set_isolated(&pageblocks, 512, false);
	assert_int_equal(pageblock_type(&pageblocks, 512), MIGRATE_CMA);
	assert_int_equal(pageblocks.blocks[MIGRATE_CMA], 1);
	assert_null(pageblocks_check(&pageblocks));
	pageblocks_destroy(&pageblocks);
}

static void skips_are_apart_from_types(void **state)
{
	struct pageblocks pageblocks;

	(void)state;
	rig_make(&pageblocks);
	pageblock_skip(&pageblocks, 1024);
	assert_true(pageblock_is_skipped(&pageblocks, 1299));
	assert_false(pageblock_is_skipped(&pageblocks, 1023));
	assert_int_equal(pageblock_type(&pageblocks, 1024), MIGRATE_MOVABLE);
	assert_null(pageblocks_check(&pageblocks));
	pageblocks_forget_skips(&pageblocks);
	assert_false(pageblock_is_skipped(&pageblocks, 1024));
	pageblocks_destroy(&pageblocks);
}

static void isolate_is_no_type(void *argument)
{
	pageblock_set_type(argument, 512, MIGRATE_ISOLATE);
}

static void isolated_is_not_a_type_to_set(void **state)
{
	struct pageblocks pageblocks;

	(void)state;
	rig_make(&pageblocks);
	assert_dies(isolate_is_no_type, &pageblocks, "a pageblock's type is one that its pages can have");
	pageblocks_destroy(&pageblocks);
}

static void names_and_fallbacks_are_the_kernels(void **state)
{
	static const char *const names[] = {"Unmovable",  "Movable", "Reclaimable",
					    "HighAtomic", "CMA",     "Isolate"};

	(void)state;
	for (unsigned type = 0; type < MIGRATE_TYPES; type++)
		assert_string_equal(migrate_type_name((enum migrate_type)type), names[type]);
	assert_int_equal(migrate_fallback(MIGRATE_UNMOVABLE, 0), MIGRATE_RECLAIMABLE);
	assert_int_equal(migrate_fallback(MIGRATE_UNMOVABLE, 1), MIGRATE_MOVABLE);
	assert_int_equal(migrate_fallback(MIGRATE_MOVABLE, 0), MIGRATE_RECLAIMABLE);
	assert_int_equal(migrate_fallback(MIGRATE_MOVABLE, 1), MIGRATE_UNMOVABLE);
	assert_int_equal(migrate_fallback(MIGRATE_RECLAIMABLE, 0), MIGRATE_UNMOVABLE);
	assert_int_equal(migrate_fallback(MIGRATE_RECLAIMABLE, 1), MIGRATE_MOVABLE);
	for (unsigned type = 0; type < MIGRATE_TYPES; type++)
		assert_int_equal(migrate_type_is_mergeable((enum migrate_type)type), type < MIGRATE_PCPTYPES);
}

static void every_corruption_is_found(void **state)
{
	struct pageblocks pageblocks;

	(void)state;
	rig_make(&pageblocks);
	pageblocks.bits[1] = MIGRATE_ISOLATE;
	assert_string_equal(pageblocks_check(&pageblocks),
			    "I1: a block's byte holds a type below Isolate, and no unknown bits");
	pageblocks.bits[1] = 0x80 | MIGRATE_MOVABLE;
	assert_string_equal(pageblocks_check(&pageblocks),
			    "I1: a block's byte holds a type below Isolate, and no unknown bits");
	pageblocks.bits[1] = MIGRATE_CMA;
	assert_string_equal(pageblocks_check(&pageblocks), "I2: blocks[type] = blocks that answer this type");
	pageblocks_destroy(&pageblocks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_are_movable_at_boot),
	    cmocka_unit_test(type_is_kept_while_isolated),
	    cmocka_unit_test(skips_are_apart_from_types),
	    cmocka_unit_test(isolated_is_not_a_type_to_set),
	    cmocka_unit_test(names_and_fallbacks_are_the_kernels),
	    cmocka_unit_test(every_corruption_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
