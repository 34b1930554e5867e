#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define TASKS 40u

/* What tasks do: count themselves; some fail; those of a meeting wait for each other. */
struct board {
	atomic_uint done[TASKS];
	atomic_uint begun;
	bool fails[TASKS];
	pthread_barrier_t *meeting; /* or NULL */
	size_t told;
	bool is_told_in_order;
};

static enum trace_status work(void *context, size_t task, struct trace_error *error)
{
	struct board *board = context;

	(void)atomic_fetch_add(&board->begun, 1);
	if (board->meeting)
		(void)pthread_barrier_wait(board->meeting);
	(void)atomic_fetch_add(&board->done[task], 1);
	if (board->fails[task])
		return trace_fail(error, TRACE_BAD_INPUT, "task %zu", task);
	return TRACE_OK;
}

static void tell(void *context, size_t done)
{
	struct board *board = context;

	board->told++;
	board->is_told_in_order = board->is_told_in_order && done == board->told;
}

static void each_task_is_done_once(void **state)
{
	(void)state;
	for (unsigned threads = 0; threads <= 8; threads++) {
		struct board board = {.is_told_in_order = true};
		const struct workers workers = {
		    .tasks = TASKS, .context = &board, .work = work, .tell = tell};
		struct trace_error error = {"untouched"};

		assert_int_equal(workers_run(&workers, threads, &error), TRACE_OK);
		for (unsigned i = 0; i < TASKS; i++)
			assert_int_equal(board.done[i], 1);
		assert_int_equal(board.told, TASKS);
		assert_true(board.is_told_in_order);
		assert_string_equal(error.message, "untouched");
	}
}

static void no_task_is_no_work(void **state)
{
	struct board board = {.told = 0};
	const struct workers workers = {.context = &board, .work = work, .tell = tell};
	struct trace_error error;

	(void)state;
	assert_int_equal(workers_run(&workers, 4, &error), TRACE_OK);
	assert_int_equal(board.begun, 0);
}

/* Three tasks that all wait for the other two end only when they run at the same time. */
static void tasks_run_at_the_same_time(void **state)
{
	pthread_barrier_t meeting;
	struct board board = {.meeting = &meeting};
	const struct workers workers = {.tasks = 3, .context = &board, .work = work};
	struct trace_error error;

	(void)state;
	assert_int_equal(pthread_barrier_init(&meeting, NULL, 3), 0);
	assert_int_equal(workers_run(&workers, 3, &error), TRACE_OK);
	assert_int_equal(board.begun, 3);
	(void)pthread_barrier_destroy(&meeting);
}

static void the_first_failure_is_reported_and_ends_it(void **state)
{
	(void)state;
	for (unsigned threads = 1; threads <= 8; threads++) {
		struct board board = {.fails = {[7] = true, [8] = true, [9] = true}};
		const struct workers workers = {.tasks = TASKS, .context = &board, .work = work};
		struct trace_error error;

		assert_int_equal(workers_run(&workers, threads, &error), TRACE_BAD_INPUT);
		assert_string_equal(error.message, "task 7");
		assert_in_range(board.begun, 8, threads == 1 ? 8 : TASKS);
		for (unsigned i = 0; i < 7; i++)
			assert_int_equal(board.done[i], 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_task_is_done_once),
	    cmocka_unit_test(no_task_is_no_work),
	    cmocka_unit_test(tasks_run_at_the_same_time),
	    cmocka_unit_test(the_first_failure_is_reported_and_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
