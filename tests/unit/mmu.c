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
#define PAGES 4096u
#define REFERENCES 60000u

struct rig {
	struct table_store store;
	struct counting_source source;
	struct pagetable table;
	struct mmu mmu;
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

static struct rig *rig_make(const char *const *texts)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	assert_int_equal(table_store_create(&rig->store, paging_find("x86-64")), STATUS_OK);
	counting_source_create(&rig->source, 1, 1 << 20);
	assert_int_equal(pagetable_create(&rig->table, &rig->store, page_source_of_counter(&rig->source)),
			 PAGETABLE_DONE);
	make_models(&rig->mmu, &rig->table, texts);
	return rig;
}

static void rig_drop(struct rig *rig)
{
	mmu_destroy(&rig->mmu);
	pagetable_destroy(&rig->table);
	table_store_destroy(&rig->store);
	free(rig);
}

static void map(struct rig *rig, uint64_t address, unsigned level, pte_t entry)
{
	assert_int_equal(pagetable_set(&rig->table, address, level, entry, NULL), PAGETABLE_DONE);
}

static void run_all(struct mmu *mmu, const uint64_t *addresses, const uint8_t *accesses, size_t count)
{
	struct mmu_stream stream = {addresses, accesses, count};
	struct mmu_fault fault;

	assert_int_equal(mmu_run(mmu, &stream, &fault), count);
	assert_int_equal(fault.outcome, WALK_FINE);
	assert_null(mmu_check(mmu));
}

static const char *const one_model[] = {
    "l1d=64x4,l1i=128x8,l2=1536x12,replace=lru,walk2=32x4,walk3=4xfull,walk4=2xfull", NULL};

/* The figure of an independent simulator: 3,907 misses in both levels; after the first page of each 2 MiB the PDE's cache
 * leaves one reference per walk. */
static void test_two_million_loads_upward(void **state)
{
	static uint64_t addresses[2000000];
	struct rig *rig = rig_make(one_model);
	const struct walk_counts *walks = &rig->mmu.model[0].walker.counts;

	(void)state;
	for (uint64_t i = 0; i < 3907; i++)
		map(rig, BASE + i * 4096, 1, pte_make(i, USER));
	for (uint64_t i = 0; i < 2000000; i++)
		addresses[i] = BASE + 8 * i;
	run_all(&rig->mmu, addresses, NULL, 2000000);
	assert_int_equal(tlb_accesses(&rig->mmu.model[0].tlb.counts), 2000000);
	assert_int_equal(tlb_misses(&rig->mmu.model[0].tlb.counts, 1), 3907);
	assert_int_equal(tlb_misses(&rig->mmu.model[0].tlb.counts, 2), 3907);
	assert_int_equal(walks->walks, 3907);
	assert_int_equal(walks->cold, 1);
	assert_int_equal(walks->cache_hits[3],
			 7); /* 8 tables of level 1: the first cold, 7 found by their PDPTE */
	assert_int_equal(walks->cache_hits[2], 3907 - 8);
	assert_int_equal(walks->references, 4 + 7 * 2 + (3907 - 8));
	rig_drop(rig);
}

/* Pages of 4 KiB and 2 MiB, some contiguous, some global, by reads, writes and fetches. */
static void map_mixture(struct rig *rig)
{
	for (uint64_t region = 0; region < PAGES / 512; region++) {
		uint64_t base = BASE + (region << 21);

		if (region % 4 == 1) {
			map(rig, base, 2, pte_make(region << 9, USER));
			continue;
		}
		for (uint64_t page = 0; page < 512; page++) {
			uint64_t frame =
			    region % 4 == 2 ? (page * 7 & 511) + (region << 9) : page + (region << 9);

			map(rig, base + (page << 12), 1,
			    pte_make(frame, USER | (page % 64 == 0 ? PTE_GLOBAL : 0)));
		}
	}
}

static void fill(enum page_stream_shape shape, uint64_t *addresses, uint8_t *accesses)
{
	struct random random = {5};

	page_stream_fill(shape, PAGES, addresses, REFERENCES);
	for (size_t i = 0; i < REFERENCES; i++) {
		/* Some stay on the page of the one before. */
		if (i > 0 && random_below(&random, 3) == 0)
			addresses[i] = addresses[i - 1];
		else
			addresses[i] = BASE + (addresses[i] << 12) + random_below(&random, 4096);
		accesses[i] =
		    (uint8_t)(random_below(&random, 4) == 0 ? WALK_EXECUTE : random_below(&random, 2)) |
		    WALK_USER;
	}
}

static const char *const many_models[] = {
    "l1d=64x4,l1i=128x8,l2=1536x12,walk2=32x4,walk3=4xfull,walk4=2xfull",
    "zen4",
    "skylake-sp",
    "l1=16x4,l2=96x8,replace=plru",
    "l1d=16x16,l1i=8x8,l2=64x8,coalesce=4,walk2=8x2",
    "l1=32x8,replace=random,coalesce=8,walk3=2xfull",
    "l1d=12x3,l1i=10x5,l2d=30x5,l2i=7x7,replace=fifo,walk2=4xfull",
    NULL,
};

/* The naive way, one reference at a time: page table, TLB, walk. */
static void run_naively(struct rig *rig, struct mmu_model *model, uint64_t address, unsigned access)
{
	unsigned level;
	pte_t entry = *pagetable_find(&rig->table, address, &level);
	uint16_t space = pte_has(entry, PTE_GLOBAL) ? TLB_GLOBAL : 0;
	uint64_t key = tlb_key_of(&model->tlb, address, level, space);
	uint64_t pages = (uint64_t)1 << model->tlb.coalesce_shift;
	uint64_t first = address & ~((pages << 12) - 1);
	bool is_group = pages > 1 && level == 1;

	for (uint64_t i = 0; i < pages && is_group; i++) {
		unsigned of;
		const pte_t *other = pagetable_find(&rig->table, first + (i << 12), &of);

		is_group = other && of == 1 && pte_frame(*other) == (pte_frame(entry) & ~(pages - 1)) + i &&
			   pte_has(*other, PTE_GLOBAL) == pte_has(entry, PTE_GLOBAL);
	}
	if (is_group)
		key = tlb_key_of_group(&model->tlb, address, space);
	if (tlb_access(&model->tlb, access & WALK_EXECUTE ? TLB_FETCH : TLB_DATA, key) == TLB_MISS) {
		struct walk_request request = {.table = &rig->table, .address = address, .access = access};

		assert_int_equal(walker_walk(&model->walker, &request).outcome, WALK_FINE);
	}
}

static void test_blocks_equal_one_at_a_time(void **state)
{
	static uint64_t addresses[REFERENCES];
	static uint8_t accesses[REFERENCES];

	(void)state;
	for (unsigned shape = 0; shape < STREAM_SHAPES; shape++) {
		struct rig *rig = rig_make(many_models);
		struct mmu *naive = calloc(1, sizeof(*naive));

		assert_non_null(naive);
		make_models(naive, &rig->table, many_models);
		map_mixture(rig);
		fill((enum page_stream_shape)shape, addresses, accesses);
		run_all(&rig->mmu, addresses, accesses, REFERENCES);
		for (size_t i = 0; i < REFERENCES; i++) {
			for (unsigned m = 0; m < naive->models; m++)
				run_naively(rig, &naive->model[m], addresses[i], accesses[i]);
		}
		for (unsigned m = 0; m < naive->models; m++) {
			assert_memory_equal(&rig->mmu.model[m].tlb.counts, &naive->model[m].tlb.counts,
					    sizeof(struct tlb_counts));
			assert_memory_equal(&rig->mmu.model[m].walker.counts, &naive->model[m].walker.counts,
					    sizeof(struct walk_counts));
		}
		mmu_destroy(naive);
		free(naive);
		rig_drop(rig);
	}
}

/* With and without the last-page filter, with flushes and switches between: the same counts in every model. */
static void test_the_filter_changes_nothing(void **state)
{
	static uint64_t addresses[REFERENCES];
	static uint8_t accesses[REFERENCES];

	(void)state;
	for (unsigned i = 0; i < STREAM_SHAPES * 2; i++) {
		struct rig *rig = rig_make(many_models);
		struct mmu *plain = calloc(1, sizeof(*plain));
		struct random random = {i};
		uint8_t *kinds = i % 2 ? accesses : NULL;

		assert_non_null(plain);
		make_models(plain, &rig->table, many_models);
		plain->is_filtering = false;
		map_mixture(rig);
		fill((enum page_stream_shape)(i / 2), addresses, accesses);
		for (size_t done = 0; done < REFERENCES;) {
			size_t some = 1 + random_below(&random, 3000);
			uint64_t where = addresses[random_below(&random, REFERENCES)];
			uint64_t bytes = random_below(&random, 40) << 12;
			uint64_t action = random_below(&random, 4);

			some = some > REFERENCES - done ? REFERENCES - done : some;
			run_all(&rig->mmu, addresses + done, kinds ? kinds + done : NULL, some);
			run_all(plain, addresses + done, kinds ? kinds + done : NULL, some);
			done += some;
			for (unsigned side = 0; side < 2; side++) {
				struct mmu *mmu = side ? plain : &rig->mmu;

				if (action == 0)
					mmu_flush_page(mmu, where);
				else if (action == 1)
					mmu_flush_range(mmu, where, bytes, bytes % 8192 == 0);
				else if (action == 2)
					mmu_switch(mmu, &rig->table, (uint16_t)(bytes >> 12) % 3);
			}
		}
		for (unsigned m = 0; m < plain->models; m++) {
			assert_memory_equal(&rig->mmu.model[m].tlb.counts, &plain->model[m].tlb.counts,
					    sizeof(struct tlb_counts));
			assert_memory_equal(&rig->mmu.model[m].walker.counts, &plain->model[m].walker.counts,
					    sizeof(struct walk_counts));
		}
		mmu_destroy(plain);
		free(plain);
		rig_drop(rig);
	}
}

/* The same stream as addresses without the filter, and in columns with it, each over tables of its own: the same counts, and
 * the same accessed and dirty bits in every entry. */
static void test_columns_equal_addresses(void **state)
{
	static uint64_t addresses[REFERENCES], where[PAGES];
	static uint8_t accesses[REFERENCES], shape[REFERENCES];
	static uint16_t context[REFERENCES], offset[REFERENCES];
	uint8_t access[256] = {0};
	struct rig *plain = rig_make(many_models);
	struct rig *rig = rig_make(many_models);
	struct mmu_columns columns = {context, offset, shape, where, access, REFERENCES};
	struct mmu_fault fault;

	(void)state;
	plain->mmu.is_filtering = false;
	map_mixture(plain);
	map_mixture(rig);
	fill(STREAM_ZIPF, addresses, accesses);
	for (size_t i = 0; i < PAGES; i++)
		where[i] = BASE + (i << 12) - 4096;
	for (size_t i = 0; i < REFERENCES; i++) {
		context[i] = (uint16_t)((addresses[i] - BASE) >> 12);
		offset[i] = (uint16_t)(addresses[i] - where[context[i]]);
		shape[i] = (uint8_t)(i % 3 * 64 + accesses[i]);
		access[shape[i]] = accesses[i];
	}
	run_all(&plain->mmu, addresses, accesses, REFERENCES);
	assert_int_equal(mmu_run_columns(&rig->mmu, &columns, &fault), REFERENCES);
	assert_int_equal(rig->mmu.references, REFERENCES);
	for (unsigned m = 0; m < rig->mmu.models; m++) {
		assert_memory_equal(&rig->mmu.model[m].tlb.counts, &plain->mmu.model[m].tlb.counts,
				    sizeof(struct tlb_counts));
		assert_memory_equal(&rig->mmu.model[m].walker.counts, &plain->mmu.model[m].walker.counts,
				    sizeof(struct walk_counts));
	}
	for (uint64_t page = 0; page < PAGES; page++) {
		unsigned level;

		assert_true(*pagetable_find(&rig->table, BASE + (page << 12), &level) ==
			    *pagetable_find(&plain->table, BASE + (page << 12), &level));
	}
	rig_drop(plain);
	rig_drop(rig);
}

/* Demand paging: every first touch stops the stream, and the same reference goes on after the page was mapped. */
static void test_faults_stop_the_stream(void **state)
{
	static uint64_t addresses[REFERENCES];
	struct rig *rig = rig_make(one_model);
	struct mmu_fault fault;
	size_t done = 0;
	uint64_t faults = 0;

	(void)state;
	page_stream_fill(STREAM_ZIPF, PAGES, addresses, REFERENCES);
	for (size_t i = 0; i < REFERENCES; i++)
		addresses[i] = BASE + (addresses[i] << 12);
	for (;;) {
		struct mmu_stream stream = {addresses + done, NULL, REFERENCES - done};

		done += mmu_run(&rig->mmu, &stream, &fault);
		if (fault.outcome == WALK_FINE)
			break;
		assert_int_equal(fault.outcome, WALK_NOT_PRESENT);
		map(rig, addresses[done], 1, pte_make(faults++, USER));
	}
	assert_int_equal(done, REFERENCES);
	assert_int_equal(rig->mmu.references, REFERENCES);
	assert_int_equal(rig->mmu.faults, faults);
	assert_int_equal(rig->table.leaves[1], faults);
	assert_int_equal(tlb_accesses(&rig->mmu.model[0].tlb.counts), REFERENCES);
	rig_drop(rig);
}

static void test_kinds_of_faults(void **state)
{
	static const struct {
		uint64_t address;
		uint8_t access;
		enum walk_outcome outcome;
		unsigned level;
	} cases[] = {
	    {BASE, WALK_USER, WALK_FINE, 0},
	    {BASE, WALK_USER | WALK_WRITE, WALK_NO_WRITE, 1},
	    {BASE, WALK_USER | WALK_EXECUTE, WALK_NO_EXECUTE, 1},
	    {BASE + 4096, WALK_USER, WALK_NO_USER, 1},
	    {BASE + 4096, WALK_WRITE, WALK_FINE, 0},
	    {BASE + 8192, WALK_USER, WALK_NOT_PRESENT, 1},
	    {BASE + ((uint64_t)1 << 21), WALK_USER, WALK_NOT_PRESENT, 2},
	    {BASE + ((uint64_t)1 << 30), WALK_USER, WALK_NOT_PRESENT, 3},
	    {0, WALK_USER, WALK_NOT_PRESENT, 4},
	    {(uint64_t)1 << 47, WALK_USER, WALK_NOT_CANONICAL, 4},
	};
	struct rig *rig = rig_make(one_model);

	(void)state;
	map(rig, BASE, 1, pte_make(1, PTE_PRESENT | PTE_USER | PTE_NO_EXECUTE));
	map(rig, BASE + 4096, 1, pte_make(2, PTE_PRESENT | PTE_WRITE));
	map(rig, BASE + 8192, 1, pte_make_swap(0, 5));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mmu_stream stream = {&cases[i].address, &cases[i].access, 1};
		struct mmu_fault fault;
		size_t done = mmu_run(&rig->mmu, &stream, &fault);

		assert_int_equal(done, cases[i].outcome == WALK_FINE);
		assert_int_equal(fault.outcome, cases[i].outcome);
		assert_int_equal(fault.level, cases[i].level);
	}
	unsigned level;

	assert_false(pte_has(*pagetable_find(&rig->table, BASE, &level), PTE_DIRTY));
	assert_true(pte_has(*pagetable_find(&rig->table, BASE, &level), PTE_ACCESSED));
	assert_true(pte_has(*pagetable_find(&rig->table, BASE + 4096, &level), PTE_DIRTY | PTE_SOFT_DIRTY));
	rig_drop(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_two_million_loads_upward),
	    cmocka_unit_test(test_blocks_equal_one_at_a_time),
	    cmocka_unit_test(test_the_filter_changes_nothing),
	    cmocka_unit_test(test_columns_equal_addresses),
	    cmocka_unit_test(test_faults_stop_the_stream),
	    cmocka_unit_test(test_kinds_of_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
