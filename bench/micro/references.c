/* How fast references go from a trace through TLB and page-table walk, on one core.
 *
 *   bench/micro/references [-r ROUNDS] [TRACE...]
 *
 * For a zipf stream over 1 GiB, which it makes itself (level 1 misses with 78 % of its references, and 51 % walk), and for
 * each trace four rows: `write` (a new trace of the same references), `read` (decoding alone), `read, TLB, walk` and
 * `naive` (decoding, then the naive model of naive_mmu.h). All four are timed block by block in turn, ROUNDS times (default 5); the figure is the processor time of each block's best round, summed. The last column is against `naive`.
 *
 * TLB: exact LRU, 64 entries in 4 ways and 1,536 in 12; walk caches of 32, 4 and 2; 4 KiB pages that are all there. Objects
 * lie where an allocator of free lists by size puts them. Both models must count the same.
 */
#include "config.h"

#include "bench/micro/naive_mmu.h"
#include "bench/micro/layout.h"

#include "engine/virt/mmu.h"
#include "traces/flt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS 99
#define ZIPF_BASE UINT64_C(0x7f0000000000)
#define ZIPF_PAGES ((uint64_t)1 << 18)
#define ZIPF_REFERENCES ((size_t)1 << 22)

enum row {
	ROW_WRITE,
	ROW_READ,
	ROW_OURS,
	ROW_NAIVE,
	ROWS,
};

static const char *const row_names[ROWS] = {"write", "read", "read, TLB, walk", "read, naive TLB, walk"};

struct rig {
	struct flt_reader *reader;
	struct layout layout;
	struct table_store store;
	struct counting_source source;
	struct pagetable table;
	struct mmu mmu;
	struct naive_mmu naive;
	struct access_batch batch;
	struct access accesses[ACCESS_BATCH_MAX];
	uint64_t where[ACCESS_BATCH_CONTEXTS];
	uint8_t access[ACCESS_BATCH_SHAPES];
	uint64_t *best_ns[ROWS]; /* per block */
	size_t blocks;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory");
}

/* What the batch says, ready for a model. */
static void look_up(struct rig *rig)
{
	const struct access_batch *batch = &rig->batch;

	for (size_t i = 0; i < batch->contexts; i++)
		rig->where[i] = layout_of(&rig->layout, &batch->contexts_table[i]);
	for (size_t i = 0; i < batch->shapes; i++) {
		const unsigned kind = batch->shapes_table[i].kind & ~ACCESS_KERNEL;
		const bool stores = kind == ACCESS_STORE || kind == ACCESS_MODIFY;

		rig->access[i] = (uint8_t)(WALK_USER | (stores ? WALK_WRITE : WALK_READ));
	}
}

/* The batch through ours; pages that are missing appear. False when memory is short. */
static bool run_ours(struct rig *rig)
{
	struct mmu_columns columns = {rig->batch.context, rig->batch.offset, rig->batch.shape,
				      rig->where,	  rig->access,	     rig->batch.count};
	struct mmu_fault fault;

	look_up(rig);
	for (;;) {
		const size_t done = mmu_run_columns(&rig->mmu, &columns, &fault);

		if (fault.outcome == WALK_FINE)
			return true;
		columns.context += done;
		columns.offset += done;
		columns.shape += done;
		columns.count -= done;
		const uint64_t address = rig->where[*columns.context] + *columns.offset;
		const pte_t entry = pte_make(rig->table.leaves[1] + 1, PTE_PRESENT | PTE_WRITE | PTE_USER);

		if (pagetable_set(&rig->table, address, 1, entry, NULL) != PAGETABLE_DONE)
			return false;
	}
}

static bool run_naive(struct rig *rig)
{
	const struct access_batch *batch = &rig->batch;

	look_up(rig);
	for (size_t i = 0; i < batch->count; i++)
		naive_mmu_access(&rig->naive, &rig->table, rig->where[batch->context[i]] + batch->offset[i],
				 rig->access[batch->shape[i]] & WALK_WRITE);
	return true;
}

/* Goes through the trace once; the time of each block is kept when it is the best so far. */
static enum trace_status go_through(struct rig *rig, enum row row, struct trace_error *error)
{
	enum trace_status status = flt_reader_seek_accesses(rig->reader, 0, error);

	for (size_t block = 0; status == TRACE_OK && block < rig->blocks; block++) {
		const uint64_t start = now_ns();
		bool good = true;

		status = flt_reader_accesses(rig->reader, &rig->batch, error);
		if (status == TRACE_OK && row != ROW_READ)
			good = row == ROW_OURS ? run_ours(rig) : run_naive(rig);
		const uint64_t elapsed = now_ns() - start;

		if (!good)
			return no_memory(error);
		if (elapsed < rig->best_ns[row][block])
			rig->best_ns[row][block] = elapsed;
	}
	return status;
}

/* Writes the references block by block, as those of one thread, in a place that has no base. */
static enum trace_status write_anew(struct rig *rig, struct trace_error *error)
{
	const struct flt_description description = {.source = "benchmark"};
	struct flt_writer *writer;
	enum trace_status status = flt_writer_create(&writer, "/dev/null", &description, error);

	if (status != TRACE_OK)
		return status;
	struct event_sink *sink = flt_writer_sink(writer);

	status = sink->process(sink, 0, 0, 1, "benchmark", error);
	if (status == TRACE_OK)
		status = sink->thread(sink, 0, 0, 1, "benchmark", error);
	if (status == TRACE_OK)
		status = flt_reader_seek_accesses(rig->reader, 0, error);
	for (size_t block = 0; status == TRACE_OK && block < rig->blocks; block++) {
		status = flt_reader_accesses(rig->reader, &rig->batch, error);
		look_up(rig);
		for (size_t i = 0; i < rig->batch.count && status == TRACE_OK; i++) {
			access_of_batch(&rig->batch, i, &rig->accesses[i]);
			rig->accesses[i].offset = rig->where[rig->batch.context[i]] + rig->batch.offset[i];
			rig->accesses[i].base = 0;
			rig->accesses[i].place = ACCESS_ABSOLUTE;
		}
		const uint64_t start = now_ns();

		if (status == TRACE_OK)
			status = flt_writer_accesses(writer, 0, rig->accesses, rig->batch.count, error);
		const uint64_t elapsed = now_ns() - start;

		if (elapsed < rig->best_ns[ROW_WRITE][block])
			rig->best_ns[ROW_WRITE][block] = elapsed;
	}
	flt_writer_abandon(writer);
	return status;
}

static bool sides_agree(const struct rig *rig)
{
	const struct mmu_model *model = &rig->mmu.model[0];

	return tlb_misses(&model->tlb.counts, 1) == rig->naive.misses[0] &&
	       tlb_misses(&model->tlb.counts, 2) == rig->naive.misses[1] &&
	       model->walker.counts.references == rig->naive.references;
}

static bool make_mmu(struct rig *rig)
{
	struct tlb_geometry geometry;
	struct tlb_geometry_error error;

	counting_source_create(&rig->source, 1, (uint64_t)1 << 30);
	return tlb_geometry_find(&geometry, "l1d=64x4,l2=1536x12,walk2=32x4,walk3=4xfull,walk4=2xfull",
				 &error) == STATUS_OK &&
	       table_store_create(&rig->store, paging_find("x86-64")) == STATUS_OK &&
	       pagetable_create(&rig->table, &rig->store, page_source_of_counter(&rig->source)) ==
		   PAGETABLE_DONE &&
	       mmu_create(&rig->mmu, &rig->table, &geometry, 1) == STATUS_OK;
}

static enum trace_status prepare(struct rig *rig, struct trace_error *error)
{
	enum trace_status status = layout_create(&rig->layout, rig->reader, error);

	if (status == TRACE_OK && !make_mmu(rig))
		status = no_memory(error);
	while (status == TRACE_OK) {
		status = flt_reader_accesses(rig->reader, &rig->batch, error);
		rig->blocks += status == TRACE_OK;
	}
	if (status != TRACE_END)
		return status;
	for (unsigned row = 0; row < ROWS; row++) {
		rig->best_ns[row] = malloc((rig->blocks + 1) * sizeof(*rig->best_ns[row]));
		if (!rig->best_ns[row])
			return no_memory(error);
		memset(rig->best_ns[row], 0xff, (rig->blocks + 1) * sizeof(*rig->best_ns[row]));
	}
	return TRACE_OK;
}

static void print_rows(const struct rig *rig, const char *name)
{
	const struct flt_summary *summary = flt_reader_summary(rig->reader);
	const double references = (double)summary->accesses;
	double sum_ns[ROWS] = {0};

	for (unsigned row = 0; row < ROWS; row++) {
		for (size_t block = 0; block < rig->blocks; block++)
			sum_ns[row] += (double)rig->best_ns[row][block];
	}
	for (unsigned row = 0; row < ROWS; row++)
		(void)printf("%s\t%" PRIu64 "\t%.2f\t%s\t%.1f\t%.2f\t%.3f\n", name, summary->accesses,
			     (double)summary->file_bytes / references, row_names[row],
			     references / sum_ns[row] * 1e3, sum_ns[row] / references,
			     sum_ns[row] / sum_ns[ROW_NAIVE]);
}

static enum trace_status measure(struct rig *rig, const char *path, unsigned rounds,
				 struct trace_error *error)
{
	enum trace_status status = flt_reader_open(&rig->reader, path, error);

	if (status == TRACE_OK && flt_reader_summary(rig->reader)->accesses == 0)
		status = trace_fail(error, TRACE_BAD_INPUT, "%s has no references; record it with --accesses",
				    path);
	if (status == TRACE_OK)
		status = prepare(rig, error);
	/* The first time all pages appear, and the best time is not this one's. */
	for (unsigned round = 0; round <= rounds && status == TRACE_OK; round++) {
		for (unsigned row = round == 0 ? ROW_OURS : 0; row < ROWS && status == TRACE_OK; row++)
			status =
			    row == ROW_WRITE ? write_anew(rig, error) : go_through(rig, (enum row)row, error);
	}
	if (status == TRACE_OK && !sides_agree(rig))
		status = trace_fail(error, TRACE_BAD_INPUT, "%s: the two models count differently", path);
	return status;
}

static int measure_trace(const char *path, const char *name, unsigned rounds)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct trace_error error;

	if (!rig) {
		(void)fputs("references: not enough memory\n", stderr);
		return 1;
	}
	const enum trace_status status = measure(rig, path, rounds, &error);

	if (status == TRACE_OK)
		print_rows(rig, name);
	else
		(void)fprintf(stderr, "references: %s\n", error.message);
	if (rig->reader)
		flt_reader_close(rig->reader);
	layout_destroy(&rig->layout);
	mmu_destroy(&rig->mmu);
	for (unsigned row = 0; row < ROWS; row++)
		free(rig->best_ns[row]);
	free(rig);
	return status == TRACE_OK ? 0 : 1;
}

/* --- The stream that it makes itself -------------------------------------------------------------------------------- */

struct zipf {
	double sum[ZIPF_PAGES];
	uint32_t page[ZIPF_PAGES];
	struct access access[ACCESS_BATCH_MAX];
};

static void zipf_start(struct zipf *zipf, struct random *random)
{
	double total = 0;

	for (uint32_t rank = 0; rank < ZIPF_PAGES; rank++) {
		zipf->sum[rank] = total += 1.0 / (double)(rank + 1);
		zipf->page[rank] = rank;
	}
	for (uint32_t rank = ZIPF_PAGES - 1; rank > 0; rank--) {
		const uint64_t other = random_below(random, rank + 1);
		const uint32_t kept = zipf->page[rank];

		zipf->page[rank] = zipf->page[other];
		zipf->page[other] = kept;
	}
}

static uint64_t zipf_draw(const struct zipf *zipf, struct random *random)
{
	const double wanted = (double)(random_next(random) >> 11) * 0x1p-53 * zipf->sum[ZIPF_PAGES - 1];
	uint64_t low = 0, high = ZIPF_PAGES - 1;

	while (low < high) {
		const uint64_t middle = (low + high) / 2;

		if (zipf->sum[middle] < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return ZIPF_BASE + ((uint64_t)zipf->page[low] << 12) + (random_next(random) & 0xff8);
}

static enum trace_status write_zipf(struct zipf *zipf, struct flt_writer *writer, struct trace_error *error)
{
	struct event_sink *sink = flt_writer_sink(writer);
	struct random random = {1};
	enum trace_status status = sink->process(sink, 0, 0, 1, "zipf", error);

	if (status == TRACE_OK)
		status = sink->thread(sink, 0, 0, 1, "zipf", error);
	zipf_start(zipf, &random);
	for (size_t done = 0; done < ZIPF_REFERENCES && status == TRACE_OK; done += ACCESS_BATCH_MAX) {
		for (size_t i = 0; i < ACCESS_BATCH_MAX; i++)
			zipf->access[i] = (struct access){
			    .offset = zipf_draw(zipf, &random), .size = 8, .place = ACCESS_ABSOLUTE};
		status = flt_writer_accesses(writer, 0, zipf->access, ACCESS_BATCH_MAX, error);
	}
	return status;
}

static enum trace_status make_zipf(const char *path, struct trace_error *error)
{
	const struct flt_description description = {.source = "benchmark"};
	struct zipf *zipf = calloc(1, sizeof(*zipf));
	struct flt_writer *writer;

	if (!zipf)
		return no_memory(error);
	enum trace_status status = flt_writer_create(&writer, path, &description, error);

	if (status == TRACE_OK) {
		status = write_zipf(zipf, writer, error);
		if (status == TRACE_OK)
			status = flt_writer_finish(writer, error);
		else
			flt_writer_abandon(writer);
	}
	free(zipf);
	return status;
}

static int measure_zipf(unsigned rounds)
{
	char directory[] = "/tmp/faultline-references.XXXXXX";
	char path[sizeof(directory) + sizeof("/zipf.flt")];
	struct trace_error error;
	int result = 1;

	if (!mkdtemp(directory)) {
		perror("references: /tmp");
		return 1;
	}
	(void)snprintf(path, sizeof(path), "%s/zipf.flt", directory);
	if (make_zipf(path, &error) == TRACE_OK)
		result = measure_trace(path, "zipf 1.0 over 1 GiB", rounds);
	else
		(void)fprintf(stderr, "references: %s\n", error.message);
	(void)unlink(path);
	(void)rmdir(directory);
	return result;
}

int main(int argc, char **argv)
{
	unsigned rounds = 5;
	int result = 0, option;

	while ((option = getopt(argc, argv, "r:")) != -1) {
		rounds = option == 'r' ? (unsigned)strtoul(optarg, NULL, 10) : 0;
		if (rounds == 0 || rounds > MAX_ROUNDS) {
			(void)fprintf(stderr,
				      "Usage: references [-r ROUNDS] [TRACE...]\nROUNDS is 1 to %d.\n",
				      MAX_ROUNDS);
			return 2;
		}
	}
	(void)puts("# trace\treferences\tbytes_per_reference\twhat\tmillion_references_per_s\t"
		   "ns_per_reference\tagainst_naive");
	result = measure_zipf(rounds);
	for (int i = optind; i < argc && result == 0; i++)
		result = measure_trace(argv[i], argv[i], rounds);
	return result;
}
