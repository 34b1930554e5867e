#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/spaces_rig.h"

#include <string.h>

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
		rig_touch(&trace, 0, FIRST + UINT64_C(8) * i, ACCESS_LOAD);
	rig_touch(&trace, 0, UINT64_MAX - 16, ACCESS_LOAD);
	struct spaces *spaces = rig_run(&trace, &reader, options, NULL);
	struct spaces_references references = spaces_reference_counts(spaces);

	cpu_set_tlb_counts(&spaces_platform(spaces)->processors, 0, &tlb);
	assert_int_equal(tlb_misses(&tlb, 1), 700);
	assert_int_equal(tlb_misses(&tlb, 2), 700);
	assert_int_equal(tlb_accesses(&tlb), 700 * 8);
	assert_int_equal(references.done, 700 * 8 + 1);
	assert_int_equal(references.refused, 1);
	assert_int_equal(references.mappings_made, 2); /* of 2 MiB */
	assert_int_equal(spaces_process(spaces, 0).faults.zero_page, 700);
	rig_drop(spaces, reader);
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
	written_event(&trace, rig_memory(FIRST, 8 * PAGE));
	written_access(&trace, 0, copy);
	struct spaces *spaces = rig_run(&trace, &reader, (struct spaces_options){0}, NULL);

	assert_int_equal(spaces_reference_counts(spaces).crossings, 2);
	assert_int_equal(spaces_process(spaces, 0).faults.minor, 3);
	rig_drop(spaces, reader);
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
	struct event map = rig_memory(0, 16 * PAGE);
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
	struct stub_placer stub = {.placer = {stub_place, stub_start, NULL}};
	struct spaces_options options = {.process = 1, .placer = &stub.placer};
	struct written_trace trace;
	struct flt_reader *reader;
	struct event own = rig_memory(FIRST, 4 * PAGE);
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
	rig_touch(&trace, 0, FIRST, ACCESS_LOAD);
	struct spaces *spaces = rig_run(&trace, &reader, options, NULL);
	struct spaces_references references = spaces_reference_counts(spaces);

	assert_int_equal(stub.starts, 1);
	assert_int_equal(stub.calls, 2);
	assert_int_equal(spaces_call_counts(spaces).dropped, 1);
	assert_int_equal(references.done, 2);
	assert_int_equal(references.clamped, 1);
	assert_int_equal(references.allocator_left_out, 1);
	assert_int_equal(references.of_others, 1);
	assert_int_equal(spaces_process(spaces, 1).resident_pages, 1);
	rig_drop(spaces, reader);
}

static void test_objects_need_a_placer(void **state)
{
	struct written_trace trace;
	struct flt_reader *reader;

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, (struct event){.kind = EVENT_MALLOC, .object = 1, .size = 100});
	written_access(&trace, 0, (struct access){.base = 1, .size = 8, .place = ACCESS_OBJECT});
	struct spaces *spaces = rig_run(&trace, &reader, (struct spaces_options){0}, NULL);

	assert_int_equal(spaces_reference_counts(spaces).objects_unplaced, 1);
	assert_int_equal(spaces_reference_counts(spaces).done, 0);
	rig_drop(spaces, reader);
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
	written_event(&trace, rig_memory(FIRST, 4 * PAGE));
	for (unsigned i = 0; i < 10; i++)
		rig_touch(&trace, 0, FIRST + i, ACCESS_LOAD);
	struct spaces *spaces = rig_run(&trace, &reader, (struct spaces_options){0}, &watch);

	assert_int_equal(samples[0], 3);
	assert_int_equal(samples[1], 4);
	assert_int_equal(samples[2], 8);
	assert_int_equal(samples[3], 10);
	rig_drop(spaces, reader);
}

/* Two halves of 2 MiB that were mapped one after the other: small pages, until khugepaged comes by. */
static struct spaces_process with_khugepaged(const char *period)
{
	struct policy policy = *policy_find("linux");
	struct spaces_options options = {.platform = {.policy = &policy}};
	struct written_trace trace;
	struct flt_reader *reader;

	assert_int_equal(policy_set(&policy, "thp=always"), STATUS_OK);
	assert_int_equal(policy_set(&policy, period), STATUS_OK);
	written_trace_begin(&trace);
	for (uint64_t half = 0; half < 2; half++) {
		written_event(&trace, rig_memory(FIRST + half * 256 * PAGE, 256 * PAGE));
		for (unsigned i = 0; i < 200; i++)
			rig_touch(&trace, 0, FIRST + (half * 256 + i) * PAGE, ACCESS_STORE);
	}
	struct spaces *spaces = rig_run(&trace, &reader, options, NULL);
	struct spaces_process process = spaces_process(spaces, 0);

	rig_drop(spaces, reader);
	return process;
}

static void test_khugepaged_comes_by(void **state)
{
	struct spaces_process asleep = with_khugepaged("khugepaged_period=0");
	struct spaces_process late = with_khugepaged("khugepaged_period=400");
	struct spaces_process early = with_khugepaged("khugepaged_period=300");

	(void)state;
	assert_int_equal(FIRST % (512 * PAGE), 0);
	assert_int_equal(asleep.huge_pages, 0);
	assert_int_equal(asleep.faults.minor, 400);
	assert_int_equal(late.huge_pages, 512);
	assert_int_equal(late.faults.thp_promoted, 1);
	assert_int_equal(late.faults.minor, 400);
	/* 100 pages of the second half came before it, the others are there then. */
	assert_int_equal(early.huge_pages, 512);
	assert_int_equal(early.faults.minor, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_addresses_alone_make_their_mappings),
	    cmocka_unit_test(test_references_beyond_their_page),
	    cmocka_unit_test(test_a_placer_says_where_blocks_lie),
	    cmocka_unit_test(test_objects_need_a_placer),
	    cmocka_unit_test(test_samples_are_taken),
	    cmocka_unit_test(test_khugepaged_comes_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
