#include "config.h"

#include "tests/unit/fault_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/virt/walk.h"
#include "tests/unit/model.h"

#define MACHINE_FRAMES 8192u
#define BASE KERNEL_CHILD_BASE
#define PAGE ((uint64_t)4096)
#define HUGE (512 * PAGE)
#define RW (AREA_READ | AREA_WRITE)

static void do_steps(struct world *world, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)world_step(world, &steps[i]);
	assert_null(world_check(world));
}

#define STEPS(world, ...)                                                                                    \
	do_steps(world, (const struct step[]){__VA_ARGS__},                                                  \
		 sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step))

static const struct fault_counts *counts_of(const struct world *world)
{
	return &world->process[0].resident.counts;
}

/* --- What a fault says ---------------------------------------------------------------------------------------------- */

static void test_kinds(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, MACHINE_FRAMES, 100);
	STEPS(&world, {STEP_MAP, 0, 0, 8, RW, 0}, {STEP_READ, 0, 0, 1, 0, 0});
	assert_int_equal(world.last.kinds, FAULT_ZERO_PAGE);
	assert_int_equal(world.last.level, 1);
	assert_int_equal(world.last.before, 0);
	STEPS(&world, {STEP_WRITE, 0, 0, 1, 0, 0});
	assert_int_equal(world.last.kinds, FAULT_ANONYMOUS | FAULT_FROM_ZERO);
	assert_int_equal(pte_frame(world.last.before), world.frames.zero);
	STEPS(&world, {STEP_WRITE, 0, 1, 1, 0, 0});
	assert_int_equal(world.last.kinds, FAULT_ANONYMOUS);
	STEPS(&world, {STEP_FORK, 0, 0, 0, 0, 0}, {STEP_WRITE, 1, 1, 1, 0, 0});
	assert_int_equal(world.last.kinds, FAULT_COPY);
	STEPS(&world, {STEP_WRITE, 0, 1, 1, 0, 0});
	assert_int_equal(world.last.kinds, FAULT_REUSE);
	STEPS(&world, {STEP_MAP, 0, 16, 40, RW | STEP_FILE, 0}, {STEP_READ, 0, 16, 1, 0, 0});
	assert_int_equal(world.last.kinds, FAULT_FILE);
	assert_int_equal(world.last.mapped_around, 15);
	STEPS(&world, {STEP_WRITE, 0, 17, 1, 0, 0});
	assert_int_equal(world.last.kinds, FAULT_COPY);
	STEPS(&world, {STEP_MAP, 0, 80, 4, RW | STEP_FILE | STEP_SHARED, 0}, {STEP_WRITE, 0, 80, 1, 0, 0});
	assert_int_equal(world.last.kinds, FAULT_FILE | FAULT_DIRTIED);
	assert_int_equal(world.file->dirty_pages, 1);
	struct fault again = resident_fault(
	    &world.process[0].resident, world_area(&world.process[0], BASE + PAGE), BASE + PAGE, WALK_WRITE);

	assert_int_equal(again.end, FAULT_SPURIOUS);
	assert_int_equal(counts_of(&world)->cow, 1);
	assert_int_equal(counts_of(&world)->cow_reuse, 1);
	assert_int_equal(counts_of(&world)->zero_page, 1);
	assert_int_equal(counts_of(&world)->anonymous, 2);
	assert_int_equal(counts_of(&world)->from_zero, 1);
	assert_int_equal(counts_of(&world)->file, 2);
	assert_int_equal(counts_of(&world)->spurious, 1);
	assert_int_equal(counts_of(&world)->minor, 8);
	world_drop(&world);
}

static void test_rights(void **state)
{
	struct area area = {.start = 0, .end = PAGE};

	(void)state;
	assert_false(resident_may(&area, WALK_READ, false));
	area.flags = AREA_READ;
	assert_true(resident_may(&area, WALK_READ, false));
	assert_false(resident_may(&area, WALK_WRITE, false));
	assert_true(resident_may(&area, WALK_EXECUTE, false));
	assert_false(resident_may(&area, WALK_EXECUTE, true));
	area.flags = AREA_WRITE;
	assert_true(resident_may(&area, WALK_READ, false));
	area.flags = AREA_EXECUTE;
	assert_true(resident_may(&area, WALK_READ, true));
	assert_false(resident_may(&area, WALK_WRITE, true));
}

/* --- Policies ------------------------------------------------------------------------------------------------------- */

static void set_policy(struct world *world, const char *text)
{
	assert_int_equal(policy_set(&world->policy, text), STATUS_OK);
}

static void test_fault_around_sizes(void **state)
{
	static const struct {
		const char *policy;
		uint64_t around;
	} cases[] = {{"fault_around_bytes=4096", 0},
		     {"fault_around_bytes=16384", 3},
		     {"fault_around_bytes=2097152", 99}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world world;

		world_make(&world, MACHINE_FRAMES, 100);
		set_policy(&world, cases[i].policy);
		STEPS(&world, {STEP_MAP, 0, 0, 200, AREA_READ | STEP_FILE, 0}, {STEP_READ, 0, 50, 1, 0, 0});
		assert_int_equal(world.last.mapped_around, cases[i].around);
		world_drop(&world);
	}
}

/* never, madvise, always: without and with MADV_HUGEPAGE. */
static void test_thp_modes(void **state)
{
	static const struct {
		const char *policy;
		uint64_t plain, advised;
	} cases[] = {{"thp=never", 0, 0}, {"thp=madvise", 0, 512}, {"thp=always", 512, 512}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world world;
		const struct resident *resident = &world.process[0].resident;

		world_make(&world, MACHINE_FRAMES, 16);
		set_policy(&world, cases[i].policy);
		STEPS(&world, {STEP_MAP, 0, 0, 512, RW, 0}, {STEP_WRITE, 0, 0, 1, 0, 0});
		assert_int_equal(resident->huge_pages, cases[i].plain);
		STEPS(&world, {STEP_MAP, 0, 1024, 512, RW, 0}, {STEP_ADVISE, 0, 1024, 512, 0, MADV_HUGEPAGE},
		      {STEP_WRITE, 0, 1024, 1, 0, 0});
		assert_int_equal(resident->huge_pages, cases[i].plain + cases[i].advised);
		/* prctl switches it off for the process */
		world.process[0].resident.huge_is_disabled = true;
		STEPS(&world, {STEP_MAP, 0, 2048, 512, RW, 0}, {STEP_ADVISE, 0, 2048, 512, 0, MADV_HUGEPAGE},
		      {STEP_WRITE, 0, 2048, 1, 0, 0});
		assert_int_equal(resident->huge_pages, cases[i].plain + cases[i].advised);
		world_drop(&world);
	}
}

static void test_thp_without_zero_page(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, MACHINE_FRAMES, 16);
	set_policy(&world, "thp=always");
	set_policy(&world, "thp_zero_page=off");
	STEPS(&world, {STEP_MAP, 0, 0, 512, RW, 0}, {STEP_READ, 0, 0, 1, 0, 0});
	assert_int_equal(world.last.kinds, FAULT_ANONYMOUS | FAULT_HUGE);
	assert_int_equal(world.process[0].resident.anonymous_pages, 512);
	world_drop(&world);
}

/* No block of 2 MiB is left: small pages; thp_defrag says who would have waited. */
static void test_thp_fallback(void **state)
{
	static const struct {
		const char *policy;
		uint64_t stalls;
	} cases[] = {{"thp_defrag=always", 1},
		     {"thp_defrag=defer", 0},
		     {"thp_defrag=defer+madvise", 1},
		     {"thp_defrag=madvise", 1},
		     {"thp_defrag=never", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world world;
		pfn_t blocks[32];
		size_t count = 0;

		world_make(&world, MACHINE_FRAMES, 16);
		set_policy(&world, cases[i].policy);
		while ((blocks[count] = buddy_allocate(&world.buddy, 9)) != PFN_NONE)
			count++;
		STEPS(&world, {STEP_MAP, 0, 0, 512, RW, 0}, {STEP_ADVISE, 0, 0, 512, 0, MADV_HUGEPAGE},
		      {STEP_WRITE, 0, 0, 1, 0, 0});
		assert_int_equal(world.last.kinds, FAULT_ANONYMOUS | FAULT_FALLBACK);
		assert_int_equal(counts_of(&world)->thp_fallback, 1);
		assert_int_equal(counts_of(&world)->thp_stalls, cases[i].stalls);
		while (count > 0)
			buddy_free(&world.buddy, blocks[--count], 9);
		world_drop(&world);
	}
}

/* A block is reserved by the first small page, filled in place, and promoted when it is full. */
static void test_reservation(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, MACHINE_FRAMES, 16);
	set_policy(&world, "thp=always");
	set_policy(&world, "thp_placement=reservation");
	STEPS(&world, {STEP_MAP, 0, 0, 512, RW, 0}, {STEP_WRITE, 0, 7, 1, 0, 0});
	assert_int_equal(world.last.kinds, FAULT_ANONYMOUS);
	assert_int_equal(world.frames.anonymous_frames, 512);
	assert_int_equal(world.process[0].resident.anonymous_pages, 1);
	STEPS(&world, {STEP_WRITE, 0, 0, 511, 0, 0});
	assert_int_equal(world.process[0].resident.huge_pages, 0);
	assert_int_equal(world.frames.anonymous_frames, 512);
	STEPS(&world, {STEP_WRITE, 0, 511, 1, 0, 0});
	assert_int_equal(world.last.kinds, FAULT_ANONYMOUS | FAULT_PROMOTED | FAULT_HUGE);
	assert_int_equal(world.process[0].resident.huge_pages, 512);
	assert_int_equal(counts_of(&world)->thp_promoted, 1);
	STEPS(&world, {STEP_FORK, 0, 0, 0, 0, 0}, {STEP_WRITE, 1, 3, 1, 0, 0}, {STEP_UNMAP, 0, 0, 100, 0, 0});
	world_drop(&world);
}

static void test_promotion_threshold(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, MACHINE_FRAMES, 16);
	set_policy(&world, "thp=always");
	set_policy(&world, "thp_placement=reservation");
	set_policy(&world, "thp_promotion_pages=64");
	STEPS(&world, {STEP_MAP, 0, 0, 512, RW, 0}, {STEP_WRITE, 0, 0, 63, 0, 0});
	assert_int_equal(world.process[0].resident.huge_pages, 0);
	STEPS(&world, {STEP_READ, 0, 100, 1, 0, 0}, {STEP_WRITE, 0, 100, 1, 0, 0});
	assert_int_equal(world.process[0].resident.huge_pages, 512);
	assert_int_equal(world.process[0].resident.anonymous_pages, 512);
	world_drop(&world);
}

/* Collapse copies when the small pages lie anywhere. */
static void test_collapse(void **state)
{
	struct world world;
	struct world_process *process = &world.process[0];

	(void)state;
	world_make(&world, MACHINE_FRAMES, 16);
	STEPS(&world, {STEP_MAP, 0, 0, 1024, RW, 0}, {STEP_WRITE, 0, 0, 10, 0, 0},
	      {STEP_READ, 0, 20, 5, 0, 0});
	struct area *area = world_area(process, BASE);

	assert_false(resident_collapse(&process->resident, area, BASE, (struct collapse_limits){501, 0}));
	assert_false(
	    resident_collapse(&process->resident, area, BASE + HUGE, (struct collapse_limits){512, 0}));
	assert_true(
	    resident_collapse(&process->resident, area, BASE + 3 * PAGE, (struct collapse_limits){502, 0}));
	assert_false(resident_collapse(&process->resident, area, BASE, (struct collapse_limits){512, 0}));
	assert_int_equal(process->resident.huge_pages, 512);
	assert_null(world_check(&world));
	world_drop(&world);
}

/* --- Out of memory -------------------------------------------------------------------------------------------------- */

/* Whatever is refused, the books hold, and everything comes back. */
static void test_exhaustion(void **state)
{
	(void)state;
	for (unsigned spare = 0; spare < 12; spare++) {
		struct world world;
		pfn_t taken[1024];
		size_t count = 0;
		struct resident *resident = &world.process[0].resident;
		struct area area = {.start = BASE, .end = BASE + 4 * HUGE, .flags = RW | AREA_HUGE};
		struct area file = {
		    .start = BASE + 8 * HUGE, .end = BASE + 9 * HUGE, .flags = RW | AREA_SHARED};

		world_make(&world, 1024, 600);
		file.file = world.file;
		while (world.buddy.free_pages > spare)
			taken[count++] = buddy_allocate(&world.buddy, 0);
		assert_true(resident_populate(resident, &area, area.start, area.end, POPULATE_WRITE) ==
			    FAULT_NO_MEMORY);
		assert_true(resident_populate(resident, &file, file.start, file.end, POPULATE_READ) ==
			    FAULT_NO_MEMORY);
		assert_null(world_check(&world));
		assert_true(resident_zap(resident, area.start, area.end));
		assert_null(world_check(&world));
		while (count > 0)
			buddy_free(&world.buddy, taken[--count], 0);
		world_drop(&world);
	}
}

static void test_fork_without_memory(void **state)
{
	(void)state;
	for (unsigned spare = 0; spare < 6; spare++) {
		struct world world;
		struct resident child;
		pfn_t taken[4096];
		size_t count = 0;

		world_make(&world, 4096, 16);
		STEPS(&world, {STEP_MAP, 0, 0, 2048, RW, 0}, {STEP_ADVISE, 0, 0, 512, 0, MADV_HUGEPAGE},
		      {STEP_WRITE, 0, 0, 1, 0, 0}, {STEP_WRITE, 0, 600, 1, 0, 0},
		      {STEP_WRITE, 0, 1700, 1, 0, 0});
		struct resident_options options = {&world.store, &world.frames, &world.policy};

		assert_int_equal(resident_create(&child, &options), PAGETABLE_DONE);
		while (world.buddy.free_pages > spare)
			taken[count++] = buddy_allocate(&world.buddy, 0);
		bool is_copied = resident_copy(&child, &world.process[0].resident,
					       world_area(&world.process[0], BASE + 512 * PAGE));

		assert_int_equal(is_copied, spare >= 4);
		resident_destroy(&child);
		while (count > 0)
			buddy_free(&world.buddy, taken[--count], 0);
		assert_null(world_check(&world));
		world_drop(&world);
	}
}

/* --- Random steps --------------------------------------------------------------------------------------------------- */

static struct step random_step(uint64_t random)
{
	static const enum step_call calls[] = {STEP_MAP,    STEP_MAP,	STEP_UNMAP, STEP_PROTECT, STEP_ADVISE,
					       STEP_ADVISE, STEP_MOVE,	STEP_LOCK,  STEP_READ,	  STEP_READ,
					       STEP_WRITE,  STEP_WRITE, STEP_WRITE, STEP_EXECUTE, STEP_FORK,
					       STEP_EXIT,   STEP_SYNC,	STEP_EVICT};
	static const uint64_t advices[] = {MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE, 25, 22, 23};
	struct step step = {
	    .call = calls[random % 18], .page = (random >> 8) % 1600, .pages = 1 + (random >> 20) % 700};

	step.flags = (random >> 32) & (AREA_RIGHTS | STEP_SHARED | STEP_FILE | STEP_POPULATE);
	if (step.call == STEP_MAP && random >> 62 == 0)
		step.flags &= ~(unsigned)(STEP_SHARED | STEP_FILE);
	step.process = (random >> 40) & 1;
	if (step.call == STEP_ADVISE)
		step.extra = advices[(random >> 44) % 6];
	else if (step.call == STEP_MOVE)
		step.extra = 4096 + (random >> 44) % 1600;
	else if (step.call == STEP_MAP)
		step.extra = (random >> 44) % 200;
	else
		step.extra = 1 + (random >> 44) % 40;
	return step;
}

/* A step that the world can do: its processes are there, what is moved lies in one area. */
static bool can_do(struct world *world, struct step *step)
{
	struct world_process *process = &world->process[step->process];

	if (step->call == STEP_FORK || step->call == STEP_EXIT)
		return world->process[1].exists == (step->call == STEP_EXIT);
	if (!process->exists || process->areas > WORLD_AREAS - 8)
		return false;
	if (step->call == STEP_EVICT)
		return !world->process[1].exists;
	if (step->call != STEP_MOVE)
		return true;
	struct area *area = world_area(process, BASE + step->page * PAGE);

	return area && area->end >= BASE + (step->page + step->pages) * PAGE;
}

static const char *run_model(const void *context, const uint64_t *operations, size_t count)
{
	struct world *world = malloc(sizeof(*world));
	const char *broken = NULL;

	assert_non_null(world);
	world_make(world, 32768, 300);
	for (const char *const *policy = context; *policy; policy++)
		set_policy(world, *policy);
	for (size_t i = 0; i < count && !broken; i++) {
		struct step step = random_step(operations[i]);

		if (!can_do(world, &step))
			continue;
		(void)world_step(world, &step);
		broken = world_check(world);
	}
	world_drop(world);
	free(world);
	return broken;
}

static void test_model(void **state)
{
	static const char *const plain[] = {NULL};
	static const char *const huge[] = {"thp=always", NULL};
	static const char *const reserved[] = {"thp=always", "thp_placement=reservation",
					       "thp_promotion_pages=100", NULL};
	const struct model models[] = {{"resident", run_model, plain, 80, 30},
				       {"resident, huge pages", run_model, huge, 80, 40},
				       {"resident, reservations", run_model, reserved, 80, 40}};

	(void)state;
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		model_test(&models[i]);
}

/* --- The check ------------------------------------------------------------------------------------------------------ */

/* Page 0: own. Page 1: zero. Page 512: huge. Page 2048: of the file. */
static pte_t *entry_of(struct world *world, uint64_t page)
{
	unsigned level;

	return pagetable_find(&world->process[0].resident.table, BASE + page * PAGE, &level);
}

static void break_table(struct world *world)
{
	world->process[0].resident.table.leaves[1]++;
}

static void break_frame(struct world *world)
{
	*entry_of(world, 0) = pte_with_frame(*entry_of(world, 0), 4000);
}

static void break_outside(struct world *world)
{
	*entry_of(world, 0) = pte_with_frame(*entry_of(world, 0), (pfn_t)1 << 30);
}

static void break_anonymous(struct world *world)
{
	world->process[0].resident.anonymous_pages++;
}

static void break_file(struct world *world)
{
	world->process[0].resident.file_pages--;
}

static void break_huge(struct world *world)
{
	world->process[0].resident.huge_pages = 0;
}

static void break_deposits(struct world *world)
{
	world->process[0].resident.deposits++;
}

static void break_zero(struct world *world)
{
	*entry_of(world, 1) |= PTE_WRITE;
}

static void break_block(struct world *world)
{
	*entry_of(world, 512) = pte_with_frame(*entry_of(world, 512), world->frames.zero);
}

static void break_mapcount(struct world *world)
{
	struct page *page = frames_page(&world->frames, pte_frame(*entry_of(world, 0)));

	page->mapcount++;
	page->count++;
}

static void break_huge_mapcount(struct world *world)
{
	struct page *page = frames_page(&world->frames, pte_frame(*entry_of(world, 512)));

	page->huge_mapcount++;
	page->count++;
}

static void test_check_finds_each_broken_invariant(void **state)
{
	static const struct {
		void (*break_it)(struct world *);
		const char *text;
	} cases[] = {
	    {break_table, "I4: tables["}, {break_frame, "I2: an entry"}, {break_outside, "I2: an entry"},
	    {break_anonymous, "I3: the"}, {break_file, "I3: the"},	 {break_huge, "I4: huge"},
	    {break_deposits, "I4: huge"}, {break_zero, "I5: a huge"},	 {break_block, "I5: a huge"},
	    {break_mapcount, "I6: "},	  {break_huge_mapcount, "I6: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world world;

		world_make(&world, MACHINE_FRAMES, 16);
		set_policy(&world, "thp=always");
		STEPS(&world, {STEP_MAP, 0, 0, 4, RW, 0}, {STEP_WRITE, 0, 0, 1, 0, 0},
		      {STEP_READ, 0, 1, 1, 0, 0}, {STEP_MAP, 0, 512, 512, RW, 0},
		      {STEP_WRITE, 0, 512, 1, 0, 0}, {STEP_MAP, 0, 2048, 4, AREA_READ | STEP_FILE, 0},
		      {STEP_READ, 0, 2048, 1, 0, 0});
		struct resident sets = world.process[0].resident;
		struct page *pages = malloc(MACHINE_FRAMES * sizeof(*pages));
		pte_t entries[] = {*entry_of(&world, 0), *entry_of(&world, 1), *entry_of(&world, 512)};

		assert_non_null(pages);
		memcpy(pages, world.array.page, MACHINE_FRAMES * sizeof(*pages));
		cases[i].break_it(&world);
		const char *broken = world_check(&world);

		assert_non_null(broken);
		assert_memory_equal(broken, cases[i].text, strlen(cases[i].text));
		memcpy(world.array.page, pages, MACHINE_FRAMES * sizeof(*pages));
		free(pages);
		world.process[0].resident = sets;
		*entry_of(&world, 0) = entries[0];
		*entry_of(&world, 1) = entries[1];
		*entry_of(&world, 512) = entries[2];
		assert_null(world_check(&world));
		world_drop(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_rights),
	    cmocka_unit_test(test_fault_around_sizes),
	    cmocka_unit_test(test_thp_modes),
	    cmocka_unit_test(test_thp_without_zero_page),
	    cmocka_unit_test(test_thp_fallback),
	    cmocka_unit_test(test_reservation),
	    cmocka_unit_test(test_promotion_threshold),
	    cmocka_unit_test(test_collapse),
	    cmocka_unit_test(test_exhaustion),
	    cmocka_unit_test(test_fork_without_memory),
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
