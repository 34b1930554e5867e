#include "config.h"

#include "engine/virt/mmu.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USER (PTE_PRESENT | PTE_WRITE | PTE_USER)
#define BASE 0x7f0000000000u

static struct table_store store;
static struct counting_source source;
static struct pagetable table;

static void make_table(const char *paging)
{
	assert_int_equal(table_store_create(&store, paging_find(paging)), STATUS_OK);
	counting_source_create(&source, 100, 1 << 20);
	assert_int_equal(pagetable_create(&table, &store, page_source_of_counter(&source)), PAGETABLE_DONE);
}

static void drop_table(void)
{
	pagetable_destroy(&table);
	table_store_destroy(&store);
}

static struct walk cold_walk(unsigned guest_leaf, unsigned host_leaf, uint64_t address)
{
	static const struct walk_shape no_caches = {.reference_cycles = 10};
	struct walk_request request = {.table = &table, .address = address, .access = WALK_USER};
	struct walker guest;
	struct nested nested;

	assert_int_equal(pagetable_set(&table, address, guest_leaf, pte_make(1 << 18, USER), NULL),
			 PAGETABLE_DONE);
	assert_int_equal(walker_create(&guest, table.paging, &no_caches), STATUS_OK);
	assert_int_equal(nested_create(&nested, table.paging, &no_caches, host_leaf), STATUS_OK);
	struct walk walk = nested_walk(&nested, &guest, &request);

	assert_null(nested_check(&nested));
	nested_destroy(&nested);
	walker_destroy(&guest);
	(void)pagetable_clear(&table, address, &guest_leaf);
	return walk;
}

/* (g + 1) * (h + 1) - 1 references, g and h less by the levels that a leaf saves: 24 with 4 + 4. */
static void test_references_of_a_cold_walk(void **state)
{
	static const struct {
		const char *paging;
		uint64_t address;
		unsigned guest_leaf, host_leaf, references;
	} cases[] = {
	    {"x86-64", BASE, 1, 1, 24},	  {"x86-64", BASE, 2, 1, 19},  {"x86-64", BASE, 1, 2, 19},
	    {"x86-64", BASE, 2, 2, 15},	  {"x86-64", BASE, 3, 3, 8},   {"x86-64-5", BASE, 1, 1, 35},
	    {"i386", 0x8048000, 1, 1, 8}, {"sv39", 0x10000, 1, 1, 15}, {"arm64-64k", 0x10000000, 1, 1, 15},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_table(cases[i].paging);
		struct walk walk = cold_walk(cases[i].guest_leaf, cases[i].host_leaf, cases[i].address);

		assert_int_equal(walk.outcome, WALK_FINE);
		assert_int_equal(walk.references, cases[i].references);
		assert_int_equal(walk.cycles, cases[i].references * 10);
		/* One leaf, or 2^18 frames, up in the host. */
		assert_true(walk.physical >> table.paging->page_shift == 2 << 18);
		drop_table();
	}
}

/* A guest frame that the host's tables do not reach is a fault of the host, not a crash. */
static void test_memory_beyond_the_host(void **state)
{
	static const struct walk_shape no_caches = {.reference_cycles = 1};
	struct walk_request request = {.table = &table, .address = BASE};
	struct walker guest;
	struct nested nested;

	(void)state;
	make_table("x86-64");
	assert_int_equal(pagetable_set(&table, BASE, 1, pte_make((uint64_t)1 << 39, USER), NULL),
			 PAGETABLE_DONE);
	assert_int_equal(walker_create(&guest, table.paging, &no_caches), STATUS_OK);
	assert_int_equal(nested_create(&nested, table.paging, &no_caches, 1), STATUS_OK);
	assert_int_equal(nested_walk(&nested, &guest, &request).outcome, WALK_HOST_FAULT);
	request.address = BASE + ((uint64_t)1 << 30);
	assert_int_equal(nested_walk(&nested, &guest, &request).outcome, WALK_NOT_PRESENT);
	nested_destroy(&nested);
	assert_int_equal(nested_create(&nested, table.paging, &no_caches, 4), STATUS_BAD_ARGUMENT);
	assert_int_equal(nested_create(&nested, table.paging, &no_caches, 5), STATUS_BAD_ARGUMENT);
	walker_destroy(&guest);
	drop_table();
}

/* The policy in a stream: the same misses with and without a host; the first walk costs 24, and with walk caches on both
 * sides the others cost less than without. */
static void test_as_a_policy_of_the_mmu(void **state)
{
	static const char *const texts[] = {
	    "l1d=16x4,walk2=32x4,walk3=4xfull,walk4=2xfull",
	    "l1d=16x4,nested=pages",
	    "l1d=16x4,nested=large",
	    "l1d=16x4,nested=pages,walk2=32x4,walk3=4xfull,walk4=2xfull",
	};
	static uint64_t addresses[4096];
	struct tlb_geometry geometries[4];
	struct tlb_geometry_error error;
	struct mmu *mmu = calloc(1, sizeof(*mmu));
	struct mmu_stream stream = {addresses, NULL, 1};
	struct mmu_fault fault;

	(void)state;
	assert_non_null(mmu);
	make_table("x86-64");
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(tlb_geometry_parse(&geometries[i], texts[i], &error), STATUS_OK);
	assert_int_equal(mmu_create(mmu, &table, geometries, 4), STATUS_OK);
	for (uint64_t i = 0; i < 4096; i++) {
		addresses[i] = BASE + (i * 7 % 4096 << 12);
		assert_int_equal(pagetable_set(&table, addresses[i], 1, pte_make(4096 + i, USER), NULL),
				 PAGETABLE_DONE);
	}
	assert_int_equal(mmu_run(mmu, &stream, &fault), 1);
	assert_int_equal(mmu->model[0].walker.counts.references, 4);
	assert_int_equal(mmu->model[1].walker.counts.references, 24);
	assert_int_equal(mmu->model[2].walker.counts.references, 19);
	assert_int_equal(mmu->model[3].walker.counts.walks, 1);
	stream.count = 4096;
	assert_int_equal(mmu_run(mmu, &stream, &fault), 4096);
	assert_null(mmu_check(mmu));
	for (unsigned i = 0; i < 4; i++) {
		const struct walk_counts *counts = &mmu->model[i].walker.counts;

		assert_int_equal(counts->walks, mmu->model[0].walker.counts.walks);
		assert_int_equal(counts->walks, tlb_misses(&mmu->model[i].tlb.counts, 1));
		assert_int_equal(counts->faults, 0);
	}
	assert_int_equal(mmu->model[1].walker.counts.references, 24 * mmu->model[1].walker.counts.walks);
	assert_int_equal(mmu->model[2].walker.counts.references, 19 * mmu->model[2].walker.counts.walks);
	assert_true(mmu->model[3].walker.counts.references < mmu->model[1].walker.counts.references / 3);
	assert_true(mmu->model[3].walker.counts.references > mmu->model[0].walker.counts.references);
	mmu_destroy(mmu);
	free(mmu);
	drop_table();
}

static void test_check_finds_each_broken_invariant(void **state)
{
	static const struct walk_shape no_caches = {.reference_cycles = 1};
	struct nested nested;
	unsigned level;

	(void)state;
	make_table("x86-64");
	assert_int_equal(nested_create(&nested, table.paging, &no_caches, 1), STATUS_OK);
	nested.table.leaves[2]++;
	assert_memory_equal(nested_check(&nested), "I1: ", 4);
	nested.table.leaves[2]--;
	assert_int_equal(pagetable_set(&nested.table, 0, 2, pte_make(0, USER), NULL), PAGETABLE_DONE);
	assert_memory_equal(nested_check(&nested), "I2: ", 4);
	(void)pagetable_clear(&nested.table, 0, &level);
	assert_null(nested_check(&nested));
	nested.leaf_level = 2;
	nested.offset++;
	assert_memory_equal(nested_check(&nested), "I2: ", 4);
	nested_destroy(&nested);
	drop_table();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_references_of_a_cold_walk),
	    cmocka_unit_test(test_memory_beyond_the_host),
	    cmocka_unit_test(test_as_a_policy_of_the_mmu),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
