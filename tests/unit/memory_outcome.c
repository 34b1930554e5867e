#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/physical/memory_outcome.h"
#include "engine/phys/gfp.h"

#include <stdlib.h>
#include <string.h>

/* 128 MiB: 16 of DMA, whose first is reserved, and 112 of DMA32: 63 blocks of 2 MiB and what is left of DMA's first. */
#define PAGES ((uint64_t)32768)

static void boot(struct memory *memory, enum zone_keeper keeper)
{
	const struct memory_shape shape = {.size = {.pages = PAGES},
					   .backing = ARENA_NONE,
					   .max_order = 10,
					   .tuning = PCP_TUNED,
					   .keeper = keeper};

	assert_int_equal(memory_create(memory, &shape), STATUS_OK);
}

static struct page *take(struct memory *memory, unsigned flags, unsigned order)
{
	const struct gfp gfp = {.flags = flags, .cpu = -1};
	struct page *page = alloc_pages(memory, &gfp, order);

	assert_non_null(page);
	return page;
}

static void test_a_machine(void **state)
{
	static const enum zone_keeper keepers[] = {ZONE_BITMAPS, ZONE_LISTS, ZONE_TYPED};

	(void)state;
	for (size_t i = 0; i < sizeof(keepers) / sizeof(keepers[0]); i++) {
		struct memory_outcome outcome = {0};
		struct memory memory;

		boot(&memory, keepers[i]);
		memory_outcome_take(&outcome, &memory);
		assert_true(outcome.has_free);
		assert_int_equal(memory_outcome_huge(&outcome), 63);
		assert_int_equal(outcome.kernel_blocks, 0);
		(void)take(&memory, GFP_HIGHUSER_MOVABLE, 0);
		memory_outcome_take(&outcome, &memory);
		assert_int_equal(memory_outcome_huge(&outcome), 62);
		assert_int_equal(outcome.kernel_blocks, 0);
		/* A block over two pageblocks, and a page that shares one with others of its kind. */
		struct page *large = take(&memory, GFP_KERNEL, 10);

		(void)take(&memory, GFP_KERNEL, 0);
		(void)take(&memory, GFP_KERNEL, 0);
		memory_outcome_take(&outcome, &memory);
		assert_int_equal(outcome.kernel_blocks, 3);
		free_pages_of(&memory, -1, large, 10);
		memory_outcome_take(&outcome, &memory);
		assert_int_equal(outcome.kernel_blocks, 1);
		memory_destroy(&memory);
	}
}

/* A huge page that is divided is as movable as it was. */
static void test_pieces_move(void **state)
{
	struct memory_outcome outcome = {0};
	struct memory memory;

	(void)state;
	boot(&memory, ZONE_LISTS);
	split_page(&memory, take(&memory, GFP_HIGHUSER_MOVABLE & ~(unsigned)GFP_COMP, 9), 9);
	memory_outcome_take(&outcome, &memory);
	assert_int_equal(outcome.kernel_blocks, 0);
	memory_destroy(&memory);
}

static void test_load(void **state)
{
	struct memory_outcome outcome = {.has_free = true, .kernel_blocks = OUTCOME_UNKNOWN};

	(void)state;
	assert_false(ratio_exists(memory_outcome_huge_refused(&outcome)));
	outcome_load_count(&outcome.load, 0, false);
	outcome_load_count(&outcome.load, 8, true);
	assert_false(ratio_exists(memory_outcome_huge_refused(&outcome)));
	outcome_load_count(&outcome.load, 9, false);
	outcome_load_count(&outcome.load, 10, true);
	assert_int_equal(outcome.load.all.asked, 4);
	assert_int_equal(outcome.load.all.refused, 2);
	assert_true(ratio_value(memory_outcome_huge_refused(&outcome)) == 0.5);
}

static char *written(const struct memory_outcome *outcome)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	assert_non_null(file);
	memory_outcome_write(outcome, file);
	assert_int_equal(fclose(file), 0);
	return text;
}

static void test_series_and_json(void **state)
{
	struct memory_outcome outcome = {
	    .has_free = true, .free = {{512, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, .kernel_blocks = OUTCOME_UNKNOWN};
	char *text;

	(void)state;
	outcome_load_count(&outcome.load, 9, true);
	text = written(&outcome);
	assert_string_equal(
	    text, "# blocks\thuge_blocks\tfree_huge_over_optimal\tunusable_free_index_order9\t"
		  "kernel_huge_blocks\trequests\trefused\thuge_requests\thuge_refused\thuge_refused_share\n"
		  "513\t1\t0.5\t0.5\t?\t1\t1\t1\t1\t1\n");
	free(text);
	json_t *json = memory_outcome_json(&outcome);

	assert_int_equal(json_integer_value(json_object_get(json, "huge_blocks")), 1);
	assert_true(json_is_null(json_object_get(json, "kernel_huge_blocks")));
	assert_true(json_real_value(json_object_get(json, "free_huge_over_optimal")) == 0.5);
	json_decref(json);
	outcome = (struct memory_outcome){.kernel_blocks = 7};
	text = written(&outcome);
	assert_non_null(strstr(text, "\n?\t?\t?\t?\t7\t0\t0\t0\t0\t?\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_machine),
					   cmocka_unit_test(test_pieces_move), cmocka_unit_test(test_load),
					   cmocka_unit_test(test_series_and_json)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
