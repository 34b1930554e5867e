#include "config.h"

#include "tests/unit/fault_rig.h"
#include "tests/unit/fault_scripts.h"
#include "tests/unit/fault_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BASE ((uint64_t)KERNEL_CHILD_BASE)
#define PAGE PAGE_BYTES
#define RW (STEP_PROT_READ | STEP_PROT_WRITE)

static struct fault_rig *new_rig(uint64_t frames, bool has_processors)
{
	struct fault_rig *rig = malloc(sizeof(*rig));
	struct rig_options options = {frames, SCRIPT_FILE_PAGES, has_processors};

	assert_non_null(rig);
	assert_true(rig_make(rig, &options));
	return rig;
}

static void end_rig(struct fault_rig *rig)
{
	assert_null(rig_check(rig));
	rig_drop(rig);
	free(rig);
}

static void do_steps(struct fault_rig *rig, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		(void)rig_step(rig, &steps[i]);
		assert_null(rig_check(rig));
	}
}

#define STEPS(rig, ...)                                                                                      \
	do_steps(rig, (const struct step[]){__VA_ARGS__},                                                    \
		 sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

/* --- Through the system calls, too ---------------------------------------------------------------------------------- */

/* What the scripts of fault_kernel show about the small world holds for whole address spaces: the same figures after every step. */
static void test_scripts(void **state)
{
	const struct fault_script *script;

	(void)state;
	for (unsigned number = 0; (script = fault_script_at(number)); number++) {
		struct fault_rig *rig = new_rig(65536, false);
		struct world world;

		world_make(&world, 65536, SCRIPT_FILE_PAGES);
		for (unsigned i = 0; script->steps[i].call != STEP_END; i++) {
			struct step_figures expected = world_step(&world, &script->steps[i]);
			struct step_figures figures = rig_step(rig, &script->steps[i]);

			const char *what = step_difference(&figures, &expected);

			if (what || figures.lazyfree_pages != expected.lazyfree_pages)
				fail_msg("%s: step %u: %s", script->name, i + 1, what ? what : "lazy pages");
		}
		world_drop(&world);
		end_rig(rig);
	}
}

/* --- The path of one access ----------------------------------------------------------------------------------------- */

static void test_restart(void **state)
{
	struct fault_rig *rig = new_rig(4096, false);
	struct mm *mm = &rig->process[0].mm;
	struct fault_space *space = &rig->process[0].space;

	(void)state;
	STEPS(rig, {STEP_MAP, 0, 0, 4, RW, 0});
	struct fault_access access = fault_access(mm, BASE + 5, WALK_WRITE | WALK_USER);

	assert_int_equal(access.end, FAULT_DONE);
	assert_int_equal(access.walks, 2);
	assert_int_equal(access.last.kinds, FAULT_ANONYMOUS);
	assert_int_equal(space->failed_walks, 1);
	assert_int_equal(space->failed_walk_references, 1); /* the root's entry was empty */
	access = fault_access(mm, BASE + 4095, WALK_READ | WALK_USER);
	assert_int_equal(access.walks, 1);
	/* The next page only lacks its entry in the lowest table. */
	access = fault_access(mm, BASE + PAGE, WALK_READ | WALK_USER);
	assert_int_equal(access.last.kinds, FAULT_ZERO_PAGE);
	assert_int_equal(space->failed_walk_references, 5);
	/* A fetch maps the page, finds no right on the restart, and ends. */
	access = fault_access(mm, BASE + 2 * PAGE, WALK_EXECUTE | WALK_USER);
	assert_int_equal(access.end, FAULT_NO_RIGHT);
	assert_int_equal(access.walks, 2);
	end_rig(rig);
}

static void test_signals(void **state)
{
	struct fault_rig *rig = new_rig(4096, false);
	struct mm *mm = &rig->process[0].mm;
	static const uint64_t nowhere[] = {
	    0, 1, 0x7ffffffff000, 0x800000000000, UINT64_MAX, 0xffff800000000000};

	(void)state;
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
		assert_int_equal(fault_access(mm, nowhere[i], WALK_READ | WALK_USER).end, FAULT_NO_AREA);
	assert_int_equal(rig->process[0].space.resident.counts.no_area, 6);
	end_rig(rig);
}

/*    guard gap of 1 MiB        stack
 *  other |<------------->| ... [ 16 pages ]                        */
static void test_stack_growth(void **state)
{
	struct fault_rig *rig = new_rig(8192, false);
	struct mm *mm = &rig->process[0].mm;
	struct mm_placement stack = {.start = 0x7ffffffde000,
				     .end = 0x7fffffff0000,
				     .flags = AREA_READ | AREA_WRITE | AREA_GROWS_DOWN | VMA_MAY_RIGHTS};

	(void)state;
	assert_int_equal(mm_place(mm, &stack).error, 0);
	struct fault_access access = fault_access(mm, stack.start - 3 * PAGE, WALK_WRITE | WALK_USER);

	assert_int_equal(access.end, FAULT_DONE);
	assert_int_equal(access.last.kinds, FAULT_ANONYMOUS | FAULT_GREW_STACK);
	assert_int_equal(mm_find(mm, stack.start)->area.start, stack.start - 3 * PAGE);
	assert_int_equal(rig->process[0].space.stack_growths, 1);
	/* 8 MiB is the limit. */
	assert_int_equal(fault_access(mm, stack.end - (9u << 20), WALK_WRITE | WALK_USER).end, FAULT_NO_AREA);
	/* Another mapping keeps the stack a guard gap away. */
	struct mm_mapping other = {.address = stack.start - (4u << 20),
				   .length = PAGE,
				   .protection = MM_PROT_READ,
				   .flags = MM_MAP_PRIVATE | MM_MAP_ANONYMOUS | MM_MAP_FIXED};

	assert_int_equal(fault_map(mm, &other).error, 0);
	assert_int_equal(fault_access(mm, other.address + PAGE + 255 * PAGE, WALK_WRITE | WALK_USER).end,
			 FAULT_NO_AREA);
	assert_int_equal(fault_access(mm, other.address + PAGE + 256 * PAGE, WALK_WRITE | WALK_USER).end,
			 FAULT_DONE);
	end_rig(rig);
}

/* --- Processors ----------------------------------------------------------------------------------------------------- */

/* A stream runs through faults to its end; what calls take away is forgotten. */
static void test_run_on_a_processor(void **state)
{
	struct fault_rig *rig = new_rig(8192, true);
	struct mm *mm = &rig->process[0].mm;
	struct fault_space *space = &rig->process[0].space;
	uint64_t addresses[64];
	uint8_t accesses[64];
	struct fault last;

	(void)state;
	cpu_switch(&rig->processors, 0, &space->cpu_space);
	STEPS(rig, {STEP_MAP, 0, 0, 32, RW, 0});
	for (unsigned i = 0; i < 64; i++) {
		addresses[i] = BASE + i / 2 * PAGE + i;
		accesses[i] = WALK_USER | (i % 2 ? WALK_WRITE : WALK_READ);
	}
	struct mmu_stream stream = {addresses, accesses, 64};

	assert_int_equal(fault_run(mm, &stream, &last), 64);
	assert_int_equal(space->resident.counts.zero_page, 32);
	assert_int_equal(space->resident.counts.from_zero, 32);
	assert_int_equal(space->failed_walks, 64);
	assert_int_equal(rig->processors.changes[FLUSH_COPY], 32);
	STEPS(rig, {STEP_FORK, 0, 0, 0, 0, 0});
	assert_int_equal(rig->processors.changes[FLUSH_FORK], 1);
	assert_int_equal(fault_run(mm, &stream, &last), 64);
	assert_int_equal(space->resident.counts.cow, 32);
	assert_int_equal(rig->processors.changes[FLUSH_COPY], 64);
	STEPS(rig, {STEP_EXIT, 1, 0, 0, 0, 0}, {STEP_PROTECT, 0, 0, 32, STEP_PROT_READ, 0});
	assert_int_equal(rig->processors.changes[FLUSH_PROTECT], 1);
	assert_int_equal(fault_run(mm, &stream, &last), 1);
	assert_int_equal(last.end, FAULT_NO_RIGHT);
	STEPS(rig, {STEP_UNMAP, 0, 0, 32, 0, 0});
	assert_int_equal(rig->processors.changes[FLUSH_UNMAP], 1);
	assert_int_equal(fault_run(mm, &stream, &last), 0);
	assert_int_equal(last.end, FAULT_NO_AREA);
	end_rig(rig);
}

/* --- Policies ------------------------------------------------------------------------------------------------------- */

static void test_eager_paging(void **state)
{
	struct fault_rig *rig = new_rig(4096, false);
	struct mm *mm = &rig->process[0].mm;

	(void)state;
	assert_int_equal(policy_set(&rig->policy, "paging=eager"), STATUS_OK);
	STEPS(rig, {STEP_MAP, 0, 0, 100, RW, 0}, {STEP_MAP, 0, 200, 100, STEP_PROT_READ, 0});
	assert_int_equal(rig->process[0].space.resident.anonymous_pages, 100);
	assert_int_equal(fault_set_brk(mm, mm->brk + 10 * PAGE).error, 0);
	assert_int_equal(rig->process[0].space.resident.anonymous_pages, 110);
	/* More than there is: the mapping is made, and the rest comes on demand. */
	struct mm_mapping huge = {.length = (uint64_t)1 << 30,
				  .protection = MM_PROT_READ | MM_PROT_WRITE,
				  .flags = MM_MAP_PRIVATE | MM_MAP_ANONYMOUS};

	assert_int_equal(fault_map(mm, &huge).error, 0);
	end_rig(rig);
}

static void test_khugepaged(void **state)
{
	struct fault_rig *rig = new_rig(8192, false);
	struct mm *mm = &rig->process[0].mm;
	const struct resident *resident = &rig->process[0].space.resident;
	uint64_t cursor = 0;

	(void)state;
	assert_int_equal(policy_set(&rig->policy, "khugepaged_max_ptes_none=500"), STATUS_OK);
	assert_int_equal(policy_set(&rig->policy, "khugepaged_scan_pages=1024"), STATUS_OK);
	STEPS(rig, {STEP_MAP, 0, 0, 2048, RW, 0}, {STEP_WRITE, 0, 0, 12, 0, 0},
	      {STEP_WRITE, 0, 512, 11, 0, 0}, {STEP_WRITE, 0, 1024, 512, 0, 0});
	assert_int_equal(fault_khugepaged(mm, &cursor), 0); /* nobody asked for huge pages */
	STEPS(rig, {STEP_ADVISE, 0, 0, 2048, 0, MADV_HUGEPAGE});
	cursor = 0;
	assert_int_equal(fault_khugepaged(mm, &cursor), 1);
	assert_int_equal(cursor, BASE + 1024 * PAGE);
	assert_int_equal(fault_khugepaged(mm, &cursor), 1);
	assert_int_equal(cursor, 0); /* the whole address space was seen */
	assert_int_equal(resident->huge_pages, 1024);
	assert_int_equal(resident->anonymous_pages, 1035);
	assert_int_equal(fault_khugepaged(mm, &cursor), 0);
	assert_int_equal(cursor, BASE + 1024 * PAGE);
	assert_int_equal(policy_set(&rig->policy, "khugepaged_scan_pages=0"), STATUS_OK);
	assert_int_equal(fault_khugepaged(mm, &cursor), 0);
	end_rig(rig);
}

/* --- Questions of calls --------------------------------------------------------------------------------------------- */

static void test_mincore(void **state)
{
	struct fault_rig *rig = new_rig(4096, false);
	struct mm *mm = &rig->process[0].mm;
	uint8_t resident[8];

	(void)state;
	STEPS(rig, {STEP_MAP, 0, 0, 4, RW, 0}, {STEP_MAP, 0, 4, 4, RW | STEP_FILE, 100},
	      {STEP_WRITE, 0, 1, 1, 0, 0}, {STEP_READ, 0, 3, 1, 0, 0});
	assert_int_equal(file_pages_set_resident(rig->file.pages, 102, 1, false), STATUS_OK);
	assert_int_equal(mm_residency(mm, BASE, 8 * PAGE, resident).error, 0);
	static const uint8_t expected[] = {0, 1, 0, 1, 1, 1, 0, 1};

	assert_memory_equal(resident, expected, 8);
	end_rig(rig);
}

static void test_fork_without_memory(void **state)
{
	struct fault_rig *rig = new_rig(1024, false);
	pfn_t taken[1024];
	size_t count = 0;

	(void)state;
	STEPS(rig, {STEP_MAP, 0, 0, 64, RW, 0}, {STEP_WRITE, 0, 0, 64, 0, 0});
	while (rig->buddy.free_pages > 2)
		taken[count++] = buddy_allocate(&rig->buddy, 0);
	assert_int_equal(rig_fork(rig), ENOMEM);
	assert_null(rig_check(rig));
	while (count > 0)
		buddy_free(&rig->buddy, taken[--count], 0);
	assert_int_equal(rig_fork(rig), 0);
	end_rig(rig);
}

/* --- The check ------------------------------------------------------------------------------------------------------ */

static pte_t *entry_of(struct fault_rig *rig, uint64_t page)
{
	unsigned level;

	return pagetable_find(&rig->process[0].space.resident.table, BASE + page * PAGE, &level);
}

static void break_mm(struct fault_rig *rig)
{
	rig->process[0].mm.total_pages++;
}

static void break_set(struct fault_rig *rig)
{
	rig->process[0].space.resident.file_pages++;
}

static void break_range(struct fault_rig *rig)
{
	mm_find(&rig->process[0].mm, BASE)->area.start += PAGE;
	rig->process[0].mm.total_pages--;
	rig->process[0].mm.data_pages--;
	rig->process[0].mm.accounted_pages--;
	rig->promise.promised_pages--;
}

static void break_rights(struct fault_rig *rig)
{
	*entry_of(rig, 0) &= ~PTE_NO_EXECUTE;
}

static void break_exclusive(struct fault_rig *rig)
{
	frames_page(&rig->frames, pte_frame(*entry_of(rig, 0)))->flags &= ~(uint32_t)PAGE_EXCLUSIVE;
}

static void break_place(struct fault_rig *rig)
{
	mm_find(&rig->process[0].mm, BASE + 100 * PAGE)->area.first_page++;
}

/* Page 0: own. Page 100: of the file. */
static void test_check_finds_each_broken_invariant(void **state)
{
	static const struct {
		void (*break_it)(struct fault_rig *);
		const char *text;
	} cases[] = {
	    {break_mm, "I3: total"},	    {break_set, "I3: the resident"},   {break_range, "I"},
	    {break_rights, "I3: an entry"}, {break_exclusive, "I3: an entry"}, {break_place, "I4: a page"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fault_rig *rig = new_rig(2048, false);

		STEPS(rig, {STEP_MAP, 0, 0, 4, RW, 0}, {STEP_WRITE, 0, 0, 1, 0, 0},
		      {STEP_MAP, 0, 100, 4, STEP_PROT_READ | STEP_FILE, 0}, {STEP_READ, 0, 100, 1, 0, 0});
		struct rig_process *process = &rig->process[0];
		struct mm mm = process->mm;
		struct resident resident = process->space.resident;
		struct area area = mm_find(&mm, BASE)->area, file = mm_find(&mm, BASE + 100 * PAGE)->area;
		uint64_t promised = rig->promise.promised_pages;
		pte_t entry = *entry_of(rig, 0);

		cases[i].break_it(rig);
		const char *broken = fault_check(&process->mm);

		assert_non_null(broken);
		assert_memory_equal(broken, cases[i].text, strlen(cases[i].text));
		*entry_of(rig, 0) = entry;
		frames_page(&rig->frames, pte_frame(entry))->flags |= PAGE_EXCLUSIVE;
		process->mm = mm;
		process->space.resident = resident;
		mm_find(&mm, BASE + 50 * PAGE)->previous->area = area;
		mm_find(&mm, BASE + 100 * PAGE)->area = file;
		rig->promise.promised_pages = promised;
		end_rig(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scripts),
	    cmocka_unit_test(test_restart),
	    cmocka_unit_test(test_signals),
	    cmocka_unit_test(test_stack_growth),
	    cmocka_unit_test(test_run_on_a_processor),
	    cmocka_unit_test(test_eager_paging),
	    cmocka_unit_test(test_khugepaged),
	    cmocka_unit_test(test_mincore),
	    cmocka_unit_test(test_fork_without_memory),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
