#include "config.h"

#include "engine/base/bitmap.h"

#include "tests/unit/model.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#define ORACLE_BITS 20000u

static void make(struct bitmap *map, uint64_t bits)
{
	void *memory = calloc(1, bitmap_bytes(bits));

	assert_non_null(memory);
	bitmap_create(map, bits, memory);
}

static void drop(struct bitmap *map)
{
	free(map->level[0]);
}

/* 2^18 numbers: 4096 + 64 + 1 words, as the header draws it. */
static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(bitmap_bytes((uint64_t)1 << 18), (4096 + 64 + 1) * 8);
	assert_int_equal(bitmap_bytes(1), 8);
	assert_int_equal(bitmap_bytes(64), 8);
	assert_int_equal(bitmap_bytes(65), 24);
	assert_int_equal(bitmap_bytes(4096), (64 + 1) * 8);
}

/* The short forms for the first number of a map and for its last one. */
static void test_first_and_last(void **state)
{
	static const uint64_t sizes[] = {1, 64, 65, 4097, 262145};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bitmap map;

		make(&map, sizes[i]);
		bitmap_set_first(&map, sizes[i] / 2);
		assert_null(bitmap_check(&map));
		assert_int_equal(bitmap_count(&map), 1);
		assert_int_equal(bitmap_first(&map), sizes[i] / 2);
		bitmap_clear_last(&map, sizes[i] / 2);
		assert_null(bitmap_check(&map));
		assert_true(bitmap_is_empty(&map));
		drop(&map);
	}
}

/* An empty map, a map with every bit, and each single bit, at the sizes where a level appears. */
static void test_edges(void **state)
{
	static const uint64_t sizes[] = {1, 2, 63, 64, 65, 4095, 4096, 4097, 262144, 262145};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bitmap map;

		make(&map, sizes[i]);
		assert_true(bitmap_is_empty(&map));
		assert_true(bitmap_find_from(&map, 0) == BITMAP_NONE);
		bitmap_set(&map, sizes[i] - 1);
		assert_int_equal(bitmap_first(&map), sizes[i] - 1);
		assert_int_equal(bitmap_find_from(&map, 0), sizes[i] - 1);
		assert_true(bitmap_find_from(&map, sizes[i]) == BITMAP_NONE);
		assert_true(bitmap_find_from(&map, UINT64_MAX) == BITMAP_NONE);
		bitmap_set(&map, sizes[i] - 1);
		assert_int_equal(bitmap_count(&map), 1);
		assert_null(bitmap_check(&map));
		bitmap_clear(&map, sizes[i] - 1);
		bitmap_clear(&map, 0);
		assert_true(bitmap_is_empty(&map));
		for (uint64_t bit = 0; bit < sizes[i]; bit++)
			bitmap_set(&map, bit);
		assert_int_equal(bitmap_count(&map), sizes[i]);
		assert_null(bitmap_check(&map));
		drop(&map);
	}
}

static uint64_t oracle_find(const bool *oracle, uint64_t from)
{
	while (from < ORACLE_BITS && !oracle[from])
		from++;
	return from < ORACLE_BITS ? from : BITMAP_NONE;
}

static const char *compare(const struct bitmap *map, const bool *oracle, uint64_t operation)
{
	uint64_t from = operation >> 20 & 0x7fff;
	uint64_t first = oracle_find(oracle, 0);

	if (bitmap_find_from(map, from) != oracle_find(oracle, from))
		return "find_from differs";
	if (bitmap_is_empty(map) != (first == BITMAP_NONE))
		return "is_empty differs";
	if (first != BITMAP_NONE && bitmap_first(map) != first)
		return "first differs";
	if (bitmap_test(map, from % ORACLE_BITS) != oracle[from % ORACLE_BITS])
		return "test differs";
	return NULL;
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	bool *oracle = calloc(ORACLE_BITS, sizeof(*oracle));
	const char *wrong = NULL;
	struct bitmap map;

	(void)context;
	assert_non_null(oracle);
	make(&map, ORACLE_BITS);
	for (size_t i = 0; i < count && !wrong; i++) {
		uint64_t bit = operations[i] % ORACLE_BITS;

		oracle[bit] = operations[i] >> 60 < 6;
		if (oracle[bit])
			bitmap_set(&map, bit);
		else
			bitmap_clear(&map, bit);
		wrong = compare(&map, oracle, operations[i]);
	}
	if (!wrong)
		wrong = bitmap_check(&map);
	drop(&map);
	free(oracle);
	return wrong;
}

static void test_model(void **state)
{
	struct model model = {"bitmap", run, NULL, 3000, 20};

	(void)state;
	model_test(&model);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct bitmap map;

	(void)state;
	make(&map, 5000);
	bitmap_set(&map, 4999);
	map.level[1][0] |= 1;
	assert_string_equal(bitmap_check(&map),
			    "I1: bit i of level n+1 is set <=> word i of level n is not zero");
	map.level[1][0] &= ~(uint64_t)1;
	map.level[0][3] = 7;
	assert_string_equal(bitmap_check(&map),
			    "I1: bit i of level n+1 is set <=> word i of level n is not zero");
	map.level[0][3] = 0;
	assert_null(bitmap_check(&map));
	map.level[0][5000 / 64] |= (uint64_t)1 << 5000 % 64;
	assert_string_equal(bitmap_check(&map), "I2: no bit at or beyond `bits` is set");
	drop(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_edges),
	    cmocka_unit_test(test_first_and_last),
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
