#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "traces/generate/frame_pool.h"
#include "traces/generate/xoshiro.h"

#include <stdlib.h>

#define BLOCKS 8u
#define FRAMES ((uint64_t)BLOCKS * FRAME_POOL_BLOCK)

static void create(struct frame_pool *pool)
{
	assert_true(frame_pool_create(pool, BLOCKS));
	assert_null(frame_pool_check(pool));
}

/* A single frame breaks up no second block, and takes none that is whole while one is broken up. */
static void test_fullest_first(void **state)
{
	struct frame_pool pool;

	(void)state;
	create(&pool);
	const uint64_t first = frame_pool_take(&pool, 0) / FRAME_POOL_BLOCK;

	for (unsigned i = 1; i < FRAME_POOL_BLOCK; i++)
		assert_int_equal(frame_pool_take(&pool, 0) / FRAME_POOL_BLOCK, first);
	const uint64_t second = frame_pool_take(&pool, 0) / FRAME_POOL_BLOCK;

	assert_true(second != first);
	frame_pool_give(&pool, first * FRAME_POOL_BLOCK + 77, 0);
	assert_int_equal(frame_pool_take(&pool, 0), first * FRAME_POOL_BLOCK + 77);
	for (unsigned i = 2; i < BLOCKS; i++)
		assert_int_equal(frame_pool_take(&pool, FRAME_POOL_ORDER) % FRAME_POOL_BLOCK, 0);
	assert_int_equal(frame_pool_take(&pool, FRAME_POOL_ORDER), FRAME_POOL_NONE);
	assert_null(frame_pool_check(&pool));
	for (unsigned i = 1; i < FRAME_POOL_BLOCK; i++)
		assert_int_equal(frame_pool_take(&pool, 0) / FRAME_POOL_BLOCK, second);
	assert_int_equal(frame_pool_take(&pool, 0), FRAME_POOL_NONE);
	assert_null(frame_pool_check(&pool));
	frame_pool_destroy(&pool);
}

/* Beside an array of who has each frame. */
static void test_no_frame_twice(void **state)
{
	uint8_t owned[FRAMES] = {0};
	struct xoshiro random;
	struct frame_pool pool;

	(void)state;
	create(&pool);
	xoshiro_seed(&random, 7);
	for (unsigned step = 0; step < 20000; step++) {
		const unsigned order = xoshiro_below(&random, 60) == 0 ? FRAME_POOL_ORDER : 0;
		const uint64_t frame =
		    xoshiro_percent(&random, 50) ? frame_pool_take(&pool, order) : FRAME_POOL_NONE;
		const uint64_t any = xoshiro_below(&random, FRAMES);

		for (uint64_t i = 0; frame != FRAME_POOL_NONE && i < UINT64_C(1) << order; i++)
			assert_int_equal(owned[frame + i]++, 0);
		if (frame == FRAME_POOL_NONE && owned[any]) {
			frame_pool_give(&pool, any, 0);
			owned[any] = 0;
		}
		if (step % 1000 == 0)
			assert_null(frame_pool_check(&pool));
	}
	frame_pool_destroy(&pool);
}

static void test_corruption(void **state)
{
	static const char used[] = "I1: used of a block is the number of its frames that are not free";
	static const char linked[] =
	    "I2: every block of which a frame is free is linked in the bucket of its fill, no other is";
	struct frame_pool pool;

	(void)state;
	create(&pool);
	(void)frame_pool_take(&pool, 0);
	pool.block[3].free[1] ^= 1;
	assert_string_equal(frame_pool_check(&pool), used);
	pool.block[3].free[1] ^= 1;
	const uint32_t bucket = pool.bucket[1];

	pool.bucket[1] = 0;
	assert_string_equal(frame_pool_check(&pool), linked);
	pool.bucket[1] = bucket;
	pool.filled[0] ^= 2;
	assert_string_equal(frame_pool_check(&pool), linked);
	pool.filled[0] ^= 2;
	pool.block[bucket - 1].next = bucket;
	assert_string_equal(frame_pool_check(&pool), linked);
	pool.block[bucket - 1].next = 0;
	assert_null(frame_pool_check(&pool));
	frame_pool_destroy(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_fullest_first),
					   cmocka_unit_test(test_no_frame_twice),
					   cmocka_unit_test(test_corruption)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
