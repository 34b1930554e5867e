#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/replay/slot_pool.h"

#include <stdlib.h>
#include <string.h>

#define LIVE 300

/* Takes and gives at random; no slot is handed out twice, and the pool stays within its bound. */
static void churn(uint32_t lanes)
{
	struct slot_pool pool;
	uint32_t held[LIVE];
	bool *out = calloc(1 << 20, sizeof(out[0]));
	uint64_t random = 7;
	size_t count = 0, peak = 0;

	assert_non_null(out);
	assert_true(slot_pool_create(&pool, lanes));
	for (unsigned i = 0; i < 100000; i++) {
		random = random * UINT64_C(6364136223846793005) + 1;
		uint32_t lane = (uint32_t)(random >> 40) % lanes;

		if (count < LIVE && (count == 0 || random >> 63)) {
			uint32_t slot = slot_pool_take(&pool, lane);

			assert_false(out[slot]);
			out[slot] = true;
			held[count++] = slot;
			peak = count > peak ? count : peak;
		} else {
			size_t victim = (random >> 33) % count;

			out[held[victim]] = false;
			slot_pool_give(&pool, lane, held[victim]);
			held[victim] = held[--count];
		}
	}
	assert_true(pool.slots <= peak + (lanes > 1 ? lanes * SLOT_POOL_OWN + SLOT_POOL_SHARED : 0));
	slot_pool_destroy(&pool);
	free(out);
}

static void one_lane_needs_the_peak(void **state)
{
	(void)state;
	churn(1);
}

static void several_lanes_stay_within_the_bound(void **state)
{
	(void)state;
	churn(2);
	churn(40);
}

/* One lane allocates, another frees: the slots do not run away. */
static void producer_and_consumer(void **state)
{
	struct slot_pool pool;

	(void)state;
	assert_true(slot_pool_create(&pool, 2));
	for (unsigned i = 0; i < 100000; i++)
		slot_pool_give(&pool, 1, slot_pool_take(&pool, 0));
	assert_true(pool.slots <= 1 + 2 * SLOT_POOL_OWN + SLOT_POOL_SHARED);
	slot_pool_destroy(&pool);
}

static void the_slot_freed_last_comes_first(void **state)
{
	struct slot_pool pool;

	(void)state;
	assert_true(slot_pool_create(&pool, 1));
	uint32_t first = slot_pool_take(&pool, 0), second = slot_pool_take(&pool, 0);

	slot_pool_give(&pool, 0, second);
	slot_pool_give(&pool, 0, first);
	assert_int_equal(slot_pool_take(&pool, 0), first);
	assert_int_equal(slot_pool_take(&pool, 0), second);
	slot_pool_destroy(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_lane_needs_the_peak),
	    cmocka_unit_test(several_lanes_stay_within_the_bound),
	    cmocka_unit_test(producer_and_consumer),
	    cmocka_unit_test(the_slot_freed_last_comes_first),
	};

	return cmocka_run_group_tests_name("slot_pool", tests, NULL, NULL);
}
