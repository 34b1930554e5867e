#include "config.h"

#include "tests/unit/event_log.h"
#include "traces/record/machine_merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct machine_log records;

static void put(struct machine_record record)
{
	assert_true(machine_log_put(&records, &record));
}

static int make(void **state)
{
	(void)state;
	return machine_log_create(&records, UINT64_C(1) << 20, 2) ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	machine_log_destroy(&records);
	return 0;
}

static void expect(const char *events, const char *cast)
{
	struct trace_error error = {""};
	struct machine_merge merge;
	struct event_log log;

	event_log_create(&log);
	assert_true(machine_merge_start(&merge, &log.sink, &records));
	assert_true(machine_merge_know(&merge, 10, 11, "worker"));
	assert_int_equal(machine_merge_until(&merge, UINT64_MAX, &error), TRACE_OK);
	assert_null(machine_merge_check(&merge));
	assert_string_equal(log.text, events);
	assert_string_equal(log.cast, cast);
	machine_merge_end(&merge);
	event_log_destroy(&log);
}

static struct machine_record a_free(uint64_t time_ns, uint32_t cpu, uint32_t thread_id)
{
	return (struct machine_record){.time_ns = time_ns,
				       .cpu = cpu,
				       .kind = EVENT_PAGE_FREE,
				       .process_id = 10,
				       .thread_id = thread_id,
				       .kernel.frame = time_ns};
}

/* By time over the processors, also where one's records are not; a switch where a thread is elsewhere than before. */
static void in_order(void **state)
{
	(void)state;
	put(a_free(30, 0, 11));
	put(a_free(10, 0, 11));
	put(a_free(20, 1, 11));
	put(a_free(30, 1, 12));
	expect("switch 0 at 10\npage_free frame=0xa at 10\nswitch 1 at 20\npage_free frame=0x14 at 20\n"
	       "switch 0 at 30\npage_free frame=0x1e at 30\n[0.1] switch 1 at 30\n[0.1] page_free frame=0x1e "
	       "at 30\n",
	       "process 0 id 10\nthread 0 of 0 id 11\nthread 0 of 0 id 11 worker\nthread 1 of 0 id 12\n"
	       "thread 1 of 0 id 12 \n");
}

/* The processors' idle threads have one number of the system, and are two. */
static void idle_threads(void **state)
{
	(void)state;
	put((struct machine_record){.time_ns = 5, .cpu = 1, .kind = EVENT_PAGE_FREE});
	put((struct machine_record){.time_ns = 6, .cpu = 0, .kind = EVENT_SWITCH});
	expect("switch 1 at 5\npage_free at 5\n[0.1] switch 0 at 6\n",
	       "process 0 id 0\nthread 0 of 0 id 8589934593\nthread 0 of 0 id 0 swapper/1\nprocess 0 id 0 "
	       "swapper/1\n"
	       "thread 1 of 0 id 4294967297\nthread 1 of 0 id 0 swapper/0\nprocess 0 id 0 swapper/0\n");
}

/* A thread that ends has no process any more in its own words; a number that is given again is another's. */
static void births_and_ends(void **state)
{
	(void)state;
	put((struct machine_record){
	    .time_ns = 1, .kind = MACHINE_BIRTH, .thread_id = 20, .process_id = 20, .parent_id = 11});
	put((struct machine_record){
	    .time_ns = 2, .kind = EVENT_PAGE_FREE, .process_id = 20, .thread_id = 20});
	put((struct machine_record){
	    .time_ns = 3, .kind = MACHINE_NAME, .process_id = 20, .thread_id = 20, .name = "ls"});
	put((struct machine_record){
	    .time_ns = 4, .kind = EVENT_PAGE_FREE, .process_id = UINT32_MAX, .thread_id = 20});
	put((struct machine_record){
	    .time_ns = 5, .kind = MACHINE_BIRTH, .thread_id = 20, .process_id = 20, .parent_id = 1});
	put((struct machine_record){
	    .time_ns = 6, .kind = EVENT_PAGE_FREE, .process_id = 20, .thread_id = 20});
	expect("switch 0 at 2\npage_free at 2\npage_free at 4\n[1.1] switch 0 at 6\n[1.1] page_free at 6\n",
	       "process 0 id 20\nthread 0 of 0 id 20\nthread 0 of 0 id 20 worker\nprocess 0 id 20 worker\n"
	       "thread 0 of 0 id 20 ls\nprocess 0 id 20 ls\nprocess 1 id 20\nthread 1 of 1 id 20\n"
	       "thread 1 of 1 id 20 \nprocess 1 id 20 \n");
}

static void broken(void **state)
{
	struct trace_error error = {""};
	struct machine_merge merge;
	struct event_log log;

	(void)state;
	for (uint64_t at = 1; at < 100; at++)
		put(a_free(at, 0, 11));
	event_log_create(&log);
	assert_true(machine_merge_start(&merge, &log.sink, &records));
	assert_int_equal(machine_merge_until(&merge, 50, &error), TRACE_OK);
	assert_null(machine_merge_check(&merge));
	merge.lane[0].record[merge.lane[0].first].time_ns = 1000;
	assert_string_equal(machine_merge_check(&merge),
			    "I1: what a lane has waiting is in the order of times");
	machine_merge_end(&merge);
	event_log_destroy(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(in_order, make, drop),
					   cmocka_unit_test_setup_teardown(idle_threads, make, drop),
					   cmocka_unit_test_setup_teardown(births_and_ends, make, drop),
					   cmocka_unit_test_setup_teardown(broken, make, drop)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
