#include "config.h"

#include "traces/record/kernel_merge.h"

#include "tests/unit/event_log.h"
#include "tests/unit/small_arena.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

struct rig {
	struct small_arena small;
	struct event_log log;
	struct heap_merge merge;
	struct kernel_merge kernel;
	struct trace_error error;
	uint64_t ticks;
};

static void start(struct rig *rig, bool follow)
{
	struct tick_clock still = {.resolution_ns = 1};
	struct merge_output output = {0};

	*rig = (struct rig){.ticks = 0};
	small_arena_create(&rig->small, 1);
	event_log_create(&rig->log);
	output.sink = &rig->log.sink;
	heap_merge_start(&rig->merge, &rig->small.arena, &output, &still);
	kernel_merge_start(&rig->kernel, &rig->merge, follow);
}

/* Gives out what is complete. */
static void drain(struct rig *rig)
{
	bool complete;

	while (kernel_merge_first(&rig->kernel, &complete) != UINT64_MAX && complete)
		assert_int_equal(kernel_merge_emit(&rig->kernel, &rig->error), TRACE_OK);
	assert_null(kernel_merge_check(&rig->kernel));
}

static void stop(struct rig *rig, const char *events)
{
	kernel_merge_settle(&rig->kernel, UINT64_MAX);
	drain(rig);
	assert_string_equal(rig->log.text, events);
	kernel_merge_end(&rig->kernel);
	heap_merge_end(&rig->merge);
	event_log_destroy(&rig->log);
	small_arena_destroy(&rig->small);
}

static void put(struct rig *rig, struct kernel_record record)
{
	record.ticks = ++rig->ticks;
	if (record.text)
		record.text = strdup(record.text);
	assert_int_equal(kernel_merge_put(&rig->kernel, &record, &rig->error), TRACE_OK);
	assert_null(kernel_merge_check(&rig->kernel));
}

#define RECORD(process, thread, ...)                                                                         \
	put(&rig, (struct kernel_record){.process_id = (process), .thread_id = (thread), __VA_ARGS__})

static void enter(struct rig *rig, uint32_t thread, long number, uint64_t first)
{
	put(rig, (struct kernel_record){.process_id = 7,
					.thread_id = thread,
					.kind = KERNEL_CALL_ENTER,
					.call = (uint64_t)number,
					.argument = {first, 4096, 0, MAP_ANONYMOUS}});
}

static void leave(struct rig *rig, uint32_t thread, long number, int64_t result)
{
	put(rig, (struct kernel_record){.process_id = 7,
					.thread_id = thread,
					.kind = KERNEL_CALL_EXIT,
					.call = (uint64_t)number,
					.result = result});
}

/* What the recorder itself does before the exec is not the program's. */
static void it_begins_with_the_exec(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, true);
	enter(&rig, 7, SYS_brk, 0);
	leave(&rig, 7, SYS_brk, 1);
	RECORD(7, 7, .kind = KERNEL_EXEC_FILE, .text = (char[]){"/bin/sh"});
	RECORD(7, 7, .kind = KERNEL_EXEC, .text = (char[]){"sh -c x"});
	RECORD(7, 7, .kind = KERNEL_SNAPSHOT, .name = "maps", .text = (char[]){"12345"});
	enter(&rig, 7, SYS_brk, 0);
	leave(&rig, 7, SYS_brk, 0x5000);
	RECORD(7, 7, .kind = KERNEL_THREAD_END, .text = (char[]){"sh"});
	RECORD(7, 7, .kind = KERNEL_PROCESS_END, .result = 3 << 8);
	drain(&rig);
	assert_non_null(strstr(rig.log.cast, "file 1 /bin/sh\n"));
	assert_non_null(strstr(rig.log.cast, "process 0 id 7 sh -c x\n"));
	stop(&rig, "thread_start\nexec file=0x1\nsnapshot 1 maps 5\nbrk result=0x5000\nexit 3\n");
}

/* munmap takes its place where it begins, mmap where it ends; what is behind an open munmap waits. */
static void calls_of_two_threads(void **state)
{
	struct rig rig;
	bool complete;

	(void)state;
	start(&rig, true);
	RECORD(7, 7, .kind = KERNEL_EXEC);
	RECORD(7, 7, .kind = KERNEL_THREAD, .argument = {8});
	drain(&rig);
	enter(&rig, 8, SYS_mmap, 0);
	enter(&rig, 7, SYS_munmap, 0x7000);
	leave(&rig, 8, SYS_mmap, 0x7000);
	(void)kernel_merge_first(&rig.kernel, &complete);
	assert_false(complete);
	leave(&rig, 7, SYS_munmap, 0);
	stop(&rig, "thread_start\nexec\n[0.1] thread_start\n"
		   "munmap address=0x7000 length=0x1000\n"
		   "[0.1] mmap length=0x1000 flags=0x20 result=0x7000\n");
}

static void forks_and_execs(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, true);
	RECORD(7, 7, .kind = KERNEL_EXEC);
	RECORD(7, 7, .kind = KERNEL_FORK, .argument = {9, 0});
	RECORD(9, 9, .kind = KERNEL_FORK, .argument = {10, CLONE_VM | CLONE_VFORK});
	RECORD(9, 9, .kind = KERNEL_THREAD, .argument = {11});
	RECORD(9, 11, .kind = KERNEL_THREAD_END);
	RECORD(10, 10, .kind = KERNEL_EXEC);
	RECORD(10, 10, .kind = KERNEL_THREAD_END);
	RECORD(10, 10, .kind = KERNEL_PROCESS_END, .result = 9);
	RECORD(7, 7, .kind = KERNEL_FORK, .argument = {10, CLONE_VM});
	stop(&rig, "thread_start\nexec\nfork 1\n[1.1] thread_start\n[1.1] vfork 2\n[2.2] thread_start\n"
		   "[1.3] thread_start\n[1.3] thread_exit\n[2.2] exec\n[2.2] exit 137\n"
		   "clone 3 flags=0x100\n[3.4] thread_start\n");
}

/* Thread 8 of process 7 is gone without a word, and its number is process 9's. */
static void a_thread_of_another_process_is_not_it(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, true);
	RECORD(7, 7, .kind = KERNEL_EXEC);
	RECORD(7, 7, .kind = KERNEL_THREAD, .argument = {8});
	RECORD(7, 7, .kind = KERNEL_FORK, .argument = {9});
	RECORD(9, 8, .kind = KERNEL_EXEC);
	RECORD(9, 8, .kind = KERNEL_THREAD, .argument = {10});
	RECORD(9, 8, .kind = KERNEL_FAULT, .argument = {0x1000});
	stop(&rig, "thread_start\nexec\n[0.1] thread_start\nfork 1\n[1.2] thread_start\n");
}

static void only_the_first_program(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, false);
	RECORD(7, 7, .kind = KERNEL_EXEC);
	RECORD(7, 7, .kind = KERNEL_FORK, .argument = {9, 0});
	RECORD(9, 9, .kind = KERNEL_EXEC);
	RECORD(7, 7, .kind = KERNEL_EXEC);
	enter(&rig, 7, SYS_brk, 0);
	leave(&rig, 7, SYS_brk, 0x5000);
	RECORD(7, 7, .kind = KERNEL_PROCESS_END);
	stop(&rig, "thread_start\nexec\nexit\n");
}

static void faults_are_put_together(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, true);
	RECORD(7, 7, .kind = KERNEL_EXEC);
	RECORD(7, 7, .kind = KERNEL_FAULT_CAUSE, .argument = {0x7000, 1, EVENT_FAULT_WRITE});
	RECORD(7, 7, .kind = KERNEL_FAULT, .argument = {0x7000, 1, 0});
	RECORD(7, 7, .kind = KERNEL_FAULT_SERVED, .argument = {0x7000, 1, EVENT_FAULT_MINOR});
	RECORD(7, 7, .kind = KERNEL_FAULT_CAUSE, .argument = {0x8000, 1, EVENT_FAULT_WRITE});
	RECORD(7, 7, .kind = KERNEL_FAULT, .argument = {0x9000, 1, EVENT_FAULT_KERNEL});
	RECORD(7, 7, .kind = KERNEL_FAULT, .argument = {0xa000, 1, 0});
	kernel_merge_settle(&rig.kernel, rig.ticks + 1);
	drain(&rig);
	stop(&rig, "thread_start\nexec\nfault address=0x7000 flags=0x211\nfault address=0x9000 flags=0x244\n"
		   "fault address=0xa000 flags=0x240\n");
}

static void halves_without_the_other(void **state)
{
	struct rig rig;

	(void)state;
	start(&rig, true);
	RECORD(7, 7, .kind = KERNEL_EXEC);
	drain(&rig);
	enter(&rig, 7, SYS_munmap, 0x7000);
	enter(&rig, 7, SYS_brk, 0);
	leave(&rig, 7, SYS_brk, 0x5000);
	leave(&rig, 7, SYS_mmap, 0x5000);
	enter(&rig, 7, SYS_munmap, 0x8000);
	drain(&rig);
	kernel_merge_settle(&rig.kernel, UINT64_MAX);
	assert_int_equal(rig.kernel.unpaired, 3);
	stop(&rig, "thread_start\nexec\nbrk result=0x5000\n");
}

static void broken_invariants_are_named(void **state)
{
	struct rig rig;
	struct kernel_queue_entries sound;

	(void)state;
	start(&rig, true);
	RECORD(7, 7, .kind = KERNEL_EXEC);
	enter(&rig, 7, SYS_munmap, 0x7000);
	sound = rig.kernel.queue;
	rig.kernel.queue.first = sound.next + 1;
	assert_string_equal(kernel_merge_check(&rig.kernel),
			    "I1: the queue holds more entries than it has room for");
	rig.kernel.queue = sound;
	rig.kernel.queue.entry[1].open = false;
	assert_string_equal(kernel_merge_check(&rig.kernel),
			    "I2: a thread waits for an entry that is not open");
	rig.kernel.queue.entry[1].open = true;
	rig.kernel.queue.entry[0].record.ticks = 99;
	assert_string_equal(kernel_merge_check(&rig.kernel),
			    "I3: an entry of the queue is later than the next");
	rig.kernel.queue.entry[0].record.ticks = 1;
	stop(&rig, "thread_start\nexec\n");
}

/* The kernel told of the process and its thread; the records of its heap calls find them. */
static void heap_calls_of_a_followed_process(void **state)
{
	struct rig rig;
	struct ordered_record record = {.order = 1,
					.address = 0x1000,
					.size = 32,
					.process_serial = 1,
					.thread_serial = 5,
					.thread_id = 7,
					.kind = ARENA_MALLOC};
	struct ordered_record begin = {.size = 1, .process_serial = 1, .kind = ARENA_PROCESS_START};

	(void)state;
	start(&rig, true);
	RECORD(7, 7, .kind = KERNEL_EXEC);
	drain(&rig);
	rig.small.arena.processes[0].process_id = 7;
	rig.small.arena.processes[0].serial = 1;
	atomic_store(&rig.small.arena.processes[0].state, ARENA_PROCESS_LIVE);
	assert_int_equal(heap_merge_put(&rig.merge, &begin, &rig.error), TRACE_OK);
	assert_int_equal(heap_merge_put(&rig.merge, &record, &rig.error), TRACE_OK);
	RECORD(7, 7, .kind = KERNEL_EXEC);
	drain(&rig);
	assert_int_equal(rig.merge.threads, 1);
	assert_int_equal(rig.merge.process[0].live.entries, 0);
	stop(&rig, "thread_start\nexec\nmalloc 1 32\nexec\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_begins_with_the_exec),
	    cmocka_unit_test(calls_of_two_threads),
	    cmocka_unit_test(forks_and_execs),
	    cmocka_unit_test(a_thread_of_another_process_is_not_it),
	    cmocka_unit_test(only_the_first_program),
	    cmocka_unit_test(faults_are_put_together),
	    cmocka_unit_test(halves_without_the_other),
	    cmocka_unit_test(broken_invariants_are_named),
	    cmocka_unit_test(heap_calls_of_a_followed_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
