#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/replay/plan.h"
#include "tests/unit/small_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct plan *plan_of(const struct event *events, size_t count, enum replay_mode mode, uint32_t process)
{
	char *path = small_trace_write(events, count);
	struct plan_options options = {.path = path, .mode = mode, .process = process};
	struct trace_error error = {""};
	struct plan *plan = NULL;

	if (plan_create(&plan, &options, &error) != TRACE_OK)
		fail_msg("%s", error.message);
	(void)unlink(path);
	free(path);
	return plan;
}

/* The kinds and slots of the whole plan as a word: "m0 m1 f0 >1 x0" for malloc in slot 0, ..., switch to lane 1, exit to lane 0. */
static void expect_plan(struct plan *plan, const char *wanted)
{
	static const char names[] = {'m', 'c', 'a', 'n', 'r', 'z', 'f', 's', 'u', '>', 'x'};
	char text[1024] = "";
	const struct planned *operations;
	struct trace_error error;
	uint64_t count;

	while (plan_next(plan, 3, &operations, &count, &error) == TRACE_OK) {
		assert_true(count >= 1 && count <= 3);
		for (uint64_t i = 0; i < count; i++) {
			size_t length = strlen(text);

			(void)snprintf(text + length, sizeof(text) - length, "%s%c%u", length ? " " : "",
				       names[operation_kind(&operations[i].operation)],
				       operations[i].operation.slot);
		}
	}
	assert_string_equal(text, wanted);
}

static const struct event every_kind[] = {
    {.kind = EVENT_MALLOC, .object = 1, .size = 100},
    {.kind = EVENT_CALLOC, .object = 2, .size = 48, .count = 3},
    {.kind = EVENT_FREE, .object = 1},
    {.kind = EVENT_MEMALIGN, .object = 3, .size = 64, .alignment = 256},
    {.kind = EVENT_REALLOC, .object = 4, .old_object = 2, .size = 5000},
    {.kind = EVENT_REALLOC, .object = 5, .old_object = 0, .size = 7},
    {.kind = EVENT_FREE, .object = 0},
    {.kind = EVENT_REALLOC, .object = 0, .old_object = 5, .size = 0},
    {.kind = EVENT_FREE_SIZED, .object = 3, .size = 64},
    {.kind = EVENT_FREE, .object = 4},
};

static void every_kind_becomes_an_operation(void **state)
{
	struct plan *plan = plan_of(every_kind, COUNT(every_kind), MODE_SINGLE, PLAN_PROCESS_LARGEST);
	const struct plan_totals *totals = plan_totals(plan);
	struct trace_error error;

	(void)state;
	expect_plan(plan, "m0 c1 f0 a0 r1 n2 u0 z2 s0 f1");
	assert_int_equal(plan_rewind(plan, &error), TRACE_OK);
	expect_plan(plan, "m0 c1 f0 a0 r1 n2 u0 z2 s0 f1");
	assert_int_equal(totals->operations, 10);
	assert_int_equal(totals->calls, 10);
	assert_int_equal(totals->slots, 3);
	assert_int_equal(totals->live_peak_bytes, 64 + 5000 + 7);
	assert_int_equal(totals->live_peak_objects, 3);
	assert_int_equal(totals->live_peak_operation, 5);
	assert_int_equal(totals->live_end_bytes, 0);
	assert_int_equal(totals->largest_bytes, 5000);
	assert_int_equal(totals->calls_of[LATENCY_REALLOC], 3);
	assert_int_equal(totals->calls_of[LATENCY_FREE], 4);
	assert_int_equal(totals->size_count[plan_size_bin(100)], 1);
	plan_destroy(plan);
}

static void operations_carry_size_and_alignment(void **state)
{
	struct plan *plan = plan_of(every_kind, COUNT(every_kind), MODE_SINGLE, PLAN_PROCESS_LARGEST);
	const struct planned *operations;
	struct trace_error error;
	uint64_t count;

	(void)state;
	assert_int_equal(plan_next(plan, UINT64_MAX, &operations, &count, &error), TRACE_OK);
	assert_int_equal(count, 10);
	assert_int_equal(operation_bytes(&operations[0].operation), 100);
	assert_int_equal(operation_alignment(&operations[0].operation), 16);
	assert_int_equal(operation_alignment(&operations[3].operation), 256);
	assert_int_equal(operation_alignment(&operations[5].operation), 1);
	assert_int_equal(operations[4].live_bytes, 64 + 5000);
	assert_int_equal(operations[9].event, 9);
	assert_int_equal(operations[9].time_ns, 9000);
	plan_destroy(plan);
}

/* What the recording did not see born, and what failed in it. */
static void foreign_and_failed_calls_are_counted(void **state)
{
	static const struct event events[] = {
	    {.kind = EVENT_FREE, .object = 1, .flags = EVENT_FOREIGN},
	    {.kind = EVENT_REALLOC, .object = 3, .old_object = 2, .size = 10, .flags = EVENT_FOREIGN},
	    {.kind = EVENT_MALLOC, .size = 1ull << 50, .flags = EVENT_FAILED},
	    {.kind = EVENT_FREE, .object = 3},
	};
	struct plan *plan = plan_of(events, COUNT(events), MODE_SINGLE, PLAN_PROCESS_LARGEST);

	(void)state;
	expect_plan(plan, "m0 f0");
	assert_int_equal(plan_totals(plan)->foreign_frees, 1);
	assert_int_equal(plan_totals(plan)->foreign_reallocs, 1);
	assert_int_equal(plan_totals(plan)->failed_calls, 1);
	plan_destroy(plan);
}

static const struct event three_threads[] = {
    {.kind = EVENT_MALLOC, .object = 1, .size = 10, .thread = 0},
    {.kind = EVENT_MALLOC, .object = 2, .size = 10, .thread = 1},
    {.kind = EVENT_FREE, .object = 1, .thread = 1},
    {.kind = EVENT_THREAD_EXIT, .thread = 1},
    {.kind = EVENT_MALLOC, .object = 3, .size = 10, .thread = 2},
    {.kind = EVENT_FREE, .object = 3, .thread = 0},
    {.kind = EVENT_MALLOC, .object = 4, .size = 10, .thread = 3},
    {.kind = EVENT_THREAD_EXIT, .thread = 0},
    {.kind = EVENT_THREAD_EXIT, .thread = 3},
};

/* Lane 1 is thread 1, then (once it has ended, which lane 2 waits for) thread 3; lane 0 never exits. */
static void the_baton_goes_from_lane_to_lane(void **state)
{
	struct plan *plan = plan_of(three_threads, COUNT(three_threads), MODE_BATON, PLAN_PROCESS_LARGEST);

	(void)state;
	expect_plan(plan, "m0 >1 m1 f0 x2 m0 >0 f0 >1 m0 x0");
	assert_int_equal(plan_totals(plan)->lanes, 3);
	assert_int_equal(plan_totals(plan)->threads, 4);
	plan_destroy(plan);
}

static void single_has_no_thread_operations(void **state)
{
	struct plan *plan = plan_of(three_threads, COUNT(three_threads), MODE_SINGLE, PLAN_PROCESS_LARGEST);

	(void)state;
	expect_plan(plan, "m0 m1 f0 m0 f0 m0");
	assert_int_equal(plan_totals(plan)->lanes, 1);
	plan_destroy(plan);
}

static void parallel_lanes_end_by_themselves(void **state)
{
	struct plan *plan = plan_of(three_threads, COUNT(three_threads), MODE_PARALLEL, PLAN_PROCESS_LARGEST);

	(void)state;
	expect_plan(plan, "m0 m1 f0 x0 m0 f0 m2 x0");
	plan_destroy(plan);
}

/* Process 1 is forked with object 1 live, and calls exec with object 1 (its own copy) and 3 live. */
static const struct event family[] = {
    {.kind = EVENT_MALLOC, .object = 1, .size = 10},
    {.kind = EVENT_MALLOC, .object = 2, .size = 20},
    {.kind = EVENT_FREE, .object = 2},
    {.kind = EVENT_FORK, .count = 1},
    {.kind = EVENT_FREE, .object = 1},
    {.kind = EVENT_MALLOC, .object = 3, .size = 30, .process = 1, .thread = 1},
    {.kind = EVENT_EXEC, .process = 1, .thread = 1},
    {.kind = EVENT_MALLOC, .object = 4, .size = 40, .process = 1, .thread = 1},
    {.kind = EVENT_MALLOC, .object = 5, .size = 50, .process = 1, .thread = 1},
    {.kind = EVENT_MALLOC, .object = 6, .size = 60, .process = 1, .thread = 1},
    {.kind = EVENT_EXIT, .process = 1, .thread = 1},
};

static void a_forked_child_starts_with_what_its_parent_had(void **state)
{
	struct plan *plan = plan_of(family, COUNT(family), MODE_BATON, 1);

	(void)state;
	expect_plan(plan, "m0 m1 f0 f1 m1 m0 m2");
	assert_int_equal(plan_totals(plan)->inherited, 1);
	assert_int_equal(plan_totals(plan)->exec_frees, 2);
	assert_int_equal(plan_totals(plan)->process, 1);
	plan_destroy(plan);
	plan = plan_of(family, COUNT(family), MODE_SINGLE, 0);
	expect_plan(plan, "m0 m1 f1 f0");
	plan_destroy(plan);
}

static void the_process_with_most_calls_is_taken(void **state)
{
	struct plan *plan = plan_of(family, COUNT(family), MODE_SINGLE, PLAN_PROCESS_LARGEST);

	(void)state;
	assert_int_equal(plan_totals(plan)->process, 0); /* four calls each: the first */
	assert_int_equal(plan_totals(plan)->processes, 2);
	plan_destroy(plan);
}

static void a_process_that_is_not_there_is_refused(void **state)
{
	char *path = small_trace_write(family, COUNT(family));
	struct plan_options options = {.path = path, .process = 2};
	struct trace_error error = {""};
	struct plan *plan;

	(void)state;
	assert_int_equal(plan_create(&plan, &options, &error), TRACE_BAD_INPUT);
	assert_non_null(strstr(error.message, "there is no process 2"));
	assert_null(plan);
	(void)unlink(path);
	free(path);
}

static void size_bins_tile_the_sizes(void **state)
{
	(void)state;
	for (unsigned bin = 0; bin + 1 < PLAN_SIZE_BINS; bin++) {
		assert_int_equal(plan_size_bin(plan_size_low(bin)), bin);
		assert_int_equal(plan_size_bin(plan_size_high(bin)), bin);
	}
	assert_true(plan_size_bin(OPERATION_MAX_BYTES) < PLAN_SIZE_BINS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_becomes_an_operation),
	    cmocka_unit_test(operations_carry_size_and_alignment),
	    cmocka_unit_test(foreign_and_failed_calls_are_counted),
	    cmocka_unit_test(the_baton_goes_from_lane_to_lane),
	    cmocka_unit_test(single_has_no_thread_operations),
	    cmocka_unit_test(parallel_lanes_end_by_themselves),
	    cmocka_unit_test(a_forked_child_starts_with_what_its_parent_had),
	    cmocka_unit_test(the_process_with_most_calls_is_taken),
	    cmocka_unit_test(a_process_that_is_not_there_is_refused),
	    cmocka_unit_test(size_bins_tile_the_sizes),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
