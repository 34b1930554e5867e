#include "config.h"

#include "engine/virt/mmu_regions.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>

#include <cmocka.h>

#define BASE 0x7f0000000000u
#define REGION ((uint64_t)1 << 21)
#define USER (PTE_PRESENT | PTE_WRITE | PTE_USER)
#define ALL 0xffu

struct rig {
	struct table_store store;
	struct counting_source source;
	struct pagetable table;
	struct mmu_regions regions;
};

static void rig_make(struct rig *rig, const char *paging)
{
	assert_int_equal(table_store_create(&rig->store, paging_find(paging)), STATUS_OK);
	counting_source_create(&rig->source, 1, 1 << 20);
	assert_int_equal(pagetable_create(&rig->table, &rig->store, page_source_of_counter(&rig->source)),
			 PAGETABLE_DONE);
	assert_int_equal(mmu_regions_create(&rig->regions, rig->table.paging), STATUS_OK);
}

static void rig_drop(struct rig *rig)
{
	mmu_regions_destroy(&rig->regions);
	pagetable_destroy(&rig->table);
	table_store_destroy(&rig->store);
}

static void map(struct rig *rig, uint64_t address, unsigned level)
{
	assert_int_equal(pagetable_set(&rig->table, address, level, pte_make(512, USER), NULL),
			 PAGETABLE_DONE);
}

static void grant(struct rig *rig, uint64_t address)
{
	unsigned level;

	(void)mmu_regions_find(&rig->regions, address, &level);
	mmu_regions_grant(&rig->regions, address, ALL);
}

/* The way down, the first time and again, is that of the page table: pages, a large page, holes at each level. */
static void test_ways_end_where_the_table_says(void **state)
{
	static const struct {
		uint64_t address;
		unsigned level;
	} cases[] = {
	    {BASE, 1},
	    {BASE + 4096, 1},
	    {BASE + REGION + 0x5000, 2},
	    {BASE + 2 * REGION, 2},
	    {BASE + ((uint64_t)1 << 30), 3},
	    {0, 4},
	    {(uint64_t)1 << 47, 4},
	};
	struct rig rig;

	(void)state;
	rig_make(&rig, "x86-64");
	map(&rig, BASE, 1);
	map(&rig, BASE + REGION, 2);
	mmu_regions_renew(&rig.regions, &rig.table);
	for (unsigned again = 0; again < 2; again++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			unsigned level, of;
			const pte_t *entry = mmu_regions_find(&rig.regions, cases[i].address, &level);
			const pte_t *real = pagetable_find(&rig.table, cases[i].address, &of);

			assert_int_equal(level, cases[i].level);
			assert_true(real ? entry == real : pte_is_empty(*entry));
		}
	}
	/* A table is linked: what was an empty entry of level 2 is a table now. */
	map(&rig, BASE + 2 * REGION, 1);
	mmu_regions_renew(&rig.regions, &rig.table);
	unsigned level;

	assert_true(pte_is_present(*mmu_regions_find(&rig.regions, BASE + 2 * REGION, &level)));
	assert_int_equal(level, 1);
	rig_drop(&rig);
}

/* Grants hold for a page of level 1, for the whole of a larger one, and only as long as the region is remembered. */
static void test_grants(void **state)
{
	struct rig rig;

	(void)state;
	rig_make(&rig, "x86-64");
	map(&rig, BASE, 1);
	map(&rig, BASE + REGION, 2);
	map(&rig, BASE + MMU_REGIONS * REGION, 1);
	mmu_regions_renew(&rig.regions, &rig.table);
	assert_false(mmu_regions_grants(&rig.regions, BASE, 0));
	mmu_regions_grant(&rig.regions, BASE, ALL); /* not remembered yet: nothing */
	assert_false(mmu_regions_grants(&rig.regions, BASE, 0));
	grant(&rig, BASE);
	mmu_regions_grant(&rig.regions, BASE, 1u << 4);
	assert_true(mmu_regions_grants(&rig.regions, BASE + 4095, 4));
	assert_false(mmu_regions_grants(&rig.regions, BASE, 5));
	assert_false(mmu_regions_grants(&rig.regions, BASE + 4096, 4));
	grant(&rig, BASE + REGION);
	assert_true(mmu_regions_grants(&rig.regions, BASE + REGION + 0x1ff000, 7));
	/* Another region of the same place drives the first one out. */
	grant(&rig, BASE + MMU_REGIONS * REGION);
	assert_false(mmu_regions_grants(&rig.regions, BASE, 4));
	assert_true(mmu_regions_grants(&rig.regions, BASE + MMU_REGIONS * REGION, 4));
	rig_drop(&rig);
}

/* Ranges in one region, over several, and of more than all; exactly the pages that they touch lose what they were granted. */
static void test_ranges_are_forgotten(void **state)
{
	static const struct {
		uint64_t first, bytes;
	} cases[] = {
	    {0x3000, 1},
	    {0x3fff, 2},
	    {REGION - 1, 2},
	    {0, 4 * REGION},
	    {REGION + 1, REGION},
	    {REGION - 4096, 2 * REGION},
	    {0x1000, 3 * REGION - 1},
	    {0, 0},
	    {2 * REGION, 4096},
	    {0, (uint64_t)MMU_REGIONS * 2 * REGION},
	    {3 * REGION, REGION - 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t first = BASE + cases[i].first, end = first + cases[i].bytes;
		struct rig rig;

		rig_make(&rig, "x86-64");
		/* Region 2 is one large page. */
		for (uint64_t at = BASE; at < BASE + 4 * REGION; at += 4096) {
			if (at >> 21 != (BASE >> 21) + 2)
				map(&rig, at, 1);
			else if (at % REGION == 0)
				map(&rig, at, 2);
		}
		mmu_regions_renew(&rig.regions, &rig.table);
		for (uint64_t at = BASE; at < BASE + 4 * REGION; at += 4096)
			grant(&rig, at);
		mmu_regions_forget_range(&rig.regions, first, cases[i].bytes);
		mmu_regions_renew(&rig.regions, &rig.table);
		for (uint64_t at = BASE; at < BASE + 4 * REGION; at += 4096) {
			uint64_t bytes = at >> 21 == (BASE >> 21) + 2 ? REGION : 4096;
			uint64_t page = at / bytes * bytes;
			bool touched = cases[i].bytes > 0 && first < page + bytes && page < end;

			assert_int_equal(mmu_regions_grants(&rig.regions, at, 3), !touched);
		}
		rig_drop(&rig);
	}
}

static void test_other_shapes(void **state)
{
	static const char *const names[] = {"i386", "x86-64-5", "arm64-64k", "alpha"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct rig rig;

		rig_make(&rig, names[i]);
		map(&rig, (uint64_t)1 << 30, 1);
		mmu_regions_renew(&rig.regions, &rig.table);
		grant(&rig, (uint64_t)1 << 30);
		assert_true(mmu_regions_grants(&rig.regions, (uint64_t)1 << 30, 5));
		mmu_regions_forget(&rig.regions);
		mmu_regions_renew(&rig.regions, &rig.table);
		assert_false(mmu_regions_grants(&rig.regions, (uint64_t)1 << 30, 5));
		rig_drop(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ways_end_where_the_table_says),
	    cmocka_unit_test(test_grants),
	    cmocka_unit_test(test_ranges_are_forgotten),
	    cmocka_unit_test(test_other_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
