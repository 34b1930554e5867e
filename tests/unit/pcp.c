#include "config.h"

#include "engine/phys/pcp.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct pcp_figures figures = {63, 1000, 8000};

static void make(struct pcp *pcp, enum pcp_tuning tuning)
{
	assert_int_equal(pcp_create(pcp, tuning, 8000), STATUS_OK);
	pcp_set_figures(pcp, &figures);
	assert_null(pcp_check(pcp));
}

/* Frees `blocks` of an order into the set; returns the pages to drain after the last. */
static uint32_t give(struct pcp *pcp, unsigned order, unsigned blocks)
{
	uint32_t drain = 0;

	for (unsigned i = 0; i < blocks; i++) {
		pcp_list_push(&pcp->list[pcp_index(MIGRATE_MOVABLE, order)], 100000 + ((pfn_t)i << order));
		pcp->count += 1u << order;
		drain = pcp_drain_pages(pcp, order, false);
	}
	return drain;
}

/*  front 3 2 1 0 back: last in, first out; a drain takes from the back, a refill puts there  */
static void test_ring(void **state)
{
	struct pcp pcp;

	(void)state;
	make(&pcp, PCP_FIXED);
	struct pcp_list *list = &pcp.list[0];

	for (pfn_t pfn = 0; pfn < 4; pfn++)
		pcp_list_push(list, pfn);
	assert_int_equal(pcp_list_pop(list), 3);
	assert_int_equal(pcp_list_remove_last(list), 0);
	pcp_list_append(list, 9);
	assert_int_equal(pcp_list_pop(list), 2);
	assert_int_equal(pcp_list_pop(list), 1);
	assert_int_equal(pcp_list_pop(list), 9);
	assert_int_equal(list->blocks, 0);
	for (pfn_t pfn = 0; pfn < 3 * (pfn_t)list->mask; pfn++) {
		pcp_list_append(list, pfn);
		assert_int_equal(pcp_list_pop(list), pfn);
	}
	pcp_destroy(&pcp);
}

static void test_lists(void **state)
{
	bool seen[PCP_LISTS] = {false};
	struct pcp tuned;
	struct pcp fixed;

	(void)state;
	make(&tuned, PCP_TUNED);
	make(&fixed, PCP_FIXED);
	for (unsigned order = 0; order <= 10; order++) {
		assert_int_equal(pcp_holds(&tuned, order), order <= 3 || order == 9);
		assert_int_equal(pcp_holds(&fixed, order), order <= 3);
		for (unsigned type = 0; type < MIGRATE_PCPTYPES && pcp_holds(&tuned, order); type++) {
			unsigned index = pcp_index((enum migrate_type)type, order);

			assert_int_equal(pcp_order(index), order);
			seen[index] = true;
		}
	}
	for (unsigned i = 0; i < PCP_LISTS; i++)
		assert_true(seen[i]);
	pcp_destroy(&tuned);
	pcp_destroy(&fixed);
}

/* Refills in a row double, as far as high leaves room; high grows with them, but not below the high watermark. */
static void test_refills_grow(void **state)
{
	static const struct {
		uint32_t blocks, high;
	} expected[] = {{63, 1063},   {126, 1189},  {252, 1441},  {504, 1945},
			{1008, 2953}, {2016, 4969}, {2016, 6985}, {2016, 8000}};
	struct pcp pcp;

	(void)state;
	make(&pcp, PCP_TUNED);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(pcp_refill_blocks(&pcp, 0, false), expected[i].blocks);
		assert_int_equal(pcp.high, expected[i].high);
	}
	assert_int_equal(give(&pcp, 0, 1), 0);
	assert_int_equal(pcp.alloc_factor, 2);
	assert_int_equal(pcp_refill_blocks(&pcp, 0, true), 252);
	assert_int_equal(pcp.high, 8000);
	assert_int_equal(pcp_refill_blocks(&pcp, 1, false), 31);
	assert_int_equal(pcp_refill_blocks(&pcp, 3, false), 7);
	assert_int_equal(pcp_refill_blocks(&pcp, 9, false), 2);
	pcp_destroy(&pcp);
}

/* A full set gives back as many as were freed in a row, and grows to hold that. */
static void test_frees_in_a_row_drain_more(void **state)
{
	struct pcp pcp;

	(void)state;
	make(&pcp, PCP_TUNED);
	assert_int_equal(give(&pcp, 0, 999), 0);
	assert_int_equal(give(&pcp, 0, 1), 1000 - 63);
	assert_int_equal(pcp.high, 1063);
	pcp.free_count = 10;
	assert_int_equal(give(&pcp, 0, 63), 73);
	/* Below the high watermark the set shrinks with every free, to high_min. */
	assert_int_equal(pcp.count, 1063);
	pcp_list_push(&pcp.list[1], 7);
	pcp.count++;
	assert_int_equal(pcp_drain_pages(&pcp, 0, true), 74);
	assert_int_equal(pcp.high, 1000);
	pcp_destroy(&pcp);
}

/* Many blocks of order 3 in a row go back at once. */
static void test_high_orders_do_not_stay(void **state)
{
	struct pcp pcp;
	unsigned blocks = 0;

	(void)state;
	make(&pcp, PCP_TUNED);
	while (blocks < 1000 && give(&pcp, 3, 1) == 0)
		blocks++;
	/* The first one after batch + high_min / 2 = 563 pages. */
	assert_int_equal(blocks, 71);
	assert_int_equal(pcp.high, 1000);
	pcp_destroy(&pcp);
}

static void test_decay(void **state)
{
	struct pcp pcp;

	(void)state;
	make(&pcp, PCP_TUNED);
	pcp.high = 8000;
	assert_int_equal(pcp_decay(&pcp), 0);
	assert_int_equal(pcp.high, 7000);
	(void)give(&pcp, 0, 6999);
	pcp.high = 7000;
	/* No more than batch << 5 = 2016 pages at once. */
	assert_int_equal(pcp_decay(&pcp), 6999 - 6125);
	assert_int_equal(pcp.high, 6125);
	pcp_destroy(&pcp);
}

static void test_fixed(void **state)
{
	struct pcp pcp;

	(void)state;
	make(&pcp, PCP_FIXED);
	for (int i = 0; i < 5; i++)
		assert_int_equal(pcp_refill_blocks(&pcp, 0, false), 63);
	assert_int_equal(give(&pcp, 0, 999), 0);
	assert_int_equal(give(&pcp, 0, 1), 63);
	assert_int_equal(pcp.high, 1000);
	assert_int_equal(pcp_decay(&pcp), 0);
	pcp_destroy(&pcp);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct pcp pcp;

	(void)state;
	make(&pcp, PCP_TUNED);
	pcp.batch = 0;
	assert_memory_equal(pcp_check(&pcp), "I1", 2);
	pcp.batch = 63;
	pcp.high_min = 8001;
	assert_memory_equal(pcp_check(&pcp), "I1", 2);
	pcp.high_min = 1000;
	pcp.count = 1;
	assert_memory_equal(pcp_check(&pcp), "I2", 2);
	pcp.count = 0;
	(void)give(&pcp, 0, 3);
	pcp.list[1].block[pcp.list[1].first] = 100000;
	assert_memory_equal(pcp_check(&pcp), "I3", 2);
	pcp_destroy(&pcp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ring),
	    cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_refills_grow),
	    cmocka_unit_test(test_frees_in_a_row_drain_more),
	    cmocka_unit_test(test_high_orders_do_not_stay),
	    cmocka_unit_test(test_decay),
	    cmocka_unit_test(test_fixed),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
