#include "config.h"

#include "engine/virt/walk.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USER (PTE_PRESENT | PTE_WRITE | PTE_USER)

struct rig {
	struct table_store store;
	struct counting_source source;
	struct pagetable table;
	struct walker walker;
};

static void rig_make(struct rig *rig, const char *paging, const struct walk_shape *shape)
{
	assert_int_equal(table_store_create(&rig->store, paging_find(paging)), STATUS_OK);
	counting_source_create(&rig->source, 256, 1 << 20);
	assert_int_equal(pagetable_create(&rig->table, &rig->store, page_source_of_counter(&rig->source)),
			 PAGETABLE_DONE);
	assert_int_equal(walker_create(&rig->walker, paging_find(paging), shape), STATUS_OK);
}

static void rig_drop(struct rig *rig)
{
	walker_destroy(&rig->walker);
	pagetable_destroy(&rig->table);
	table_store_destroy(&rig->store);
}

static void map(struct rig *rig, uint64_t address, unsigned level, pte_t entry)
{
	assert_int_equal(pagetable_set(&rig->table, address, level, entry, NULL), PAGETABLE_DONE);
}

static struct walk walk(struct rig *rig, uint64_t address, unsigned access)
{
	struct walk_request request = {.table = &rig->table, .address = address, .access = access};

	return walker_walk(&rig->walker, &request);
}

static const struct walk_shape no_caches = {.reference_cycles = 10};
static const struct walk_shape all_caches = {
    .cache = {[2] = {32, 4}, [3] = {4, 0}, [4] = {2, 0}, [5] = {1, 0}},
    .cache_cycles = 1,
    .reference_cycles = 10};

static void test_steps_of_a_walk(void **state)
{
	struct rig rig;
	const uint64_t address = 0x7f1234567890;

	(void)state;
	rig_make(&rig, "x86-64", &no_caches);
	map(&rig, address, 1, pte_make(0xabcde, USER));
	struct walk done = walk(&rig, address, WALK_READ | WALK_USER);

	assert_int_equal(done.outcome, WALK_FINE);
	assert_int_equal(done.steps, 4);
	assert_int_equal(done.references, 4);
	assert_int_equal(done.cycles, 40);
	assert_true(done.physical == 0xabcde890);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(done.step[i].level, 4 - i);
		assert_int_equal(done.step[i].index, address >> (39 - 9 * i) & 511);
	}
	/* Each entry names the page in which the next one lies. */
	for (unsigned i = 0; i < 3; i++)
		assert_true(done.step[i + 1].entry_address ==
			    (pte_frame(done.step[i].entry) << 12) + 8 * (uint64_t)done.step[i + 1].index);
	assert_true(done.step[0].entry_address ==
		    (pagetable_root_frame(&rig.table) << 12) + 8 * (uint64_t)done.step[0].index);
	rig_drop(&rig);
}

/* The table of walk.h, for every preset, leaf level and level of the hit: a hit at level c leaves c - leaf references.
 * Only the caches from c on are made, so that c is where the second walk hits. */
static void test_references_by_level_of_the_hit(void **state)
{
	(void)state;
	for (unsigned number = 0; paging_preset(number); number++) {
		const struct paging *paging = paging_preset(number);

		for (unsigned c = 2; c <= paging->levels; c++) {
			for (unsigned leaf = 1; leaf < c; leaf++) {
				struct walk_shape shape = {.reference_cycles = 1};
				struct rig rig;

				if (!paging_may_be_leaf(paging, leaf))
					continue;
				for (unsigned level = c; level <= paging->levels; level++)
					shape.cache[level] = (struct walk_cache_shape){4, 0};
				rig_make(&rig, paging->name, &shape);
				map(&rig, 0, leaf, pte_make(0, USER));
				assert_int_equal(walk(&rig, 0, WALK_READ).references,
						 paging->levels + 1 - leaf);
				struct walk second = walk(&rig, 0, WALK_READ);

				assert_int_equal(second.cached_level, c);
				assert_int_equal(second.references, c - leaf);
				assert_int_equal(second.steps, c - leaf);
				assert_int_equal(rig.walker.counts.cache_hits[c], 1);
				assert_int_equal(rig.walker.counts.cold, 1);
				rig_drop(&rig);
			}
		}
	}
}

/* The deepest cache wins; a neighbour under the same table of level l hits at level l + 1 and not deeper. */
static void test_the_deepest_hit_wins(void **state)
{
	static const struct {
		uint64_t address;
		unsigned level, references;
	} neighbours[] = {
	    {(uint64_t)0x1000, 2, 1},  /* the same 2 MiB */
	    {(uint64_t)1 << 21, 3, 2}, /* the same 1 GiB */
	    {(uint64_t)1 << 30, 4, 3}, /* the same 512 GiB */
	    {(uint64_t)1 << 39, 0, 4}, /* another root entry */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(neighbours) / sizeof(neighbours[0]); i++) {
		struct rig rig;

		rig_make(&rig, "x86-64", &all_caches);
		map(&rig, 0, 1, pte_make(1, USER));
		map(&rig, neighbours[i].address, 1, pte_make(2, USER));
		(void)walk(&rig, 0, WALK_READ);
		struct walk second = walk(&rig, neighbours[i].address, WALK_READ);

		assert_int_equal(second.cached_level, neighbours[i].level);
		assert_int_equal(second.references, neighbours[i].references);
		assert_int_equal(second.cycles, 1 + 10 * neighbours[i].references);
		rig_drop(&rig);
	}
}

/* A cache never holds a leaf: under a huge page the level of the leaf is read each time. */
static void test_caches_hold_no_leaf(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig, "x86-64", &all_caches);
	map(&rig, 0, 2, pte_make(512, USER));
	assert_int_equal(walk(&rig, 0x1234, WALK_READ).references, 3);
	assert_int_equal(associative_count(&rig.walker.cache[2]), 0);
	struct walk second = walk(&rig, 0x101234, WALK_READ);

	assert_int_equal(second.cached_level, 3);
	assert_int_equal(second.references, 1);
	assert_true(second.physical == 0x200000 + 0x101234);
	rig_drop(&rig);
}

/* A fault at each level, and each with the caches filled by a neighbour as well. */
static void test_a_fault_at_each_level(void **state)
{
	(void)state;
	for (unsigned number = 0; paging_preset(number); number++) {
		const struct paging *paging = paging_preset(number);
		struct rig rig;

		rig_make(&rig, paging->name, &no_caches);
		map(&rig, 0, 1, pte_make(1, USER));
		for (unsigned level = 1; level <= paging->levels; level++) {
			struct walk done =
			    walk(&rig, paging_leaf_bytes(paging, level), WALK_WRITE | WALK_USER);

			assert_int_equal(done.outcome, WALK_NOT_PRESENT);
			assert_int_equal(done.level, level);
			assert_int_equal(done.references, paging->levels + 1 - level);
			assert_int_equal(done.error_code, 2 | 4);
		}
		assert_int_equal(rig.walker.counts.faults, paging->levels);
		rig_drop(&rig);
	}
}

static void test_rights(void **state)
{
	static const struct {
		pte_t flags;
		unsigned access;
		enum walk_outcome outcome;
		uint16_t error_code;
	} cases[] = {
	    {PTE_PRESENT | PTE_USER, WALK_READ | WALK_USER, WALK_FINE, 0},
	    {PTE_PRESENT | PTE_USER, WALK_WRITE | WALK_USER, WALK_NO_WRITE, 7},
	    {PTE_PRESENT | PTE_USER, WALK_EXECUTE | WALK_USER, WALK_FINE, 0},
	    {PTE_PRESENT | PTE_USER | PTE_NO_EXECUTE, WALK_EXECUTE | WALK_USER, WALK_NO_EXECUTE, 21},
	    {PTE_PRESENT | PTE_WRITE, WALK_READ | WALK_USER, WALK_NO_USER, 5},
	    {PTE_PRESENT | PTE_WRITE, WALK_WRITE, WALK_FINE, 0},
	    {PTE_PRESENT, WALK_WRITE, WALK_NO_WRITE, 3},
	    {PTE_WRITE | PTE_USER, WALK_READ, WALK_NOT_PRESENT, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig;

		rig_make(&rig, "x86-64", &all_caches);
		map(&rig, 0x5000, 1, pte_make(9, cases[i].flags));
		struct walk done = walk(&rig, 0x5000, cases[i].access);

		assert_int_equal(done.outcome, cases[i].outcome);
		assert_int_equal(done.error_code, cases[i].error_code);
		unsigned level;
		pte_t after = *pagetable_find(&rig.table, 0x5000, &level);

		assert_int_equal(pte_has(after, PTE_ACCESSED), done.outcome == WALK_FINE);
		assert_int_equal(pte_has(after, PTE_DIRTY | PTE_SOFT_DIRTY),
				 done.outcome == WALK_FINE && (cases[i].access & WALK_WRITE));
		rig_drop(&rig);
	}
	struct rig rig;

	rig_make(&rig, "x86-64", &all_caches);
	assert_int_equal(walk(&rig, 0x800000000000, WALK_READ).outcome, WALK_NOT_CANONICAL);
	assert_int_equal(rig.walker.counts.references, 0);
	rig_drop(&rig);
}

/* --- Nested --------------------------------------------------------------------------------------------------------- */

struct nested_rig {
	struct rig guest, host;
};

static struct walk nested_walk(struct nested_rig *rig, uint64_t address)
{
	struct walk_request request = {.table = &rig->guest.table,
				       .address = address,
				       .access = WALK_USER,
				       .host = &rig->host.table,
				       .host_walker = &rig->host.walker};

	return walker_walk(&rig->guest.walker, &request);
}

/* (g + 1) * (h + 1) - 1 references when nothing is cached. */
static void test_cold_nested_walks(void **state)
{
	static const struct {
		const char *guest, *host;
		unsigned references;
	} pairs[] = {{"x86-64", "x86-64", 24},
		     {"x86-64-5", "x86-64-5", 35},
		     {"x86-64", "sv39", 19},
		     {"i386", "x86-64", 14}};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct nested_rig rig;

		rig_make(&rig.guest, pairs[i].guest, &no_caches);
		rig_make(&rig.host, pairs[i].host, &no_caches);
		map(&rig.guest, 0x400000, 1, pte_make(0x100, USER));
		for (uint64_t page = 0; page < 1024; page++)
			map(&rig.host, page << 12, 1, pte_make(page + 0x10000, USER));
		struct walk done = nested_walk(&rig, 0x400123);

		assert_int_equal(done.outcome, WALK_FINE);
		assert_int_equal(done.references, pairs[i].references);
		assert_true(done.physical == (0x10100u << 12 | 0x123));
		rig_drop(&rig.guest);
		rig_drop(&rig.host);
	}
}

/* With all caches the second walk reads one guest entry, and per host translation one host entry: 1 + 2. */
static void test_warm_nested_walk(void **state)
{
	struct nested_rig rig;

	(void)state;
	rig_make(&rig.guest, "x86-64", &all_caches);
	rig_make(&rig.host, "x86-64", &all_caches);
	map(&rig.guest, 0x400000, 1, pte_make(0x10, USER));
	for (uint64_t page = 0; page < 512; page++)
		map(&rig.host, page << 12, 1, pte_make(page, USER));
	(void)nested_walk(&rig, 0x400000);
	assert_int_equal(nested_walk(&rig, 0x400000).references, 3);
	unsigned level;

	(void)pagetable_clear(&rig.host.table, 0x10000, &level);
	assert_int_equal(nested_walk(&rig, 0x400000).outcome, WALK_HOST_FAULT);
	rig_drop(&rig.guest);
	rig_drop(&rig.host);
}

/* --- The counting batch is the sum of single walks ------------------------------------------------------------------ */

#define WALKS 3960u /* in four runs */

static void test_batch_equals_single_walks(void **state)
{
	static uint64_t pages[WALKS];
	static uint8_t levels[WALKS];
	struct random random = {11};

	(void)state;
	for (unsigned round = 0; round < 6; round++) {
		struct walk_shape shape = all_caches;
		struct rig one, many;

		if (round % 3 == 1)
			shape.cache[3] = (struct walk_cache_shape){0, 0};
		if (round % 3 == 2)
			shape = no_caches;
		rig_make(&one, "x86-64", &shape);
		rig_make(&many, "x86-64", &shape);
		/* 64 regions of 2 MiB in 8 of 1 GiB: every third one a huge page, or, in the later rounds, none. */
		for (unsigned region = 0; region < 64; region++) {
			uint64_t base = (uint64_t)(region / 8) << 30 | (uint64_t)(region % 8) << 21;

			if (round < 3 && region % 3 == 0)
				map(&one, base, 2, pte_make(512, USER));
			for (unsigned page = 0; page < 4 && !(round < 3 && region % 3 == 0); page++)
				map(&one, base + (uint64_t)page * 4096, 1, pte_make(page, USER));
		}
		for (unsigned i = 0; i < WALKS; i++) {
			unsigned region = (unsigned)random_below(&random, 64);
			uint64_t address = (uint64_t)(region / 8) << 30 | (uint64_t)(region % 8) << 21 |
					   random_below(&random, 4) << 12;

			pages[i] = walk_key(one.table.paging, 1, address, 0) & ASSOCIATIVE_PAGE_MASK;
			levels[i] = (uint8_t)walk(&one, address, WALK_READ).level;
		}
		for (unsigned i = 0; i < WALKS; i += WALKS / 4)
			walker_count_run(&many.walker, pages + i, levels + i, WALKS / 4);
		assert_memory_equal(&one.walker.counts, &many.walker.counts, sizeof(struct walk_counts));
		rig_drop(&one);
		rig_drop(&many);
	}
}

static void test_flushes(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig, "x86-64", &all_caches);
	map(&rig, 0, 1, pte_make(1, USER));
	(void)walk(&rig, 0, WALK_READ);
	assert_int_equal(walk(&rig, 0, WALK_READ).references, 1);
	walker_flush_address(&rig.walker, 0, 0);
	assert_int_equal(walk(&rig, 0, WALK_READ).references, 4);
	walker_flush_space(&rig.walker, 1);
	assert_int_equal(walk(&rig, 0, WALK_READ).references, 1);
	walker_flush_space(&rig.walker, 0);
	assert_int_equal(walk(&rig, 0, WALK_READ).references, 4);
	walker_flush_all(&rig.walker);
	assert_int_equal(walk(&rig, 0, WALK_READ).references, 4);
	rig_drop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_steps_of_a_walk),
	    cmocka_unit_test(test_references_by_level_of_the_hit),
	    cmocka_unit_test(test_the_deepest_hit_wins),
	    cmocka_unit_test(test_caches_hold_no_leaf),
	    cmocka_unit_test(test_a_fault_at_each_level),
	    cmocka_unit_test(test_rights),
	    cmocka_unit_test(test_cold_nested_walks),
	    cmocka_unit_test(test_warm_nested_walk),
	    cmocka_unit_test(test_batch_equals_single_walks),
	    cmocka_unit_test(test_flushes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
