#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/placement/recorder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define PAGE UINT64_C(4096)
#define HEAP UINT64_C(0x555555577000)

/* A library's code and data, its bss, a heap of brk, memory of the allocator's, the child's own, a stack. */
static const char smaps[] =
    "555555554000-555555556000 r-xp 00000000 fe:01 77        /usr/bin/child\n"
    "Size:                  8 kB\n"
    "VmFlags: rd ex mr mw me\n"
    "555555577000-555555598000 rw-p 00000000 00:00 0        [heap]\n"
    "VmFlags: rd wr mr mw me ac\n"
    "400000000000-400000100000 rw-s 00000000 00:01 5        /dev/zero (deleted)\n"
    "VmFlags: rd wr sh mr mw me ms\n"
    "7ffff6000000-7ffff6400000 rw-p 00000000 00:00 0 \n"
    "Size:               4096 kB\n"
    "VmFlags: rd wr mr mw me nr hg\n"
    "7ffff7000000-7ffff7004000 rw-p 00005000 fe:01 88        /usr/lib/liballocator.so\n"
    "VmFlags: rd wr mr mw me ac\n"
    "7ffff7004000-7ffff7008000 rw-p 00000000 00:00 0 \n"
    "VmFlags: rd wr mr mw me ac\n"
    "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0        [stack]\n"
    "VmFlags: rd wr mr mw me gd ac\n";

struct fixture {
	struct placement_recorder recorder;
	struct placement *placement;
	struct placement_reader reader;
};

static void set_up(struct fixture *fixture)
{
	static const struct placement_description description = {.events = 1000};
	struct trace_error error = {""};

	memset(fixture, 0, sizeof(*fixture));
	fixture->recorder.writer = placement_writer_create(&description);
	assert_non_null(fixture->recorder.writer);
	assert_int_equal(placement_writer_begin(fixture->recorder.writer, &error), TRACE_OK);
	assert_int_equal(placement_recorder_maps(&fixture->recorder, smaps, HEAP, &error), TRACE_OK);
}

/* What was recorded is to be read. */
static void turn(struct fixture *fixture)
{
	struct trace_error error = {""};
	size_t bytes;
	void *file = placement_writer_finish(fixture->recorder.writer, &bytes);

	assert_non_null(file);
	if (placement_read(&fixture->placement, file, bytes, "test", &error) != TRACE_OK)
		fail_msg("%s", error.message);
	free(file);
	assert_true(placement_reader_create(&fixture->reader, fixture->placement, 0));
}

static void tear_down(struct fixture *fixture)
{
	struct placement_record record;
	struct trace_error error;

	if (fixture->placement) {
		assert_int_equal(placement_reader_next(&fixture->reader, &record, &error), TRACE_END);
		placement_reader_destroy(&fixture->reader);
		placement_close(fixture->placement);
	}
	placement_writer_destroy(fixture->recorder.writer);
	placement_recorder_clear(&fixture->recorder);
}

static enum trace_status call(struct fixture *fixture, uint64_t event, struct session_call call,
			      struct trace_error *error)
{
	return placement_recorder_call(&fixture->recorder, event, &call, error);
}

static enum trace_status block(struct fixture *fixture, uint64_t event, uint64_t address,
			       struct trace_error *error)
{
	const struct placement_record record = {
	    .event = event, .object = event + 1, .address = address, .bytes = 32};

	return placement_recorder_block(&fixture->recorder, &record, error);
}

static struct placement_record next(struct fixture *fixture, unsigned kind)
{
	struct placement_record record = {.event = 0};
	struct trace_error error = {""};

	assert_int_equal(placement_reader_next(&fixture->reader, &record, &error), TRACE_OK);
	assert_int_equal(record.call_kind, kind);
	return record;
}

static void pieces_are_told_when_they_are_needed(void **state)
{
	struct trace_error error = {""};
	struct fixture fixture;

	(void)state;
	set_up(&fixture);
	assert_int_equal(fixture.recorder.pieces, 4);
	assert_int_equal(block(&fixture, 3, 0x7ffff6000040, &error), TRACE_OK);
	assert_int_equal(block(&fixture, 4, 0x7ffff6000080, &error), TRACE_OK);
	assert_int_equal(block(&fixture, 5, HEAP + 16, &error), TRACE_OK);
	turn(&fixture);
	assert_int_equal(next(&fixture, EVENT_MMAP).call.flags,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE);
	assert_int_equal(next(&fixture, EVENT_MADVISE).call.flags, MADV_HUGEPAGE);
	assert_int_equal(next(&fixture, 0).object, 4);
	assert_int_equal(next(&fixture, 0).object, 5);
	assert_int_equal(next(&fixture, EVENT_BRK).call.result, HEAP);
	assert_int_equal(next(&fixture, EVENT_BRK).call.result, 0x555555598000);
	assert_int_equal(next(&fixture, 0).object, 6);
	tear_down(&fixture);
}

static void a_block_over_two_pieces(void **state)
{
	struct trace_error error = {""};
	struct fixture fixture;

	(void)state;
	set_up(&fixture);
	assert_int_equal(block(&fixture, 3, 0x7ffff7004000 - 16, &error), TRACE_OK);
	turn(&fixture);
	assert_int_equal(next(&fixture, EVENT_MMAP).call.result, 0x7ffff7000000);
	assert_int_equal(next(&fixture, EVENT_MMAP).call.result, 0x7ffff7004000);
	(void)next(&fixture, 0);
	tear_down(&fixture);
}

static void calls_that_do_nothing_are_left_out(void **state)
{
	struct trace_error error = {""};
	struct fixture fixture;

	(void)state;
	set_up(&fixture);
	/* Failed; a file; a library's code; the stack; a question and a refusal of brk. */
	assert_int_equal(
	    call(&fixture, 1,
		 (struct session_call){.number = SYS_mmap, .argument = {0, PAGE, 3, 0x22}, .result = -12},
		 &error),
	    TRACE_OK);
	assert_int_equal(call(&fixture, 1,
			      (struct session_call){.number = SYS_mmap,
						    .argument = {0, PAGE, 1, 2, 5},
						    .result = 0x7ffff5000000},
			      &error),
			 TRACE_OK);
	assert_int_equal(
	    call(&fixture, 1,
		 (struct session_call){.number = SYS_mprotect, .argument = {0x555555554000, PAGE, 1}},
		 &error),
	    TRACE_OK);
	assert_int_equal(
	    call(&fixture, 1,
		 (struct session_call){.number = SYS_madvise, .argument = {0x7ffffffde000, PAGE, 4}}, &error),
	    TRACE_OK);
	assert_int_equal(
	    call(&fixture, 1, (struct session_call){.number = SYS_brk, .result = 0x555555598000}, &error),
	    TRACE_OK);
	assert_int_equal(
	    call(&fixture, 1,
		 (struct session_call){.number = SYS_brk, .argument = {1}, .result = 0x555555598000}, &error),
	    TRACE_OK);
	assert_int_equal(
	    call(&fixture, 2,
		 (struct session_call){.number = SYS_madvise, .argument = {0x7ffff6001000, PAGE, 4}}, &error),
	    TRACE_OK);
	turn(&fixture);
	(void)next(&fixture, EVENT_BRK);
	(void)next(&fixture, EVENT_BRK);
	(void)next(&fixture, EVENT_MMAP);
	(void)next(&fixture, EVENT_MADVISE);
	assert_int_equal(next(&fixture, EVENT_MADVISE).call.address, 0x7ffff6001000);
	tear_down(&fixture);
}

static void what_cannot_be_followed_is_an_error(void **state)
{
	struct trace_error error = {""};
	struct fixture fixture;

	(void)state;
	set_up(&fixture);
	assert_int_equal(
	    call(&fixture, 1,
		 (struct session_call){.number = SYS_mprotect, .argument = {0x7ffff63ff000, 2 * PAGE, 1}},
		 &error),
	    TRACE_UNSUPPORTED);
	assert_non_null(
	    strstr(error.message, "event 1: the allocator called mprotect(0x7ffff63ff000, 8192)"));
	assert_int_equal(block(&fixture, 2, 0x10000, &error), TRACE_UNSUPPORTED);
	assert_non_null(strstr(error.message, "event 2: the block at 0x10000 of 32 bytes lies in nothing"));
	assert_int_equal(call(&fixture, 1, (struct session_call){.number = 9999}, &error), TRACE_UNSUPPORTED);
	tear_down(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pieces_are_told_when_they_are_needed),
	    cmocka_unit_test(a_block_over_two_pieces),
	    cmocka_unit_test(calls_that_do_nothing_are_left_out),
	    cmocka_unit_test(what_cannot_be_followed_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
