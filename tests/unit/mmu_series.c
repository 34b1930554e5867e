#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/mmu_series.h"
#include "engine/virt/mmu.h"

#include <stdlib.h>
#include <string.h>

#define SMALL "l1d=4x4,l2=8x4,walk2=2xfull,walk3=1xfull"

static struct tlb_geometry geometry_of(const char *text)
{
	struct tlb_geometry geometry;
	struct tlb_geometry_error error;

	assert_int_equal(tlb_geometry_find(&geometry, text, &error), STATUS_OK);
	return geometry;
}

typedef void writer(const struct mmu_series *series, FILE *file);

static void expect_written(const struct mmu_series *series, writer *write, const char *expected)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	assert_non_null(file);
	write(series, file);
	assert_int_equal(fclose(file), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void write_all(const struct mmu_series *series, FILE *file)
{
	mmu_series_write_tlb(series, file);
	mmu_series_write_faults(series, file);
	mmu_series_write_pages(series, file);
}

/* --- Rows --------------------------------------------------------------------------------------------------------------- */

static const char *const two_names[] = {"zen \"4\"#", "one-level"};

static struct mmu_series *two_mmus(void)
{
	struct tlb_geometry geometries[2] = {geometry_of(SMALL), geometry_of("l1=16x4")};
	struct mmu_series_options options = {
	    .names = two_names, .geometries = geometries, .mmus = 2, .levels = 4};
	struct mmu_series *series = mmu_series_create(&options);

	assert_non_null(series);
	return series;
}

/* A point with `misses` of data in level 1 of the first MMU, half of them walks, a quarter of the references in huge pages. */
static void add(struct mmu_series *series, uint64_t references, uint64_t misses, uint64_t fetches)
{
	struct mmu_counts model[2] = {0};
	struct fault_counts faults = {
	    .minor = references / 10, .major = 1, .cow = 2, .zero_page = 3, .thp = 4};
	struct mmu_point point = {.references = references,
				  .event = references * 2,
				  .model = model,
				  .faults = &faults,
				  .resident_pages = 1024,
				  .huge_pages = 512,
				  .page_table_pages = 7};

	model[0].tlb.accesses[TLB_DATA][1] = references - fetches - references / 4;
	model[0].tlb.accesses[TLB_DATA][2] = references / 4;
	model[0].tlb.accesses[TLB_FETCH][1] = fetches;
	model[0].tlb.misses[0][TLB_DATA][1] = misses;
	model[0].tlb.misses[1][TLB_DATA][1] = misses / 2;
	model[0].walk = (struct walk_counts){.references = misses, .cycles = misses * 9};
	model[1].tlb.misses[0][TLB_DATA][1] = model[1].tlb.misses[1][TLB_DATA][1] = 1;
	assert_true(mmu_series_add(series, &point));
}

#define TLB_COLUMNS                                                                                          \
	"# mmu\treferences\tevent\tl1d_misses\tl1i_misses\tl2_misses\twalks\twalk_references\twalk_cycles\t" \
	"l1_misses_per_1000\twalks_per_1000\n"

static void rows_are_those_of_the_points(void **state)
{
	struct mmu_series *series = two_mmus();

	(void)state;
	expect_written(series, mmu_series_write_tlb, TLB_COLUMNS);
	add(series, 1000, 100, 0);
	add(series, 3000, 200, 0);
	expect_written(series, mmu_series_write_tlb,
		       TLB_COLUMNS "zen__4__\t1000\t2000\t100\t?\t50\t50\t100\t900\t100\t50\n"
				   "zen__4__\t3000\t6000\t200\t?\t100\t100\t200\t1800\t50\t25\n"
				   "one-level\t1000\t2000\t1\t?\t?\t1\t0\t0\t1\t1\n"
				   "one-level\t3000\t6000\t1\t?\t?\t1\t0\t0\t0\t0\n");
	expect_written(series, mmu_series_write_faults,
		       "# references\tevent\tminor\tmajor\tcow\tzero_page\tthp\tresident_pages\t"
		       "page_table_pages\thuge_pages\n"
		       "1000\t2000\t100\t1\t2\t3\t4\t1024\t7\t512\n"
		       "3000\t6000\t300\t1\t2\t3\t4\t1024\t7\t512\n");
	expect_written(series, mmu_series_write_pages,
		       "# references\tevent\tsmall_pages\thuge_pages\tsmall_references\thuge_references\t"
		       "huge_page_share\thuge_reference_share\n"
		       "1000\t2000\t512\t512\t750\t250\t0.5\t0.25\n"
		       "3000\t6000\t512\t512\t2250\t750\t0.5\t0.25\n");
	assert_false(mmu_series_has_sizes(series));
	mmu_series_destroy(series);
}

static void a_point_of_the_same_place_replaces_the_one_before(void **state)
{
	struct mmu_series *series = two_mmus();

	(void)state;
	add(series, 1000, 100, 10);
	add(series, 1000, 120, 10);
	expect_written(series, mmu_series_write_tlb,
		       TLB_COLUMNS "zen__4__\t1000\t2000\t120\t0\t60\t60\t120\t1080\t120\t60\n"
				   "one-level\t1000\t2000\t1\t0\t?\t1\t0\t0\t1\t1\n");
	mmu_series_destroy(series);
}

/* What is left are the points that one would have taken who asked half as often. */
static void a_thinned_series_is_a_coarser_one(void **state)
{
	struct mmu_series *fine = two_mmus(), *coarse = two_mmus();
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	(void)state;
	assert_non_null(file);
	for (uint64_t i = 1; i <= 7; i++) {
		/* The third and the fourth have the same references: of these the last is written. */
		uint64_t references = 1000 * (i == 3 ? 4 : i);

		add(fine, references, 10 * i, 10);
		if (i % 2 == 0)
			add(coarse, references, 10 * i, 10);
	}
	assert_int_equal(mmu_series_points(fine), 7);
	mmu_series_thin(fine);
	assert_int_equal(mmu_series_points(fine), 3);
	add(fine, 7500, 80, 10);
	add(coarse, 7500, 80, 10);
	write_all(coarse, file);
	assert_int_equal(fclose(file), 0);
	expect_written(fine, write_all, text);
	free(text);
	mmu_series_destroy(fine);
	mmu_series_destroy(coarse);
}

/* A trace without references: its first point has none. */
static void nothing_is_divided_by_nothing(void **state)
{
	struct mmu_series *series = two_mmus();

	(void)state;
	add(series, 0, 0, 0);
	expect_written(series, mmu_series_write_tlb,
		       TLB_COLUMNS "zen__4__\t0\t0\t0\t?\t0\t0\t0\t0\t?\t?\n"
				   "one-level\t0\t0\t1\t?\t?\t1\t0\t0\t?\t?\n");
	mmu_series_destroy(series);
}

static void many_points(void **state)
{
	struct mmu_series *series = two_mmus();
	char *text = NULL;
	size_t bytes = 0, lines = 0;
	FILE *file = open_memstream(&text, &bytes);

	(void)state;
	assert_non_null(file);
	for (unsigned i = 1; i <= 1000; i++)
		add(series, i, i, 0);
	mmu_series_write_tlb(series, file);
	assert_int_equal(fclose(file), 0);
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 1 + 2 * 1000);
	free(text);
	mmu_series_destroy(series);
}

/* --- The ladder --------------------------------------------------------------------------------------------------------- */

static void the_ladder_has_its_own_series(void **state)
{
	struct tlb_geometry geometries[1 + MMU_SERIES_SIZES] = {geometry_of(SMALL)};
	struct mmu_counts model[1 + MMU_SERIES_SIZES] = {0};
	struct fault_counts faults = {0};
	struct mmu_point point = {.references = 1000, .model = model, .faults = &faults};
	const char *name = "small";

	(void)state;
	mmu_series_sizes(geometries + 1);
	struct mmu_series_options options = {
	    .names = &name, .geometries = geometries, .mmus = 1, .sizes = MMU_SERIES_SIZES, .levels = 4};
	struct mmu_series *series = mmu_series_create(&options);

	assert_non_null(series);
	for (unsigned i = 0; i < MMU_SERIES_SIZES; i++)
		model[1 + i].tlb.misses[0][TLB_DATA][1] = 500 >> i;
	assert_true(mmu_series_add(series, &point));
	assert_true(mmu_series_has_sizes(series));
	expect_written(series, mmu_series_write_sizes,
		       "# entries\tways\tmisses\treferences\tmiss_rate\n"
		       "16\t4\t500\t1000\t0.5\n32\t4\t250\t1000\t0.25\n64\t4\t125\t1000\t0.125\n"
		       "128\t4\t62\t1000\t0.062\n256\t4\t31\t1000\t0.031\n512\t4\t15\t1000\t0.015\n"
		       "1024\t4\t7\t1000\t0.007\n2048\t4\t3\t1000\t0.003\n4096\t4\t1\t1000\t0.001\n"
		       "8192\t4\t0\t1000\t0\n16384\t4\t0\t1000\t0\n");
	mmu_series_destroy(series);
}

/* --- Walk references by level -------------------------------------------------------------------------------------------- */

#define BASE 0x7f0000000000u
#define USER (PTE_PRESENT | PTE_WRITE | PTE_USER)
#define SMALL_PAGES 2048u
#define LARGE_PAGES 64u

struct rig {
	struct table_store store;
	struct counting_source source;
	struct pagetable table;
	struct mmu mmu;
	uint64_t references[20000];
};

/* Small pages, and behind them huge ones. */
static struct rig *rig_make(const struct tlb_geometry *geometry)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	assert_int_equal(table_store_create(&rig->store, paging_find("x86-64")), STATUS_OK);
	counting_source_create(&rig->source, 1, 1 << 20);
	assert_int_equal(pagetable_create(&rig->table, &rig->store, page_source_of_counter(&rig->source)),
			 PAGETABLE_DONE);
	for (uint64_t page = 0; page < SMALL_PAGES; page++)
		assert_int_equal(
		    pagetable_set(&rig->table, BASE + page * 4096, 1, pte_make(page, USER), NULL),
		    PAGETABLE_DONE);
	for (uint64_t page = 0; page < LARGE_PAGES; page++)
		assert_int_equal(pagetable_set(&rig->table, BASE + (1u << 30) + (page << 21), 2,
					       pte_make(page << 9, USER), NULL),
				 PAGETABLE_DONE);
	assert_int_equal(mmu_create(&rig->mmu, &rig->table, geometry, 1), STATUS_OK);
	for (uint64_t i = 0, random = 1; i < 20000; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		rig->references[i] = random >> 63 ? BASE + (random >> 33) % SMALL_PAGES * 4096
						  : BASE + (1u << 30) + ((random >> 33) % LARGE_PAGES << 21);
	}
	return rig;
}

static void rig_drop(struct rig *rig)
{
	mmu_destroy(&rig->mmu);
	pagetable_destroy(&rig->table);
	table_store_destroy(&rig->store);
	free(rig);
}

/* The same walks one by one, each with the entries that it reads. */
static void count_steps(const struct rig *rig, const struct tlb_geometry *geometry,
			uint64_t steps[PAGING_LEVELS_MAX + 1])
{
	struct tlb tlb;
	struct walker walker;

	assert_int_equal(tlb_create(&tlb, geometry, geometry->paging, 1), STATUS_OK);
	assert_int_equal(walker_create(&walker, geometry->paging, &geometry->walk), STATUS_OK);
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t address = rig->references[i];
		struct walk_request request = {.table = &rig->table, .address = address, .access = WALK_USER};
		unsigned level = 0;

		assert_non_null(pagetable_find(&rig->table, address, &level));
		if (tlb_access(&tlb, TLB_DATA, tlb_key_of(&tlb, address, level, 0)) != TLB_MISS)
			continue;
		struct walk walk = walker_walk(&walker, &request);

		for (unsigned step = 0; step < walk.steps; step++)
			steps[walk.step[step].level]++;
	}
	walker_destroy(&walker);
	tlb_destroy(&tlb);
}

static void levels_are_those_of_the_walks(void **state)
{
	struct tlb_geometry geometry = geometry_of(SMALL);
	struct rig *rig = rig_make(&geometry);
	struct mmu_stream stream = {.addresses = rig->references, .count = 20000};
	uint64_t steps[PAGING_LEVELS_MAX + 1] = {0}, references[PAGING_LEVELS_MAX + 1];
	struct mmu_fault fault;

	(void)state;
	assert_int_equal(mmu_run(&rig->mmu, &stream, &fault), 20000);
	struct mmu_counts counts = {rig->mmu.model[0].tlb.counts, rig->mmu.model[0].walker.counts};

	mmu_series_walk_references(&counts, geometry.paging->levels, references);
	count_steps(rig, &geometry, steps);
	for (unsigned level = 0; level <= PAGING_LEVELS_MAX; level++)
		assert_int_equal(references[level], steps[level]);
	assert_true(references[1] > 1000 && references[2] > 1000 && references[3] > 1000);
	assert_true(references[4] > 0 && references[3] < references[2]);
	rig_drop(rig);
}

/* The geometry's own page tables have four levels, the machine's two. */
static void levels_are_the_machines(void **state)
{
	struct tlb_geometry geometry = geometry_of(SMALL);
	const char *name = "narrow";
	struct mmu_series_options options = {.names = &name, .geometries = &geometry, .mmus = 1, .levels = 2};
	struct mmu_counts model = {.walk = {.walks = 5, .references = 6, .cold = 1, .cache_hits = {[2] = 4}}};
	struct fault_counts faults = {0};
	struct mmu_point point = {.references = 1000, .model = &model, .faults = &faults};
	struct mmu_series *series = mmu_series_create(&options);

	(void)state;
	assert_non_null(series);
	model.tlb.misses[1][TLB_DATA][1] = 5;
	assert_true(mmu_series_add(series, &point));
	expect_written(series, mmu_series_write_walks,
		       "# mmu\tlevel\treferences\treferences_per_1000\n"
		       "narrow\t1\t5\t5\nnarrow\t2\t1\t1\n");
	mmu_series_destroy(series);
}

static void a_row_for_each_level(void **state)
{
	struct tlb_geometry geometries[2] = {geometry_of(SMALL), geometry_of("l1=16x4,nested=pages")};
	const char *const names[] = {"native", "guest"};
	struct mmu_series_options options = {
	    .names = names, .geometries = geometries, .mmus = 2, .levels = 4};
	struct mmu_counts model[2] = {0};
	struct fault_counts faults = {0};
	struct mmu_point point = {.references = 1000, .model = model, .faults = &faults};
	struct mmu_series *series = mmu_series_create(&options);

	(void)state;
	assert_non_null(series);
	/* 5 walks of small pages: 1 cold, 4 below an entry of level 2. The guest's 24 references of one cold walk. */
	model[0].tlb.misses[1][TLB_DATA][1] = 5;
	model[0].walk = (struct walk_counts){.walks = 5, .references = 8, .cold = 1, .cache_hits = {[2] = 4}};
	model[1].tlb.misses[1][TLB_DATA][1] = 1;
	model[1].walk = (struct walk_counts){.walks = 1, .references = 24, .cold = 1};
	assert_true(mmu_series_add(series, &point));
	expect_written(series, mmu_series_write_walks,
		       "# mmu\tlevel\treferences\treferences_per_1000\n"
		       "native\t1\t5\t5\nnative\t2\t1\t1\nnative\t3\t1\t1\nnative\t4\t1\t1\n"
		       "guest\t0\t20\t20\nguest\t1\t1\t1\nguest\t2\t1\t1\nguest\t3\t1\t1\nguest\t4\t1\t1\n");
	mmu_series_destroy(series);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_those_of_the_points),
	    cmocka_unit_test(a_point_of_the_same_place_replaces_the_one_before),
	    cmocka_unit_test(a_thinned_series_is_a_coarser_one),
	    cmocka_unit_test(nothing_is_divided_by_nothing),
	    cmocka_unit_test(many_points),
	    cmocka_unit_test(the_ladder_has_its_own_series),
	    cmocka_unit_test(levels_are_those_of_the_walks),
	    cmocka_unit_test(a_row_for_each_level),
	    cmocka_unit_test(levels_are_the_machines),
	};

	return cmocka_run_group_tests_name("mmu_series", tests, NULL, NULL);
}
