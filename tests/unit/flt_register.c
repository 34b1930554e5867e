#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "traces/flt_register.h"

static void test_what_events_name_gets_entries(void **state)
{
	const struct event event = {.kind = EVENT_THREAD_START};
	const struct event fork = {.kind = EVENT_FORK, .count = 1};
	struct flt_access_origin origin;
	struct flt_register known;
	struct trace_error error;

	(void)state;
	flt_register_start(&known, false);
	assert_int_equal(flt_register_origin(&known, 0, &origin, &error), TRACE_BAD_INPUT);
	assert_int_equal(flt_register_event(&known, &event, &error), TRACE_OK);
	assert_int_equal(flt_register_event(&known, &fork, &error), TRACE_OK);
	assert_int_equal(known.tables.threads, 1);
	assert_int_equal(known.tables.processes, 2);
	assert_int_equal(known.tables.process[1].parent, 0);
	assert_null(flt_register_check(&known));
	assert_int_equal(flt_register_origin(&known, 0, &origin, &error), TRACE_OK);
	assert_int_equal(origin.position, 2);
	assert_int_equal(origin.threads, 1);
	flt_register_end(&known);
}

static void test_names_come_in_order(void **state)
{
	const struct flt_process process = {.command = "program"};
	const struct flt_thread thread = {.process = 0, .name = "first"}, other = {.process = 1};
	struct flt_register known;
	struct trace_error error;

	(void)state;
	flt_register_start(&known, false);
	assert_int_equal(flt_register_process(&known, 1, &process, &error), TRACE_BAD_INPUT);
	assert_int_equal(flt_register_thread(&known, 0, &thread, &error), TRACE_OK);
	assert_int_equal(flt_register_process(&known, 0, &process, &error), TRACE_OK);
	assert_string_equal(known.tables.process[0].command, "program");
	assert_int_equal(flt_register_thread(&known, 0, &other, &error), TRACE_BAD_INPUT);
	assert_int_equal(flt_register_thread(&known, 2, &thread, &error), TRACE_BAD_INPUT);
	assert_null(flt_register_check(&known));
	flt_register_end(&known);
}

static void test_what_is_not_there_is_not_named(void **state)
{
	const struct event_region stranger = {.process = 4, .length = 1};
	struct event event = {.kind = EVENT_MMAP};
	struct flt_register known;
	struct trace_error error;
	uint32_t number;

	(void)state;
	flt_register_start(&known, false);
	assert_int_equal(flt_register_region(&known, &stranger, &number, &error), TRACE_BAD_INPUT);
	event.time_ns = 1;
	assert_int_equal(flt_register_event(&known, &event, &error), TRACE_BAD_INPUT);
	event.time_ns = 0;
	event.call.file = 1;
	assert_int_equal(flt_register_event(&known, &event, &error), TRACE_BAD_INPUT);
	event.call.file = 0;
	event.stack = 1;
	assert_int_equal(flt_register_event(&known, &event, &error), TRACE_BAD_INPUT);
	event = (struct event){.kind = EVENT_SNAPSHOT, .count = 1};
	assert_int_equal(flt_register_event(&known, &event, &error), TRACE_BAD_INPUT);
	assert_int_equal(known.census.events, 0);
	assert_int_equal(known.tables.threads, 0);
	flt_register_end(&known);
}

static void test_the_check_sees_tables_that_stay_behind(void **state)
{
	const struct event event = {.kind = EVENT_THREAD_START};
	struct flt_register known;
	struct trace_error error;

	(void)state;
	flt_register_start(&known, false);
	assert_int_equal(flt_register_event(&known, &event, &error), TRACE_OK);
	known.census.threads++;
	assert_string_equal(
	    flt_register_check(&known),
	    "I1: after every call the tables have as many threads and processes as the census knows");
	known.census.threads--;
	known.census.processes++;
	assert_string_equal(
	    flt_register_check(&known),
	    "I1: after every call the tables have as many threads and processes as the census knows");
	known.census.processes--;
	assert_null(flt_register_check(&known));
	flt_register_end(&known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_events_name_gets_entries),
	    cmocka_unit_test(test_names_come_in_order),
	    cmocka_unit_test(test_what_is_not_there_is_not_named),
	    cmocka_unit_test(test_the_check_sees_tables_that_stay_behind),
	};

	return cmocka_run_group_tests_name("flt_register", tests, NULL, NULL);
}
