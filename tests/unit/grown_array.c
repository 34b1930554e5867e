#include "config.h"

#include "traces/grown_array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void one_after_another(void **state)
{
	size_t capacity = 0, moves = 0;
	uint32_t *number = NULL;

	(void)state;
	for (size_t i = 0; i < 100000; i++) {
		const size_t before = capacity;
		uint32_t *larger = grown_array(number, i, &capacity, sizeof(*number));

		assert_non_null(larger);
		assert_true(capacity > i);
		if (capacity == before)
			assert_ptr_equal(larger, number);
		moves += capacity != before;
		number = larger;
		assert_int_equal(number[i], 0);
		number[i] = (uint32_t)i;
	}
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(number[i], i);
	assert_int_equal(moves, 14); /* 16 * 2^13 is the first capacity that holds them */
	free(number);
}

static void far_beyond_the_end(void **state)
{
	size_t capacity = 0;
	uint8_t *byte = grown_array(NULL, 5000, &capacity, 1);

	(void)state;
	assert_non_null(byte);
	assert_int_equal(capacity, 8192);
	for (size_t i = 0; i < capacity; i++)
		assert_int_equal(byte[i], 0);
	assert_ptr_equal(grown_array(byte, 8191, &capacity, 1), byte);
	free(byte);
}

static void too_much_changes_nothing(void **state)
{
	size_t capacity = 0;
	uint64_t *number = grown_array(NULL, 0, &capacity, sizeof(*number));

	(void)state;
	assert_non_null(number);
	number[15] = 15;
	assert_null(grown_array(number, SIZE_MAX / 8, &capacity, sizeof(*number)));
	assert_null(grown_array(number, SIZE_MAX, &capacity, sizeof(*number)));
	assert_int_equal(capacity, 16);
	assert_int_equal(number[15], 15);
	free(number);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_after_another),
	    cmocka_unit_test(far_beyond_the_end),
	    cmocka_unit_test(too_much_changes_nothing),
	};

	return cmocka_run_group_tests_name("grown_array", tests, NULL, NULL);
}
