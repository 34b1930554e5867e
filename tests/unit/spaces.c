#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/spaces_rig.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* --- Calls ---------------------------------------------------------------------------------------------------------------- */

static void test_forced_mappings_come_where_they_were(void **state)
{
	struct written_trace trace;
	struct flt_reader *reader;

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, rig_memory(FIRST, 8 * PAGE));
	written_event(&trace, rig_call(EVENT_MUNMAP, FIRST + PAGE, 2 * PAGE, 0));
	for (unsigned i = 3; i < 6; i++)
		rig_touch(&trace, 0, FIRST + i * PAGE, ACCESS_STORE);
	rig_touch(&trace, 0, FIRST, ACCESS_LOAD);
	struct spaces *spaces = rig_run(&trace, &reader, (struct spaces_options){0}, NULL);
	struct spaces_process process = spaces_process(spaces, 0);
	const struct vma *vma = spaces_mm(spaces, 0)->tree.first;

	assert_int_equal(vma->area.start, FIRST);
	assert_int_equal(vma->area.end, FIRST + PAGE);
	assert_int_equal(vma->next->area.start, FIRST + 3 * PAGE);
	assert_int_equal(vma->next->area.end, FIRST + 8 * PAGE);
	assert_int_equal(process.mappings, 2);
	assert_int_equal(process.faults.minor, 4);
	assert_int_equal(process.faults.zero_page, 1);
	assert_int_equal(process.resident_pages, 3);
	assert_int_equal(process.table_pages, 3);
	assert_int_equal(spaces_call_counts(spaces).carried_out, 2);
	assert_int_equal(spaces_call_counts(spaces).moved, 0);
	assert_int_equal(spaces_reference_counts(spaces).mappings_made, 0);
	rig_drop(spaces, reader);
}

static void test_free_mappings_are_found_again(void **state)
{
	struct spaces_options options = {.addresses = SPACES_FREE};
	struct written_trace trace;
	struct flt_reader *reader;
	uint64_t other = UINT64_C(0x4000000000);

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, rig_memory(FIRST, 4 * PAGE));
	written_event(&trace, rig_memory(other, 4 * PAGE));
	written_event(&trace, rig_call(EVENT_MUNMAP, other + 2 * PAGE, PAGE, 0));
	rig_touch(&trace, 0, other + PAGE, ACCESS_STORE);
	rig_touch(&trace, 0, FIRST + 3 * PAGE, ACCESS_STORE);
	struct spaces *spaces = rig_run(&trace, &reader, options, NULL);
	const struct mm *mm = spaces_mm(spaces, 0);

	/* Top down, next to each other, where they are one mapping but for the hole. */
	assert_int_equal(mm->tree.count, 2);
	assert_int_equal(mm->tree.last->area.end, mm->layout.mmap_base);
	assert_int_equal(spaces_address(spaces, 0, FIRST), mm->layout.mmap_base - 4 * PAGE);
	assert_int_equal(spaces_address(spaces, 0, other), mm->layout.mmap_base - 8 * PAGE);
	assert_int_equal(mm->tree.last->area.start, mm->layout.mmap_base - 5 * PAGE);
	assert_int_equal(spaces_call_counts(spaces).moved, 2);
	assert_int_equal(spaces_call_counts(spaces).failed_only_here, 0);
	assert_int_equal(spaces_reference_counts(spaces).mappings_made, 0);
	assert_int_equal(spaces_process(spaces, 0).resident_pages, 2);
	rig_drop(spaces, reader);
}

static void test_results_are_compared(void **state)
{
	struct written_trace trace;
	struct flt_reader *reader;
	struct event refused = rig_memory(0, PAGE), odd = rig_call(EVENT_MUNMAP, FIRST + 1, PAGE, EINVAL);
	struct event missing = rig_call(EVENT_MPROTECT, FIRST + (1 << 20), PAGE, 0);
	struct event other = rig_call(EVENT_MUNMAP, FIRST + 1, PAGE, EPERM);

	(void)state;
	refused.flags = odd.flags = other.flags = EVENT_FAILED;
	refused.call.result = ENOMEM;
	written_trace_begin(&trace);
	written_event(&trace, refused);
	written_event(&trace, odd);
	written_event(&trace, missing);
	written_event(&trace, other);
	struct spaces *spaces = rig_run(&trace, &reader, (struct spaces_options){0}, NULL);
	struct spaces_calls calls = spaces_call_counts(spaces);

	assert_int_equal(calls.carried_out, 4);
	assert_int_equal(calls.failed_only_there, 1);
	assert_int_equal(calls.failed_only_here, 1);
	assert_int_equal(calls.failed_otherwise, 1);
	assert_int_equal(spaces_mm(spaces, 0)->tree.count, 0);
	rig_drop(spaces, reader);
}

static void test_break_and_moves(void **state)
{
	for (int is_free = 0; is_free < 2; is_free++) {
		struct spaces_options options = {.addresses = is_free ? SPACES_FREE : SPACES_FORCED};
		struct written_trace trace;
		struct flt_reader *reader;
		struct event move = rig_call(EVENT_MREMAP, FIRST, 2 * PAGE, FIRST + (1 << 20));
		uint64_t heap = UINT64_C(0x4000100000);

		(void)state;
		move.call.new_length = 6 * PAGE;
		move.call.flags = MREMAP_MAYMOVE;
		written_trace_begin(&trace);
		written_event(&trace, rig_call(EVENT_BRK, 0, 0, heap));
		written_event(&trace, rig_call(EVENT_BRK, heap + 3 * PAGE, 0, heap + 3 * PAGE));
		rig_touch(&trace, 0, heap + 2 * PAGE, ACCESS_STORE);
		written_event(&trace, rig_memory(FIRST, 2 * PAGE));
		rig_touch(&trace, 0, FIRST + PAGE, ACCESS_STORE);
		written_event(&trace, move);
		rig_touch(&trace, 0, FIRST + (1 << 20) + 5 * PAGE, ACCESS_STORE);
		rig_touch(&trace, 0, FIRST + (1 << 20) + PAGE, ACCESS_STORE);
		struct spaces *spaces = rig_run(&trace, &reader, options, NULL);
		struct spaces_calls calls = spaces_call_counts(spaces);
		const struct mm *mm = spaces_mm(spaces, 0);

		assert_int_equal(mm->brk - mm->layout.start_brk, 3 * PAGE);
		assert_int_equal(calls.failed_only_here, 0);
		assert_int_equal(calls.moved, is_free ? 2 : 0);
		assert_int_equal(mm->tree.count, 2);
		assert_int_equal(spaces_reference_counts(spaces).mappings_made, 0);
		assert_int_equal(spaces_process(spaces, 0).faults.minor, 3);
		rig_drop(spaces, reader);
	}
}

static void test_a_cut_file_loses_its_pages(void **state)
{
	struct written_trace trace;
	struct flt_reader *reader;
	struct event shared = rig_memory(FIRST, 4 * PAGE), cut = rig_call(EVENT_FTRUNCATE, 0, 2 * PAGE, 0);

	(void)state;
	written_trace_begin(&trace);
	shared.call.flags = MAP_SHARED;
	shared.call.file = cut.call.file = written_file(&trace, "/memfd:x (deleted)", 7, 4 * PAGE);
	written_event(&trace, shared);
	for (unsigned i = 0; i < 4; i++)
		rig_touch(&trace, 0, FIRST + i * PAGE, ACCESS_STORE);
	written_event(&trace, cut);
	struct spaces *spaces = rig_run(&trace, &reader, (struct spaces_options){0}, NULL);

	assert_int_equal(spaces_process(spaces, 0).shared_memory_pages, 2);
	assert_int_equal(spaces_process(spaces, 0).resident_peak_pages, 4);
	rig_drop(spaces, reader);
}

/* --- Starts ----------------------------------------------------------------------------------------------------------------- */

static const char maps_text[] =
    "555555554000-555555556000 r-xp 00000000 00:00 99                         /bin/x\n"
    "555555556000-555555557000 rw-p 00001000 00:00 99                         /bin/x\n"
    "7ffff7fd0000-7ffff7fff000 r-xp 00000000 00:00 98                         /lib/ld.so\n"
    "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          [stack]\n"
    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

static enum trace_status count_starts(void *context, struct spaces *spaces, uint32_t process,
				      struct trace_error *error)
{
	(void)error;
	assert_true(spaces_mm(spaces, process)->tree.count > 0);
	++*(unsigned *)context;
	return TRACE_OK;
}

static void test_programs_start_from_their_maps(void **state)
{
	unsigned starts = 0;
	struct spaces_watch watch = {.context = &starts, .started = count_starts};
	struct spaces_options options = {.addresses = SPACES_FREE};
	struct written_trace trace;
	struct flt_reader *reader;

	(void)state;
	written_trace_begin(&trace);
	(void)written_file(&trace, "/bin/x", 99, 2 * PAGE);
	written_event(&trace, (struct event){.kind = EVENT_EXEC});
	written_snapshot(&trace, "limits", "Max stack size            16777216     unlimited    bytes\n",
			 (struct event){0});
	written_snapshot(&trace, "maps", maps_text, (struct event){0});
	written_event(&trace, rig_memory(FIRST, PAGE));
	rig_touch(&trace, 0, 0x555555556010, ACCESS_STORE);
	rig_touch(&trace, 0, 0x7ffffff00000, ACCESS_STORE);
	written_snapshot(&trace, "maps", maps_text, (struct event){0});
	struct spaces *spaces = rig_run(&trace, &reader, options, &watch);
	const struct mm *mm = spaces_mm(spaces, 0);

	assert_int_equal(starts, 1);
	assert_int_equal(mm->tree.count, 5);
	assert_int_equal(spaces_address(spaces, 0, FIRST), 0x7ffff7fd0000 - PAGE);
	assert_int_equal(mm->tree.last->area.start, 0x7ffffff00000);
	assert_int_equal(mm->limits.stack_bytes, 16777216);
	assert_int_equal(spaces_process(spaces, 0).stack_growths, 1);
	assert_int_equal(spaces_process(spaces, 0).faults.cow, 1);
	assert_int_equal(spaces_call_counts(spaces).unplaced, 0);
	rig_drop(spaces, reader);
}

static struct event_region region_at(uint64_t address, uint64_t length, uint32_t kind, uint32_t file)
{
	return (struct event_region){.address = address,
				     .length = length,
				     .event = UINT64_MAX,
				     .protection = PROT_READ | PROT_WRITE,
				     .flags = MAP_PRIVATE,
				     .file = file,
				     .kind = kind};
}

/* As an emulator lays them out; free, they come where the kernel would have put them. */
static void test_programs_start_from_their_regions(void **state)
{
	struct spaces_options options = {.addresses = SPACES_FREE};
	struct written_trace trace;
	struct flt_reader *reader;
	uint64_t base = UINT64_C(0x4000000000);

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, (struct event){.kind = EVENT_MARKER});
	uint32_t program = written_file(&trace, "/bin/x", 1, 2 * PAGE);
	uint32_t interpreter = written_file(&trace, "/lib/ld.so", 2, 3 * PAGE);
	uint32_t text = written_region(&trace, region_at(base, 2 * PAGE, EVENT_REGION_FILE, program));
	uint32_t data = written_region(&trace, region_at(base + 2 * PAGE, PAGE, EVENT_REGION_ANONYMOUS, 0));
	uint32_t library =
	    written_region(&trace, region_at(base + 100 * PAGE, 3 * PAGE, EVENT_REGION_FILE, interpreter));

	(void)written_region(&trace, region_at(base + 200 * PAGE, 2048 * PAGE, EVENT_REGION_ANONYMOUS, 0));
	(void)written_region(&trace, region_at(base + 200 * PAGE, 2048 * PAGE, EVENT_REGION_STACK, 0));
	written_access(&trace, 0, (struct access){.base = data, .size = 1, .place = ACCESS_REGION});
	written_access(&trace, 0, (struct access){.base = text, .size = 1, .place = ACCESS_REGION});
	written_access(&trace, 0, (struct access){.base = library, .size = 1, .place = ACCESS_REGION});
	written_access(
	    &trace, 0,
	    (struct access){
		.offset = -(uint64_t)100 * PAGE, .size = 8, .kind = ACCESS_STORE, .place = ACCESS_STACK});
	struct spaces *spaces = rig_run(&trace, &reader, options, NULL);
	const struct mm *mm = spaces_mm(spaces, 0);

	assert_int_equal(spaces_address(spaces, 0, base), 0x555555554000);
	assert_int_equal(spaces_address(spaces, 0, base + 2 * PAGE), 0x555555556000);
	assert_int_equal(spaces_address(spaces, 0, base + 100 * PAGE), mm->layout.mmap_base - 3 * PAGE);
	assert_int_equal(mm->tree.last->area.end, 0x7ffffffff000);
	assert_int_equal(mm->tree.last->area.start, 0x7ffffffff000 - 100 * PAGE);
	assert_int_equal(mm->tree.count, 4);
	assert_int_equal(spaces_reference_counts(spaces).mappings_made, 0);
	assert_int_equal(spaces_reference_counts(spaces).done, 4);
	rig_drop(spaces, reader);
}

/* After an exec an emulator may give its thread another number: the stack that came with the exec is its stack, and grows; the old
 * number makes none. */
static void test_an_exec_brings_the_stack_of_a_new_thread(void **state)
{
	struct spaces_options options = {.addresses = SPACES_FREE};
	struct access push = {
	    .offset = -(uint64_t)100 * PAGE, .size = 8, .kind = ACCESS_STORE, .place = ACCESS_STACK};
	struct event_region stack = region_at(UINT64_C(0x4000000000), 2048 * PAGE, EVENT_REGION_STACK, 0);
	struct written_trace trace;
	struct flt_reader *reader;

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, (struct event){.kind = EVENT_MARKER});
	written_access(&trace, 0, push);
	written_event(&trace, (struct event){.kind = EVENT_EXEC});
	stack.event = 1;
	stack.thread = 1;
	written_event(&trace, (struct event){.kind = EVENT_MARKER, .thread = 1});
	(void)written_region(&trace, stack);
	stack.kind = EVENT_REGION_ANONYMOUS;
	stack.thread = 0;
	(void)written_region(&trace, stack);
	push.base = 1;
	written_access(&trace, 1, push);
	struct spaces *spaces = rig_run(&trace, &reader, options, NULL);
	const struct mm *mm = spaces_mm(spaces, 0);
	uint64_t tops[3];

	assert_int_equal(mm->tree.count, 1);
	assert_int_equal(mm->tree.last->area.end, 0x7ffffffff000);
	assert_int_equal(mm->tree.last->area.start, 0x7ffffffff000 - 100 * PAGE);
	assert_true((mm->tree.last->area.flags & AREA_GROWS_DOWN) != 0);
	assert_true(spaces_stack_tops(spaces, 0, tops, 3) >= 1);
	assert_int_equal(tops[0], 0x7ffffffff000);
	/* From the reference up, exec wrote the arguments. */
	assert_int_equal(spaces_process(spaces, 0).resident_pages, 100);
	assert_int_equal(spaces_process(spaces, 0).exec_faults, 100);
	rig_drop(spaces, reader);
}

/* --- Processes ---------------------------------------------------------------------------------------------------------------- */

static void test_forks_copy_on_write(void **state)
{
	struct written_trace trace;
	struct flt_reader *reader;
	struct event fork = {.kind = EVENT_FORK, .count = 1};
	struct event child = {.kind = EVENT_MARKER, .process = 1, .thread = 1};
	struct event leave = {.kind = EVENT_EXIT, .process = 1, .thread = 1};

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, rig_memory(FIRST, 4 * PAGE));
	for (unsigned i = 0; i < 4; i++)
		rig_touch(&trace, 0, FIRST + i * PAGE, ACCESS_STORE);
	written_event(&trace, fork);
	written_event(&trace, child);
	rig_touch(&trace, 1, FIRST, ACCESS_STORE);	  /* copied */
	rig_touch(&trace, 1, FIRST + PAGE, ACCESS_LOAD);  /* the parent's frame */
	rig_touch(&trace, 0, FIRST, ACCESS_STORE);	  /* reused: the child has its own */
	rig_touch(&trace, 0, FIRST + PAGE, ACCESS_STORE); /* copied */
	written_event(&trace, leave);
	rig_touch(&trace, 0, FIRST + 2 * PAGE, ACCESS_STORE); /* reused: nobody else has it */
	struct spaces *spaces = rig_run(&trace, &reader, (struct spaces_options){0}, NULL);
	struct spaces_process parent = spaces_process(spaces, 0), ended = spaces_process(spaces, 1);

	assert_true(ended.has_ended);
	assert_null(spaces_mm(spaces, 1));
	assert_int_equal(ended.faults.cow, 1);
	assert_int_equal(ended.faults.minor, 1);
	assert_int_equal(ended.resident_pages, 4);
	assert_int_equal(parent.faults.cow, 1);
	assert_int_equal(parent.faults.cow_reuse, 2);
	assert_int_equal(parent.faults.minor, 7);
	assert_int_equal(spaces_total(spaces).faults.minor, 8);
	assert_int_equal(spaces_total(spaces).resident_pages, 4);
	rig_drop(spaces, reader);
}

static void test_vfork_shares_until_exec(void **state)
{
	struct written_trace trace;
	struct flt_reader *reader;
	struct event vfork = {.kind = EVENT_VFORK, .count = 1};
	struct event child = rig_memory(FIRST, PAGE), exec = {.kind = EVENT_EXEC, .process = 1, .thread = 1};
	struct event after = rig_memory(FIRST + (1 << 20), PAGE);

	(void)state;
	child.process = child.thread = after.process = after.thread = 1;
	written_trace_begin(&trace);
	written_event(&trace, vfork);
	written_event(&trace, child);
	rig_touch(&trace, 1, FIRST, ACCESS_STORE);
	written_event(&trace, exec);
	written_event(&trace, after);
	rig_touch(&trace, 1, FIRST + (1 << 20), ACCESS_STORE);
	rig_touch(&trace, 0, FIRST, ACCESS_LOAD);
	struct spaces *spaces = rig_run(&trace, &reader, (struct spaces_options){0}, NULL);

	assert_int_equal(spaces_mm(spaces, 0)->tree.first->area.start, FIRST);
	assert_int_equal(spaces_mm(spaces, 1)->tree.first->area.start, FIRST + (1 << 20));
	assert_int_equal(spaces_mm(spaces, 1)->tree.count, 1);
	assert_int_equal(spaces_process(spaces, 1).faults.minor, 2);
	assert_int_equal(spaces_reference_counts(spaces).mappings_made, 0);
	rig_drop(spaces, reader);
}

static void test_a_child_goes_on_with_the_stack(void **state)
{
	struct written_trace trace;
	struct flt_reader *reader;
	struct access below = {
	    .offset = (uint64_t)-8, .size = 8, .kind = ACCESS_STORE, .place = ACCESS_STACK};

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, (struct event){.kind = EVENT_MARKER});
	written_access(&trace, 0, below);
	written_event(&trace, (struct event){.kind = EVENT_FORK, .count = 1});
	written_event(&trace, (struct event){.kind = EVENT_MARKER, .process = 1, .thread = 1});
	below.base = 1;
	written_access(&trace, 1, below);
	struct spaces *spaces = rig_run(&trace, &reader, (struct spaces_options){0}, NULL);

	assert_int_equal(spaces_mm(spaces, 1)->tree.count, 1);
	assert_int_equal(spaces_process(spaces, 1).faults.cow, 1);
	rig_drop(spaces, reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forced_mappings_come_where_they_were),
	    cmocka_unit_test(test_free_mappings_are_found_again),
	    cmocka_unit_test(test_results_are_compared),
	    cmocka_unit_test(test_break_and_moves),
	    cmocka_unit_test(test_a_cut_file_loses_its_pages),
	    cmocka_unit_test(test_programs_start_from_their_maps),
	    cmocka_unit_test(test_programs_start_from_their_regions),
	    cmocka_unit_test(test_an_exec_brings_the_stack_of_a_new_thread),
	    cmocka_unit_test(test_forks_copy_on_write),
	    cmocka_unit_test(test_vfork_shares_until_exec),
	    cmocka_unit_test(test_a_child_goes_on_with_the_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
