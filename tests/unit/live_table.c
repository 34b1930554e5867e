#include "config.h"

#include "engine/live_table.h"

#include "tests/unit/death.h"
#include "tests/unit/model.h"

#include <stdarg.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#define ADDRESSES 6000u

/* Addresses 4096 .. with a step of 16, some of them live. The table grows once on the way. */
static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	static uint64_t oracle[ADDRESSES]; /* bytes + 1, 0 = not live */
	struct live_table table;
	const char *wrong = NULL;
	uint64_t objects = 0;

	(void)context;
	memset(oracle, 0, sizeof(oracle));
	assert_int_equal(live_table_create(&table), STATUS_OK);
	for (size_t i = 0; i < count && !wrong; i++) {
		size_t which = operations[i] % ADDRESSES;
		uintptr_t address = 4096 + which * 16;
		const struct live_block *block = live_table_find(&table, address);

		if ((block != NULL) != (oracle[which] != 0) || (block && block->bytes + 1 != oracle[which]))
			wrong = "find differs";
		else if (block && operations[i] >> 60 < 9) {
			if (live_table_remove(&table, address) + 1 != oracle[which])
				wrong = "remove differs";
			oracle[which] = 0;
			objects--;
		} else if (!block) {
			oracle[which] = 1 + (operations[i] >> 20 & 0xffff);
			assert_int_equal(live_table_add(&table, address, oracle[which] - 1), STATUS_OK);
			objects++;
		}
		if (!wrong && (table.objects != objects || i % 256 == 0))
			wrong = table.objects != objects ? "objects differ" : live_table_check(&table);
	}
	live_table_destroy(&table);
	return wrong;
}

static void test_model(void **state)
{
	struct model model = {"live_table", run, NULL, 30000, 3};

	(void)state;
	model_test(&model);
}

static void remove_missing(void *table)
{
	(void)live_table_remove(table, 48);
}

static void add_twice(void *table)
{
	assert_int_equal(live_table_add(table, 16, 1), STATUS_OK);
}

static void test_mistakes_die(void **state)
{
	struct live_table table;

	(void)state;
	assert_int_equal(live_table_create(&table), STATUS_OK);
	assert_int_equal(live_table_add(&table, 16, 100), STATUS_OK);
	assert_dies(remove_missing, &table, "what is freed is live");
	assert_dies(add_twice, &table, "where no live one is");
	assert_null(live_table_find(&table, 0));
	live_table_destroy(&table);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct live_table table;

	(void)state;
	assert_int_equal(live_table_create(&table), STATUS_OK);
	assert_int_equal(live_table_add(&table, 16, 100), STATUS_OK);
	table.bytes++;
	assert_memory_equal(live_table_check(&table), "I1", 2);
	table.bytes--;
	struct live_block *block = &table.block[live_table_find(&table, 16) - table.block];
	struct live_block moved = *block;
	uint64_t slot = (uint64_t)(block - table.block);

	*block = (struct live_block){0, 0};
	table.block[(slot + 9) % table.slots] = moved;
	assert_memory_equal(live_table_check(&table), "I2", 2);
	table.slots--;
	assert_memory_equal(live_table_check(&table), "I3", 2);
	table.slots++;
	live_table_destroy(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_mistakes_die),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
