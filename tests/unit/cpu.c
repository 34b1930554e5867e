#include "config.h"

#include "engine/virt/cpu.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE ((uint64_t)4096)
#define LARGE ((uint64_t)1 << 21)
#define BASE 0x7f0000000000u
#define USER (PTE_PRESENT | PTE_WRITE | PTE_USER)
#define SPACES 7u

static const char *const texts[] = {
    "l1d=64x4,l2=1536x12,walk2=32x4,walk3=4xfull,walk4=2xfull",
    "zen4",
    "skylake-sp",
    "l1d=16x4,l2=96x8,replace=plru,walk2=8x2",
    "l1d=16x4,l2=64x8,asid=no,walk2=8x2,walk-flush=tables",
    "l1d=12x3,l2=30x5,replace=fifo,walk2=4xfull,walk-flush=tables",
    "l1d=32x8,l2=64x4,replace=random,asid=no",
    "l1d=16x16,l2=64x8,coalesce=4,walk2=8x2",
    "l1d=16x16,nested=large,walk2=8x2",
};

#define MODELS (sizeof(texts) / sizeof(texts[0]))

struct rig {
	struct table_store store;
	struct counting_source source;
	struct pagetable kernel;
	struct pagetable table[SPACES];
	struct cpu_space space[SPACES]; /* table NULL: there is none */
	struct cpu_set set;
};

/* Processors with some of the models. */
static struct rig *rig_make(unsigned processors, unsigned tags, unsigned first, unsigned models)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct tlb_geometry geometries[MODELS];
	struct tlb_geometry_error error;
	struct cpu_options options = {.processors = processors,
				      .tags = tags,
				      .gdt_base = 0x1000,
				      .geometries = geometries,
				      .models = models};

	assert_non_null(rig);
	for (unsigned i = 0; i < models; i++)
		assert_int_equal(tlb_geometry_find(&geometries[i], texts[first + i], &error), STATUS_OK);
	assert_int_equal(table_store_create(&rig->store, paging_find("x86-64")), STATUS_OK);
	counting_source_create(&rig->source, 1, 1 << 24);
	assert_int_equal(pagetable_create(&rig->kernel, &rig->store, page_source_of_counter(&rig->source)),
			 PAGETABLE_DONE);
	options.kernel = &rig->kernel;
	assert_int_equal(cpu_set_create(&rig->set, &options), STATUS_OK);
	return rig;
}

static void space_make(struct rig *rig, unsigned number)
{
	assert_int_equal(
	    pagetable_create(&rig->table[number], &rig->store, page_source_of_counter(&rig->source)),
	    PAGETABLE_DONE);
	assert_int_equal(cpu_space_create(&rig->set, &rig->space[number], &rig->table[number]), CPU_FINE);
}

static void space_drop(struct rig *rig, unsigned number)
{
	if (!rig->space[number].table)
		return;
	cpu_space_destroy(&rig->set, &rig->space[number]);
	pagetable_destroy(&rig->table[number]);
}

static void rig_drop(struct rig *rig)
{
	for (unsigned i = 0; i < SPACES; i++)
		space_drop(rig, i);
	cpu_set_destroy(&rig->set);
	pagetable_destroy(&rig->kernel);
	table_store_destroy(&rig->store);
	free(rig);
}

static void map(struct rig *rig, unsigned space, uint64_t address, unsigned level)
{
	pte_t entry = pte_make((address - BASE) >> 12, USER);

	assert_int_equal(pagetable_set(&rig->table[space], address, level, entry, NULL), PAGETABLE_DONE);
}

static void load(struct rig *rig, unsigned cpu, uint64_t address)
{
	struct mmu_stream stream = {&address, NULL, 1};
	struct mmu_fault fault;

	assert_int_equal(cpu_run(&rig->set, cpu, &stream, &fault), 1);
}

static uint64_t misses(const struct rig *rig, unsigned model)
{
	struct tlb_counts counts;

	cpu_set_tlb_counts(&rig->set, model, &counts);
	return tlb_misses(&counts, 2);
}

struct unmapping {
	struct flush flush;
	struct pagetable *table;
};

static void note(void *context, uint64_t address, unsigned level, pte_t entry)
{
	struct unmapping *unmapping = context;

	(void)entry;
	flush_note(&unmapping->flush, unmapping->table, address, level);
}

static void unmap(struct rig *rig, unsigned cpu, unsigned space, uint64_t address, uint64_t bytes)
{
	struct pagetable *table = &rig->table[space];
	struct unmapping unmapping = {flush_begin(FLUSH_UNMAP, table), table};

	(void)pagetable_clear_range(table, address, bytes, note, &unmapping);
	flush_end(&unmapping.flush, table);
	cpu_flush(&rig->set, cpu, &rig->space[space], &unmapping.flush);
}

/* --- Switches ------------------------------------------------------------------------------------------------------- */

/* Model 0 has tags, model 4 has none: only there a switch to and fro costs the page again. */
static void test_switches_with_and_without_tags(void **state)
{
	struct rig *rig = rig_make(1, 0, 0, MODELS);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		space_make(rig, i);
		map(rig, i, BASE, 1);
	}
	for (unsigned i = 0; i < 10; i++) {
		cpu_switch(&rig->set, 0, &rig->space[i % 2]);
		load(rig, 0, BASE);
		assert_null(cpu_set_check(&rig->set));
	}
	assert_int_equal(misses(rig, 0), 2);
	assert_int_equal(misses(rig, 4), 10);
	assert_int_equal(cpu_set_counts(&rig->set).switches, 10);
	assert_int_equal(cpu_set_counts(&rig->set).tag_flushes, 2);
	cpu_switch(&rig->set, 0, &rig->space[1]); /* it runs already */
	assert_int_equal(cpu_set_counts(&rig->set).switches, 10);
	rig_drop(rig);
}

/* Six spaces in turn keep their tags; seven lose them every time. One tag is like none. */
static void test_a_small_number_of_tags(void **state)
{
	static const struct {
		unsigned tags, spaces, misses;
	} cases[] = {{0, 6, 6}, {0, 7, 28}, {6, 7, 28}, {7, 7, 7}, {1, 2, 8}, {1, 1, 1}};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct rig *rig = rig_make(1, cases[c].tags, 0, 1);

		for (unsigned i = 0; i < cases[c].spaces; i++) {
			space_make(rig, i);
			map(rig, i, BASE, 1);
		}
		for (unsigned i = 0; i < 4 * cases[c].spaces; i++) {
			cpu_switch(&rig->set, 0, &rig->space[i % cases[c].spaces]);
			load(rig, 0, BASE);
			assert_null(cpu_set_check(&rig->set));
		}
		assert_int_equal(misses(rig, 0), cases[c].misses);
		rig_drop(rig);
	}
}

static void test_cr3_is_in_the_task(void **state)
{
	struct rig *rig = rig_make(2, 0, 0, 1);

	(void)state;
	space_make(rig, 0);
	space_make(rig, 1);
	assert_true(cpu_cr3(&rig->set.cpu[1]) == pagetable_root_frame(&rig->kernel) << 12);
	cpu_switch(&rig->set, 1, &rig->space[0]);
	cpu_switch(&rig->set, 1, &rig->space[1]);
	assert_true(rig->set.cpu[1].tasks.task[rig->space[1].task].cr3 == pagetable_root_frame(&rig->table[1])
									      << 12);
	assert_true(cpu_cr3(&rig->set.cpu[1]) == (pagetable_root_frame(&rig->table[1]) << 12 | 2));
	cpu_switch(&rig->set, 1, NULL); /* a kernel thread keeps it */
	assert_true(cpu_cr3(&rig->set.cpu[1]) == (pagetable_root_frame(&rig->table[1]) << 12 | 2));
	rig_drop(rig);
}

/* --- Flushes -------------------------------------------------------------------------------------------------------- */

/* Processor 0 unmaps; 1 runs the space, too; 2 is lazy with it; 3 has a tag left of it; 4 never ran it. */
static void test_who_hears_of_a_change(void **state)
{
	struct rig *rig = rig_make(5, 0, 0, 1);

	(void)state;
	space_make(rig, 0);
	space_make(rig, 1);
	map(rig, 0, BASE, 1);
	map(rig, 0, BASE + PAGE, 1);
	map(rig, 1, BASE, 1);
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		cpu_switch(&rig->set, cpu, &rig->space[0]);
		load(rig, cpu, BASE + PAGE);
	}
	cpu_switch(&rig->set, 2, NULL);
	cpu_switch(&rig->set, 3, &rig->space[1]);
	unmap(rig, 0, 0, BASE, PAGE);
	assert_null(cpu_set_check(&rig->set));
	assert_int_equal(rig->set.cpu[0].counts.shootdowns, 0);
	assert_int_equal(rig->set.cpu[0].counts.page_flushes, 1);
	assert_int_equal(rig->set.cpu[1].counts.shootdowns, 1);
	assert_int_equal(rig->set.cpu[2].counts.shootdowns, 0);
	assert_int_equal(rig->set.cpu[2].counts.skipped, 1);
	assert_int_equal(rig->set.cpu[3].counts.shootdowns + rig->set.cpu[4].counts.shootdowns, 0);
	assert_int_equal(rig->set.changes[FLUSH_UNMAP], 1);

	/* Who was not told flushes the whole tag on the way back; who was, keeps the other page. */
	uint64_t before = misses(rig, 0);

	load(rig, 0, BASE + PAGE);
	load(rig, 1, BASE + PAGE);
	assert_int_equal(misses(rig, 0), before);
	cpu_switch(&rig->set, 2, &rig->space[0]);
	cpu_switch(&rig->set, 3, &rig->space[0]);
	assert_int_equal(rig->set.cpu[2].counts.lazy_returns, 1);
	load(rig, 2, BASE + PAGE);
	load(rig, 3, BASE + PAGE);
	assert_int_equal(misses(rig, 0), before + 2);

	/* A freed table interrupts the lazy one as well: it might still walk it. */
	cpu_switch(&rig->set, 2, NULL);
	unmap(rig, 0, 0, BASE, LARGE);
	assert_int_equal(rig->set.cpu[2].counts.shootdowns, 1);
	assert_null(cpu_set_check(&rig->set));
	rig_drop(rig);
}

/* 33 pages leave the neighbour's entry alone; 34 take everything of the space, but not of another. */
static void test_ceiling_in_the_tlb(void **state)
{
	(void)state;
	for (uint64_t pages = 33; pages <= 34; pages++) {
		struct rig *rig = rig_make(1, 0, 0, 1);

		space_make(rig, 0);
		space_make(rig, 1);
		map(rig, 1, BASE, 1);
		for (uint64_t i = 0; i < 40; i++)
			map(rig, 0, BASE + i * PAGE, 1);
		cpu_switch(&rig->set, 0, &rig->space[1]);
		load(rig, 0, BASE);
		cpu_switch(&rig->set, 0, &rig->space[0]);
		load(rig, 0, BASE + 39 * PAGE);
		unmap(rig, 0, 0, BASE, pages * PAGE);
		uint64_t before = misses(rig, 0);

		load(rig, 0, BASE + 39 * PAGE);
		assert_int_equal(misses(rig, 0) - before, pages == 34);
		cpu_switch(&rig->set, 0, &rig->space[1]);
		before = misses(rig, 0);
		load(rig, 0, BASE);
		assert_int_equal(misses(rig, 0), before);
		rig_drop(rig);
	}
}

/* Global entries of the kernel live on through whole-space flushes and switches, until the kernel itself flushes. */
static void test_kernel_entries(void **state)
{
	struct rig *rig = rig_make(2, 0, 0, MODELS);
	uint64_t direct = 0xffff888000000000u;

	(void)state;
	assert_int_equal(pagetable_map_direct(&rig->kernel, direct, 0, 512), PAGETABLE_DONE);
	space_make(rig, 0);
	space_make(rig, 1);
	for (unsigned i = 0; i < 2; i++)
		pagetable_borrow(&rig->table[i], &rig->kernel, direct);
	for (unsigned i = 0; i < 6; i++) {
		uint8_t access = WALK_READ;
		struct mmu_stream stream = {&direct, &access, 1};
		struct mmu_fault fault;
		struct flush flush = flush_of_entry(FLUSH_FORK, &rig->table[i % 2], BASE, 1);

		cpu_switch(&rig->set, 0, &rig->space[i % 2]);
		assert_int_equal(cpu_run(&rig->set, 0, &stream, &fault), 1);
		cpu_flush(&rig->set, 1, &rig->space[i % 2], &flush);
		assert_int_equal(misses(rig, 0), 1 + i / 4);
		assert_int_equal(misses(rig, 4), 1 + i / 4);
		if (i == 3)
			cpu_flush_kernel(&rig->set, direct, LARGE);
	}
	cpu_flush_kernel(&rig->set, direct, PAGE);
	assert_int_equal(associative_count(&rig->set.cpu[0].mmu.model[0].tlb.part[0]), 0);
	rig_drop(rig);
}

static void test_i386_has_place_for_4090_spaces(void **state)
{
	static struct cpu_space spaces[TASK_I386_MAX + 1];
	struct rig *rig = rig_make(1, 0, 0, 1);
	struct cpu_options options = {
	    .processors = 1, .segments = TASK_I386, .gdt_base = 0x1000, .kernel = &rig->kernel};

	(void)state;
	cpu_set_destroy(&rig->set);
	assert_int_equal(cpu_set_create(&rig->set, &options), STATUS_OK);
	for (unsigned i = 0; i < TASK_I386_MAX; i++)
		assert_int_equal(cpu_space_create(&rig->set, &spaces[i], &rig->kernel), CPU_FINE);
	assert_int_equal(cpu_space_create(&rig->set, &spaces[TASK_I386_MAX], &rig->kernel), CPU_NO_TASK);
	cpu_space_destroy(&rig->set, &spaces[7]);
	assert_int_equal(cpu_space_create(&rig->set, &spaces[TASK_I386_MAX], &rig->kernel), CPU_FINE);
	assert_int_equal(spaces[TASK_I386_MAX].task, 7);
	rig_drop(rig);
}

static void test_options_out_of_bounds(void **state)
{
	struct rig *rig = rig_make(1, 0, 0, 1);
	struct cpu_options options = {.kernel = &rig->kernel};
	struct cpu_set set;

	(void)state;
	assert_int_equal(cpu_set_create(&set, &options), STATUS_BAD_ARGUMENT);
	options.processors = CPU_MAX + 1;
	assert_int_equal(cpu_set_create(&set, &options), STATUS_BAD_ARGUMENT);
	options.processors = 1;
	options.tags = CPU_TAGS_MAX + 1;
	assert_int_equal(cpu_set_create(&set, &options), STATUS_BAD_ARGUMENT);
	rig_drop(rig);
}

/* --- Random lives ---------------------------------------------------------------------------------------------------- */

/* What no flush may leave behind: an entry of an up-to-date tag for a page that the table does not map, at that size. */
static void check_nothing_is_stale(const struct rig *rig, const struct cpu *cpu, const struct tlb *tlb)
{
	for (unsigned p = 0; p < tlb->parts; p++) {
		for (size_t at = 0; at < associative_places(&tlb->part[p]); at++) {
			uint64_t key = associative_key_at(&tlb->part[p], at);
			unsigned class = tlb_class_of(key);
			unsigned space = (unsigned)(key >> ASSOCIATIVE_SPACE_SHIFT) - 1;
			uint64_t page = key & ASSOCIATIVE_PAGE_MASK;

			if (key == ASSOCIATIVE_EMPTY || (!tlb->tagged && space != cpu->tag))
				continue;
			for (unsigned i = 0; i < SPACES; i++) {
				unsigned shift =
				    class == TLB_CLASS_COALESCED ? 12 + tlb->coalesce_shift : 3 + 9 * class;
				unsigned level = 0;

				if (!rig->space[i].table || rig->space[i].number != cpu->tags[space].space ||
				    rig->space[i].generation != cpu->tags[space].generation)
					continue;
				assert_non_null(pagetable_find(&rig->table[i], page << shift, &level));
				assert_int_equal(level, class == TLB_CLASS_COALESCED ? 1 : class);
			}
		}
	}
}

static void check_all(const struct rig *rig)
{
	assert_null(cpu_set_check(&rig->set));
	for (unsigned c = 0; c < rig->set.processors; c++) {
		for (unsigned m = 0; m < rig->set.cpu[c].mmu.models; m++)
			check_nothing_is_stale(rig, &rig->set.cpu[c], &rig->set.cpu[c].mmu.model[m].tlb);
	}
}

/* The processor's thread reads; what is not there is mapped, in large pages in every fourth region. */
static void run_with_faults(struct rig *rig, unsigned cpu, unsigned space, struct random *random)
{
	static uint64_t addresses[300];
	size_t done = 0;

	for (size_t i = 0; i < 300; i++)
		addresses[i] = BASE + random_below(random, 8) * LARGE + random_below(random, 48) * PAGE;
	while (done < 300) {
		struct mmu_stream stream = {addresses + done, NULL, 300 - done};
		struct mmu_fault fault;

		done += cpu_run(&rig->set, cpu, &stream, &fault);
		if (fault.outcome == WALK_NOT_PRESENT) {
			bool large = addresses[done] / LARGE % 4 == 3 && fault.level == 2;
			uint64_t size = large ? LARGE : PAGE;

			map(rig, space, addresses[done] & ~(size - 1), large ? 2 : 1);
		}
	}
}

static void split(struct rig *rig, unsigned cpu, unsigned space, uint64_t address)
{
	struct flush flush = flush_of_entry(FLUSH_SPLIT, &rig->table[space], address, 2);
	unsigned level;

	if (!pagetable_find(&rig->table[space], address, &level) || level != 2)
		return;
	assert_int_equal(pagetable_split(&rig->table[space], address), PAGETABLE_DONE);
	cpu_flush(&rig->set, cpu, &rig->space[space], &flush);
}

static void step(struct rig *rig, struct random *random)
{
	unsigned cpu = (unsigned)random_below(random, rig->set.processors);
	unsigned space = (unsigned)random_below(random, 5);
	struct cpu_space *running = rig->set.cpu[cpu].space;
	uint64_t address = BASE + random_below(random, 8) * LARGE;

	switch (random_below(random, 10)) {
	case 0:
		space_drop(rig, space);
		break;
	case 1:
	case 2:
	case 3:
		if (!rig->space[space].table)
			space_make(rig, space);
		cpu_switch(&rig->set, cpu, &rig->space[space]);
		break;
	case 4:
		cpu_switch(&rig->set, cpu, NULL);
		break;
	case 5:
		if (rig->space[space].table)
			unmap(rig, cpu, space, address + random_below(random, 40) * PAGE,
			      (1 + random_below(random, 40)) * PAGE);
		break;
	case 6:
		if (rig->space[space].table)
			unmap(rig, cpu, space, address, LARGE * (1 + random_below(random, 2)));
		break;
	case 7:
		if (rig->space[space].table)
			split(rig, cpu, space, address);
		break;
	default:
		if (running && !rig->set.cpu[cpu].is_lazy)
			run_with_faults(rig, cpu, (unsigned)(running - rig->space), random);
	}
}

/* Many geometries in one pass count what each of them counts by itself, through switches, tags, shootdowns and flushes;
 * and nothing stale is ever left. */
static void test_one_pass_equals_many(void **state)
{
	struct rig *rig = rig_make(3, 3, 0, MODELS);
	struct rig *single[MODELS];
	struct random random = {3};

	(void)state;
	for (unsigned m = 0; m < MODELS; m++)
		single[m] = rig_make(3, 3, m, 1);
	for (unsigned i = 0; i < 2500; i++) {
		for (unsigned m = 0; m < MODELS; m++) {
			struct random same = random;

			step(single[m], &same);
		}
		step(rig, &random);
		if (i % 4 == 0)
			check_all(rig);
	}
	for (unsigned m = 0; m < MODELS; m++) {
		struct cpu_counts all = cpu_set_counts(&rig->set);
		struct cpu_counts one = cpu_set_counts(&single[m]->set);
		struct tlb_counts tlb[2];
		struct walk_counts walks[2];

		cpu_set_tlb_counts(&rig->set, m, &tlb[0]);
		cpu_set_tlb_counts(&single[m]->set, 0, &tlb[1]);
		cpu_set_walk_counts(&rig->set, m, &walks[0]);
		cpu_set_walk_counts(&single[m]->set, 0, &walks[1]);
		assert_memory_equal(&tlb[0], &tlb[1], sizeof(tlb[0]));
		assert_memory_equal(&walks[0], &walks[1], sizeof(walks[0]));
		assert_memory_equal(&all, &one, sizeof(all));
		assert_true(tlb[0].flushed > 1000 && all.shootdowns > 30 && all.skipped > 0);
		rig_drop(single[m]);
	}
	rig_drop(rig);
}

/* --- Invariants ------------------------------------------------------------------------------------------------------ */

static void test_check_finds_each_broken_invariant(void **state)
{
	static const char *const want[] = {"I1: ", "I1: ", "I2: ", "I2: ", "I3: ", "I4: ", "I4: ", "I5: "};

	(void)state;
	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct rig *rig = rig_make(2, 0, 0, 1);
		struct cpu *cpu = &rig->set.cpu[0];

		space_make(rig, 0);
		space_make(rig, 1);
		map(rig, 0, BASE, 1);
		cpu_switch(&rig->set, 0, &rig->space[1]);
		cpu_switch(&rig->set, 0, &rig->space[0]);
		load(rig, 0, BASE);
		assert_null(cpu_set_check(&rig->set));
		if (i == 0)
			rig->space[0].loaded = 0;
		else if (i == 1)
			rig->space[0].loaded |= 2;
		else if (i == 2)
			rig->space[0].generation++;
		else if (i == 3)
			cpu->tags[cpu->tag].space = 77;
		else if (i == 4)
			cpu->tags[5] = cpu->tags[cpu->tag];
		else if (i == 5)
			cpu->mmu.space++;
		else if (i == 6)
			cpu->tasks.cr3 += 4096;
		else
			cpu->mmu.model[0].tlb.counts.misses[1][0][1] = 9;
		assert_non_null(cpu_set_check(&rig->set));
		assert_memory_equal(cpu_set_check(&rig->set), want[i], 4);
		rig_drop(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_switches_with_and_without_tags),
	    cmocka_unit_test(test_a_small_number_of_tags),
	    cmocka_unit_test(test_cr3_is_in_the_task),
	    cmocka_unit_test(test_who_hears_of_a_change),
	    cmocka_unit_test(test_ceiling_in_the_tlb),
	    cmocka_unit_test(test_kernel_entries),
	    cmocka_unit_test(test_i386_has_place_for_4090_spaces),
	    cmocka_unit_test(test_options_out_of_bounds),
	    cmocka_unit_test(test_one_pass_equals_many),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
