#include "config.h"

#include "engine/phys/fragmentation.h"

#include "engine/base/random.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static void assert_ratio(struct ratio ratio, double expected)
{
	assert_true(ratio_exists(ratio));
	assert_true(fabs(ratio_value(ratio) - expected) < 1e-12);
}

/* 3 single frames, 2 of order 3, 1 of order 9: F = 3 + 16 + 512 = 531, B = 6. */
static void test_worked_example(void **state)
{
	struct free_blocks free = {.blocks = {[0] = 3, [3] = 2, [9] = 1}};

	(void)state;
	assert_int_equal(free_blocks_pages(&free), 531);
	assert_ratio(fragmentation_unusable(&free, 0), 0.0);
	assert_ratio(fragmentation_unusable(&free, 1), 3.0 / 531);
	assert_ratio(fragmentation_unusable(&free, 4), 19.0 / 531);
	assert_ratio(fragmentation_unusable(&free, 10), 1.0);
	assert_false(ratio_exists(fragmentation_external(&free, 9)));
	assert_ratio(fragmentation_external(&free, 10), 1.0 - (1.0 + 531.0 / 1024) / 6);
	assert_ratio(fragmentation_huge_over_optimal(&free), 1.0);
}

/* Many single frames and nothing else: a large request fails because of fragmentation, towards 1. */
static void test_extremes(void **state)
{
	struct free_blocks none = {.blocks = {0}};
	struct free_blocks crumbs = {.blocks = {[0] = 1000000}};
	struct free_blocks one = {.blocks = {[0] = 1}};
	struct free_blocks whole = {.blocks = {[18] = 2}};

	(void)state;
	assert_false(ratio_exists(fragmentation_unusable(&none, 0)));
	assert_false(ratio_exists(fragmentation_external(&none, 9)));
	assert_false(ratio_exists(fragmentation_huge_over_optimal(&none)));
	assert_ratio(fragmentation_unusable(&crumbs, 9), 1.0);
	assert_true(ratio_value(fragmentation_external(&crumbs, 9)) > 0.99);
	assert_ratio(fragmentation_huge_over_optimal(&crumbs), 0.0);
	assert_ratio(fragmentation_external(&one, 9), -1.0 / 512);
	assert_ratio(fragmentation_huge_over_optimal(&whole), 1.0);
	assert_ratio(fragmentation_unusable(&whole, 18), 0.0);
}

/* The definitions themselves, in floating point, on random counts. */
static void test_against_the_definitions(void **state)
{
	struct random random = {.state = 3};

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct free_blocks free = {.blocks = {0}};
		unsigned orders = 1 + (unsigned)random_below(&random, FRAGMENTATION_ORDERS);
		double pages = 0;
		double blocks = 0;

		for (unsigned order = 0; order < orders; order++) {
			free.blocks[order] = random_below(&random, 50);
			pages += ldexp((double)free.blocks[order], (int)order);
			blocks += (double)free.blocks[order];
		}
		for (unsigned order = 0; order < FRAGMENTATION_ORDERS && pages > 0; order++) {
			double usable = 0;

			for (unsigned larger = order; larger < FRAGMENTATION_ORDERS; larger++)
				usable += ldexp((double)free.blocks[larger], (int)larger);
			assert_ratio(fragmentation_unusable(&free, order), (pages - usable) / pages);
			assert_int_equal(ratio_exists(fragmentation_external(&free, order)), usable == 0);
			if (usable == 0)
				assert_ratio(fragmentation_external(&free, order),
					     1 - (1 + pages / ldexp(1, (int)order)) / blocks);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_worked_example),
	    cmocka_unit_test(test_extremes),
	    cmocka_unit_test(test_against_the_definitions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
