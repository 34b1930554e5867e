#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/spaces/address_layout.h"
#include "engine/virt/paging.h"
#include "tests/unit/spaces_rig.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define LOW UINT64_C(0x50000000)
#define GIB (UINT64_C(1) << 30)

static struct policy system_of(uint32_t memory_layout, uint32_t page_levels)
{
	struct policy policy = *policy_find("i386");

	policy.memory_layout = memory_layout;
	policy.page_levels = page_levels;
	return policy;
}

/* --- Which machines there are ------------------------------------------------------------------------------------------- */

static void test_keys_choose_a_machine(void **state)
{
	static const struct {
		uint32_t layout, levels;
		const char *name;
	} machines[] = {
	    {LAYOUT_X86_64, 4, "x86-64"},
	    {LAYOUT_X86_64, 5, "x86-64-5"},
	    {LAYOUT_I386, 2, "i386"},
	    {LAYOUT_I386, 3, "pae"},
	};
	unsigned found = 0;

	(void)state;
	for (uint32_t layout = LAYOUT_X86_64; layout <= LAYOUT_I386; layout++) {
		for (uint32_t levels = 1; levels <= 5; levels++) {
			const struct policy policy = system_of(layout, levels);

			found += address_layout_of(&policy) != NULL;
		}
	}
	assert_int_equal(found, 4);
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		const struct policy policy = system_of(machines[i].layout, machines[i].levels);

		assert_string_equal(address_layout_of(&policy)->name, machines[i].name);
	}
	assert_string_equal(address_layout_of(policy_find("linux"))->name, "x86-64");
	assert_string_equal(address_layout_of(policy_find("i386"))->name, "i386");
}

static void test_layouts_are_in_step_with_their_tables(void **state)
{
	(void)state;
	for (uint32_t levels = 2; levels <= 5; levels++) {
		const struct policy policy = system_of(levels > 3 ? LAYOUT_X86_64 : LAYOUT_I386, levels);
		const struct address_layout *layout = address_layout_of(&policy);
		const struct paging *paging = paging_find(layout->paging);
		const uint64_t frames = layout->memory_max_bytes >> PAGE_SHIFT;

		assert_int_equal(paging->levels, levels);
		assert_true(layout->mm.task_bytes <= paging_lower_end(paging));
		assert_true(frames <= UINT64_C(1) << paging_frame_bits(paging));
		assert_true(layout->stack_top <= layout->mm.task_bytes);
		assert_true(layout->mm.mmap_base < layout->stack_top);
		assert_true(layout->program_base < layout->mm.start_brk);
		assert_true(layout->mm.start_brk < layout->mm.mmap_base);
		assert_int_equal(layout->is_32_bit, layout->mm.task_bytes <= 4 * GIB);
		if (layout->huge_page_order > 0)
			assert_int_equal(layout->huge_page_order, paging_leaf_order(paging, 2));
	}
}

/* --- Programs on a 32-bit machine ----------------------------------------------------------------------------------------- */

static void test_two_levels_map_what_four_do(void **state)
{
	const struct policy i386 = *policy_find("i386"), pae = system_of(LAYOUT_I386, 3);
	const struct policy *systems[] = {policy_find("linux"), &pae, &i386};
	const uint64_t tables[] = {5, 4, 2}; /* besides the root: two of level 1, and what is between */

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct spaces_options options = {.platform = {.policy = systems[i]}};
		struct written_trace trace;
		struct flt_reader *reader;

		written_trace_begin(&trace);
		written_event(&trace, rig_memory(LOW, 8 * PAGE));
		written_event(&trace, rig_memory(LOW + GIB, 8 * PAGE));
		rig_touch(&trace, 0, LOW + 7 * PAGE, ACCESS_STORE);
		rig_touch(&trace, 0, LOW + GIB, ACCESS_STORE);
		struct spaces *spaces = rig_run(&trace, &reader, options, NULL);
		struct spaces_process process = spaces_process(spaces, 0);

		assert_int_equal(process.faults.minor, 2);
		assert_int_equal(process.resident_pages, 2);
		assert_int_equal(process.tree_pages, 1 + tables[i]);
		assert_int_equal(spaces_call_counts(spaces).failed_only_here, 0);
		rig_drop(spaces, reader);
	}
}

static void test_a_64_bit_program_is_moved_into_3_gib(void **state)
{
	struct spaces_options options = {.platform = {.policy = policy_find("i386")},
					 .addresses = SPACES_FREE};
	const uint64_t heap = UINT64_C(0x4000026000);
	struct written_trace trace;
	struct flt_reader *reader;

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, rig_memory(FIRST, 4 * PAGE));
	written_event(&trace, rig_call(EVENT_BRK, 0, 0, heap));
	written_event(&trace, rig_call(EVENT_BRK, heap + 2 * PAGE, 0, heap + 2 * PAGE));
	rig_touch(&trace, 0, FIRST + 3 * PAGE, ACCESS_STORE);
	rig_touch(&trace, 0, heap + PAGE, ACCESS_STORE);
	struct spaces *spaces = rig_run(&trace, &reader, options, NULL);

	assert_int_equal(spaces_address(spaces, 0, FIRST), UINT64_C(0xb8000000) - 4 * PAGE);
	assert_int_equal(spaces_address(spaces, 0, heap), UINT64_C(0x41005000));
	assert_int_equal(spaces_call_counts(spaces).failed_only_here, 0);
	assert_int_equal(spaces_reference_counts(spaces).mappings_made, 0);
	assert_int_equal(spaces_process(spaces, 0).resident_pages, 2);
	rig_drop(spaces, reader);
}

static void test_stacks_begin_below_3_gib(void **state)
{
	struct spaces_options options = {.platform = {.policy = policy_find("i386")}};
	struct access below = {
	    .offset = (uint64_t)-8, .size = 8, .kind = ACCESS_STORE, .place = ACCESS_STACK};
	struct written_trace trace;
	struct flt_reader *reader;

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, (struct event){.kind = EVENT_MARKER});
	written_access(&trace, 0, below);
	struct spaces *spaces = rig_run(&trace, &reader, options, NULL);

	assert_int_equal(spaces_mm(spaces, 0)->tree.last->area.end, 3 * GIB);
	assert_int_equal(spaces_process(spaces, 0).resident_pages, 1);
	rig_drop(spaces, reader);
}

/* Two levels have no huge pages; PAE has, but a 32-bit kernel puts no mapping on their size. */
static void test_huge_pages_take_wide_entries(void **state)
{
	for (uint32_t levels = 2; levels <= 3; levels++) {
		struct policy system = system_of(LAYOUT_I386, levels);
		struct spaces_options options = {.platform = {.policy = &system}, .addresses = SPACES_FREE};
		struct event advice = rig_call(EVENT_MADVISE, FIRST, 4u << 20, 0);
		struct written_trace trace;
		struct flt_reader *reader;

		(void)state;
		advice.call.flags = MADV_HUGEPAGE;
		written_trace_begin(&trace);
		written_event(&trace, rig_memory(FIRST + GIB, PAGE));
		written_event(&trace, rig_memory(FIRST, 4u << 20));
		written_event(&trace, advice);
		rig_touch(&trace, 0, FIRST + (2u << 20), ACCESS_STORE);
		struct spaces *spaces = rig_run(&trace, &reader, options, NULL);

		assert_int_equal(spaces_address(spaces, 0, FIRST), UINT64_C(0xb8000000) - PAGE - (4u << 20));
		assert_int_equal(spaces_call_counts(spaces).failed_only_here, levels == 2);
		assert_int_equal(spaces_process(spaces, 0).huge_pages, levels == 2 ? 0 : 512);
		rig_drop(spaces, reader);
	}
}

/* Each process of the old i386 has a TSS and an LDT in the GDT: the 4,091st finds no place, and its fork fails. */
static void test_the_4091st_process_has_no_place(void **state)
{
	for (uint32_t levels = 2; levels <= 3; levels++) {
		const struct policy system = system_of(LAYOUT_I386, levels);
		struct spaces_options options = {.platform = {.policy = &system}};
		const uint32_t children = TASK_I386_MAX + 1;
		struct written_trace trace;
		struct flt_reader *reader;

		(void)state;
		written_trace_begin(&trace);
		written_event(&trace, rig_memory(LOW, PAGE));
		for (uint32_t i = 1; i <= children; i++) {
			written_event(&trace, (struct event){.kind = EVENT_FORK, .count = i});
			written_event(&trace,
				      (struct event){.kind = EVENT_MARKER, .process = i, .thread = i});
		}
		rig_touch(&trace, children, LOW, ACCESS_STORE);
		struct spaces *spaces = rig_run(&trace, &reader, options, NULL);

		assert_int_equal(spaces_call_counts(spaces).forks_refused, levels == 2 ? 2 : 0);
		assert_int_equal(spaces_reference_counts(spaces).of_others, levels == 2 ? 1 : 0);
		assert_non_null(spaces_mm(spaces, TASK_I386_MAX - 1));
		assert_int_equal(spaces_mm(spaces, TASK_I386_MAX) != NULL, levels == 3);
		rig_drop(spaces, reader);
	}
}

/* --- What does not fit ------------------------------------------------------------------------------------------------------ */

/* Runs the trace, which must be refused with words that hold `words`. */
static void expect_refused(struct written_trace *trace, struct spaces_options options, const char *words)
{
	struct trace_error error = {""};
	struct flt_reader *reader = written_trace_open(trace);
	struct spaces *spaces;

	options.reader = reader;
	options.process = SPACES_ALL_PROCESSES;
	enum trace_status status = spaces_create(&spaces, &options, &error);

	if (status == TRACE_OK)
		status = spaces_run(spaces, NULL, &error);
	assert_int_equal(status, TRACE_UNSUPPORTED);
	if (!strstr(error.message, words))
		fail_msg("'%s' is not in '%s'", words, error.message);
	spaces_destroy(spaces);
	flt_reader_close(reader);
}

static void test_addresses_beyond_3_gib_are_refused(void **state)
{
	struct spaces_options options = {.platform = {.policy = policy_find("i386")}};
	struct written_trace trace;

	(void)state;
	written_trace_begin(&trace);
	written_event(&trace, rig_memory(3 * GIB - PAGE, PAGE));
	written_event(&trace, rig_memory(UINT64_C(0xf7f00000), PAGE));
	expect_refused(&trace, options, "event 1: the recorded address 0xf7f00000 lies beyond the 3 GiB");
	options.addresses = SPACES_FREE;
	written_trace_begin(&trace);
	written_event(&trace, (struct event){.kind = EVENT_MARKER});
	rig_touch(&trace, 0, UINT64_C(0xffffd5c0), ACCESS_LOAD);
	expect_refused(&trace, options, "lies beyond the 3 GiB");
	written_trace_begin(&trace);
	written_snapshot(&trace, "maps", "7ffff7fd0000-7ffff7ff0000 r-xp 00000000 00:00 0\n",
			 (struct event){.process = 0});
	expect_refused(&trace, options, "0x7ffff7fd0000");
}

static void test_what_is_no_machine_is_refused(void **state)
{
	struct policy odd = system_of(LAYOUT_X86_64, 2);
	struct spaces_options options = {.platform = {.policy = &odd}};
	struct written_trace trace;

	(void)state;
	written_trace_begin(&trace);
	expect_refused(&trace, options, "page_levels=4 or 5");
	options.platform = (struct platform_options){.policy = policy_find("i386"), .memory_bytes = 8 * GIB};
	written_trace_begin(&trace);
	expect_refused(&trace, options, "from 64 MiB to 4 GiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys_choose_a_machine),
	    cmocka_unit_test(test_layouts_are_in_step_with_their_tables),
	    cmocka_unit_test(test_two_levels_map_what_four_do),
	    cmocka_unit_test(test_a_64_bit_program_is_moved_into_3_gib),
	    cmocka_unit_test(test_stacks_begin_below_3_gib),
	    cmocka_unit_test(test_huge_pages_take_wide_entries),
	    cmocka_unit_test(test_the_4091st_process_has_no_place),
	    cmocka_unit_test(test_addresses_beyond_3_gib_are_refused),
	    cmocka_unit_test(test_what_is_no_machine_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
