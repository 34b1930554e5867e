#include "config.h"

#include "traces/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IDS 5000
#define SETS 6

/* The naive oracle: an array per set. */
struct oracle {
	struct live_object object[IDS + 1];
};

static uint64_t draw(uint64_t *state, uint64_t below)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	return (z ^ (z >> 27)) % below;
}

struct comparison {
	const struct oracle *oracle;
	uint64_t previous, objects;
};

static bool compare(void *context, uint64_t id, const struct live_object *object)
{
	struct comparison *comparison = context;

	assert_true(id > comparison->previous);
	assert_memory_equal(object, &comparison->oracle->object[id], sizeof(*object));
	comparison->previous = id;
	comparison->objects++;
	return true;
}

static void assert_equals_oracle(const struct live_set *set, const struct oracle *oracle)
{
	struct comparison comparison = {.oracle = oracle};
	uint64_t objects = 0, bytes = 0;

	assert_null(live_set_check(set));
	for (uint64_t id = 1; id <= IDS; id++) {
		objects += oracle->object[id].live;
		bytes += oracle->object[id].size_bytes;
		assert_int_equal(live_set_find(set, id) != NULL, oracle->object[id].live);
	}
	assert_true(live_set_each(set, compare, &comparison));
	assert_int_equal(comparison.objects, objects);
	assert_int_equal(set->objects, objects);
	assert_int_equal(set->bytes, bytes);
}

static void change_one(struct live_set *set, struct oracle *oracle, uint64_t *random)
{
	const uint64_t id = 1 + draw(random, 1 + draw(random, IDS));
	struct live_object *known = &oracle->object[id];

	if (known->live && draw(random, 4) == 0) {
		known->label = draw(random, 1000);
		assert_true(live_set_label(set, id, known->label));
	} else if (known->live) {
		assert_true(live_set_remove(set, id));
		*known = (struct live_object){0};
	} else {
		*known =
		    (struct live_object){.size_bytes = draw(random, 100), .thread = (uint32_t)id, .live = 1};
		assert_true(live_set_insert(set, id, known));
	}
}

/* Random changes of several sets that share nodes through forks, beside arrays that share nothing. */
static void test_against_arrays(void **state)
{
	struct live_set set[SETS] = {LIVE_SET_EMPTY};
	struct oracle *oracle = calloc(SETS, sizeof(*oracle));

	(void)state;
	assert_non_null(oracle);
	for (uint64_t seed = 1; seed <= 3; seed++) {
		uint64_t random = seed;

		for (unsigned step = 0; step < 60000; step++) {
			const unsigned at = (unsigned)draw(&random, SETS),
				       other = (unsigned)draw(&random, SETS);

			if (draw(&random, 500) == 0 && at != other) {
				live_set_clear(&set[other]);
				live_set_share(&set[other], &set[at]);
				oracle[other] = oracle[at];
			} else if (draw(&random, 5000) == 0) {
				live_set_clear(&set[at]);
				memset(&oracle[at], 0, sizeof(oracle[at]));
			} else {
				change_one(&set[at], &oracle[at], &random);
			}
		}
		for (unsigned i = 0; i < SETS; i++)
			assert_equals_oracle(&set[i], &oracle[i]);
	}
	for (unsigned i = 0; i < SETS; i++)
		live_set_clear(&set[i]);
	free(oracle);
}

static void test_far_ids(void **state)
{
	static const uint64_t ids[] = {1, 32, 33, 8192, 8193, UINT64_C(1) << 21, UINT64_C(1) << 40, 2};
	const struct live_object object = {.size_bytes = 5};
	struct live_set set = LIVE_SET_EMPTY;

	(void)state;
	assert_null(live_set_find(&set, 1));
	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		assert_null(live_set_find(&set, ids[i]));
		assert_true(live_set_insert(&set, ids[i], &object));
		assert_non_null(live_set_find(&set, ids[i]));
		assert_null(live_set_check(&set));
	}
	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		assert_true(live_set_remove(&set, ids[i]));
		assert_null(live_set_find(&set, ids[i]));
		assert_null(live_set_check(&set));
	}
	assert_null(set.root); /* all nodes given back */
	live_set_clear(&set);
}

/* Each invariant broken once. The first words of a node are its owners and its count (live.c). */
static void test_corruption_is_named(void **state)
{
	const struct live_object object = {.size_bytes = 5};
	struct live_set set = LIVE_SET_EMPTY;
	uint32_t *root;

	(void)state;
	assert_true(live_set_insert(&set, 3, &object));
	root = set.root;
	root[1]++;
	assert_string_equal(live_set_check(&set), "I1: a leaf's count = its live objects, and is not 0");
	root[1]--;
	assert_true(live_set_insert(&set, 500, &object));
	root = set.root;
	root[1]++;
	assert_string_equal(live_set_check(&set), "I2: a branch's count = its children, and is not 0");
	root[1]--;
	set.objects++;
	assert_string_equal(live_set_check(&set), "I3: objects = the sum of the leaves' counts");
	set.objects--;
	set.bytes++;
	assert_string_equal(live_set_check(&set), "I4: bytes = the sum of the live objects' sizes");
	set.bytes--;
	assert_true(live_set_remove(&set, 500));
	assert_non_null(set.spare[0]);
	root = set.spare[0];
	root[2] = 1;
	assert_string_equal(live_set_check(&set), "I5: a spare node is all zero but for its owner");
	root[2] = 0;
	assert_null(live_set_check(&set));
	live_set_clear(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_against_arrays),
	    cmocka_unit_test(test_far_ids),
	    cmocka_unit_test(test_corruption_is_named),
	};

	return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
