#include "config.h"

#include "traces/generate/xoshiro.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

/* From the authors' C programs, run once with these states. */
static void the_published_sequences(void **state)
{
	static const uint64_t expected[] = {11520,
					    0,
					    1509978240,
					    UINT64_C(1215971899390074240),
					    UINT64_C(1216172134540287360),
					    UINT64_C(607988272756665600),
					    UINT64_C(16172922978634559625),
					    UINT64_C(8476171486693032832),
					    UINT64_C(10595114339597558777),
					    UINT64_C(2904607092377533576)};
	struct xoshiro random = {{1, 2, 3, 4}};

	(void)state;
	for (size_t index = 0; index < sizeof(expected) / sizeof(expected[0]); index++)
		assert_true(xoshiro_next(&random) == expected[index]);
	xoshiro_seed(&random, 0);
	assert_true(random.word[0] == UINT64_C(0xe220a8397b1dcdaf));
	assert_true(random.word[1] == UINT64_C(0x6e789e6aa1b965f4));
	assert_true(random.word[2] == UINT64_C(0x06c45d188009454f));
	assert_true(random.word[3] == UINT64_C(0xf88bb8a8724c81ec));
}

static void numbers_below_a_bound(void **state)
{
	uint64_t counts[10] = {0};
	struct xoshiro random;

	(void)state;
	xoshiro_seed(&random, 1);
	assert_int_equal(xoshiro_below(&random, 0), 0);
	assert_int_equal(xoshiro_below(&random, 1), 0);
	for (int draw = 0; draw < 100000; draw++)
		counts[xoshiro_below(&random, 10)]++;
	for (int value = 0; value < 10; value++)
		assert_in_range(counts[value], 9500, 10500);
	for (int draw = 0; draw < 1000; draw++) {
		assert_in_range(xoshiro_between(&random, 5, 7), 5, 7);
		assert_true(xoshiro_below(&random, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
	}
	assert_int_equal(xoshiro_between(&random, 9, 9), 9);
	(void)xoshiro_between(&random, 0, UINT64_MAX);
}

static void percentages(void **state)
{
	struct xoshiro random, before;
	unsigned hits = 0;

	(void)state;
	xoshiro_seed(&random, 1);
	before = random;
	assert_false(xoshiro_percent(&random, 0));
	assert_true(xoshiro_percent(&random, 100));
	assert_true(xoshiro_percent(&random, 1000));
	assert_memory_equal(&random, &before, sizeof(random));
	for (int draw = 0; draw < 100000; draw++)
		hits += xoshiro_percent(&random, 20);
	assert_in_range(hits, 19500, 20500);
}

/* Mean, and the shares beyond 1, 2 and 4 means: e^-1, e^-2, e^-4. Each bound is 5 standard deviations
 * wide. */
static void exponential_numbers(void **state)
{
	const uint64_t mean = 1000000, draws = 200000;
	uint64_t sum = 0, beyond1 = 0, beyond2 = 0, beyond4 = 0;
	struct xoshiro random;

	(void)state;
	xoshiro_seed(&random, 1);
	for (uint64_t draw = 0; draw < draws; draw++) {
		uint64_t value = xoshiro_exponential(&random, mean);

		sum += value;
		beyond1 += value > mean;
		beyond2 += value > 2 * mean;
		beyond4 += value > 4 * mean;
	}
	assert_in_range(sum / draws, 988800, 1011200);
	assert_in_range(beyond1, 72500, 74660);
	assert_in_range(beyond2, 26300, 27840);
	assert_in_range(beyond4, 3360, 3970);
	assert_int_equal(xoshiro_exponential(&random, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_published_sequences),
	    cmocka_unit_test(numbers_below_a_bound),
	    cmocka_unit_test(percentages),
	    cmocka_unit_test(exponential_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
