/* How fast references go through TLB and page-table walk: ours against a naive model, on the same streams.
 *
 *   case                     contender        ns/op      against naive
 *   zipf 1.0, 1 GiB          naive            ...
 *                            ours             ...        0.xx [..]      M refs/s ...
 *
 * TLB: exact LRU, 64 entries in 4 ways and 1,536 in 12; page-walk caches of 32 PDEs in 4 ways, 4 PDPTEs, 2 PML4Es; pages
 * of 4 KiB in x86-64 page tables that are all there. "zipf" misses level 1 with 78 % of its references and walks with
 * 51 %. "python3" are the loads and stores of a real program (page_sample.h). Both sides count the same misses and references, which is checked before anything is timed.
 */
#include "config.h"

#include "bench/micro/gbench.h"
#include "bench/micro/naive_mmu.h"
#include "bench/micro/page_sample.h"
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
	PYTHON,
	SHAPES,
};

static const char *const shape_names[SHAPES] = {
    "zipf 1.0 over 1 GiB",
    "uniform over 1 GiB",
    "sequential, 8 bytes each",
    "python3, loads and stores",
};

struct stream {
	uint64_t *addresses;
	uint8_t *accesses; /* NULL: all loads */
	size_t count;	   /* a multiple of BATCH */
};

static struct {
	struct table_store store;
	struct counting_source source;
	struct pagetable table;
	struct tlb_geometry geometry;
	struct stream streams[SHAPES];
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

	for (unsigned shape = 0; shape < PYTHON; shape++) {
		rig.streams[shape] = (struct stream){calloc(REFERENCES, sizeof(uint64_t)), NULL, REFERENCES};
		good = good && rig.streams[shape].addresses;
	}
	if (good) {
		fill_zipf(rig.streams[ZIPF].addresses, sum, page);
		for (size_t i = 0; i < REFERENCES; i++) {
			rig.streams[UNIFORM].addresses[i] = BASE + (random_below(&random, PAGES) << 12);
			rig.streams[SEQUENTIAL].addresses[i] = BASE + 8 * i;
		}
	}
	free(sum);
	free(page);
	return good;
}

/* Where in its page a reference goes is no matter: the offset only makes addresses differ. */
static bool read_sample(void)
{
	struct stream *stream = &rig.streams[PYTHON];
	struct page_sample sample;
	const char *wrong = page_sample_read(&sample, PAGE_SAMPLE);

	if (wrong) {
		(void)fprintf(stderr, "tlb: %s: %s\n", PAGE_SAMPLE, wrong);
		return false;
	}
	stream->count = sample.count / BATCH * BATCH;
	stream->addresses = sample.page;
	stream->accesses = sample.is_store;
	for (size_t i = 0; i < sample.count; i++) {
		sample.page[i] = (sample.page[i] << 12) + i % 512 * 8;
		sample.is_store[i] = (uint8_t)(WALK_USER | (sample.is_store[i] ? WALK_WRITE : WALK_READ));
	}
	return stream->count > 0;
}

static bool map_page(uint64_t address, uint64_t frame)
{
	pte_t entry = pte_make(frame, PTE_PRESENT | PTE_WRITE | PTE_USER);

	return pagetable_set(&rig.table, address, 1, entry, NULL) == PAGETABLE_DONE;
}

static bool make_table(void)
{
	const struct stream *sample = &rig.streams[PYTHON];

	if (table_store_create(&rig.store, paging_find("x86-64")) != STATUS_OK)
		return false;
	counting_source_create(&rig.source, 1, (uint64_t)1 << 24);
	if (pagetable_create(&rig.table, &rig.store, page_source_of_counter(&rig.source)) != PAGETABLE_DONE)
		return false;
	for (uint64_t page = 0; page < PAGES; page++) {
		if (!map_page(BASE + (page << 12), page))
			return false;
	}
	for (size_t i = 0; i < sample->count; i++) {
		if (!map_page(sample->addresses[i] & ~(uint64_t)4095, PAGES + i))
			return false;
	}
	return true;
}

/* --- Contenders ------------------------------------------------------------------------------------------------------ */

static void run_ours(const struct stream *stream, size_t from, size_t count)
{
	struct mmu_stream part = {stream->addresses + from, stream->accesses ? stream->accesses + from : NULL,
				  count};
	struct mmu_fault fault;

	gbench_keep(mmu_run(rig.mmu, &part, &fault));
}

static void run_naive(const struct stream *stream, size_t from, size_t count)
{
	for (size_t i = from; i < from + count; i++)
		naive_mmu_access(rig.naive, &rig.table, stream->addresses[i],
				 stream->accesses && (stream->accesses[i] & WALK_WRITE));
}

static bool renew(void)
{
	mmu_destroy(rig.mmu);
	naive_mmu_clear(rig.naive);
	return mmu_create(rig.mmu, &rig.table, &rig.geometry, 1) == STATUS_OK;
}

static void measure(struct gbench_state *state, const struct stream *stream,
		    void (*run)(const struct stream *, size_t, size_t))
{
	size_t done = 0;

	while (gbench_keep_running(state, (int64_t)BATCH)) {
		run(stream, done, BATCH);
		done = (done + BATCH) % stream->count;
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
	run_ours(&rig.streams[shape], 0, rig.streams[shape].count);
	run_naive(&rig.streams[shape], 0, rig.streams[shape].count);
	if (tlb_accesses(&model->tlb.counts) == rig.streams[shape].count &&
	    tlb_misses(&model->tlb.counts, 1) == rig.naive->misses[0] &&
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
	if (!rig.mmu || !rig.naive || !make_streams() || !read_sample() || !make_table() ||
	    tlb_geometry_find(&rig.geometry, "l1d=64x4,l2=1536x12,walk2=32x4,walk3=4xfull,walk4=2xfull",
			      &error) != STATUS_OK) {
		(void)fputs("tlb: the streams cannot be made\n", stderr);
		return 1;
	}
	for (unsigned shape = 0; shape < SHAPES; shape++) {
		if (!sides_agree((enum shape)shape))
			return 1;
		(void)snprintf(name, sizeof(name), "%s:naive", shape_names[shape]);
		(void)gbench_register(name, bench_naive, &rig.streams[shape]);
		(void)snprintf(name, sizeof(name), "%s:ours", shape_names[shape]);
		(void)gbench_register(name, bench_ours, &rig.streams[shape]);
	}
	return table_main("TLB and walk, per reference: 64x4 and 1536x12 LRU, walk caches 32/4/2, 4 KiB "
			  "pages (1000 / ns is "
			  "M references/s)",
			  argc, argv);
}
