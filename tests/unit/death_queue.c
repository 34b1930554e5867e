#include "config.h"

#include "traces/generate/death_queue.h"

#include "tests/unit/model.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#define MODEL_DEATHS 512u

static void add(struct death_queue *queue, uint64_t time_ns, uint64_t object)
{
	struct death death = {.time_ns = time_ns, .object = object};

	assert_true(death_queue_add(queue, &death));
}

static void ordered_by_time_then_object(void **state)
{
	struct death_queue queue = {0};

	(void)state;
	assert_null(death_queue_first(&queue));
	add(&queue, 5, 1);
	add(&queue, 3, 9);
	add(&queue, 3, 2);
	add(&queue, 4, 3);
	for (uint64_t expected = 0; expected < 4; expected++) {
		static const uint64_t objects[] = {2, 9, 3, 1};

		assert_int_equal(death_queue_first(&queue)->object, objects[expected]);
		death_queue_remove_first(&queue);
		assert_null(death_queue_check(&queue));
	}
	assert_null(death_queue_first(&queue));
	death_queue_destroy(&queue);
}

/* The oracle is an array that is searched through. */
struct oracle {
	struct death death[MODEL_DEATHS];
	size_t deaths;
};

static size_t oracle_first(const struct oracle *oracle)
{
	size_t first = 0;

	for (size_t index = 1; index < oracle->deaths; index++) {
		const struct death *one = &oracle->death[index], *best = &oracle->death[first];

		if (one->time_ns < best->time_ns ||
		    (one->time_ns == best->time_ns && one->object < best->object))
			first = index;
	}
	return first;
}

static const char *oracle_step(struct oracle *oracle, struct death_queue *queue, uint64_t operation,
			       uint64_t object)
{
	if (oracle->deaths < MODEL_DEATHS && (oracle->deaths == 0 || operation & 1)) {
		struct death death = {.time_ns = (operation >> 8) % 100, .object = object};

		oracle->death[oracle->deaths++] = death;
		if (!death_queue_add(queue, &death))
			return "no memory";
	} else {
		size_t first = oracle_first(oracle);

		if (death_queue_first(queue)->object != oracle->death[first].object)
			return "another block dies first";
		oracle->death[first] = oracle->death[--oracle->deaths];
		death_queue_remove_first(queue);
	}
	if (queue->entries != oracle->deaths)
		return "the numbers of blocks differ";
	return death_queue_check(queue);
}

static const char *oracle_run(const void *context, const uint64_t *operations, size_t count)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));
	struct death_queue queue = {0};
	const char *wrong = NULL;

	(void)context;
	assert_non_null(oracle);
	for (size_t index = 0; index < count && !wrong; index++)
		wrong = oracle_step(oracle, &queue, operations[index], index);
	death_queue_destroy(&queue);
	free(oracle);
	return wrong;
}

static void against_an_array(void **state)
{
	const struct model model = {
	    .name = "death_queue", .run = oracle_run, .operations = 2000, .rounds = 20};

	(void)state;
	model_test(&model);
}

static void every_invariant_is_noticed(void **state)
{
	struct death_queue queue = {0};

	(void)state;
	for (uint64_t object = 0; object < 100; object++)
		add(&queue, object * 7 % 50, object);
	assert_null(death_queue_check(&queue));
	queue.entries = queue.capacity + 1;
	assert_string_equal(death_queue_check(&queue), "I1: entries <= capacity");
	queue.entries = 100;
	queue.slot[40].time_ns = 0;
	assert_string_equal(death_queue_check(&queue), "I2: no slot is later than one of its children");
	death_queue_destroy(&queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ordered_by_time_then_object),
	    cmocka_unit_test(against_an_array),
	    cmocka_unit_test(every_invariant_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
