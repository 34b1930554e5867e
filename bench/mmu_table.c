#include "config.h"

#include "bench/mmu_table.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define NAME_COLUMNS 46
#define LEAST_COLUMNS 11

/* A row: of one MMU, or of all (then `mmu` is not looked at). */
struct mmu_row {
	const char *name;
	double (*value)(const struct mmu_pass *pass, unsigned mmu);
};

static double level_1_data(const struct mmu_pass *pass, unsigned mmu)
{
	return mmu_pass_misses(pass, mmu, 1, TLB_DATA);
}

static double level_1_fetches(const struct mmu_pass *pass, unsigned mmu)
{
	return mmu_pass_misses(pass, mmu, 1, TLB_FETCH);
}

static double walk_references(const struct mmu_pass *pass, unsigned mmu)
{
	return mmu_pass_per_thousand(pass, pass->model[mmu].walk.references);
}

static double walk_cycles(const struct mmu_pass *pass, unsigned mmu)
{
	return mmu_pass_per_thousand(pass, pass->model[mmu].walk.cycles);
}

static const struct mmu_row mmu_rows[] = {
    {"  L1d misses / 1000 references", level_1_data},
    {"  L1i misses / 1000 references", level_1_fetches},
    {"  walks / 1000 references", mmu_pass_walks},
    {"  walk references / 1000 references (model)", walk_references},
    {"  walk cycles / 1000 references (model)", walk_cycles},
};

static double minor_faults(const struct mmu_pass *pass, unsigned mmu)
{
	(void)mmu;
	return (double)pass->figures.faults.minor;
}

static double major_faults(const struct mmu_pass *pass, unsigned mmu)
{
	(void)mmu;
	return pass->figures.faults.major ? (double)pass->figures.faults.major : NAN;
}

static double copies(const struct mmu_pass *pass, unsigned mmu)
{
	(void)mmu;
	return (double)pass->figures.faults.cow;
}

static double zero_pages(const struct mmu_pass *pass, unsigned mmu)
{
	(void)mmu;
	return (double)pass->figures.faults.zero_page;
}

static double huge_faults(const struct mmu_pass *pass, unsigned mmu)
{
	(void)mmu;
	return (double)pass->figures.faults.thp;
}

static double table_pages(const struct mmu_pass *pass, unsigned mmu)
{
	(void)mmu;
	return (double)pass->figures.tree_peak_pages;
}

static double resident_bytes(const struct mmu_pass *pass, unsigned mmu)
{
	(void)mmu;
	return (double)pass->figures.resident_peak_pages * (PAGE_BYTES / 1024.0);
}

static double unplaced(const struct mmu_pass *pass, unsigned mmu)
{
	(void)mmu;
	return pass->references.objects_unplaced ? (double)pass->references.objects_unplaced : NAN;
}

static const struct mmu_row common_rows[] = {
    {"page faults, minor", minor_faults},
    {"page faults, major", major_faults},
    {"of them, copy on write", copies},
    {"of them, zero page", zero_pages},
    {"of them, huge pages", huge_faults},
    {"page-table pages, peak", table_pages},
    {"resident peak (model), KiB", resident_bytes},
    {"references to blocks that lie nowhere", unplaced},
};

/* --- Printing ----------------------------------------------------------------------------------------------------------- */

static int width_of(const struct run *run)
{
	int width = (int)strlen(run->measurement->target->name) + 2;

	return width > LEAST_COLUMNS ? width : LEAST_COLUMNS;
}

static void print_cell(FILE *out, int width, double value, bool is_best)
{
	char text[64] = "-";
	int decimals = value == floor(value) ? 0 : value < 10 ? 3 : value < 1000 ? 2 : 1;

	if (isfinite(value))
		(void)snprintf(text, sizeof(text), "%s%.*f", is_best ? "*" : "", decimals, value);
	(void)fprintf(out, "%*s", width, text);
}

static bool is_whole(const struct mmu_pass *pass)
{
	return pass && pass->references.objects_unplaced == 0;
}

/* The lowest is the best, if there is something to choose from. */
static void print_row(const struct run *runs, size_t count, const struct mmu_row *row, unsigned mmu,
		      FILE *out)
{
	double value[MEASUREMENT_MAX_TARGETS], best = INFINITY;
	bool has_value = false;
	size_t whole = 0;

	for (size_t i = 0; i < count; i++) {
		value[i] = runs[i].pass ? row->value(runs[i].pass, mmu) : NAN;
		has_value |= isfinite(value[i]);
		if (!is_whole(runs[i].pass) || !isfinite(value[i]))
			continue;
		whole++;
		best = fmin(best, value[i]);
	}
	if (!has_value)
		return;
	(void)fprintf(out, "%-*s", NAME_COLUMNS, row->name);
	for (size_t i = 0; i < count; i++)
		print_cell(out, width_of(&runs[i]), value[i],
			   whole > 1 && is_whole(runs[i].pass) && value[i] == best);
	(void)fputc('\n', out);
}

static const struct mmu_pass *first_pass(const struct run *runs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (runs[i].pass)
			return runs[i].pass;
	}
	return NULL;
}

static void print_left_out(const struct run *run, FILE *out)
{
	const struct spaces_references *references = &run->pass->references;
	const char *target = run->measurement->target->name;

	if (references->allocator_left_out)
		(void)fprintf(out,
			      "%s: %" PRIu64
			      " references of the recorded allocator itself are left out; its own "
			      "are not known\n",
			      target, references->allocator_left_out);
	if (run->pass->spread.takes > 1)
		(void)fprintf(
		    out,
		    "%s: puts blocks elsewhere in every run; shown is the middle one of %u, minor "
		    "faults from %" PRIu64 " to %" PRIu64 ", walks (%s) from %" PRIu64 " to %" PRIu64 "\n",
		    target, run->pass->spread.takes, run->pass->spread.minor[0], run->pass->spread.minor[1],
		    run->pass->names[0], run->pass->spread.walks[0][0], run->pass->spread.walks[0][1]);
	if (references->mappings_made && run->pass->calls.carried_out)
		(void)fprintf(out, "%s: %" PRIu64 " mappings made where references found none\n", target,
			      references->mappings_made);
	if (references->refused || references->out_of_memory)
		(void)fprintf(out, "%s: %" PRIu64 " references refused, %" PRIu64 " without memory\n", target,
			      references->refused, references->out_of_memory);
}

void mmu_table_print(const struct run *runs, size_t count, FILE *out)
{
	const struct mmu_pass *first = first_pass(runs, count);

	if (!first)
		return;
	(void)fprintf(out, "%-*s", NAME_COLUMNS, "MMU and page faults (simulated)");
	for (size_t i = 0; i < count; i++)
		(void)fprintf(out, "%*s", width_of(&runs[i]), runs[i].measurement->target->name);
	(void)fputc('\n', out);
	for (unsigned mmu = 0; mmu < first->mmus; mmu++) {
		(void)fprintf(out, "%s:\n", first->names[mmu]);
		for (size_t i = 0; i < sizeof(mmu_rows) / sizeof(mmu_rows[0]); i++)
			print_row(runs, count, &mmu_rows[i], mmu, out);
	}
	for (size_t i = 0; i < sizeof(common_rows) / sizeof(common_rows[0]); i++)
		print_row(runs, count, &common_rows[i], 0, out);
	for (size_t i = 0; i < count; i++) {
		if (runs[i].pass)
			print_left_out(&runs[i], out);
	}
}

/* --- Who wins ------------------------------------------------------------------------------------------------------------- */

static size_t lowest(const struct run *runs, size_t count, unsigned mmu, size_t except)
{
	size_t best = count;

	for (size_t i = 0; i < count; i++) {
		if (i == except || !is_whole(runs[i].pass) || !isfinite(mmu_pass_walks(runs[i].pass, mmu)))
			continue;
		if (best == count || mmu_pass_walks(runs[i].pass, mmu) < mmu_pass_walks(runs[best].pass, mmu))
			best = i;
	}
	return best;
}

/* Walks of the best and of the worst placement. */
static double bound_of(const struct mmu_pass *pass, unsigned mmu, unsigned bound)
{
	if (pass->spread.takes < 2)
		return mmu_pass_walks(pass, mmu);
	return mmu_pass_per_thousand(pass, pass->spread.walks[mmu][bound]);
}

static void say(struct verdict *verdict, const struct mmu_pass *best, const struct mmu_pass *other,
		unsigned mmu)
{
	double lower = mmu_pass_walks(best, mmu), higher = mmu_pass_walks(other, mmu);
	double ratio = lower == higher ? 1 : NAN;

	verdict->wins = bound_of(best, mmu, 1) < bound_of(other, mmu, 0);
	verdict->ratio =
	    (struct interval){.median = higher > 0 ? lower / higher : ratio, .low = NAN, .high = NAN};
	if (verdict->wins)
		(void)snprintf(
		    verdict->sentence, sizeof(verdict->sentence),
		    "%s wins on TLB misses (%.60s): %.4g walks per 1000 references against %.4g of %s",
		    verdict->best, best->names[mmu], lower, higher, verdict->other);
	else
		(void)snprintf(
		    verdict->sentence, sizeof(verdict->sentence),
		    "no difference on TLB misses (%.60s) between %s and %s: %.4g and %.4g walks per "
		    "1000 references%s",
		    best->names[mmu], verdict->best, verdict->other, lower, higher,
		    lower < higher ? ", less apart than the placements of one of them" : "");
}

struct verdict mmu_table_verdict(const struct run *runs, size_t count, unsigned mmu)
{
	struct verdict verdict = {.measure = "TLB misses"};
	size_t best = lowest(runs, count, mmu, count), other = lowest(runs, count, mmu, best);

	if (best == count || other == count) {
		(void)snprintf(verdict.sentence, sizeof(verdict.sentence),
			       "nothing to compare on TLB misses");
		return verdict;
	}
	verdict.best = runs[best].measurement->target->name;
	verdict.other = runs[other].measurement->target->name;
	say(&verdict, runs[best].pass, runs[other].pass, mmu);
	return verdict;
}
