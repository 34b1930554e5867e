#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/replay/block_table.h"

#include <stdlib.h>
#include <string.h>

#define OBJECTS 5000

/* Random insertions and removals beside an array of flags. */
static void behaves_like_an_array(void **state)
{
	static bool member[OBJECTS + 1];
	struct block_table table = {0};
	uint64_t random = 42;
	size_t count = 0;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		random = random * UINT64_C(6364136223846793005) + 1;
		uint64_t object = 1 + (random >> 33) % OBJECTS;

		if (member[object]) {
			assert_int_equal(block_table_find(&table, object)->size, object * 3);
			block_table_remove(&table, object);
			count--;
		} else {
			struct live_block block = {.object = object, .size = object * 3};

			assert_null(block_table_find(&table, object));
			assert_true(block_table_insert(&table, &block));
			count++;
		}
		member[object] = !member[object];
		assert_int_equal(table.count, count);
		if (i % 5000 == 0)
			assert_null(block_table_check(&table));
	}
	assert_null(block_table_check(&table));
	struct live_block *sorted = block_table_sorted(&table);
	size_t at = 0;

	assert_non_null(sorted);
	for (uint64_t object = 1; object <= OBJECTS; object++) {
		if (member[object])
			assert_int_equal(sorted[at++].object, object);
	}
	assert_int_equal(at, count);
	free(sorted);
	block_table_clear(&table);
	assert_null(block_table_find(&table, 1));
}

static void each_invariant_is_checked(void **state)
{
	struct block_table table = {0};
	struct live_block block = {.object = 1};

	(void)state;
	assert_null(block_table_check(&table));
	assert_true(block_table_insert(&table, &block));
	table.count = 2;
	assert_string_equal(block_table_check(&table),
			    "I1: count = occupied entries, at most 3/4 of the capacity");
	table.count = 1;
	size_t at = (size_t)(block_table_find(&table, 1) - table.entry);

	table.entry[(at + 5) % table.capacity] = table.entry[at];
	table.entry[at].object = 0;
	assert_string_equal(block_table_check(&table), "I2: every member is found from its home position");
	block_table_clear(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(behaves_like_an_array),
	    cmocka_unit_test(each_invariant_is_checked),
	};

	return cmocka_run_group_tests_name("block_table", tests, NULL, NULL);
}
