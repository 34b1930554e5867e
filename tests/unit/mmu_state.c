#include "config.h"

#include "engine/virt/mmu_state.h"

#include "engine/virt/mmu.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#define MODELS 3u

struct machine {
	struct table_store store;
	struct counting_source source;
	struct pagetable table;
	struct mmu mmu;
};

static void machine_create(struct machine *machine, const char *const *texts)
{
	struct tlb_geometry geometry[MODELS];
	struct tlb_geometry_error error;

	for (unsigned i = 0; i < MODELS; i++)
		assert_int_equal(tlb_geometry_find(&geometry[i], texts[i], &error), STATUS_OK);
	assert_int_equal(table_store_create(&machine->store, paging_find("x86-64")), STATUS_OK);
	counting_source_create(&machine->source, 1, 1 << 20);
	assert_int_equal(
	    pagetable_create(&machine->table, &machine->store, page_source_of_counter(&machine->source)),
	    PAGETABLE_DONE);
	for (uint64_t page = 0; page < 512; page++)
		assert_int_equal(pagetable_set(&machine->table, page << 12, 1,
					       pte_make(page + 1, PTE_PRESENT | PTE_WRITE | PTE_USER), NULL),
				 PAGETABLE_DONE);
	assert_int_equal(mmu_create(&machine->mmu, &machine->table, geometry, MODELS), STATUS_OK);
}

static void machine_destroy(struct machine *machine)
{
	mmu_destroy(&machine->mmu);
	pagetable_destroy(&machine->table);
	table_store_destroy(&machine->store);
}

static void use(struct machine *machine, const uint64_t *pages, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint64_t address = pages[i] << 12;
		struct mmu_stream stream = {&address, NULL, 1};
		struct mmu_fault fault;

		assert_int_equal(mmu_run(&machine->mmu, &stream, &fault), 1);
	}
}

static bool note(struct machine *machine)
{
	return mmu_state_note(&machine->mmu.state, machine->mmu.model, machine->mmu.models);
}

static const char *const texts[MODELS] = {"l1=8x4,l2=32x4", "l1=16x4,replace=plru,walk2=4x2",
					  "l1=4x4,replace=fifo"};

/* A round that ends as it began is told from one that leaves another order, other trees, another entry. */
static void test_what_differs_is_told(void **state)
{
	static const uint64_t round[] = {0, 2, 4, 0, 6};
	static struct machine machine;

	(void)state;
	machine_create(&machine, texts);
	use(&machine, round, 5);
	assert_false(note(&machine));
	assert_true(note(&machine));
	use(&machine, round, 5);
	assert_true(note(&machine));
	/* Hits all, but the order of recency is another. */
	use(&machine, (const uint64_t[]){2}, 1);
	assert_false(note(&machine));
	assert_true(note(&machine));
	use(&machine, (const uint64_t[]){300}, 1);
	assert_false(note(&machine));
	mmu_flush_page(&machine.mmu, (uint64_t)300 << 12);
	assert_false(note(&machine));
	assert_true(note(&machine));
	machine_destroy(&machine);
}

static void test_counts_are_added_so_many_times(void **state)
{
	static const uint64_t round[] = {1, 9, 17, 25, 33, 41, 49, 57};
	static struct machine once, often;
	unsigned turns = 0;

	(void)state;
	machine_create(&once, texts);
	machine_create(&often, texts);
	use(&once, round, 8);
	use(&often, round, 8);
	assert_false(note(&once));
	for (bool is_same = false; !is_same; is_same = note(&once)) {
		assert_in_range(turns++, 0, 8);
		mmu_state_note_counts(&once.mmu.state, once.mmu.model, MODELS);
		use(&once, round, 8);
		use(&often, round, 8);
	}
	mmu_state_count_again(&once.mmu.state, once.mmu.model, MODELS, 5);
	for (unsigned i = 0; i < 5; i++)
		use(&often, round, 8);
	for (unsigned i = 0; i < MODELS; i++) {
		assert_memory_equal(&once.mmu.model[i].tlb.counts, &often.mmu.model[i].tlb.counts,
				    sizeof(struct tlb_counts));
		assert_memory_equal(&once.mmu.model[i].walker.counts, &often.mmu.model[i].walker.counts,
				    sizeof(struct walk_counts));
	}
	/* Eight pages in a set of four, five times: there were misses to count. */
	assert_true(tlb_misses(&once.mmu.model[0].tlb.counts, 1) > 40);
	machine_destroy(&once);
	machine_destroy(&often);
}

static void test_nested_models_are_not_compared(void **state)
{
	static const char *const nested[MODELS] = {"l1=8x4", "l1=8x4,nested=pages", "l1=4x4"};
	static struct machine machine;

	(void)state;
	machine_create(&machine, nested);
	assert_int_equal(machine.mmu.state.bytes, 0);
	machine_destroy(&machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_differs_is_told),
	    cmocka_unit_test(test_counts_are_added_so_many_times),
	    cmocka_unit_test(test_nested_models_are_not_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
