#include "config.h"

#include "engine/virt/mmu.h"

#include "tests/unit/page_stream.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE 0x7f0000000000u
#define USER (PTE_PRESENT | PTE_WRITE | PTE_USER)
#define REGIONS UINT64_C(6)
#define REGION_PAGES UINT64_C(512)
#define REFERENCES 2500u
#define PHASES 40u

/* Processors, and what may be put beside them to see how misses depend on size. */
static const char *const a_ladder[] = {"zen4",	    "skylake-sp", "l1=16x4",  "l1=32x4",
				       "l1=64x4",   "l1=128x4",	  "l1=256x4", "l1=512x4",
				       "l1=1024x4", "l1=4096x4",  NULL};

/* Every replacement, sets of all kinds, entries of several pages, parts by size, none for fetches or for large pages. */
static const char *const a_mixture[] = {
    "l1=64x8,l2=96x8,replace=plru",
    "l1d=64x4,l2=1536x12,walk2=32x4",
    "l1d=16x16,l1i=8x8,l2=64x8,coalesce=4,walk2=8x2",
    "l1=16x4,replace=fifo",
    "l1d=12x3,l1i=10x5,l2d=30x5,l2i=7x7,replace=fifo,walk2=4xfull",
    "l1=64x2,l2=256x4,replace=random",
    "l1d.4k=64x4,l1d.2m=4x4,l1i=16x4,l2=128x8",
    "l1d.4k=32x4,l1i=16x4,l2=128x8",
    "l1=8x8,l2=32x4,walk2=4x4,asid=no",
    "virtuoso",
    "zen2",
    NULL,
};

struct rig {
	struct table_store store;
	struct counting_source source;
	struct pagetable table;
	struct mmu sieved, whole;
};

static void make_models(struct mmu *mmu, const struct pagetable *table, const char *const *texts)
{
	struct tlb_geometry geometries[MMU_MODELS_MAX];
	struct tlb_geometry_error error;
	unsigned count = 0;

	for (; texts[count]; count++)
		assert_int_equal(tlb_geometry_find(&geometries[count], texts[count], &error), STATUS_OK);
	assert_int_equal(mmu_create(mmu, table, geometries, count), STATUS_OK);
}

/* Regions of 2 MiB: those with odd numbers are huge pages. */
static struct rig *rig_make(const char *const *texts)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	assert_int_equal(table_store_create(&rig->store, paging_find("x86-64")), STATUS_OK);
	counting_source_create(&rig->source, 1, 1 << 20);
	assert_int_equal(pagetable_create(&rig->table, &rig->store, page_source_of_counter(&rig->source)),
			 PAGETABLE_DONE);
	make_models(&rig->sieved, &rig->table, texts);
	make_models(&rig->whole, &rig->table, texts);
	rig->whole.is_filtering = false;
	for (uint64_t page = 0; page < REGIONS * REGION_PAGES; page++) {
		unsigned level = page / REGION_PAGES % 2 ? 2 : 1;

		if (level == 2 && page % REGION_PAGES != 0)
			continue;
		assert_int_equal(pagetable_set(&rig->table, BASE + (page << 12), level,
					       pte_make(page, USER | (page % 64 == 5 ? PTE_GLOBAL : 0)),
					       NULL),
				 PAGETABLE_DONE);
	}
	return rig;
}

static void rig_drop(struct rig *rig)
{
	mmu_destroy(&rig->sieved);
	mmu_destroy(&rig->whole);
	pagetable_destroy(&rig->table);
	table_store_destroy(&rig->store);
	free(rig);
}

/* A phase of a program: on small pages, huge ones or both; data alone, or with fetches. */
static void fill(struct random *random, uint64_t *addresses, uint8_t *accesses)
{
	const uint64_t pages = random_below(random, 3), fetches = random_below(random, 3);

	page_stream_fill((enum page_stream_shape)random_below(random, STREAM_SHAPES), REGIONS * REGION_PAGES,
			 addresses, REFERENCES);
	for (size_t i = 0; i < REFERENCES; i++) {
		uint64_t page = addresses[i], region = page / REGION_PAGES;

		if (pages < 2)
			page = ((region & ~UINT64_C(1)) | pages) * REGION_PAGES + page % REGION_PAGES;
		if (i > 0 && random_below(random, 4) == 0)
			addresses[i] = addresses[i - 1];
		else
			addresses[i] = BASE + (page << 12) + random_below(random, 4096);
		accesses[i] =
		    (uint8_t)(random_below(random, 8) < fetches ? WALK_EXECUTE : random_below(random, 2)) |
		    WALK_USER;
	}
}

static void run_all(struct mmu *mmu, const uint64_t *addresses, const uint8_t *accesses)
{
	struct mmu_stream stream = {addresses, accesses, REFERENCES};
	struct mmu_fault fault;

	assert_int_equal(mmu_run(mmu, &stream, &fault), REFERENCES);
	assert_null(mmu_check(mmu));
}

static void disturb(struct mmu *mmu, const struct pagetable *table, uint64_t action, uint64_t where)
{
	switch (action) {
	case 0:
		mmu_flush_page(mmu, where);
		break;
	case 1:
		mmu_flush_range(mmu, where, UINT64_C(9) << 12, false);
		break;
	case 2:
		mmu_switch(mmu, table, (uint16_t)(where >> 12) % 3);
		break;
	case 3:
		mmu_flush_space(mmu, (uint16_t)(where >> 12) % 3);
		break;
	case 4:
		mmu_flush_all(mmu);
		break;
	default:
		break;
	}
}

static void compare(const struct rig *rig)
{
	for (unsigned i = 0; i < rig->whole.models; i++) {
		assert_memory_equal(&rig->sieved.model[i].tlb.counts, &rig->whole.model[i].tlb.counts,
				    sizeof(struct tlb_counts));
		assert_memory_equal(&rig->sieved.model[i].walker.counts, &rig->whole.model[i].walker.counts,
				    sizeof(struct walk_counts));
	}
}

static void run_phases(const char *const *texts, uint64_t seed)
{
	static uint64_t addresses[REFERENCES];
	static uint8_t accesses[REFERENCES];
	struct rig *rig = rig_make(texts);
	struct random random = {seed};

	for (unsigned phase = 0; phase < PHASES; phase++) {
		fill(&random, addresses, accesses);
		run_all(&rig->sieved, addresses, accesses);
		run_all(&rig->whole, addresses, accesses);
		compare(rig);
		uint64_t action = random_below(&random, 10);
		uint64_t where = addresses[random_below(&random, REFERENCES)];

		disturb(&rig->sieved, &rig->table, action, where);
		disturb(&rig->whole, &rig->table, action, where);
	}
	rig_drop(rig);
}

/* With sieves and without any filter, the same counts in every model, phase after phase. */
static void test_sieves_change_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		run_phases(a_ladder, seed);
		run_phases(a_mixture, seed);
	}
}

/* What a model counts does not depend on its neighbours, or on the order in which they were named. */
static void test_neighbours_change_nothing(void **state)
{
	static uint64_t addresses[REFERENCES];
	static uint8_t accesses[REFERENCES];
	struct rig *rig = rig_make(a_ladder);
	struct mmu *alone = calloc(1, sizeof(*alone));

	(void)state;
	assert_non_null(alone);
	for (unsigned i = 0; a_ladder[i]; i++) {
		const char *const one[] = {a_ladder[i], NULL};
		struct random same = {7};

		make_models(alone, &rig->table, one);
		for (unsigned phase = 0; phase < 8; phase++) {
			fill(&same, addresses, accesses);
			run_all(alone, addresses, accesses);
			if (i == 0)
				run_all(&rig->sieved, addresses, accesses);
		}
		assert_memory_equal(&rig->sieved.model[i].tlb.counts, &alone->model[0].tlb.counts,
				    sizeof(struct tlb_counts));
		mmu_destroy(alone);
	}
	free(alone);
	rig_drop(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sieves_change_nothing),
	    cmocka_unit_test(test_neighbours_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
