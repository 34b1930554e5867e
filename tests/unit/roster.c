#include "config.h"

#include "traces/import/roster.h"

#include "tests/unit/event_log.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

struct rig {
	struct event_log log;
	struct roster roster;
	struct trace_error error;
};

static struct roster_place find(struct rig *rig, uint64_t process_id, uint64_t thread_id)
{
	struct roster_place place;

	assert_int_equal(roster_find(&rig->roster, process_id, thread_id, &place, &rig->error), TRACE_OK);
	return place;
}

static void start(struct rig *rig)
{
	event_log_create(&rig->log);
	roster_create(&rig->roster, &rig->log.sink);
}

static void stop(struct rig *rig)
{
	roster_destroy(&rig->roster);
	event_log_destroy(&rig->log);
}

static void numbers_by_appearance(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	assert_int_equal(find(&rig, 10, 10).thread, 0);
	assert_int_equal(find(&rig, 10, 11).thread, 1);
	assert_int_equal(find(&rig, 20, 10).thread, 2); /* the same id in another process */
	assert_int_equal(find(&rig, 20, 10).process, 1);
	assert_int_equal(find(&rig, 10, 10).thread, 0);
	assert_int_equal(find(&rig, 10, 10).process, 0);
	assert_string_equal(rig.log.cast, "process 0 id 10\nthread 0 of 0 id 10\nthread 1 of 0 id 11\n"
					  "process 1 id 20\nthread 2 of 1 id 10\n");
	stop(&rig);
}

static void an_ended_thread_gives_its_id_back(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	assert_int_equal(find(&rig, 1, 5).thread, 0);
	roster_end_thread(&rig.roster, 0, 5);
	assert_int_equal(find(&rig, 1, 5).thread, 1);
	roster_end_thread(&rig.roster, 0, 99); /* one that never was */
	assert_int_equal(find(&rig, 1, 5).thread, 1);
	stop(&rig);
}

static void a_process_is_named_before_it_appears(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig);
	assert_int_equal(roster_name_process(&rig.roster, 7, "./t", &rig.error), TRACE_OK);
	assert_int_equal(roster_name_process(&rig.roster, 7, "late", &rig.error), TRACE_OK);
	assert_int_equal(find(&rig, 7, 7).process, 0);
	assert_string_equal(rig.log.cast, "process 0 id 7 ./t\nthread 0 of 0 id 7\n");
	stop(&rig);
}

static void numbers_are_bounded(void **state)
{
	struct roster_place place;
	struct rig rig;

	(void)state;
	start(&rig);
	rig.roster.threads = EVENT_MAX_THREADS - 1;
	assert_int_equal(find(&rig, 1, 1).thread, EVENT_MAX_THREADS - 1);
	assert_int_equal(roster_find(&rig.roster, 1, 2, &place, &rig.error), TRACE_BAD_INPUT);
	assert_string_equal(rig.error.message,
			    "the file names more than 1048576 threads, the most that a trace can hold");
	rig.roster.processes = EVENT_MAX_PROCESSES;
	assert_int_equal(roster_find(&rig.roster, 2, 2, &place, &rig.error), TRACE_BAD_INPUT);
	assert_string_equal(rig.error.message,
			    "the file names more than 1048576 processes, the most that a trace can hold");
	stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_by_appearance),
	    cmocka_unit_test(an_ended_thread_gives_its_id_back),
	    cmocka_unit_test(a_process_is_named_before_it_appears),
	    cmocka_unit_test(numbers_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
