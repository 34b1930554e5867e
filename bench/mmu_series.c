#include "config.h"

#include "bench/mmu_series.h"

#include "engine/base/check.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST_ENTRIES 16u

/* What of one MMU goes into a row. */
struct mmu_row {
	uint64_t l1d_misses, l1i_misses, l2_misses, walk_references, walk_cycles;
};

struct sample {
	uint64_t references, event;
	uint64_t minor, major, cow, zero_page, thp;
	uint64_t resident_pages, huge_pages, page_table_pages;
	uint64_t huge_references; /* by the first MMU's count */
};

struct mmu_series {
	unsigned mmus, sizes, levels;
	char **names;			 /* [mmus] */
	struct tlb_geometry *geometries; /* [mmus + sizes] */
	struct mmu_counts *last;	 /* [mmus + sizes] */
	bool has_fetches;
	struct sample *sample;
	struct mmu_row *row; /* [samples * mmus] */
	size_t samples, capacity;
};

/* A name as a series can hold it. */
static char *plain_name(const char *name)
{
	char *plain = strndup(name, TLB_TEXT_MAX);

	for (char *letter = plain; letter && *letter; letter++) {
		if (*letter <= ' ' || *letter > '~' || strchr("\"#", *letter))
			*letter = '_';
	}
	return plain;
}

struct mmu_series *mmu_series_create(const struct mmu_series_options *options)
{
	unsigned models = options->mmus + options->sizes;
	struct mmu_series *series = calloc(1, sizeof(*series));

	CHECK(options->mmus > 0 && (options->sizes == 0 || options->sizes == MMU_SERIES_SIZES),
	      "a pass has an MMU, and the whole ladder or none of it");
	CHECK(options->levels >= 1 && options->levels <= PAGING_LEVELS_MAX, "page tables have 1 to 5 levels");
	if (!series)
		return NULL;
	series->mmus = options->mmus;
	series->sizes = options->sizes;
	series->levels = options->levels;
	series->names = calloc(options->mmus, sizeof(series->names[0]));
	series->geometries = calloc(models, sizeof(series->geometries[0]));
	series->last = calloc(models, sizeof(series->last[0]));
	bool ok = series->names && series->geometries && series->last;

	if (ok)
		memcpy(series->geometries, options->geometries, models * sizeof(series->geometries[0]));
	for (unsigned i = 0; ok && i < options->mmus; i++) {
		series->names[i] = plain_name(options->names[i]);
		ok = series->names[i] != NULL;
	}
	if (ok)
		return series;
	mmu_series_destroy(series);
	return NULL;
}

void mmu_series_destroy(struct mmu_series *series)
{
	if (!series)
		return;
	for (unsigned i = 0; series->names && i < series->mmus; i++)
		free(series->names[i]);
	free(series->names);
	free(series->geometries);
	free(series->last);
	free(series->sample);
	free(series->row);
	free(series);
}

/* --- Sampling ----------------------------------------------------------------------------------------------------------- */

static uint64_t sum_of(const uint64_t classes[TLB_CLASSES])
{
	uint64_t sum = 0;

	for (unsigned class = 0; class < TLB_CLASSES; class ++)
		sum += classes[class];
	return sum;
}

static uint64_t huge_accesses(const struct tlb_counts *counts)
{
	uint64_t sum = 0;

	for (unsigned kind = 0; kind < TLB_KINDS; kind++) {
		for (unsigned level = 2; level <= PAGING_LEVELS_MAX; level++)
			sum += counts->accesses[kind][level];
	}
	return sum;
}

static bool make_room(struct mmu_series *series)
{
	if (series->samples < series->capacity)
		return true;
	size_t capacity = series->capacity ? series->capacity * 2 : 256;
	struct sample *sample = realloc(series->sample, capacity * sizeof(sample[0]));

	if (sample)
		series->sample = sample;
	struct mmu_row *row = realloc(series->row, capacity * series->mmus * sizeof(row[0]));

	if (row)
		series->row = row;
	if (!sample || !row)
		return false;
	series->capacity = capacity;
	return true;
}

static struct sample sample_of(const struct mmu_point *point)
{
	const struct fault_counts *faults = point->faults;

	return (struct sample){
	    .references = point->references,
	    .event = point->event,
	    .minor = faults->minor,
	    .major = faults->major,
	    .cow = faults->cow,
	    .zero_page = faults->zero_page,
	    .thp = faults->thp,
	    .resident_pages = point->resident_pages,
	    .huge_pages = point->huge_pages,
	    .page_table_pages = point->page_table_pages,
	    .huge_references = huge_accesses(&point->model[0].tlb),
	};
}

static struct mmu_row row_of(const struct mmu_counts *counts)
{
	return (struct mmu_row){
	    .l1d_misses = sum_of(counts->tlb.misses[0][TLB_DATA]),
	    .l1i_misses = sum_of(counts->tlb.misses[0][TLB_FETCH]),
	    .l2_misses = tlb_misses(&counts->tlb, 2),
	    .walk_references = counts->walk.references,
	    .walk_cycles = counts->walk.cycles,
	};
}

bool mmu_series_add(struct mmu_series *series, const struct mmu_point *point)
{
	if (!make_room(series))
		return false;
	series->sample[series->samples] = sample_of(point);
	for (unsigned i = 0; i < series->mmus; i++)
		series->row[series->samples * series->mmus + i] = row_of(&point->model[i]);
	series->samples++;
	memcpy(series->last, point->model, (series->mmus + series->sizes) * sizeof(series->last[0]));
	series->has_fetches = sum_of(point->model[0].tlb.accesses[TLB_FETCH]) > 0;
	return true;
}

size_t mmu_series_points(const struct mmu_series *series)
{
	return series->samples;
}

void mmu_series_thin(struct mmu_series *series)
{
	size_t kept = series->samples / 2, width = series->mmus;

	for (size_t i = 0; i < kept; i++) {
		series->sample[i] = series->sample[2 * i + 1];
		memcpy(series->row + i * width, series->row + (2 * i + 1) * width,
		       width * sizeof(series->row[0]));
	}
	series->samples = kept;
}

/* --- Writing ------------------------------------------------------------------------------------------------------------ */

/* The point has its row: no other follows with the same references. */
static bool is_written(const struct mmu_series *series, size_t at)
{
	return at + 1 == series->samples ||
	       series->sample[at + 1].references != series->sample[at].references;
}

/* The point whose row is the one before; -1: none. */
static ptrdiff_t written_before(const struct mmu_series *series, size_t at)
{
	ptrdiff_t before = (ptrdiff_t)at - 1;

	while (before >= 0 && !is_written(series, (size_t)before))
		before--;
	return before;
}

static void write_count(FILE *file, bool known, uint64_t count)
{
	if (known)
		(void)fprintf(file, "\t%" PRIu64, count);
	else
		(void)fputs("\t?", file);
}

/* `part` of `whole`, times `scale`. */
static void write_share(FILE *file, uint64_t part, uint64_t whole, double scale)
{
	if (whole > 0)
		(void)fprintf(file, "\t%.6g", scale * (double)part / (double)whole);
	else
		(void)fputs("\t?", file);
}

static bool has_level_2(const struct tlb_geometry *geometry)
{
	for (unsigned i = 0; i < geometry->parts; i++) {
		if (geometry->part[i].level == 2)
			return true;
	}
	return false;
}

static void write_tlb_row(const struct mmu_series *series, unsigned mmu, size_t at, FILE *file)
{
	static const struct mmu_row nothing;
	const ptrdiff_t last = written_before(series, at);
	const struct mmu_row *row = &series->row[at * series->mmus + mmu];
	const struct mmu_row *before = last >= 0 ? &series->row[(size_t)last * series->mmus + mmu] : &nothing;
	uint64_t references = series->sample[at].references;
	uint64_t since = references - (last >= 0 ? series->sample[last].references : 0);
	uint64_t misses = row->l1d_misses + row->l1i_misses - before->l1d_misses - before->l1i_misses;

	(void)fprintf(file, "%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64, series->names[mmu], references,
		      series->sample[at].event, row->l1d_misses);
	write_count(file, series->has_fetches, row->l1i_misses);
	write_count(file, has_level_2(&series->geometries[mmu]), row->l2_misses);
	(void)fprintf(file, "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64, row->l2_misses, row->walk_references,
		      row->walk_cycles);
	write_share(file, misses, since, 1000);
	write_share(file, row->l2_misses - before->l2_misses, since, 1000);
	(void)fputc('\n', file);
}

void mmu_series_write_tlb(const struct mmu_series *series, FILE *file)
{
	(void)fputs("# mmu\treferences\tevent\tl1d_misses\tl1i_misses\tl2_misses\twalks\twalk_references\t"
		    "walk_cycles\tl1_misses_per_1000\twalks_per_1000\n",
		    file);
	for (unsigned mmu = 0; mmu < series->mmus; mmu++) {
		for (size_t at = 0; at < series->samples; at++) {
			if (is_written(series, at))
				write_tlb_row(series, mmu, at, file);
		}
	}
}

void mmu_series_write_faults(const struct mmu_series *series, FILE *file)
{
	(void)fputs("# references\tevent\tminor\tmajor\tcow\tzero_page\tthp\tresident_pages\t"
		    "page_table_pages\thuge_pages\n",
		    file);
	for (size_t i = 0; i < series->samples; i++) {
		const struct sample *at = &series->sample[i];
		const uint64_t fields[] = {at->event,	  at->minor, at->major,		 at->cow,
					   at->zero_page, at->thp,   at->resident_pages, at->page_table_pages,
					   at->huge_pages};

		if (!is_written(series, i))
			continue;
		(void)fprintf(file, "%" PRIu64, at->references);
		for (size_t field = 0; field < sizeof(fields) / sizeof(fields[0]); field++)
			write_count(file, true, fields[field]);
		(void)fputc('\n', file);
	}
}

void mmu_series_write_pages(const struct mmu_series *series, FILE *file)
{
	static const struct sample nothing;

	(void)fputs("# references\tevent\tsmall_pages\thuge_pages\tsmall_references\thuge_references\t"
		    "huge_page_share\thuge_reference_share\n",
		    file);
	for (size_t i = 0; i < series->samples; i++) {
		const ptrdiff_t last = written_before(series, i);
		const struct sample *at = &series->sample[i];
		const struct sample *before = last >= 0 ? &series->sample[last] : &nothing;

		if (!is_written(series, i))
			continue;
		(void)fprintf(file, "%" PRIu64, at->references);
		write_count(file, true, at->event);
		write_count(file, true, at->resident_pages - at->huge_pages);
		write_count(file, true, at->huge_pages);
		write_count(file, true, at->references - at->huge_references);
		write_count(file, true, at->huge_references);
		write_share(file, at->huge_pages, at->resident_pages, 1);
		write_share(file, at->huge_references - before->huge_references,
			    at->references - before->references, 1);
		(void)fputc('\n', file);
	}
}

void mmu_series_walk_references(const struct mmu_counts *counts, unsigned levels,
				uint64_t references[PAGING_LEVELS_MAX + 1])
{
	const struct walk_counts *walk = &counts->walk;
	uint64_t begin_above = walk->cold, end_above = 0;

	memset(references, 0, (PAGING_LEVELS_MAX + 1) * sizeof(references[0]));
	references[0] = walk->references;
	for (unsigned level = levels; level > 0; level--) {
		references[level] = begin_above - end_above;
		references[0] -= references[level];
		begin_above += walk->cache_hits[level];
		end_above += counts->tlb.misses[1][TLB_DATA][level] + counts->tlb.misses[1][TLB_FETCH][level];
	}
}

void mmu_series_write_walks(const struct mmu_series *series, FILE *file)
{
	(void)fputs("# mmu\tlevel\treferences\treferences_per_1000\n", file);
	if (series->samples == 0)
		return;
	for (unsigned mmu = 0; mmu < series->mmus; mmu++) {
		const struct tlb_geometry *geometry = &series->geometries[mmu];
		uint64_t references[PAGING_LEVELS_MAX + 1];

		mmu_series_walk_references(&series->last[mmu], series->levels, references);
		for (unsigned level = geometry->nested_level ? 0 : 1; level <= series->levels; level++) {
			(void)fprintf(file, "%s\t%u\t%" PRIu64, series->names[mmu], level, references[level]);
			write_share(file, references[level], series->sample[series->samples - 1].references,
				    1000);
			(void)fputc('\n', file);
		}
	}
}

bool mmu_series_has_sizes(const struct mmu_series *series)
{
	return series->sizes > 0 && series->samples > 0;
}

void mmu_series_write_sizes(const struct mmu_series *series, FILE *file)
{
	(void)fputs("# entries\tways\tmisses\treferences\tmiss_rate\n", file);
	for (unsigned i = series->mmus; series->samples > 0 && i < series->mmus + series->sizes; i++) {
		const struct tlb_part *part = &series->geometries[i].part[0];
		uint64_t misses = tlb_misses(&series->last[i].tlb, 1);
		uint64_t references = series->sample[series->samples - 1].references;

		(void)fprintf(file, "%" PRIu32 "\t%" PRIu32 "\t%" PRIu64 "\t%" PRIu64, part->entries,
			      part->ways, misses, references);
		write_share(file, misses, references, 1);
		(void)fputc('\n', file);
	}
}

void mmu_series_sizes(struct tlb_geometry geometries[MMU_SERIES_SIZES])
{
	for (unsigned i = 0; i < MMU_SERIES_SIZES; i++) {
		struct tlb_geometry_error error;
		char text[64];

		(void)snprintf(text, sizeof(text), "l1=%ux%u,replace=lru", SMALLEST_ENTRIES << i,
			       MMU_SERIES_ASSOCIATIVITY);
		CHECK(tlb_geometry_parse(&geometries[i], text, &error) == STATUS_OK,
		      "the ladder is made of geometries");
	}
}
