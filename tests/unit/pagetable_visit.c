#include "config.h"

#include "engine/virt/pagetable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define USER (PTE_PRESENT | PTE_WRITE | PTE_USER)

struct rig {
	struct paging paging;
	struct table_store store;
	struct counting_source source;
	struct pagetable table;
};

static void rig_make(struct rig *rig)
{
	rig->paging = *paging_find("x86-64");
	assert_int_equal(table_store_create(&rig->store, &rig->paging), STATUS_OK);
	counting_source_create(&rig->source, 16, 1 << 16);
	assert_int_equal(pagetable_create(&rig->table, &rig->store, page_source_of_counter(&rig->source)),
			 PAGETABLE_DONE);
}

static void rig_drop(struct rig *rig)
{
	pagetable_destroy(&rig->table);
	assert_int_equal(rig->source.taken_pages, 0);
	table_store_destroy(&rig->store);
}

struct leaf_log {
	unsigned count;
	uint64_t address[8];
	unsigned limit;
};

static bool log_leaf(void *context, uint64_t address, unsigned level, pte_t *entry)
{
	struct leaf_log *log = context;

	assert_false(pte_is_empty(*entry));
	assert_true(level == 1 || level == 2);
	log->address[log->count++] = address;
	return log->count < log->limit;
}

static void test_visit_range(void **state)
{
	struct rig rig;
	struct leaf_log all = {.limit = 8}, some = {.limit = 1};

	(void)state;
	rig_make(&rig);
	assert_int_equal(pagetable_set(&rig.table, 0x1000, 1, pte_make(5, USER), NULL), PAGETABLE_DONE);
	assert_int_equal(pagetable_set(&rig.table, 0x200000, 2, pte_make(512, USER), NULL), PAGETABLE_DONE);
	assert_int_equal(pagetable_set(&rig.table, 0x600000, 1, pte_make(6, USER), NULL), PAGETABLE_DONE);
	/* A huge leaf that only begins below the range is visited, too. */
	pagetable_visit_range(&rig.table, 0x2ff000, 0x601000, log_leaf, &all);
	assert_int_equal(all.count, 2);
	assert_int_equal(all.address[0], 0x200000);
	assert_int_equal(all.address[1], 0x600000);
	pagetable_visit_range(&rig.table, 0, 0x601000, log_leaf, &some);
	assert_int_equal(some.count, 1);
	assert_int_equal(some.address[0], 0x1000);
	rig_drop(&rig);
}

/*  level 2   [ 0 .. 1 GiB )                        level 1   [2 MiB, 4 MiB)   [4 MiB, 6 MiB) */
static void test_kept_tables(void **state)
{
	struct rig rig;
	unsigned level;

	(void)state;
	rig_make(&rig);
	rig.table.keeps_tables = true;
	assert_int_equal(pagetable_depth(&rig.table, 0x200000), 4);
	assert_int_equal(pagetable_make(&rig.table, 0x200000, 2), PAGETABLE_DONE);
	assert_int_equal(pagetable_depth(&rig.table, 0x200000), 2);
	assert_int_equal(rig.table.table_pages, 3);
	assert_int_equal(pagetable_set(&rig.table, 0x200000, 1, pte_make(5, USER), NULL), PAGETABLE_DONE);
	assert_int_equal(pagetable_set(&rig.table, 0x400000, 1, pte_make(6, USER), NULL), PAGETABLE_DONE);
	assert_int_equal(pagetable_set(&rig.table, 0x800000, 2, pte_make(512, USER), NULL), PAGETABLE_DONE);
	assert_int_equal(pagetable_make(&rig.table, 0x800000, 1), PAGETABLE_COVERED);
	assert_int_equal(pagetable_clear(&rig.table, 0x200000, &level), pte_make(5, USER));
	assert_true(pagetable_clear_range(&rig.table, 0x400000, 0x600000, NULL, NULL));
	assert_int_equal(rig.table.tables[1], 2);
	assert_null(pagetable_check(&rig.table));
	/* The limits cut the second table: only the first one goes. */
	struct pagetable_gap gap = {0x200000, 0x401000, 0x1ff000, 0x402000, 4};

	pagetable_release(&rig.table, &gap);
	assert_int_equal(rig.table.tables[1], 1);
	assert_int_equal(pagetable_depth(&rig.table, 0x200000), 2);
	assert_int_equal(pagetable_depth(&rig.table, 0x400000), 1);
	/* Nothing is left above, but only small tables are meant. */
	gap = (struct pagetable_gap){0x400000, 0x600000, 0, 0, 1};
	pagetable_release(&rig.table, &gap);
	assert_int_equal(rig.table.table_pages, 3);
	gap.top = 4;
	pagetable_release(&rig.table, &gap);
	assert_int_equal(rig.table.table_pages, 1);
	assert_null(pagetable_check(&rig.table));
	rig_drop(&rig);
}

/* A way that cannot be made to its end leaves nothing behind. */
static void test_make_takes_all_or_none(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig);
	rig.table.keeps_tables = true;
	rig.source.limit_pages = rig.source.next + 2;
	assert_int_equal(pagetable_make(&rig.table, 0x200000, 1), PAGETABLE_NO_PAGE);
	assert_int_equal(rig.table.table_pages, 1);
	assert_null(pagetable_check(&rig.table));
	rig_drop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_visit_range),
	    cmocka_unit_test(test_kept_tables),
	    cmocka_unit_test(test_make_takes_all_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
