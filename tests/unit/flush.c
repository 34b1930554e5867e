#include "config.h"

#include "engine/virt/flush.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#define PAGE ((uint64_t)4096)
#define LARGE ((uint64_t)1 << 21)
#define USER (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED)

static struct table_store store;
static struct counting_source source;
static struct pagetable table;

static int make(void **state)
{
	(void)state;
	assert_int_equal(table_store_create(&store, paging_find("x86-64")), STATUS_OK);
	counting_source_create(&source, 1, 1 << 20);
	assert_int_equal(pagetable_create(&table, &store, page_source_of_counter(&source)), PAGETABLE_DONE);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	pagetable_destroy(&table);
	table_store_destroy(&store);
	return 0;
}

static struct flush flush_of(enum flush_cause cause, uint64_t pages, unsigned level)
{
	struct flush flush = flush_begin(cause, &table);

	for (uint64_t i = 0; i < pages; i++)
		flush_note(&flush, &table, 0x40000000 + i * paging_leaf_bytes(table.paging, level) + 123,
			   level);
	flush_end(&flush, &table);
	assert_null(flush_check(&flush, &table));
	return flush;
}

/* 33 pages one by one, 34 as a whole space; huge pages count in huge pages; the sparse range counts, not its entries. */
static void test_ceiling(void **state)
{
	static const enum flush_cause by_range[] = {FLUSH_UNMAP, FLUSH_REMAP, FLUSH_PROTECT, FLUSH_MADVISE,
						    FLUSH_MIGRATE};

	(void)state;
	for (size_t i = 0; i < sizeof(by_range) / sizeof(by_range[0]); i++) {
		for (unsigned level = 1; level <= 2; level++) {
			struct flush none = flush_of(by_range[i], 0, level);
			struct flush few = flush_of(by_range[i], 33, level);
			struct flush many = flush_of(by_range[i], 34, level);

			assert_int_equal(flush_scope(&none, &table), FLUSH_NOTHING);
			assert_int_equal(flush_scope(&few, &table), FLUSH_PAGES);
			assert_int_equal(flush_scope(&many, &table), FLUSH_SPACE);
			assert_true(flush_step(&few, &table) == (level == 1 ? PAGE : LARGE));
			assert_true(few.first == 0x40000000);
			assert_true(few.last == few.first + 33 * (level == 1 ? PAGE : LARGE) - 1);
		}
	}
	struct flush sparse = flush_begin(FLUSH_UNMAP, &table);

	flush_note(&sparse, &table, 0, 1);
	flush_note(&sparse, &table, 33 * PAGE, 1);
	assert_int_equal(flush_scope(&sparse, &table), FLUSH_SPACE);
	/* A huge page among small ones is flushed in small steps. */
	struct flush mixed = flush_begin(FLUSH_UNMAP, &table);

	flush_note(&mixed, &table, 0, 2);
	flush_note(&mixed, &table, LARGE, 1);
	assert_int_equal(flush_scope(&mixed, &table), FLUSH_SPACE);
}

static void test_causes(void **state)
{
	static const struct {
		enum flush_cause cause;
		unsigned level;
		enum flush_scope scope;
	} one_entry[] = {
	    {FLUSH_UNMAP, 1, FLUSH_PAGES},    {FLUSH_REMAP, 2, FLUSH_PAGES},
	    {FLUSH_PROTECT, 1, FLUSH_PAGES},  {FLUSH_MADVISE, 1, FLUSH_PAGES},
	    {FLUSH_COPY, 1, FLUSH_PAGES},     {FLUSH_FORK, 1, FLUSH_SPACE},
	    {FLUSH_COLLAPSE, 2, FLUSH_SPACE}, {FLUSH_COLLAPSE, 1, FLUSH_PAGES},
	    {FLUSH_SPLIT, 2, FLUSH_PAGES},    {FLUSH_MIGRATE, 1, FLUSH_PAGES},
	    {FLUSH_RECLAIM, 1, FLUSH_SPACE},  {FLUSH_EXIT, 1, FLUSH_SPACE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(one_entry) / sizeof(one_entry[0]); i++) {
		struct flush flush =
		    flush_of_entry(one_entry[i].cause, &table, 0x7f0000000000, one_entry[i].level);

		assert_null(flush_check(&flush, &table));
		assert_int_equal(flush_scope(&flush, &table), one_entry[i].scope);
		assert_true(strlen(flush_cause_name(one_entry[i].cause)) > 3);
	}
}

/* Tables that are given back between begin and end are noticed, also when no entry was present. */
static void test_freed_tables(void **state)
{
	unsigned level;

	(void)state;
	assert_int_equal(pagetable_set(&table, PAGE, 1, pte_make(1, USER), NULL), PAGETABLE_DONE);
	assert_int_equal(pagetable_set(&table, 2 * PAGE, 1, pte_make_swap(0, 1), NULL), PAGETABLE_DONE);
	struct flush flush = flush_begin(FLUSH_UNMAP, &table);

	assert_true(pte_is_present(pagetable_clear(&table, PAGE, &level)));
	flush_note(&flush, &table, PAGE, level);
	flush_end(&flush, &table);
	assert_false(flush.tables_freed);
	assert_int_equal(flush_scope(&flush, &table), FLUSH_PAGES);
	flush = flush_begin(FLUSH_UNMAP, &table);
	assert_true(pte_is_swap(pagetable_clear(&table, 2 * PAGE, &level)));
	flush_end(&flush, &table);
	assert_true(flush.tables_freed);
	assert_int_equal(flush_scope(&flush, &table), FLUSH_SPACE);
}

static void test_what_needs_a_flush(void **state)
{
	pte_t page = pte_make(7, USER);

	(void)state;
	assert_false(flush_is_needed(0, page));
	assert_false(flush_is_needed(pte_make_swap(1, 2), page));
	assert_false(flush_is_needed(page, page));
	assert_false(flush_is_needed(page, page | PTE_DIRTY));
	assert_false(flush_is_needed(page, page | PTE_SOFT_DIRTY));
	assert_true(flush_is_needed(page, 0));
	assert_true(flush_is_needed(page, pte_make_swap(1, 2)));
	assert_true(flush_is_needed(page, pte_with_frame(page, 8)));
	assert_true(flush_is_needed(page, pte_write_protect(page)));
	assert_true(flush_is_needed(page, page | PTE_NO_EXECUTE));
	assert_true(flush_is_needed(page, pte_clear(page, PTE_ACCESSED)));
	assert_true(flush_is_needed(page | PTE_DIRTY, page));
	assert_true(flush_is_needed(pte_write_protect(page), page));
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct flush flush = flush_of(FLUSH_UNMAP, 2, 1);

	(void)state;
	flush.levels = 0;
	assert_memory_equal(flush_check(&flush, &table), "I1: ", 4);
	flush = flush_of(FLUSH_UNMAP, 2, 1);
	flush.last = flush.first - 1;
	assert_memory_equal(flush_check(&flush, &table), "I1: ", 4);
	flush = flush_of(FLUSH_UNMAP, 2, 1);
	flush.levels = 1u << 4;
	assert_memory_equal(flush_check(&flush, &table), "I2: ", 4);
	flush = flush_of(FLUSH_UNMAP, 1, 2);
	flush.last--;
	assert_memory_equal(flush_check(&flush, &table), "I2: ", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ceiling),
	    cmocka_unit_test(test_causes),
	    cmocka_unit_test(test_freed_tables),
	    cmocka_unit_test(test_what_needs_a_flush),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
