#include "config.h"

#include "engine/phys/fill_queue.h"

#include "tests/unit/model.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#define BLOCKS 50u

static unsigned largest_of(unsigned orders)
{
	return orders ? 31u - (unsigned)__builtin_clz(orders) : 0;
}

/* The fullest, by looking at every block: the least bucket among those that can serve the order. */
static const char *compare(const struct fill_queue *queue, unsigned order)
{
	uint32_t found = fill_queue_fullest(queue, order);
	unsigned least = FILL_BUCKETS;

	for (uint32_t block = 0; block < BLOCKS; block++) {
		const struct fill_entry *entry = &queue->entry[block];
		unsigned bucket = entry->free_frames >> FILL_BUCKET_SHIFT;

		if (entry->orders != 0 && largest_of(entry->orders) >= order && bucket < least)
			least = bucket;
	}
	if (least == FILL_BUCKETS)
		return found == FILL_NONE ? NULL : "a block was found where none can serve";
	if (found >= BLOCKS || largest_of(queue->entry[found].orders) < order)
		return "the found block cannot serve";
	return queue->entry[found].free_frames >> FILL_BUCKET_SHIFT == least ? NULL : "it is not the fullest";
}

static const char *run(const void *context, const uint64_t *operations, size_t count)
{
	struct fill_queue *queue = calloc(1, fill_queue_bytes(BLOCKS));
	const char *wrong = NULL;

	(void)context;
	assert_non_null(queue);
	for (size_t i = 0; i < count && !wrong; i++) {
		uint32_t block = (uint32_t)(operations[i] % BLOCKS);
		bool empty = operations[i] >> 60 < 3;

		queue->entry[block].free_frames = empty ? 0 : 1 + (operations[i] >> 8) % 511;
		queue->entry[block].orders = empty ? 0 : (uint16_t)(1 + (operations[i] >> 20) % 511);
		fill_queue_update(queue, block);
		wrong = compare(queue, (operations[i] >> 32) % FILL_ORDERS);
		if (!wrong)
			wrong = fill_queue_check(queue, BLOCKS);
	}
	free(queue);
	return wrong;
}

static void test_model(void **state)
{
	struct model model = {"fill_queue", run, NULL, 2000, 10};

	(void)state;
	model_test(&model);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct fill_queue *queue = calloc(1, fill_queue_bytes(BLOCKS));

	(void)state;
	assert_non_null(queue);
	queue->entry[7].free_frames = 100;
	queue->entry[7].orders = 5;
	fill_queue_update(queue, 7);
	assert_null(fill_queue_check(queue, BLOCKS));
	assert_int_equal(fill_queue_fullest(queue, 2), 7);
	assert_int_equal(fill_queue_fullest(queue, 3), FILL_NONE);
	queue->occupied[0] = 1;
	assert_memory_equal(fill_queue_check(queue, BLOCKS), "I1", 2);
	queue->occupied[0] = 0;
	queue->entry[7].free_frames = 200;
	assert_memory_equal(fill_queue_check(queue, BLOCKS), "I2", 2);
	queue->entry[7].free_frames = 100;
	queue->entry[7].previous = 3;
	assert_memory_equal(fill_queue_check(queue, BLOCKS), "I2", 2);
	free(queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
