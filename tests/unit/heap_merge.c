#include "config.h"

#include "traces/record/heap_merge.h"

#include "tests/unit/census_sink.h"
#include "tests/unit/event_log.h"
#include "tests/unit/small_arena.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define A 0x1000
#define B 0x2000
#define C 0x3000

struct rig {
	struct small_arena small;
	struct event_log log;
	struct heap_merge merge;
	struct trace_error error;
	uint64_t stack[8];
	size_t depth;
};

static enum trace_status keep_stack(void *context, const uint64_t *addresses, size_t depth, uint32_t *id,
				    struct trace_error *error)
{
	struct rig *rig = context;

	(void)error;
	assert_in_range(depth, 1, 8);
	memcpy(rig->stack, addresses, depth * sizeof(*addresses));
	rig->depth = depth;
	*id = 77;
	return TRACE_OK;
}

/* A clock that stands still: the log then has no times. */
static void start(struct rig *rig)
{
	struct tick_clock still = {.resolution_ns = 1};
	struct merge_output output = {.stack = keep_stack, .context = rig};

	*rig = (struct rig){.depth = 0};
	small_arena_create(&rig->small, 1);
	event_log_create(&rig->log);
	output.sink = &rig->log.sink;
	heap_merge_start(&rig->merge, &rig->small.arena, &output, &still);
}

static void stop(struct rig *rig, const char *events)
{
	assert_string_equal(rig->log.text, events);
	heap_merge_end(&rig->merge);
	event_log_destroy(&rig->log);
	small_arena_destroy(&rig->small);
}

struct record {
	unsigned kind;
	uint64_t address, size;
	unsigned info;
	uint64_t process; /* serial, 0 = 1; its slot is serial - 1 */
	uint64_t thread;  /* serial, 0 = 1 */
};

static void put(struct rig *rig, struct record record)
{
	struct ordered_record ordered = {
	    .address = record.address | (uint64_t)record.info << ARENA_INFO_SHIFT,
	    .size = record.size,
	    .process_serial = record.process ? record.process : 1,
	    .thread_serial = record.thread ? record.thread : 1,
	    .kind = (uint8_t)record.kind,
	};

	ordered.process_slot = (uint32_t)ordered.process_serial - 1;
	assert_true(heap_merge_ready(&rig->merge, &ordered));
	assert_int_equal(heap_merge_put(&rig->merge, &ordered, &rig->error), TRACE_OK);
}

static void begin(struct rig *rig)
{
	(void)small_arena_process(&rig->small, 0, 1, 500);
	put(rig, (struct record){.kind = ARENA_PROCESS_START, .size = 1});
	put(rig, (struct record){.kind = ARENA_THREAD_START});
}

static void every_kind(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig);
	begin(&rig);
	put(&rig, (struct record){.kind = ARENA_MALLOC, .address = A, .size = 10});
	put(&rig, (struct record){.kind = ARENA_CALLOC, .address = B, .size = 40, .info = 4});
	put(&rig, (struct record){.kind = ARENA_MEMALIGN, .address = C, .size = 100, .info = 6});
	put(&rig, (struct record){.kind = ARENA_FREE, .address = A});
	put(&rig, (struct record){.kind = ARENA_FREE_SIZED, .address = B, .size = 40, .info = 0});
	put(&rig, (struct record){.kind = ARENA_REALLOC_BEGIN, .address = C, .size = 200});
	put(&rig, (struct record){.kind = ARENA_REALLOC_END, .address = A, .size = 200});
	put(&rig, (struct record){.kind = ARENA_FREE, .address = 0});
	put(&rig, (struct record){.kind = ARENA_DETAIL, .size = 100000});
	put(&rig,
	    (struct record){.kind = ARENA_CALLOC, .address = B, .size = 200000, .info = ARENA_INFO_DETAIL});
	put(&rig, (struct record){.kind = ARENA_MALLOC, .address = 0, .size = 0});
	assert_int_equal(rig.merge.heap_events, 9);
	assert_int_equal(rig.merge.faults.foreign + rig.merge.faults.reissued + rig.merge.faults.damaged, 0);
	stop(&rig, "thread_start\nmalloc 1 10\ncalloc 2 40 x4\nmemalign 3 100 @64\nfree "
		   "1\nfree_sized\nrealloc 4 <3 200\n"
		   "free 0\ncalloc 5 200000 x100000\nmalloc 0 0\n");
}

static void calls_that_fail(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig);
	begin(&rig);
	put(&rig, (struct record){.kind = ARENA_MALLOC, .address = A, .size = 10});
	put(&rig, (struct record){.kind = ARENA_MALLOC, .address = 0, .size = UINT64_MAX});
	put(&rig, (struct record){.kind = ARENA_CALLOC, .address = 0, .size = UINT64_MAX, .info = 2});
	put(&rig, (struct record){.kind = ARENA_REALLOC_BEGIN, .address = A, .size = UINT64_MAX});
	put(&rig, (struct record){.kind = ARENA_REALLOC_END, .address = 0, .size = UINT64_MAX});
	put(&rig, (struct record){.kind = ARENA_REALLOC_BEGIN, .address = A, .size = 0});
	put(&rig, (struct record){.kind = ARENA_REALLOC_END, .address = 0, .size = 0});
	assert_int_equal(rig.merge.faults.foreign + rig.merge.faults.reissued + rig.merge.faults.damaged, 0);
	stop(&rig, "thread_start\nmalloc 1 10\nmalloc 0 18446744073709551615 failed\n"
		   "calloc 0 18446744073709551615 x2 failed\nrealloc 0 <1 18446744073709551615 "
		   "failed\nrealloc 0 <1 0\n");
}

/* The picture of heap_merge.h: the address comes free in the middle of a realloc. */
static void a_realloc_gives_its_address_to_another_thread(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig);
	begin(&rig);
	put(&rig, (struct record){.kind = ARENA_MALLOC, .address = A, .size = 10});
	put(&rig, (struct record){.kind = ARENA_REALLOC_BEGIN, .address = A, .size = 20});
	put(&rig, (struct record){.kind = ARENA_MALLOC, .address = A, .size = 30, .thread = 2});
	put(&rig, (struct record){.kind = ARENA_REALLOC_END, .address = B, .size = 20});
	put(&rig, (struct record){.kind = ARENA_FREE, .address = A});
	assert_int_equal(rig.merge.faults.foreign + rig.merge.faults.reissued + rig.merge.faults.damaged, 0);
	stop(&rig,
	     "thread_start\nmalloc 1 10\n[0.1] thread_start\n[0.1] malloc 2 30\nrealloc 3 <1 20\nfree 2\n");
}

static void blocks_from_before_are_foreign(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig);
	begin(&rig);
	put(&rig, (struct record){.kind = ARENA_FREE, .address = A});
	put(&rig, (struct record){.kind = ARENA_REALLOC_BEGIN, .address = B, .size = 20});
	put(&rig, (struct record){.kind = ARENA_REALLOC_END, .address = B, .size = 20});
	put(&rig, (struct record){.kind = ARENA_REALLOC_BEGIN, .address = C, .size = 20});
	put(&rig, (struct record){.kind = ARENA_REALLOC_END, .address = 0, .size = 20});
	put(&rig, (struct record){.kind = ARENA_FREE, .address = C});
	assert_int_equal(rig.merge.faults.foreign, 3);
	stop(&rig, "thread_start\nfree 1 foreign\nrealloc 3 <2 20 foreign\nrealloc 0 <4 20 failed "
		   "foreign\nfree 4\n");
}

static void an_address_handed_out_twice_is_counted(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig);
	begin(&rig);
	put(&rig, (struct record){.kind = ARENA_MALLOC, .address = A, .size = 10});
	put(&rig, (struct record){.kind = ARENA_MALLOC, .address = A, .size = 20});
	put(&rig, (struct record){.kind = ARENA_FREE, .address = A});
	assert_int_equal(rig.merge.faults.reissued, 1);
	stop(&rig, "thread_start\nmalloc 1 10\nmalloc 2 20\nfree 2\n");
}

/* What is allocated between the fork's number and the child's first record is the parent's alone. */
static void a_fork_copies_what_was_alive(void **unused)
{
	struct rig rig;
	struct arena_process *child;

	(void)unused;
	start(&rig);
	begin(&rig);
	put(&rig, (struct record){.kind = ARENA_MALLOC, .address = A, .size = 10});
	child = small_arena_process(&rig.small, 1, 2, 501);
	child->fork_token = 9;
	child->parent_serial = 1;
	put(&rig, (struct record){.kind = ARENA_FORK, .size = 9});
	put(&rig, (struct record){.kind = ARENA_FREE, .address = A});
	put(&rig, (struct record){.kind = ARENA_MALLOC, .address = A, .size = 30});
	put(&rig, (struct record){.kind = ARENA_PROCESS_START, .size = 2, .process = 2, .thread = 2});
	put(&rig, (struct record){.kind = ARENA_THREAD_START, .process = 2, .thread = 2});
	put(&rig, (struct record){.kind = ARENA_FREE, .address = A, .process = 2, .thread = 2});
	assert_int_equal(heap_merge_process_exit(&rig.merge, 1, 3, 0, &rig.error), TRACE_OK);
	put(&rig, (struct record){.kind = ARENA_FREE, .address = A});
	assert_int_equal(rig.merge.faults.foreign + rig.merge.faults.reissued + rig.merge.faults.damaged, 0);
	stop(&rig, "thread_start\nmalloc 1 10\nfork 1\nfree 1\nmalloc 2 30\n[1.1] thread_start\n[1.1] free "
		   "1\n[1.1] exit 3\n"
		   "free 2\n");
}

static void a_fork_waits_for_its_child(void **unused)
{
	struct rig rig;
	struct ordered_record fork = {.kind = ARENA_FORK, .size = 9, .process_serial = 1, .thread_serial = 1};

	(void)unused;
	start(&rig);
	begin(&rig);
	assert_false(heap_merge_ready(&rig.merge, &fork));
	atomic_store(&rig.small.arena.processes[0].fork_failed, 9);
	assert_true(heap_merge_ready(&rig.merge, &fork));
	assert_int_equal(heap_merge_put(&rig.merge, &fork, &rig.error), TRACE_OK);
	stop(&rig, "thread_start\n");
}

static void an_exec_empties_the_process(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig);
	begin(&rig);
	put(&rig, (struct record){.kind = ARENA_MALLOC, .address = A, .size = 10});
	(void)small_arena_process(&rig.small, 1, 2, 500);
	put(&rig, (struct record){.kind = ARENA_PROCESS_START, .size = 2, .process = 2, .thread = 2});
	put(&rig, (struct record){.kind = ARENA_THREAD_START, .process = 2, .thread = 2});
	put(&rig, (struct record){.kind = ARENA_MALLOC, .address = A, .size = 20, .process = 2, .thread = 2});
	assert_int_equal(rig.merge.processes, 1);
	assert_int_equal(rig.merge.faults.foreign + rig.merge.faults.reissued + rig.merge.faults.damaged, 0);
	stop(&rig, "thread_start\nmalloc 1 10\nexec\n[0.1] thread_start\n[0.1] malloc 2 20\n");
}

static void a_spawned_process_knows_its_parent(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig);
	begin(&rig);
	small_arena_process(&rig.small, 1, 2, 501)->parent_id = 500;
	put(&rig, (struct record){.kind = ARENA_PROCESS_START, .size = 2, .process = 2, .thread = 2});
	put(&rig, (struct record){.kind = ARENA_MALLOC, .address = A, .size = 10, .process = 2, .thread = 2});
	assert_int_equal(rig.merge.process[1].parent, 0);
	assert_int_equal(rig.merge.process[1].process_id, 501);
	stop(&rig, "thread_start\n[1.1] thread_start\n[1.1] malloc 1 10\n");
}

static void a_threads_exit_is_its_last_event(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig);
	begin(&rig);
	put(&rig, (struct record){.kind = ARENA_MALLOC, .address = A, .size = 10, .thread = 2});
	put(&rig, (struct record){.kind = ARENA_THREAD_END, .thread = 2});
	put(&rig, (struct record){.kind = ARENA_FREE, .address = A, .thread = 2});
	assert_int_equal(rig.merge.endings, 1);
	assert_int_equal(heap_merge_thread_exit(&rig.merge, rig.merge.ending[0], &rig.error), TRACE_OK);
	assert_int_equal(rig.merge.endings, 0);
	put(&rig, (struct record){.kind = ARENA_THREAD_END});
	assert_int_equal(heap_merge_thread_exit(&rig.merge, 0, &rig.error), TRACE_OK);
	assert_int_equal(heap_merge_process_exit(&rig.merge, 0, 0, 0, &rig.error), TRACE_OK);
	stop(&rig,
	     "thread_start\n[0.1] thread_start\n[0.1] malloc 1 10\n[0.1] free 1\n[0.1] thread_exit\nexit\n");
}

/* A handler's calls come between the parts of the call that it interrupted. */
static void details_nest(void **unused)
{
	struct rig rig;

	(void)unused;
	start(&rig);
	begin(&rig);
	put(&rig, (struct record){.kind = ARENA_DETAIL, .size = 50000});
	put(&rig, (struct record){.kind = ARENA_DETAIL, .size = 60000});
	put(&rig,
	    (struct record){.kind = ARENA_CALLOC, .address = A, .size = 60000, .info = ARENA_INFO_DETAIL});
	put(&rig,
	    (struct record){.kind = ARENA_CALLOC, .address = B, .size = 50000, .info = ARENA_INFO_DETAIL});
	put(&rig, (struct record){.kind = ARENA_REALLOC_BEGIN, .address = A, .size = 1});
	put(&rig, (struct record){.kind = ARENA_REALLOC_BEGIN, .address = B, .size = 2});
	put(&rig, (struct record){.kind = ARENA_REALLOC_END, .address = B, .size = 2});
	put(&rig, (struct record){.kind = ARENA_REALLOC_END, .address = A, .size = 1});
	assert_int_equal(rig.merge.faults.foreign + rig.merge.faults.reissued + rig.merge.faults.damaged, 0);
	stop(&rig,
	     "thread_start\ncalloc 1 60000 x60000\ncalloc 2 50000 x50000\nrealloc 3 <2 2\nrealloc 4 <1 1\n");
}

static void stacks_are_defined_once_and_named_after(void **unused)
{
	struct rig rig;
	struct ordered_record frames = {.kind = ARENA_FRAMES,
					.process_serial = 1,
					.thread_serial = 1,
					.tsc = 11,
					.address = 0x7fff000000000012,
					.size = 13};

	(void)unused;
	start(&rig);
	begin(&rig);
	assert_int_equal(heap_merge_put(&rig.merge, &frames, &rig.error), TRACE_OK);
	put(&rig, (struct record){.kind = ARENA_STACK_DEFINE, .address = 2, .size = 5});
	put(&rig, (struct record){.kind = ARENA_STACK, .address = 0, .size = 5});
	put(&rig, (struct record){.kind = ARENA_MALLOC, .address = A, .size = 10, .info = ARENA_INFO_STACK});
	assert_int_equal(rig.depth, 2);
	assert_int_equal(rig.stack[0], 11);
	assert_int_equal(rig.stack[1], 0x7fff000000000012);
	assert_int_equal(rig.merge.thread[0].stacks, 0);
	assert_int_equal(rig.merge.faults.damaged, 0);
	stop(&rig, "thread_start\nmalloc 1 10\n");
}

/* --- Whatever the records say, the events obey event.h -------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

static void random_slots(struct small_arena *small, uint64_t *state)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct arena_process *process = small_arena_process(small, i, 1 + next_random(state) % 6,
								    500 + (uint32_t)(next_random(state) % 3));
		process->parent_serial = next_random(state) % 6;
		process->parent_id = 500 + (uint32_t)(next_random(state) % 3);
		process->fork_token = next_random(state) % 4;
	}
}

static struct ordered_record random_record(uint64_t *state)
{
	static const uint64_t sizes[] = {0,	    1, 16, 77, 4096, UINT64_C(1) << 47, UINT64_C(1) << 50,
					 UINT64_MAX};

	return (struct ordered_record){
	    .tsc = next_random(state),
	    .address = 16 * (next_random(state) % 24) |
		       (next_random(state) % 4 ? next_random(state) % 70 : next_random(state))
			   << ARENA_INFO_SHIFT,
	    .size = next_random(state) % 3 ? 1 + next_random(state) % 5 : sizes[next_random(state) % 8],
	    .process_serial = 1 + next_random(state) % 5,
	    .thread_serial = 1 + next_random(state) % 9,
	    .process_slot = (uint32_t)(next_random(state) % 4),
	    .thread_id = (uint32_t)next_random(state),
	    .kind = (uint8_t)(next_random(state) % 8 ? 1 + next_random(state) % 8 : next_random(state) % 24),
	};
}

static void hostile_records_make_lawful_events(void **unused)
{
	(void)unused;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct census_sink judge;
		struct merge_output output = {.sink = &judge.sink};
		struct tick_clock still = {.resolution_ns = 1};
		struct small_arena small;
		struct heap_merge merge;
		struct trace_error error = {""};
		uint64_t state = seed;

		small_arena_create(&small, 1);
		census_sink_start(&judge);
		heap_merge_start(&merge, &small.arena, &output, &still);
		for (int i = 0; i < 2000; i++) {
			struct ordered_record record = random_record(&state);
			if (i % 50 == 0)
				random_slots(&small, &state);
			if (heap_merge_put(&merge, &record, &error) != TRACE_OK)
				fail_msg("seed %llu, record %d: %s", (unsigned long long)seed, i,
					 error.message);
			if (i % 97 == 0 && merge.endings != 0)
				assert_int_equal(heap_merge_thread_exit(&merge, merge.ending[0], &error),
						 TRACE_OK);
			if (i % 199 == 0 && merge.processes != 0 &&
			    heap_merge_process_exit(&merge, next_random(&state) % merge.processes, 0, 0,
						    &error) != TRACE_OK)
				fail_msg("seed %llu, record %d: %s", (unsigned long long)seed, i,
					 error.message);
		}
		heap_merge_end(&merge);
		census_sink_end(&judge);
		small_arena_destroy(&small);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind),
	    cmocka_unit_test(calls_that_fail),
	    cmocka_unit_test(a_realloc_gives_its_address_to_another_thread),
	    cmocka_unit_test(blocks_from_before_are_foreign),
	    cmocka_unit_test(an_address_handed_out_twice_is_counted),
	    cmocka_unit_test(a_fork_copies_what_was_alive),
	    cmocka_unit_test(a_fork_waits_for_its_child),
	    cmocka_unit_test(an_exec_empties_the_process),
	    cmocka_unit_test(a_spawned_process_knows_its_parent),
	    cmocka_unit_test(a_threads_exit_is_its_last_event),
	    cmocka_unit_test(details_nest),
	    cmocka_unit_test(stacks_are_defined_once_and_named_after),
	    cmocka_unit_test(hostile_records_make_lawful_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
