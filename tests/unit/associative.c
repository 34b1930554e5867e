#include "config.h"

#include "engine/virt/associative.h"

#include "tests/unit/model.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- The oracle: every entry with the time of its last use and of its coming, found by looking at all --------------- */

#define ORACLE_ENTRIES 512u

struct oracle {
	struct associative_shape shape;
	uint64_t clock;
	struct {
		uint64_t key, used, came;
		bool valid;
	} entry[ORACLE_ENTRIES];
};

static uint32_t oracle_set(const struct oracle *oracle, uint64_t key)
{
	return (uint32_t)((key & ASSOCIATIVE_PAGE_MASK) % (oracle->shape.entries / oracle->shape.ways));
}

/* LRU or FIFO. True when the key was there. */
static bool oracle_access(struct oracle *oracle, uint64_t key)
{
	uint32_t first = oracle_set(oracle, key) * oracle->shape.ways;
	uint32_t victim = first;

	oracle->clock++;
	for (uint32_t i = first; i < first + oracle->shape.ways; i++) {
		if (oracle->entry[i].valid && oracle->entry[i].key == key) {
			oracle->entry[i].used = oracle->clock;
			return true;
		}
	}
	for (uint32_t i = first; i < first + oracle->shape.ways; i++) {
		uint64_t age =
		    oracle->shape.replace == REPLACE_LRU ? oracle->entry[i].used : oracle->entry[i].came;
		uint64_t oldest = oracle->shape.replace == REPLACE_LRU ? oracle->entry[victim].used
								       : oracle->entry[victim].came;

		if (!oracle->entry[i].valid) {
			victim = i;
			break;
		}
		if (age < oldest)
			victim = i;
	}
	oracle->entry[victim].valid = true;
	oracle->entry[victim].key = key;
	oracle->entry[victim].used = oracle->entry[victim].came = oracle->clock;
	return false;
}

static uint32_t oracle_remove(struct oracle *oracle, uint64_t mask, uint64_t value)
{
	uint32_t removed = 0;

	for (uint32_t i = 0; i < oracle->shape.entries; i++) {
		if (oracle->entry[i].valid && (oracle->entry[i].key & mask) == value) {
			oracle->entry[i].valid = false;
			removed++;
		}
	}
	return removed;
}

static uint64_t key_of(uint64_t random)
{
	uint64_t pages = random >> 60 == 0 ? ASSOCIATIVE_PAGE_MASK : 300;

	return (random >> 8) % pages | (random >> 50 & 1) << ASSOCIATIVE_CLASS_SHIFT |
	       (random >> 52 & 1) << ASSOCIATIVE_SPACE_SHIFT;
}

static const char *remove_some(struct associative *array, struct oracle *oracle, uint64_t operation)
{
	uint64_t space = UINT64_MAX << ASSOCIATIVE_SPACE_SHIFT;

	if (operation % 3 == 0)
		return associative_remove(array, key_of(operation)) ==
			       (oracle_remove(oracle, UINT64_MAX, key_of(operation)) == 1)
			   ? NULL
			   : "one key: removed on one side only";
	return associative_remove_matching(array, space, key_of(operation) & space) ==
		       oracle_remove(oracle, space, key_of(operation) & space)
		   ? NULL
		   : "a space: the sides removed different numbers";
}

static const char *run_model(const void *context, const uint64_t *operations, size_t count)
{
	const struct associative_shape *shape = context;
	struct oracle *oracle = calloc(1, sizeof(*oracle));
	struct associative array;
	const char *broken = NULL;

	assert_non_null(oracle);
	assert_int_equal(associative_create(&array, shape), STATUS_OK);
	oracle->shape = *shape;
	for (size_t i = 0; i < count && !broken; i++) {
		uint64_t key = key_of(operations[i]);
		uint16_t missed;

		if (operations[i] % 64 == 0)
			broken = remove_some(&array, oracle, operations[i] / 64);
		else if ((operations[i] % 64 < 32
			      ? associative_run(&array, &key, 1, &missed) == 0
			      : associative_access(&array, key)) != oracle_access(oracle, key))
			broken = "a hit on one side is a miss on the other";
		if (!broken && i % 16 == 0)
			broken = associative_check(&array);
	}
	associative_destroy(&array);
	free(oracle);
	return broken;
}

static const struct associative_shape ordered_shapes[] = {
    {1, 1, REPLACE_LRU, 0},    {4, 4, REPLACE_LRU, 0},	 {64, 4, REPLACE_LRU, 0},
    {12, 3, REPLACE_LRU, 0},   {60, 5, REPLACE_LRU, 0},	 {96, 6, REPLACE_LRU, 0},
    {384, 8, REPLACE_LRU, 0},  {24, 8, REPLACE_LRU, 0},	 {120, 12, REPLACE_LRU, 0},
    {96, 12, REPLACE_LRU, 0},  {90, 15, REPLACE_LRU, 0}, {256, 16, REPLACE_LRU, 0},
    {48, 48, REPLACE_LRU, 0},  {72, 72, REPLACE_LRU, 0}, {63, 21, REPLACE_LRU, 0},
    {160, 40, REPLACE_LRU, 0}, {64, 4, REPLACE_FIFO, 0}, {72, 72, REPLACE_FIFO, 0},
    {36, 12, REPLACE_FIFO, 0},
};

static void test_lru_and_fifo_against_an_oracle(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ordered_shapes) / sizeof(ordered_shapes[0]); i++) {
		struct model model = {"associative", run_model, &ordered_shapes[i], 4000, 5};

		model_test(&model);
	}
}

/* The batch with and without AVX2, and one access at a time: the same misses and the same tags in the end. */
static void test_batches_are_the_same_to_the_bit(void **state)
{
	static uint64_t keys[ASSOCIATIVE_RUN_MAX];
	static uint16_t wide[ASSOCIATIVE_RUN_MAX], narrow[ASSOCIATIVE_RUN_MAX];
	static const enum replacement kinds[] = {REPLACE_LRU, REPLACE_TREE_PLRU, REPLACE_FIFO,
						 REPLACE_RANDOM};
	static const uint32_t ways[] = {1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17, 20, 33, 64, 72};
	struct random random = {7};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) * 4; i++) {
		struct associative_shape shape = {ways[i / 4] * (1 + (uint32_t)random_below(&random, 6)),
						  ways[i / 4], kinds[i % 4], 5};
		struct associative fast, slow;

		if (shape.replace == REPLACE_TREE_PLRU && (shape.ways & (shape.ways - 1)) != 0)
			continue;
		assert_int_equal(associative_create(&fast, &shape), STATUS_OK);
		assert_int_equal(associative_create(&slow, &shape), STATUS_OK);
		associative_use_portable(&slow);
		for (unsigned round = 0; round < 4; round++) {
			for (unsigned k = 0; k < ASSOCIATIVE_RUN_MAX; k++)
				keys[k] = random_below(&random, 40u + 40u * round);
			uint32_t misses = associative_run(&fast, keys, ASSOCIATIVE_RUN_MAX, wide);

			assert_int_equal(associative_run(&slow, keys, ASSOCIATIVE_RUN_MAX, narrow), misses);
			assert_memory_equal(wide, narrow, misses * sizeof(wide[0]));
			assert_memory_equal(fast.tag, slow.tag,
					    associative_places(&fast) * sizeof(fast.tag[0]));
			assert_null(associative_check(&fast));
		}
		associative_destroy(&fast);
		associative_destroy(&slow);
	}
}

/* Keys of more windows than there are numbers, in batches and one by one: the numbers are taken back again and again, and
 * nothing else changes. */
static void test_windows_run_out(void **state)
{
	static const struct associative_shape shapes[] = {
	    {48, 12, REPLACE_LRU, 0}, {24, 8, REPLACE_LRU, 0}, {16, 4, REPLACE_TREE_PLRU, 0}};
	static uint64_t keys[ASSOCIATIVE_RUN_MAX];
	static uint16_t missed[ASSOCIATIVE_RUN_MAX];
	struct random random = {11};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct associative batched, single;
		uint64_t made = 32;

		assert_int_equal(associative_create(&batched, &shapes[i]), STATUS_OK);
		assert_int_equal(associative_create(&single, &shapes[i]), STATUS_OK);
		while (made < 4 * (uint64_t)batched.windows.limit) {
			uint32_t misses = 0;
			uint32_t next = 0;

			for (unsigned k = 0; k < ASSOCIATIVE_RUN_MAX; k++)
				keys[k] = (made++ - random_below(&random, 20)) << 32 | (k & 3);
			misses = associative_run(&batched, keys, ASSOCIATIVE_RUN_MAX, missed);
			for (unsigned k = 0; k < ASSOCIATIVE_RUN_MAX; k++) {
				bool hit = next >= misses || missed[next] != k;

				assert_int_equal(associative_access(&single, keys[k]), hit);
				next += !hit;
			}
			assert_int_equal(next, misses);
			assert_null(associative_check(&batched));
			assert_null(associative_check(&single));
		}
		for (size_t at = 0; at < associative_places(&batched); at++)
			assert_true(associative_key_at(&batched, at) == associative_key_at(&single, at));
		associative_destroy(&batched);
		associative_destroy(&single);
	}
}

/* Against the division: the sets of every odd number of sets. */
static void test_sets_without_a_division(void **state)
{
	struct random random = {13};

	(void)state;
	for (uint32_t sets = 1; sets < 65536; sets += 1 + sets / 16) {
		struct associative_shape shape = {sets, 1, REPLACE_LRU, 0};
		struct associative array;

		assert_int_equal(associative_create(&array, &shape), STATUS_OK);
		for (unsigned i = 0; i < 50; i++) {
			uint64_t page = random_next(&random) & ASSOCIATIVE_PAGE_MASK;

			page = i == 0	? ASSOCIATIVE_PAGE_MASK
			       : i == 1 ? 0
			       : i == 2 ? page / sets * sets
					: page;
			assert_int_equal(associative_set_of(&array, page), page % sets);
		}
		associative_destroy(&array);
	}
}

/* Four ways, tree-PLRU, by hand:  fill 0 1 2 3, use 0: the tree points to the right half, there to way 2.
 *
 *        (1)            after 0 1 2 3: victim 0; after using 0: root -> right, right node -> way 2
 *      (2) (3)          so 4 replaces 2, and then root -> left, left node -> way 1: 5 replaces 1
 *     0  1 2  3
 */
static void test_tree_plru_by_hand(void **state)
{
	struct associative_shape shape = {4, 4, REPLACE_TREE_PLRU, 0};
	struct associative array;

	(void)state;
	assert_int_equal(associative_create(&array, &shape), STATUS_OK);
	for (uint64_t key = 0; key < 4; key++)
		assert_false(associative_access(&array, key));
	assert_true(associative_access(&array, 0));
	assert_false(associative_access(&array, 4));
	assert_false(associative_holds(&array, 2));
	assert_false(associative_access(&array, 5));
	assert_false(associative_holds(&array, 1));
	assert_true(associative_holds(&array, 0) && associative_holds(&array, 3));
	assert_null(associative_check(&array));
	associative_destroy(&array);
}

/* Tree-PLRU over two ways is LRU. */
static void test_tree_plru_of_two_ways_is_lru(void **state)
{
	struct associative_shape plru = {8, 2, REPLACE_TREE_PLRU, 0};
	struct associative_shape lru = {8, 2, REPLACE_LRU, 0};
	struct random random = {3};
	struct associative a, b;

	(void)state;
	assert_int_equal(associative_create(&a, &plru), STATUS_OK);
	assert_int_equal(associative_create(&b, &lru), STATUS_OK);
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t key = random_below(&random, 16);

		assert_int_equal(associative_access(&a, key), associative_access(&b, key));
	}
	associative_destroy(&a);
	associative_destroy(&b);
}

/* Random replacement: never while a way is empty; the same seed draws the same victims; each way is hit. */
static void test_random_replacement(void **state)
{
	struct associative_shape shape = {8, 8, REPLACE_RANDOM, 99};
	struct associative array, twin;

	(void)state;
	assert_int_equal(associative_create(&array, &shape), STATUS_OK);
	assert_int_equal(associative_create(&twin, &shape), STATUS_OK);
	for (uint64_t key = 0; key < 8; key++)
		assert_false(associative_access(&array, key) || associative_access(&twin, key));
	assert_int_equal(associative_count(&array), 8);
	for (uint64_t key = 8; key < 200; key++) {
		assert_false(associative_access(&array, key) || associative_access(&twin, key));
		assert_memory_equal(array.tag, twin.tag, 8 * sizeof(array.tag[0]));
	}
	for (uint64_t key = 0; key < 8; key++)
		assert_false(associative_holds(&array, key));
	associative_destroy(&array);
	associative_destroy(&twin);
}

static void test_shapes_out_of_bounds(void **state)
{
	static const struct associative_shape bad[] = {
	    {0, 1, REPLACE_LRU, 0},	    {4, 0, REPLACE_LRU, 0},	      {4, 8, REPLACE_LRU, 0},
	    {10, 4, REPLACE_LRU, 0},	    {65536 * 2, 4, REPLACE_LRU, 0},   {2048, 2048, REPLACE_LRU, 0},
	    {12, 12, REPLACE_TREE_PLRU, 0}, {128, 128, REPLACE_TREE_PLRU, 0}, {4, 4, (enum replacement)4, 0},
	};
	struct associative array;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(associative_create(&array, &bad[i]), STATUS_BAD_ARGUMENT);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct associative_shape lru = {12, 3, REPLACE_LRU, 0};
	struct associative_shape plru = {8, 4, REPLACE_TREE_PLRU, 0};
	struct associative array;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		static const char *const text[] = {
		    "I1: ", "I1: ", "I2: ", "I2: ", "I4: ", "I4: ", "I3: ", "I3: "};

		assert_int_equal(associative_create(&array, i < 6 ? &lru : &plru), STATUS_OK);
		for (uint64_t key = 0; key < 8; key++)
			(void)associative_access(&array, key);
		assert_null(associative_check(&array));
		if (i == 0)
			array.tag[0]++; /* another set's */
		else if (i == 1)
			array.tag[0] = array.tag[1];
		else if (i == 2)
			array.tag[0] = TAG_NONE;
		else if (i == 3)
			array.tag[3] = 0;
		else if (i == 4)
			array.tag[0] |= (uint32_t)1 << 31;
		else if (i == 5)
			array.windows.upper[0]++;
		else
			array.tree[0] |= i == 6 ? 1 : 16;
		assert_memory_equal(associative_check(&array), text[i], 4);
		associative_destroy(&array);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lru_and_fifo_against_an_oracle),
	    cmocka_unit_test(test_batches_are_the_same_to_the_bit),
	    cmocka_unit_test(test_windows_run_out),
	    cmocka_unit_test(test_sets_without_a_division),
	    cmocka_unit_test(test_tree_plru_by_hand),
	    cmocka_unit_test(test_tree_plru_of_two_ways_is_lru),
	    cmocka_unit_test(test_random_replacement),
	    cmocka_unit_test(test_shapes_out_of_bounds),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
