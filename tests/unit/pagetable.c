#include "config.h"

#include "engine/virt/pagetable.h"

#include "engine/base/random.h"
#include "tests/unit/death.h"
#include "tests/unit/model.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USER (PTE_PRESENT | PTE_WRITE | PTE_USER)

struct rig {
	struct paging paging;
	struct table_store store;
	struct counting_source source;
	struct pagetable table;
};

static void rig_make(struct rig *rig, const struct paging *paging)
{
	rig->paging = *paging;
	assert_int_equal(table_store_create(&rig->store, &rig->paging), STATUS_OK);
	counting_source_create(&rig->source, 16, 1 << 16);
	assert_int_equal(pagetable_create(&rig->table, &rig->store, page_source_of_counter(&rig->source)),
			 PAGETABLE_DONE);
}

static void rig_drop(struct rig *rig)
{
	pagetable_destroy(&rig->table);
	assert_int_equal(rig->source.taken_pages, 0);
	assert_null(table_store_check(&rig->store));
	table_store_destroy(&rig->store);
}

/* The first page of a region takes a table per level below the root; the last one to go gives them back. */
static void test_tables_come_and_go(void **state)
{
	(void)state;
	for (unsigned number = 0; paging_preset(number); number++) {
		struct rig rig;
		unsigned level;

		rig_make(&rig, paging_preset(number));
		uint64_t address = 5 * paging_leaf_bytes(&rig.paging, 1);

		assert_int_equal(rig.table.table_pages, 1);
		assert_int_equal(pagetable_set(&rig.table, address, 1, pte_make(7, USER), NULL),
				 PAGETABLE_DONE);
		assert_int_equal(rig.table.table_pages, rig.paging.levels);
		assert_int_equal(rig.source.taken_pages, rig.paging.levels);
		assert_null(pagetable_check(&rig.table));
		assert_true(*pagetable_find(&rig.table, address, &level) == pte_make(7, USER));
		assert_int_equal(level, 1);
		assert_null(pagetable_find(&rig.table, 0, &level));
		assert_true(pagetable_clear(&rig.table, address, &level) == pte_make(7, USER));
		assert_int_equal(rig.table.table_pages, 1);
		assert_int_equal(rig.source.taken_pages, 1);
		assert_true(pagetable_clear(&rig.table, address, &level) == 0);
		assert_int_equal(level, 0);
		rig_drop(&rig);
	}
}

/* A leaf at every level that allows one, found from any address inside. */
static void test_huge_leaves(void **state)
{
	(void)state;
	for (unsigned number = 0; paging_preset(number); number++) {
		struct rig rig;

		rig_make(&rig, paging_preset(number));
		for (unsigned level = 2; level <= rig.paging.levels; level++) {
			uint64_t bytes = paging_leaf_bytes(&rig.paging, level);
			unsigned found;

			if (!paging_may_be_leaf(&rig.paging, level))
				continue;
			assert_int_equal(pagetable_set(&rig.table, bytes, level, pte_make(0, USER), NULL),
					 PAGETABLE_DONE);
			assert_int_equal(rig.table.tables[level - 1], 0);
			assert_non_null(pagetable_find(&rig.table, bytes + bytes / 2, &found));
			assert_int_equal(found, level);
			assert_null(pagetable_find(&rig.table, bytes - 1, &found));
			assert_int_equal(pagetable_set(&rig.table, bytes, 1, pte_make(1, USER), NULL),
					 PAGETABLE_COVERED);
			assert_null(pagetable_check(&rig.table));
			assert_true(pte_has(pagetable_clear(&rig.table, bytes + 1, &found), PTE_HUGE));
		}
		rig_drop(&rig);
	}
}

static void test_outcomes(void **state)
{
	struct rig rig;
	pte_t before;

	(void)state;
	rig_make(&rig, paging_find("x86-64"));
	assert_int_equal(pagetable_set(&rig.table, 0x1000, 1, pte_make(1, USER), &before), PAGETABLE_DONE);
	assert_true(before == 0);
	assert_int_equal(pagetable_set(&rig.table, 0x1000, 1, pte_make_swap(0, 3), &before), PAGETABLE_DONE);
	assert_true(before == pte_make(1, USER));
	assert_int_equal(rig.table.leaves[1], 1);
	assert_int_equal(pagetable_set(&rig.table, 0, 2, pte_make(512, USER), NULL), PAGETABLE_DIVIDED);

	/* No page for a table: nothing stays of the tables that were already made. */
	uint64_t pages = rig.table.table_pages;

	for (uint64_t room = 0; room < 3; room++) {
		rig.source.limit_pages = rig.source.next + room;
		memset(rig.source.free_count, 0, sizeof(rig.source.free_count));
		assert_int_equal(pagetable_set(&rig.table, 0x8000000000, 1, pte_make(1, USER), NULL),
				 PAGETABLE_NO_PAGE);
		assert_int_equal(rig.table.table_pages, pages);
		assert_null(pagetable_check(&rig.table));
	}
	rig_drop(&rig);
}

/* With a buddy as the source every page is back in the end. */
static void test_buddy_as_source(void **state)
{
	struct buddy_shape shape = {0, 4096, 10, BUDDY_ORDER_FIRST};
	struct reservation memory;
	struct table_store store;
	struct pagetable table;
	struct buddy buddy;

	(void)state;
	assert_int_equal(reservation_create(&memory, buddy_bytes(&shape), PAGE_BYTES), STATUS_OK);
	assert_int_equal(buddy_create(&buddy, &shape, memory.memory), STATUS_OK);
	buddy_add(&buddy, 0, 4096);
	assert_int_equal(table_store_create(&store, paging_find("x86-64")), STATUS_OK);
	assert_int_equal(pagetable_create(&table, &store, page_source_of_buddy(&buddy)), PAGETABLE_DONE);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(pagetable_set(&table, i << 21, 1, pte_make(i, USER), NULL), PAGETABLE_DONE);
	/* 1,000 tables of level 1, 2 of level 2, 1 each above */
	assert_int_equal(table.tables[1], 1000);
	assert_int_equal(table.tables[2], 2);
	assert_int_equal(table.table_pages, 1004);
	assert_int_equal(pagetable_bytes(&table), 1004 * 4096);
	assert_int_equal(buddy.free_pages, 4096 - 1004);
	assert_null(buddy_check(&buddy));
	assert_true(pagetable_clear_range(&table, 0, (uint64_t)1000 << 21, NULL, NULL));
	assert_int_equal(buddy.free_pages, 4095);
	pagetable_destroy(&table);
	assert_int_equal(buddy.free_pages, 4096);
	table_store_destroy(&store);
	reservation_destroy(&memory);
}

/* The kernel's map of all memory hangs below the root of each process: one frame, two entries. */
static void test_direct_map_is_shared(void **state)
{
	const uint64_t direct = 0xffff888000000000;
	struct rig rig;
	struct pagetable process;
	unsigned level;

	(void)state;
	rig_make(&rig, paging_find("x86-64"));
	/* 3 GiB + 2 MiB + 4 KiB: 3 leaves of 1 GiB, 1 of 2 MiB, 1 page. */
	assert_int_equal(pagetable_map_direct(&rig.table, direct, 0, ((uint64_t)3 << 18) + 513),
			 PAGETABLE_DONE);
	assert_int_equal(rig.table.leaves[3], 3);
	assert_int_equal(rig.table.leaves[2], 1);
	assert_int_equal(rig.table.leaves[1], 1);
	assert_null(pagetable_check(&rig.table));
	assert_int_equal(pagetable_create(&process, &rig.store, page_source_of_counter(&rig.source)),
			 PAGETABLE_DONE);
	pagetable_borrow(&process, &rig.table, direct);
	assert_int_equal(pagetable_set(&process, 0x400000, 1, pte_make(0x777, USER), NULL), PAGETABLE_DONE);
	assert_null(pagetable_check(&process));
	pte_t *own = pagetable_find(&process, 0x400000, &level);
	pte_t *kernel = pagetable_find(&process, direct + 0x777123, &level);

	assert_int_equal(level, 3);
	assert_int_equal(pte_frame(*own), 0x777);
	assert_int_equal(pte_frame(*kernel) + 0x777, 0x777);
	assert_ptr_equal(kernel, pagetable_find(&rig.table, direct, &level));
	assert_int_equal(pagetable_set(&process, direct + ((uint64_t)4 << 30), 1, pte_make(1, USER), NULL),
			 PAGETABLE_NOT_OWN);
	assert_int_equal(pagetable_split(&process, direct), PAGETABLE_NOT_OWN);
	pagetable_destroy(&process);
	assert_null(pagetable_check(&rig.table));
	rig_drop(&rig);
}

static void test_split(void **state)
{
	struct rig rig;
	unsigned level;

	(void)state;
	rig_make(&rig, paging_find("x86-64"));
	assert_int_equal(pagetable_set(&rig.table, 1u << 30, 3, pte_make(1 << 18, USER | PTE_DIRTY), NULL),
			 PAGETABLE_DONE);
	assert_int_equal(pagetable_split(&rig.table, (1u << 30) + (5u << 21)), PAGETABLE_DONE);
	assert_int_equal(rig.table.leaves[2], 512);
	assert_int_equal(pagetable_split(&rig.table, (1u << 30) + (5u << 21)), PAGETABLE_DONE);
	assert_int_equal(rig.table.leaves[2], 511);
	assert_int_equal(rig.table.leaves[1], 512);
	assert_null(pagetable_check(&rig.table));
	pte_t *piece = pagetable_find(&rig.table, (1u << 30) + (5u << 21) + 0x3000, &level);

	assert_int_equal(level, 1);
	assert_true(*piece == pte_make((1 << 18) + 5 * 512 + 3, USER | PTE_DIRTY));
	assert_int_equal(pagetable_split(&rig.table, (1u << 30) + (5u << 21)), PAGETABLE_DONE);
	assert_int_equal(pagetable_split(&rig.table, 0), PAGETABLE_DONE);
	assert_int_equal(pagetable_set(&rig.table, 0, 2, pte_make_swap(2, 100), NULL), PAGETABLE_DONE);
	assert_int_equal(pagetable_split(&rig.table, 0), PAGETABLE_DONE);
	assert_int_equal(pte_swap_offset(*pagetable_find(&rig.table, 0x7000, &level)), 107);
	assert_null(pagetable_check(&rig.table));
	rig_drop(&rig);
}

/* --- Against an oracle: one word per page -------------------------------------------------------------------------- */

#define ORACLE_PAGES 512u /* of 4,3,2 index bits */

struct oracle {
	struct rig rig;
	pte_t entry[ORACLE_PAGES]; /* of the leaf that maps the page; 0: none */
	uint8_t level[ORACLE_PAGES];
	uint64_t visited;
};

static uint64_t leaf_pages(const struct oracle *oracle, unsigned level)
{
	return (uint64_t)1 << paging_leaf_order(&oracle->rig.paging, level);
}

static const char *oracle_compare(const struct oracle *oracle)
{
	const char *broken = pagetable_check(&oracle->rig.table);
	uint64_t tables =
	    1; /* of what a naive count finds: the root, and each table region with a leaf below its level */

	for (uint64_t page = 0; page < ORACLE_PAGES && !broken; page++) {
		unsigned level = 0;
		const pte_t *entry = pagetable_find(&oracle->rig.table, page << 12, &level);

		if ((entry ? *entry : 0) != oracle->entry[page] || (entry && level != oracle->level[page]))
			broken = "a page's leaf is not the one that was set";
	}
	for (unsigned level = 1; level < oracle->rig.paging.levels; level++) {
		uint64_t span = leaf_pages(oracle, level + 1);

		for (uint64_t first = 0; first < ORACLE_PAGES; first += span) {
			bool needed = false;

			for (uint64_t page = first; page < first + span; page++)
				needed |= oracle->entry[page] != 0 && oracle->level[page] <= level;
			tables += needed;
		}
	}
	if (!broken && tables != oracle->rig.table.table_pages)
		broken = "there are tables without need, or too few";
	return broken;
}

static void oracle_paint(struct oracle *oracle, uint64_t page, unsigned level, pte_t entry)
{
	for (uint64_t i = 0; i < leaf_pages(oracle, level); i++) {
		oracle->entry[page + i] = entry;
		oracle->level[page + i] = (uint8_t)level;
	}
}

static const char *do_set(struct oracle *oracle, uint64_t page, unsigned level, uint64_t random)
{
	page &= ~(leaf_pages(oracle, level) - 1);
	pte_t entry = random % 8 == 0
			  ? pte_make_swap(1, random % 1000)
			  : pte_make((random % 4096) << paging_leaf_order(&oracle->rig.paging, level), USER);
	bool covered = oracle->entry[page] != 0 && oracle->level[page] > level;
	bool divided = false;

	for (uint64_t i = 0; i < leaf_pages(oracle, level); i++)
		divided |= oracle->entry[page + i] != 0 && oracle->level[page + i] < level;
	enum pagetable_outcome outcome = pagetable_set(&oracle->rig.table, page << 12, level, entry, NULL);

	if (outcome != (covered ? PAGETABLE_COVERED : divided ? PAGETABLE_DIVIDED : PAGETABLE_DONE))
		return "setting a leaf had another outcome";
	if (outcome == PAGETABLE_DONE)
		oracle_paint(oracle, page, level,
			     pte_is_swap(entry) || level == 1 ? entry : entry | PTE_HUGE);
	return NULL;
}

static void visit(void *context, uint64_t address, unsigned level, pte_t entry)
{
	struct oracle *oracle = context;

	oracle->visited += oracle->entry[address >> 12] == entry && oracle->level[address >> 12] == level;
}

static const char *do_clear_range(struct oracle *oracle, uint64_t page, uint64_t pages)
{
	bool complete = true;
	uint64_t leaves = 0;

	if (page + pages > ORACLE_PAGES)
		pages = ORACLE_PAGES - page;
	oracle->visited = 0;
	bool answer = pagetable_clear_range(&oracle->rig.table, page << 12, pages << 12, visit, oracle);

	for (uint64_t at = 0; at < ORACLE_PAGES;) {
		unsigned level = oracle->entry[at] != 0 ? oracle->level[at] : 1;
		uint64_t span = leaf_pages(oracle, level);

		if (oracle->entry[at] != 0 && at < page + pages && at + span > page) {
			bool inside = at >= page && at + span <= page + pages;

			complete &= inside;
			leaves += inside;
			if (inside)
				oracle_paint(oracle, at, level, 0);
		}
		at += span;
	}
	if (answer != complete || leaves != oracle->visited)
		return "clearing a range had another outcome";
	return NULL;
}

static const char *do_split(struct oracle *oracle, uint64_t page)
{
	unsigned level = oracle->level[page];
	pte_t huge = oracle->entry[page];

	if (pagetable_split(&oracle->rig.table, page << 12) != PAGETABLE_DONE)
		return "splitting had another outcome";
	if (huge == 0 || level == 1)
		return NULL;
	uint64_t span = leaf_pages(oracle, level - 1);
	uint64_t first = page & ~(leaf_pages(oracle, level) - 1);

	for (uint64_t i = 0; i < leaf_pages(oracle, level); i += span) {
		pte_t entry = pte_is_swap(huge) ? pte_make_swap(1, pte_swap_offset(huge) + i)
						: pte_with_frame(huge, pte_frame(huge) + i);

		oracle_paint(oracle, first + i, level - 1,
			     level == 2 && pte_is_present(huge) ? pte_clear(entry, PTE_HUGE) : entry);
	}
	return NULL;
}

static const char *do_clear(struct oracle *oracle, uint64_t page)
{
	unsigned level;
	pte_t entry = pagetable_clear(&oracle->rig.table, page << 12, &level);

	if (entry != oracle->entry[page])
		return "clearing gave another entry";
	if (entry != 0)
		oracle_paint(oracle, page & ~(leaf_pages(oracle, level) - 1), level, 0);
	return NULL;
}

static const char *run_model(const void *context, const uint64_t *operations, size_t count)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));
	struct paging paging;
	const char *broken = NULL;

	(void)context;
	assert_non_null(oracle);
	assert_int_equal(paging_parse(&paging, "4,3,2,12"), STATUS_OK);
	paging.leaf_levels = 0x0e;
	rig_make(&oracle->rig, &paging);
	for (size_t i = 0; i < count && !broken; i++) {
		uint64_t page = (operations[i] >> 8) % ORACLE_PAGES;
		unsigned level = 1 + (unsigned)(operations[i] >> 24) % 8 / 3;

		switch (operations[i] % 8) {
		case 0:
		case 1:
			broken = do_clear(oracle, page);
			break;
		case 2:
			broken = do_clear_range(oracle, page, 1 + (operations[i] >> 32) % 100);
			break;
		case 3:
			broken = do_split(oracle, page);
			break;
		default:
			broken = do_set(oracle, page, level, operations[i] >> 32);
			break;
		}
		if (!broken)
			broken = oracle_compare(oracle);
	}
	rig_drop(&oracle->rig);
	free(oracle);
	return broken;
}

static void test_model(void **state)
{
	struct model model = {"pagetable", run_model, NULL, 300, 30};

	(void)state;
	model_test(&model);
}

/* --- Mistakes of the caller, and broken invariants ----------------------------------------------------------------- */

static void set_crooked(void *argument)
{
	assert_int_equal(pagetable_set(argument, 0, 2, pte_make(3, USER), NULL), PAGETABLE_DONE);
}

static void set_at_root(void *argument)
{
	assert_int_equal(pagetable_set(argument, 0, 4, pte_make(0, USER), NULL), PAGETABLE_DONE);
}

static void set_not_canonical(void *argument)
{
	assert_int_equal(pagetable_set(argument, 0x800000000000, 1, pte_make(3, USER), NULL), PAGETABLE_DONE);
}

static void test_mistakes_die(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig, paging_find("x86-64"));
	assert_dies(set_crooked, &rig.table, "a leaf's frame is aligned to its size");
	assert_dies(set_at_root, &rig.table, "a leaf is set at a level that allows it");
	assert_dies(set_not_canonical, &rig.table, "an address that is mapped is canonical");
	rig_drop(&rig);
}

/* The tree that is broken: a page at 0x1000, a 2 MiB leaf at 2 MiB. Slot 1 is the only table of each level. */
static pte_t *entry_at(struct rig *rig, unsigned level, unsigned index)
{
	return &rig->store.level[level].entry[table_place(&rig->store.level[level], 1, index)];
}

static void break_live(struct rig *rig)
{
	rig->store.level[1].table[1].live++;
}

static void break_empty_table(struct rig *rig)
{
	*entry_at(rig, 1, 1) = 0;
	rig->store.level[1].table[1].live = 0;
}

static void break_child(struct rig *rig)
{
	*entry_at(rig, 2, 0) = 0;
}

static void break_table_frame(struct rig *rig)
{
	*entry_at(rig, 2, 0) += 1 << PTE_FRAME_SHIFT;
}

static void break_table_huge(struct rig *rig)
{
	*entry_at(rig, 2, 0) |= PTE_HUGE;
}

static void break_alignment(struct rig *rig)
{
	*entry_at(rig, 2, 1) += 1 << PTE_FRAME_SHIFT;
}

static void break_huge(struct rig *rig)
{
	*entry_at(rig, 2, 1) &= ~PTE_HUGE;
}

static void break_leaf_level(struct rig *rig)
{
	rig->paging.leaf_levels = 2;
}

static void break_leaves(struct rig *rig)
{
	rig->table.leaves[2]++;
}

static void break_tables(struct rig *rig)
{
	rig->table.tables[1]++;
}

static void break_pages(struct rig *rig)
{
	rig->table.table_pages--;
}

static void break_peak(struct rig *rig)
{
	rig->table.table_pages_peak = 1;
}

static void test_check_finds_each_broken_invariant(void **state)
{
	static const struct {
		void (*break_it)(struct rig *);
		const char *text;
	} cases[] = {
	    {break_live, "I1: "},	 {break_empty_table, "I1: "}, {break_child, "I2: "},
	    {break_table_frame, "I2: "}, {break_table_huge, "I2: "},  {break_alignment, "I3: "},
	    {break_huge, "I3: "},	 {break_leaf_level, "I3: "},  {break_leaves, "I4: "},
	    {break_tables, "I4: "},	 {break_pages, "I5: "},	      {break_peak, "I5: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig;

		rig_make(&rig, paging_find("x86-64"));
		assert_int_equal(pagetable_set(&rig.table, 0x1000, 1, pte_make(5, USER), NULL),
				 PAGETABLE_DONE);
		assert_int_equal(pagetable_set(&rig.table, 1 << 21, 2, pte_make(512, USER), NULL),
				 PAGETABLE_DONE);
		assert_null(pagetable_check(&rig.table));
		cases[i].break_it(&rig);
		const char *broken = pagetable_check(&rig.table);

		assert_non_null(broken);
		assert_memory_equal(broken, cases[i].text, strlen(cases[i].text));
		table_store_destroy(&rig.store);
	}
}

static void test_store_check_finds_a_broken_free_slot(void **state)
{
	struct rig rig;
	unsigned level;

	(void)state;
	rig_make(&rig, paging_find("x86-64"));
	assert_int_equal(pagetable_set(&rig.table, 0x1000, 1, pte_make(5, USER), NULL), PAGETABLE_DONE);
	(void)pagetable_clear(&rig.table, 0x1000, &level);
	assert_null(table_store_check(&rig.store));
	*entry_at(&rig, 1, 3) = 1;
	assert_memory_equal(table_store_check(&rig.store), "I1: ", 4);
	*entry_at(&rig, 1, 3) = 0;
	rig.store.level[1].first_free = TABLE_NONE;
	assert_memory_equal(table_store_check(&rig.store), "I1: ", 4);
	table_store_destroy(&rig.store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tables_come_and_go),
	    cmocka_unit_test(test_huge_leaves),
	    cmocka_unit_test(test_outcomes),
	    cmocka_unit_test(test_buddy_as_source),
	    cmocka_unit_test(test_direct_map_is_shared),
	    cmocka_unit_test(test_split),
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_mistakes_die),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	    cmocka_unit_test(test_store_check_finds_a_broken_free_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
