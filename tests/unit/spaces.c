#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/spaces/spaces.h"
#include "tests/unit/written_trace.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST UINT64_C(0x7f0000000000)
#define PAGE UINT64_C(4096)

/* --- Traces in a few words ---------------------------------------------------------------------------------------------- */

static struct event call_of(uint8_t kind, uint64_t address, uint64_t length, uint64_t result)
{
	return (struct event){.kind = kind, .call = {.address = address, .length = length, .result = result}};
}

/* mmap(NULL, length) of private memory, that returned `result`. */
static struct event memory_at(uint64_t result, uint64_t length)
{
	struct event event = call_of(EVENT_MMAP, 0, length, result);

	event.call.protection = PROT_READ | PROT_WRITE;
	event.call.flags = MAP_PRIVATE | MAP_ANONYMOUS;
	return event;
}

static void touch(struct written_trace *trace, uint32_t thread, uint64_t address, uint8_t kind)
{
	written_access(trace, thread,
		       (struct access){.offset = address, .size = 8, .kind = kind, .place = ACCESS_ABSOLUTE});
}

static struct spaces *run(struct written_trace *trace, struct flt_reader **reader,
			  struct spaces_options options, const struct spaces_watch *watch)
{
	struct trace_error error = {""};
	struct spaces *spaces;

	*reader = written_trace_open(trace);
	options.reader = *reader;
	options.platform.memory_bytes = UINT64_C(256) << 20;
	if (options.process == 0)
		options.process = SPACES_ALL_PROCESSES;
	if (spaces_create(&spaces, &options, &error) != TRACE_OK ||
	    spaces_run(spaces, watch, &error) != TRACE_OK)
		fail_msg("%s", error.message);
	const char *broken = spaces_check(spaces);

	if (broken)
		fail_msg("%s", broken);
	return spaces;
}

static void drop(struct spaces *spaces, struct flt_reader *reader)
{
	spaces_destroy(spaces);
	flt_reader_close(reader);
}

/* --- Calls ---------------------------------------------------------------------------------------------------------------- */

static void test_forced_mappings_come_where_they_were(void **state)
{
	struct written_trace trace;
	struct flt_reader *reader;

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, memory_at(FIRST, 8 * PAGE));
	written_event(&trace, call_of(EVENT_MUNMAP, FIRST + PAGE, 2 * PAGE, 0));
	for (unsigned i = 3; i < 6; i++)
		touch(&trace, 0, FIRST + i * PAGE, ACCESS_STORE);
	touch(&trace, 0, FIRST, ACCESS_LOAD);
	struct spaces *spaces = run(&trace, &reader, (struct spaces_options){0}, NULL);
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
	drop(spaces, reader);
}

static void test_free_mappings_are_found_again(void **state)
{
	struct spaces_options options = {.addresses = SPACES_FREE};
	struct written_trace trace;
	struct flt_reader *reader;
	uint64_t other = UINT64_C(0x4000000000);

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, memory_at(FIRST, 4 * PAGE));
	written_event(&trace, memory_at(other, 4 * PAGE));
	written_event(&trace, call_of(EVENT_MUNMAP, other + 2 * PAGE, PAGE, 0));
	touch(&trace, 0, other + PAGE, ACCESS_STORE);
	touch(&trace, 0, FIRST + 3 * PAGE, ACCESS_STORE);
	struct spaces *spaces = run(&trace, &reader, options, NULL);
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
	drop(spaces, reader);
}

static void test_results_are_compared(void **state)
{
	struct written_trace trace;
	struct flt_reader *reader;
	struct event refused = memory_at(0, PAGE), odd = call_of(EVENT_MUNMAP, FIRST + 1, PAGE, EINVAL);
	struct event missing = call_of(EVENT_MPROTECT, FIRST + (1 << 20), PAGE, 0);
	struct event other = call_of(EVENT_MUNMAP, FIRST + 1, PAGE, EPERM);

	(void)state;
	refused.flags = odd.flags = other.flags = EVENT_FAILED;
	refused.call.result = ENOMEM;
	written_trace_begin(&trace);
	written_event(&trace, refused);
	written_event(&trace, odd);
	written_event(&trace, missing);
	written_event(&trace, other);
	struct spaces *spaces = run(&trace, &reader, (struct spaces_options){0}, NULL);
	struct spaces_calls calls = spaces_call_counts(spaces);

	assert_int_equal(calls.carried_out, 4);
	assert_int_equal(calls.failed_only_there, 1);
	assert_int_equal(calls.failed_only_here, 1);
	assert_int_equal(calls.failed_otherwise, 1);
	assert_int_equal(spaces_mm(spaces, 0)->tree.count, 0);
	drop(spaces, reader);
}

static void test_break_and_moves(void **state)
{
	for (int is_free = 0; is_free < 2; is_free++) {
		struct spaces_options options = {.addresses = is_free ? SPACES_FREE : SPACES_FORCED};
		struct written_trace trace;
		struct flt_reader *reader;
		struct event move = call_of(EVENT_MREMAP, FIRST, 2 * PAGE, FIRST + (1 << 20));
		uint64_t heap = UINT64_C(0x4000100000);

		(void)state;
		move.call.new_length = 6 * PAGE;
		move.call.flags = MREMAP_MAYMOVE;
		written_trace_begin(&trace);
		written_event(&trace, call_of(EVENT_BRK, 0, 0, heap));
		written_event(&trace, call_of(EVENT_BRK, heap + 3 * PAGE, 0, heap + 3 * PAGE));
		touch(&trace, 0, heap + 2 * PAGE, ACCESS_STORE);
		written_event(&trace, memory_at(FIRST, 2 * PAGE));
		touch(&trace, 0, FIRST + PAGE, ACCESS_STORE);
		written_event(&trace, move);
		touch(&trace, 0, FIRST + (1 << 20) + 5 * PAGE, ACCESS_STORE);
		touch(&trace, 0, FIRST + (1 << 20) + PAGE, ACCESS_STORE);
		struct spaces *spaces = run(&trace, &reader, options, NULL);
		struct spaces_calls calls = spaces_call_counts(spaces);
		const struct mm *mm = spaces_mm(spaces, 0);

		assert_int_equal(mm->brk - mm->layout.start_brk, 3 * PAGE);
		assert_int_equal(calls.failed_only_here, 0);
		assert_int_equal(calls.moved, is_free ? 2 : 0);
		assert_int_equal(mm->tree.count, 2);
		assert_int_equal(spaces_reference_counts(spaces).mappings_made, 0);
		assert_int_equal(spaces_process(spaces, 0).faults.minor, 3);
		drop(spaces, reader);
	}
}

static void test_a_cut_file_loses_its_pages(void **state)
{
	struct written_trace trace;
	struct flt_reader *reader;
	struct event shared = memory_at(FIRST, 4 * PAGE), cut = call_of(EVENT_FTRUNCATE, 0, 2 * PAGE, 0);

	(void)state;
	written_trace_begin(&trace);
	shared.call.flags = MAP_SHARED;
	shared.call.file = cut.call.file = written_file(&trace, "/memfd:x (deleted)", 7, 4 * PAGE);
	written_event(&trace, shared);
	for (unsigned i = 0; i < 4; i++)
		touch(&trace, 0, FIRST + i * PAGE, ACCESS_STORE);
	written_event(&trace, cut);
	struct spaces *spaces = run(&trace, &reader, (struct spaces_options){0}, NULL);

	assert_int_equal(spaces_process(spaces, 0).shared_memory_pages, 2);
	assert_int_equal(spaces_process(spaces, 0).resident_peak_pages, 4);
	drop(spaces, reader);
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
	written_event(&trace, memory_at(FIRST, PAGE));
	touch(&trace, 0, 0x555555556010, ACCESS_STORE);
	touch(&trace, 0, 0x7ffffff00000, ACCESS_STORE);
	written_snapshot(&trace, "maps", maps_text, (struct event){0});
	struct spaces *spaces = run(&trace, &reader, options, &watch);
	const struct mm *mm = spaces_mm(spaces, 0);

	assert_int_equal(starts, 1);
	assert_int_equal(mm->tree.count, 5);
	assert_int_equal(spaces_address(spaces, 0, FIRST), 0x7ffff7fd0000 - PAGE);
	assert_int_equal(mm->tree.last->area.start, 0x7ffffff00000);
	assert_int_equal(mm->limits.stack_bytes, 16777216);
	assert_int_equal(spaces_process(spaces, 0).stack_growths, 1);
	assert_int_equal(spaces_process(spaces, 0).faults.cow, 1);
	assert_int_equal(spaces_call_counts(spaces).unplaced, 0);
	drop(spaces, reader);
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
	struct spaces *spaces = run(&trace, &reader, options, NULL);
	const struct mm *mm = spaces_mm(spaces, 0);

	assert_int_equal(spaces_address(spaces, 0, base), 0x555555554000);
	assert_int_equal(spaces_address(spaces, 0, base + 2 * PAGE), 0x555555556000);
	assert_int_equal(spaces_address(spaces, 0, base + 100 * PAGE), mm->layout.mmap_base - 3 * PAGE);
	assert_int_equal(mm->tree.last->area.end, 0x7ffffffff000);
	assert_int_equal(mm->tree.last->area.start, 0x7ffffffff000 - 100 * PAGE);
	assert_int_equal(mm->tree.count, 4);
	assert_int_equal(spaces_reference_counts(spaces).mappings_made, 0);
	assert_int_equal(spaces_reference_counts(spaces).done, 4);
	drop(spaces, reader);
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
	written_event(&trace, memory_at(FIRST, 4 * PAGE));
	for (unsigned i = 0; i < 4; i++)
		touch(&trace, 0, FIRST + i * PAGE, ACCESS_STORE);
	written_event(&trace, fork);
	written_event(&trace, child);
	touch(&trace, 1, FIRST, ACCESS_STORE);	      /* copied */
	touch(&trace, 1, FIRST + PAGE, ACCESS_LOAD);  /* the parent's frame */
	touch(&trace, 0, FIRST, ACCESS_STORE);	      /* reused: the child has its own */
	touch(&trace, 0, FIRST + PAGE, ACCESS_STORE); /* copied */
	written_event(&trace, leave);
	touch(&trace, 0, FIRST + 2 * PAGE, ACCESS_STORE); /* reused: nobody else has it */
	struct spaces *spaces = run(&trace, &reader, (struct spaces_options){0}, NULL);
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
	drop(spaces, reader);
}

static void test_vfork_shares_until_exec(void **state)
{
	struct written_trace trace;
	struct flt_reader *reader;
	struct event vfork = {.kind = EVENT_VFORK, .count = 1};
	struct event child = memory_at(FIRST, PAGE), exec = {.kind = EVENT_EXEC, .process = 1, .thread = 1};
	struct event after = memory_at(FIRST + (1 << 20), PAGE);

	(void)state;
	child.process = child.thread = after.process = after.thread = 1;
	written_trace_begin(&trace);
	written_event(&trace, vfork);
	written_event(&trace, child);
	touch(&trace, 1, FIRST, ACCESS_STORE);
	written_event(&trace, exec);
	written_event(&trace, after);
	touch(&trace, 1, FIRST + (1 << 20), ACCESS_STORE);
	touch(&trace, 0, FIRST, ACCESS_LOAD);
	struct spaces *spaces = run(&trace, &reader, (struct spaces_options){0}, NULL);

	assert_int_equal(spaces_mm(spaces, 0)->tree.first->area.start, FIRST);
	assert_int_equal(spaces_mm(spaces, 1)->tree.first->area.start, FIRST + (1 << 20));
	assert_int_equal(spaces_mm(spaces, 1)->tree.count, 1);
	assert_int_equal(spaces_process(spaces, 1).faults.minor, 2);
	assert_int_equal(spaces_reference_counts(spaces).mappings_made, 0);
	drop(spaces, reader);
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
	struct spaces *spaces = run(&trace, &reader, (struct spaces_options){0}, NULL);

	assert_int_equal(spaces_mm(spaces, 1)->tree.count, 1);
	assert_int_equal(spaces_process(spaces, 1).faults.cow, 1);
	drop(spaces, reader);
}

/* --- References ----------------------------------------------------------------------------------------------------------------- */

/* Nothing is known of mappings: loads of 8 bytes upwards, a TLB of 64 entries in 16 sets. */
static void test_addresses_alone_make_their_mappings(void **state)
{
	struct tlb_geometry geometry;
	struct tlb_geometry_error wrong;
	struct written_trace trace;
	struct flt_reader *reader;
	struct tlb_counts tlb;

	(void)state;
	assert_int_equal(tlb_geometry_parse(&geometry, "l1d=64x4,l2=1536x12", &wrong), STATUS_OK);
	struct spaces_options options = {.platform = {.geometries = &geometry, .models = 1}};

	written_trace_begin(&trace);
	written_event(&trace, (struct event){.kind = EVENT_MARKER});
	for (unsigned i = 0; i < 700 * 512; i += 64)
		touch(&trace, 0, FIRST + UINT64_C(8) * i, ACCESS_LOAD);
	touch(&trace, 0, UINT64_MAX - 16, ACCESS_LOAD);
	struct spaces *spaces = run(&trace, &reader, options, NULL);
	struct spaces_references references = spaces_reference_counts(spaces);

	cpu_set_tlb_counts(&spaces_platform(spaces)->processors, 0, &tlb);
	assert_int_equal(tlb_misses(&tlb, 1), 700);
	assert_int_equal(tlb_misses(&tlb, 2), 700);
	assert_int_equal(tlb_accesses(&tlb), 700 * 8);
	assert_int_equal(references.done, 700 * 8 + 1);
	assert_int_equal(references.refused, 1);
	assert_int_equal(references.mappings_made, 2); /* of 2 MiB */
	assert_int_equal(spaces_process(spaces, 0).faults.zero_page, 700);
	drop(spaces, reader);
}

static void test_references_beyond_their_page(void **state)
{
	struct written_trace trace;
	struct flt_reader *reader;
	struct access copy = {.offset = FIRST + PAGE - 1,
			      .size = 2 * 4096,
			      .kind = ACCESS_STORE | ACCESS_KERNEL,
			      .place = ACCESS_ABSOLUTE};

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, memory_at(FIRST, 8 * PAGE));
	written_access(&trace, 0, copy);
	struct spaces *spaces = run(&trace, &reader, (struct spaces_options){0}, NULL);

	assert_int_equal(spaces_reference_counts(spaces).crossings, 2);
	assert_int_equal(spaces_process(spaces, 0).faults.minor, 3);
	drop(spaces, reader);
}

struct stub_placer {
	struct placer placer;
	unsigned starts, calls;
	uint64_t next;
};

static enum trace_status stub_start(struct placer *placer, struct spaces *spaces, uint32_t process,
				    struct trace_error *error)
{
	struct stub_placer *stub = (struct stub_placer *)placer;
	struct event map = memory_at(0, 16 * PAGE);
	struct mm_result made = spaces_call(spaces, process, &map);

	(void)error;
	assert_int_equal(made.error, 0);
	stub->next = made.value;
	stub->starts++;
	return TRACE_OK;
}

static enum trace_status stub_place(struct placer *placer, struct spaces *spaces, const struct event *event,
				    uint64_t position, struct trace_error *error)
{
	struct stub_placer *stub = (struct stub_placer *)placer;

	assert_int_equal(position, 1 + 3 * (uint64_t)stub->calls);
	stub->calls++;
	struct placed placed = {stub->next, event->size};

	stub->next += PAGE;
	if (event->kind == EVENT_MALLOC)
		return spaces_put_block(spaces, event->object, placed, error);
	return TRACE_OK;
}

static void test_a_placer_says_where_blocks_lie(void **state)
{
	struct stub_placer stub = {.placer = {stub_place, stub_start}};
	struct spaces_options options = {.process = 1, .placer = &stub.placer};
	struct written_trace trace;
	struct flt_reader *reader;
	struct event own = memory_at(FIRST, 4 * PAGE);
	struct event who = {.kind = EVENT_ALLOCATOR_ENTER, .process = 1, .thread = 1};
	struct access object = {.base = 1, .size = 8, .kind = ACCESS_STORE, .place = ACCESS_OBJECT};

	(void)state;
	own.process = own.thread = 1;
	written_trace_begin(&trace);
	written_event(&trace, (struct event){.kind = EVENT_VFORK, .count = 1});
	written_event(&trace, (struct event){
				  .kind = EVENT_MALLOC, .object = 1, .size = 100, .process = 1, .thread = 1});
	written_access(&trace, 1, object);
	written_event(&trace, who);
	written_event(&trace, own);
	written_event(&trace, (struct event){.kind = EVENT_FREE, .object = 1, .process = 1, .thread = 1});
	object.offset = 1000;
	written_access(&trace, 1, object);
	written_access(&trace, 1, (struct access){.offset = FIRST, .size = 8, .place = ACCESS_ALLOCATOR});
	touch(&trace, 0, FIRST, ACCESS_LOAD);
	struct spaces *spaces = run(&trace, &reader, options, NULL);
	struct spaces_references references = spaces_reference_counts(spaces);

	assert_int_equal(stub.starts, 1);
	assert_int_equal(stub.calls, 2);
	assert_int_equal(spaces_call_counts(spaces).dropped, 1);
	assert_int_equal(references.done, 2);
	assert_int_equal(references.clamped, 1);
	assert_int_equal(references.allocator_left_out, 1);
	assert_int_equal(references.of_others, 1);
	assert_int_equal(spaces_process(spaces, 1).resident_pages, 1);
	drop(spaces, reader);
}

static void test_objects_need_a_placer(void **state)
{
	struct written_trace trace;
	struct flt_reader *reader;

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, (struct event){.kind = EVENT_MALLOC, .object = 1, .size = 100});
	written_access(&trace, 0, (struct access){.base = 1, .size = 8, .place = ACCESS_OBJECT});
	struct spaces *spaces = run(&trace, &reader, (struct spaces_options){0}, NULL);

	assert_int_equal(spaces_reference_counts(spaces).objects_unplaced, 1);
	assert_int_equal(spaces_reference_counts(spaces).done, 0);
	drop(spaces, reader);
}

static enum trace_status note_sample(void *context, struct spaces *spaces, uint64_t position,
				     struct trace_error *error)
{
	uint64_t *samples = context;

	(void)position;
	(void)error;
	samples[++samples[0]] = spaces_reference_counts(spaces).done;
	return TRACE_OK;
}

static void test_samples_are_taken(void **state)
{
	uint64_t samples[8] = {0};
	struct spaces_watch watch = {.context = samples, .every = 4, .sample = note_sample};
	struct written_trace trace;
	struct flt_reader *reader;

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, memory_at(FIRST, 4 * PAGE));
	for (unsigned i = 0; i < 10; i++)
		touch(&trace, 0, FIRST + i, ACCESS_LOAD);
	struct spaces *spaces = run(&trace, &reader, (struct spaces_options){0}, &watch);

	assert_int_equal(samples[0], 3);
	assert_int_equal(samples[1], 4);
	assert_int_equal(samples[2], 8);
	assert_int_equal(samples[3], 10);
	drop(spaces, reader);
}

static void test_a_machine_too_small_for_addresses_is_refused(void **state)
{
	struct written_trace trace;
	struct trace_error error = {""};
	struct spaces *spaces;

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, memory_at(FIRST, PAGE));
	struct flt_reader *reader = written_trace_open(&trace);
	struct spaces_options options = {.reader = reader, .platform = {.policy = policy_find("i386")}};

	assert_int_equal(spaces_create(&spaces, &options, &error), TRACE_UNSUPPORTED);
	assert_non_null(strstr(error.message, "47-bit"));
	flt_reader_close(reader);
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
	    cmocka_unit_test(test_forks_copy_on_write),
	    cmocka_unit_test(test_vfork_shares_until_exec),
	    cmocka_unit_test(test_a_child_goes_on_with_the_stack),
	    cmocka_unit_test(test_addresses_alone_make_their_mappings),
	    cmocka_unit_test(test_references_beyond_their_page),
	    cmocka_unit_test(test_a_placer_says_where_blocks_lie),
	    cmocka_unit_test(test_objects_need_a_placer),
	    cmocka_unit_test(test_samples_are_taken),
	    cmocka_unit_test(test_a_machine_too_small_for_addresses_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
