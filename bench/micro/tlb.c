/* How fast references go through TLB and page-table walk: ours against a naive model, on the same streams.
 *
 *   case                     contender        ns/op      against naive
 *   zipf 1.0, 1 GiB          naive            ...
 *                            ours             ...        0.xx [..]      M refs/s ...
 *
 * TLB: exact LRU, 64 entries in 4 ways and 1,536 in 12; page-walk caches of 32 PDEs in 4 ways, 4 PDPTEs, 2 PML4Es; pages
 * of 4 KiB in x86-64 page tables that are all there. "zipf" misses level 1 with 78 % of its references and walks with
 * 51 %. Both sides count the same misses and references, which is checked before anything is timed.
 */
#include "config.h"

#include "bench/micro/gbench.h"
#include "bench/micro/naive_mmu.h"
#include "bench/micro/table.h"

#include "engine/virt/mmu.h"

#include <stdio.h>
#include <stdlib.h>

#define BASE 0x7f0000000000u
#define PAGES ((uint64_t)1 << 18)
#define REFERENCES ((size_t)1 << 22)
#define BATCH ((size_t)1 << 16)

enum shape {
	ZIPF,
	UNIFORM,
	SEQUENTIAL,
	SHAPES,
};

static const char *const shape_names[SHAPES] = {
    "zipf 1.0 over 1 GiB",
    "uniform over 1 GiB",
    "sequential, 8 bytes each",
};

static struct {
	struct table_store store;
	struct counting_source source;
	struct pagetable table;
	struct tlb_geometry geometry;
	uint64_t *addresses[SHAPES];
	struct mmu *mmu;
	struct naive_mmu *naive;
} rig;

/* --- Streams --------------------------------------------------------------------------------------------------------- */

static void fill_zipf(uint64_t *addresses, double *sum, uint32_t *page)
{
	struct random random = {1};
	double total = 0;

	for (uint32_t rank = 0; rank < PAGES; rank++) {
		sum[rank] = total += 1.0 / (double)(rank + 1);
		page[rank] = rank;
	}
	for (uint32_t rank = PAGES - 1; rank > 0; rank--) {
		uint64_t other = random_below(&random, rank + 1);
		uint32_t kept = page[rank];

		page[rank] = page[other];
		page[other] = kept;
	}
	for (size_t i = 0; i < REFERENCES; i++) {
		double wanted = (double)(random_next(&random) >> 11) * 0x1p-53 * total;
		uint64_t low = 0;
		uint64_t high = PAGES - 1;

		while (low < high) {
			uint64_t middle = (low + high) / 2;

			if (sum[middle] < wanted)
				low = middle + 1;
			else
				high = middle;
		}
		addresses[i] = BASE + ((uint64_t)page[low] << 12) + (random_next(&random) & 0xff8);
	}
}

static bool make_streams(void)
{
	struct random random = {2};
	double *sum = calloc(PAGES, sizeof(*sum));
	uint32_t *page = calloc(PAGES, sizeof(*page));
	bool good = sum && page;

	for (unsigned shape = 0; shape < SHAPES; shape++) {
		rig.addresses[shape] = calloc(REFERENCES, sizeof(uint64_t));
		good = good && rig.addresses[shape];
	}
	if (good) {
		fill_zipf(rig.addresses[ZIPF], sum, page);
		for (size_t i = 0; i < REFERENCES; i++) {
			rig.addresses[UNIFORM][i] = BASE + (random_below(&random, PAGES) << 12);
			rig.addresses[SEQUENTIAL][i] = BASE + 8 * i;
		}
	}
	free(sum);
	free(page);
	return good;
}

static bool make_table(void)
{
	if (table_store_create(&rig.store, paging_find("x86-64")) != STATUS_OK)
		return false;
	counting_source_create(&rig.source, 1, (uint64_t)1 << 24);
	if (pagetable_create(&rig.table, &rig.store, page_source_of_counter(&rig.source)) != PAGETABLE_DONE)
		return false;
	for (uint64_t page = 0; page < PAGES; page++) {
		pte_t entry = pte_make(page, PTE_PRESENT | PTE_WRITE | PTE_USER);

		if (pagetable_set(&rig.table, BASE + (page << 12), 1, entry, NULL) != PAGETABLE_DONE)
			return false;
	}
	return true;
}

/* --- Contenders ------------------------------------------------------------------------------------------------------ */

static void run_ours(const uint64_t *addresses, size_t count)
{
	struct mmu_stream stream = {addresses, NULL, count};
	struct mmu_fault fault;

	gbench_keep(mmu_run(rig.mmu, &stream, &fault));
}

static void run_naive(const uint64_t *addresses, size_t count)
{
	for (size_t i = 0; i < count; i++)
		naive_mmu_access(rig.naive, &rig.table, addresses[i]);
}

static bool renew(void)
{
	mmu_destroy(rig.mmu);
	naive_mmu_clear(rig.naive);
	return mmu_create(rig.mmu, &rig.table, &rig.geometry, 1) == STATUS_OK;
}

static void measure(struct gbench_state *state, const uint64_t *addresses,
		    void (*run)(const uint64_t *, size_t))
{
	size_t done = 0;

	while (gbench_keep_running(state, (int64_t)BATCH)) {
		run(addresses + done, BATCH);
		done = (done + BATCH) % REFERENCES;
	}
}

static void bench_naive(struct gbench_state *state, void *context)
{
	measure(state, context, run_naive);
}

static void bench_ours(struct gbench_state *state, void *context)
{
	measure(state, context, run_ours);
}

/* Both sides on the whole stream: the same counts, or an explanation. */
static bool sides_agree(enum shape shape)
{
	const struct mmu_model *model = &rig.mmu->model[0];

	if (!renew())
		return false;
	run_ours(rig.addresses[shape], REFERENCES);
	run_naive(rig.addresses[shape], REFERENCES);
	if (tlb_misses(&model->tlb.counts, 1) == rig.naive->misses[0] &&
	    tlb_misses(&model->tlb.counts, 2) == rig.naive->misses[1] &&
	    model->walker.counts.references == rig.naive->references)
		return true;
	(void)fprintf(stderr, "tlb: %s: the two models count differently\n", shape_names[shape]);
	return false;
}

int main(int argc, char **argv)
{
	struct tlb_geometry_error error;
	char name[96];

	rig.mmu = calloc(1, sizeof(*rig.mmu));
	rig.naive = calloc(1, sizeof(*rig.naive));
	if (!rig.mmu || !rig.naive || !make_streams() || !make_table() ||
	    tlb_geometry_find(&rig.geometry, "l1d=64x4,l2=1536x12,walk2=32x4,walk3=4xfull,walk4=2xfull",
			      &error) != STATUS_OK) {
		(void)fputs("tlb: not enough memory\n", stderr);
		return 1;
	}
	for (unsigned shape = 0; shape < SHAPES; shape++) {
		if (!sides_agree((enum shape)shape))
			return 1;
		(void)snprintf(name, sizeof(name), "%s:naive", shape_names[shape]);
		(void)gbench_register(name, bench_naive, rig.addresses[shape]);
		(void)snprintf(name, sizeof(name), "%s:ours", shape_names[shape]);
		(void)gbench_register(name, bench_ours, rig.addresses[shape]);
	}
	return table_main("TLB and walk, per reference: 64x4 and 1536x12 LRU, walk caches 32/4/2, 4 KiB "
			  "pages (1000 / ns is "
			  "M references/s)",
			  argc, argv);
}
