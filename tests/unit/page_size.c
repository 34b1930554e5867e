#include "config.h"

#include "engine/virt/page_size.h"

#include "engine/base/random.h"
#include "engine/virt/pagetable.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct page_size_cost *cost_at(const struct page_size_cost *costs, unsigned shift)
{
	return &costs[shift - PAGE_SIZE_SHIFT_MIN];
}

/* By hand: 10 bytes at the end of one 4 KiB page and the start of the next, and 100 bytes a terabyte on. */
static void test_by_hand(void **state)
{
	struct page_size_range ranges[] = {{(uint64_t)1 << 40, 100}, {4091, 10}};
	struct page_size_cost costs[PAGE_SIZES];

	(void)state;
	page_size_costs(ranges, 2, costs);
	assert_int_equal(cost_at(costs, 12)->page_bytes, 4096);
	assert_int_equal(cost_at(costs, 12)->pages, 3);
	assert_int_equal(cost_at(costs, 12)->waste_bytes, 3 * 4096 - 110);
	assert_int_equal(cost_at(costs, 12)->descriptor_bytes, 192);
	/* 9/9/9/9: the root, and two of each level below, because 2^40 differs in the root's index (2^39 each). */
	assert_int_equal(cost_at(costs, 12)->tables, 7);
	assert_int_equal(cost_at(costs, 12)->table_bytes, 7 * 4096);
	assert_int_equal(cost_at(costs, 13)->pages, 2);
	/* 13/13 below a root of 6 bits: 2^40 is in the same table of the root, in others of the level below. */
	assert_int_equal(cost_at(costs, 16)->pages, 2);
	assert_int_equal(cost_at(costs, 16)->tables, 4);
}

static void test_nothing_live(void **state)
{
	struct page_size_cost costs[PAGE_SIZES];

	(void)state;
	page_size_costs(NULL, 0, costs);
	for (unsigned i = 0; i < PAGE_SIZES; i++)
		assert_int_equal(costs[i].pages + costs[i].waste_bytes + costs[i].tables, 0);
}

/* Random blocks, with 4 KiB pages against the page tables of the engine, page by page. */
static void test_against_page_tables(void **state)
{
	struct random random = {9};

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		struct page_size_range ranges[200];
		struct page_size_cost costs[PAGE_SIZES];
		struct table_store store;
		struct counting_source source;
		struct pagetable table;
		uint64_t end = 0;
		uint64_t live = 0;

		assert_int_equal(table_store_create(&store, paging_find("x86-64")), STATUS_OK);
		counting_source_create(&source, 1, 1 << 24);
		assert_int_equal(pagetable_create(&table, &store, page_source_of_counter(&source)),
				 PAGETABLE_DONE);
		for (unsigned i = 0; i < 200; i++) {
			struct page_size_range range = {
			    end + random_below(&random, (uint64_t)1 << (4 + i % 30)),
			    1 + random_below(&random, 20000)};

			end = range.address + range.bytes;
			live += range.bytes;
			ranges[(i * 7 + round) % 200] = range;
			for (uint64_t page = range.address >> 12; page <= (end - 1) >> 12; page++)
				assert_int_equal(
				    pagetable_set(&table, page << 12, 1, pte_make(page, PTE_PRESENT), NULL),
				    PAGETABLE_DONE);
		}
		page_size_costs(ranges, 200, costs);
		assert_int_equal(cost_at(costs, 12)->pages, table.leaves[1]);
		assert_int_equal(cost_at(costs, 12)->waste_bytes, table.leaves[1] * 4096 - live);
		assert_int_equal(cost_at(costs, 12)->table_bytes, pagetable_bytes(&table));
		for (unsigned i = 1; i < PAGE_SIZES; i++) {
			assert_true(costs[i].pages <= costs[i - 1].pages);
			assert_true(costs[i].waste_bytes >= costs[i - 1].waste_bytes);
		}
		pagetable_destroy(&table);
		table_store_destroy(&store);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_by_hand),
	    cmocka_unit_test(test_nothing_live),
	    cmocka_unit_test(test_against_page_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
