#include "config.h"

#include "bench/report/figure.h"
#include "bench/report/summary.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST_LABEL 40

static const struct figure overviews[] = {
    {.name = "overview",
     .title = "All traces at a glance",
     .caption = "Left, the time that one event costs, without the harness (or with it, where that takes over "
		"half of some target's time); right, the peak footprint in units "
		"of the most bytes "
		"that the program held at once. Further left is better in both.",
     .wide = true},
    {.name = "outcomes",
     .title = "All kernel recordings at a glance",
     .caption = "Simulated, a point a policy, the upper left corner is the good one. To the right: requests "
		"of 2 MiB that "
		"were refused, over all recordings that have any (else blocks of 2 MiB with the kernel's "
		"pages in them). Up: how "
		"much of the free memory lies in blocks of 2 MiB at the end, of the most that it could make: "
		"the mean over the "
		"other recordings, or over all where there are no others.",
     .need = {{.file = "outcome.tsv", .columns = 10, .column = 3}},
     .optional = true},
};

static const struct figure figures[] = {
    {.name = "throughput",
     .title = "Time per event",
     .caption = "Median over the rounds with its 95 % interval; each dot is one round. Net is without the "
		"harness; hollow bars are gross, where the harness takes over half of some target's time. "
		"Lower is better.",
     .need = {{.file = "throughput.tsv", .columns = 5, .column = 2}},
     .with_null = true},
    {.name = "footprint",
     .title = "Memory over the trace",
     .caption = "What the replaying process has resident beyond its baseline, above what the program holds "
		"at that moment. "
		"The closer to the grey area, the better.",
     .need = {{.file = "timeline.tsv", .columns = 10, .column = 6}}},
    {.name = "latency",
     .title = "Latency percentiles",
     .caption = "How long single calls take, with the slowest ones stretched to the right. The grey band is "
		"below the clock's "
		"step and cannot be told apart.",
     .need = {{.file = "latency.tsv", .columns = 5, .column = 3}}},
    {.name = "fragmentation",
     .title = "Internal fragmentation over the trace",
     .caption = "The share of the granted bytes that nobody asked for. Lower is better.",
     .need = {{.file = "timeline.tsv", .columns = 10, .column = 9}}},
    {.name = "outcomes",
     .title = "What each policy leaves",
     .caption =
	 "Simulated, a point a policy, the upper left corner is the good one. Up: how much of the free "
	 "memory lies in blocks of 2 MiB at the end, of the most that it could make. To the right: requests "
	 "of "
	 "2 MiB that were refused, where the recording has any; else blocks of 2 MiB with the kernel's pages "
	 "in "
	 "them, which no compaction makes whole again. Of the machine itself nobody knows these: a line.",
     .need = {{.file = "outcome.tsv", .columns = 10, .column = 3}},
     .optional = true},
    {.name = "external",
     .title = "External fragmentation over the trace",
     .caption = "In the engine's simulated physical memory: the share of free memory in pieces under 2 MiB, "
		"the kernel's index "
		"of external fragmentation (defined only where a request for 2 MiB would fail), and free 2 "
		"MiB blocks beside "
		"the most that the free memory could form. A recorded machine is known at its beginning and "
		"at its end: points.",
     .need = {{.file = "model.tsv", .columns = 9, .column = 7}},
     .engine_only = true,
     .of_pages = true},
    {.name = "buddy",
     .title = "Free memory by the size of its blocks",
     .caption =
	 "Free blocks of each size over the trace, simulated: one row per order of the buddy, darker "
	 "is more. A recorded machine is known at its beginning and at its end, a half of its panel each.",
     .need = {{.file = "buddy.tsv", .columns = 2, .column = 1}},
     .engine_only = true,
     .of_pages = true},
    {.name = "orders",
     .title = "What the free memory is good for",
     .caption = "At the end, over all zones: for a request of each order, the share of the free "
		"memory that lies in "
		"smaller blocks, and, where it would fail, whether for fragmentation (near 1) or for lack "
		"of memory (near 0).",
     .need = {{.file = "orders.tsv", .columns = 5, .column = 4}},
     .optional = true},
    {.name = "frame_map",
     .title = "The physical memory",
     .caption =
	 "Every frame of the machine at the end: the line of frame numbers laid along Hilbert's curve, "
	 "so that neighbours in "
	 "memory are neighbours here. A point has the colour of what most of its frames are.",
     .need = {{.file = "frame_map.tsv", .columns = 4, .column = 3}},
     .optional = true,
     .wide = true},
    {.name = "frame_strip",
     .title = "The physical memory over the trace",
     .caption = "The same curve and colours at several moments.",
     .need = {{.file = "frame_strip.tsv", .columns = 6, .column = 5}},
     .optional = true,
     .wide = true},
    {.name = "page_latency",
     .title = "Latency of page allocations by order",
     .caption = "How long the policy's allocations and frees of blocks of each order take on this machine, "
		"a clock around every call. The "
		"grey band is below the clock's step and cannot be told apart.",
     .need = {{.file = "page_latency.tsv", .columns = 6, .column = 4}},
     .optional = true},
    {.name = "slabs",
     .title = "How full the kernel's slabs are",
     .caption =
	 "The caches with the most pages at the end, simulated: the memory of their slabs, and the part "
	 "of it that live objects "
	 "take. The rest is objects that were freed, in slabs that others still use, and what is lost "
	 "at their ends.",
     .need = {{.file = "slabs.tsv", .columns = 6, .column = 6}},
     .optional = true,
     .wide = true},
    {.name = "page_size",
     .title = "Which page size",
     .caption =
	 "What pages of 1 to 64 KiB cost at the peak of live bytes, where the engine places the blocks, "
	 "simulated: bytes of touched pages that nobody asked for, page descriptors of 64 bytes, and page "
	 "tables.",
     .need = {{.file = "page_sizes.tsv", .columns = 5, .column = 5}},
     .engine_only = true},
    {.name = "tlb",
     .title = "TLB misses over the trace",
     .caption =
	 "Simulated, for each processor: misses of level 1 of the TLB per 1000 references, and walks of "
	 "the page tables, which is what misses level 2 as well. Every target sees the references that "
	 "were recorded, to the blocks where it placed them. Lower is better.",
     .need = {{.file = "tlb.tsv", .columns = 11, .column = 11}},
     .optional = true},
    {.name = "tlb_sizes",
     .title = "Misses by the size of the TLB",
     .caption = "Simulated TLBs of one level, 4 ways and LRU, all in the same pass: the share of references "
		"that miss. Where a line falls steeply, the pages that the program uses at a time begin to "
		"fit.",
     .need = {{.file = "tlb_sizes.tsv", .columns = 5, .column = 5}},
     .optional = true},
    {.name = "walks",
     .title = "What walks read, by level (model)",
     .caption = "Entries of page tables read per 1000 references; level 1 is the lowest table. How often the "
		"processor's walk caches "
		"shorten a walk is a model, not a measurement.",
     .need = {{.file = "walks.tsv", .columns = 4, .column = 4}},
     .optional = true},
    {.name = "faults",
     .title = "Page faults over the trace",
     .caption = "Simulated: faults so far by kind, resident memory and the page tables over it, in pages of "
		"4 KiB. Lower is better.",
     .need = {{.file = "faults.tsv", .columns = 10, .column = 3}},
     .optional = true},
    {.name = "pages",
     .title = "Which pages",
     .caption = "Simulated: how much of the resident memory lies in huge pages, and how many of the "
		"references go to them.",
     .need = {{.file = "pages.tsv", .columns = 8, .column = 7, .above_0 = true}},
     .optional = true},
    {.name = "space",
     .title = "The address space",
     .caption =
	 "Of the largest process, simulated: what is mapped where, row by row; pale where it was never "
	 "touched, strong where it is resident, grey where nothing is mapped. Rows in which nothing begins, "
	 "ends or is resident are cut out.",
     .need = {{.file = "space_image.tsv", .columns = 4, .column = 4},
	      {.file = "space_rows.tsv", .columns = 4, .column = 4}},
     .optional = true,
     .wide = true},
    {.name = "trace",
     .title = "What the program asks for",
     .caption =
	 "Blocks by size, bytes by size, and blocks by the number of events between allocation and release.",
     .need = {{.file = "sizes.tsv", .columns = 4, .column = 3},
	      {.file = "lifetimes.tsv", .columns = 3, .column = 3}}},
};

const struct figure *figure_overview(size_t index)
{
	return index < sizeof(overviews) / sizeof(overviews[0]) ? &overviews[index] : NULL;
}

size_t figure_count(void)
{
	return sizeof(figures) / sizeof(figures[0]);
}

const struct figure *figure_at(size_t index)
{
	return &figures[index];
}

/* The machine of a kernel recording stands beside those that the engine made of it. */
static bool is_of_engine(const struct run_summary *run)
{
	return run_summary_is(run, "engine") || run->is_of_pages;
}

bool figure_applies(const struct figure *figure, const struct comparison *comparison,
		    const struct run_group *group)
{
	size_t first = group ? group->first : 0, runs = group ? group->runs : comparison->runs;

	for (size_t i = first; i < first + runs; i++) {
		const struct run_summary *run = &comparison->run[i];

		if ((!figure->engine_only || is_of_engine(run)) &&
		    (!run->is_of_pages || figure->optional || figure->of_pages))
			return true;
	}
	return false;
}

/* A label for gnuplot's list: a path is its last part, and only harmless printable ASCII stays. */
static void label_of(const char *name, char label[LONGEST_LABEL + 1])
{
	const char *slash = strrchr(name, '/');
	size_t length = 0;

	if (slash && slash[1])
		name = slash + 1;
	for (; *name && length < LONGEST_LABEL; name++, length++) {
		bool harmless = *name >= ' ' && *name <= '~' && !strchr("\"#'\\`", *name);

		label[length] = '_';
		if (harmless)
			label[length] = *name;
	}
	label[length] = '\0';
}

static void list_number(FILE *list, double value)
{
	if (isfinite(value))
		(void)fprintf(list, "\t%.6g", value);
	else
		(void)fputs("\t?", list);
}

/* The group that a run belongs to. */
static const struct run_group *group_of(const struct comparison *comparison, size_t run)
{
	size_t group = 0;

	while (run >= comparison->group[group].first + comparison->group[group].runs)
		group++;
	return &comparison->group[group];
}

static void list_run(FILE *list, const struct comparison *comparison, size_t index)
{
	const struct run_summary *run = &comparison->run[index];
	bool net = summary_time(comparison, group_of(comparison, index)) == ROW_NET;
	char label[LONGEST_LABEL + 1], trace[LONGEST_LABEL + 1];

	label_of(run->target, label);
	label_of(run->trace_name, trace);
	(void)fprintf(list, "%s\t%s", label, run->directory);
	list_number(list, run->value[net ? ROW_NET : ROW_GROSS]);
	list_number(list, net ? run->net_low_ns : run->gross_low_ns);
	list_number(list, net ? run->net_high_ns : run->gross_high_ns);
	(void)fputs(net ? "\tnet" : "\tgross", list);
	list_number(list, run->value[ROW_FOOTPRINT_OVER_LIVE]);
	list_number(list, run->resolution_ns);
	(void)fprintf(list, "\t%s\n", trace);
}

/* Why the run is not in the figure; NULL when it is, "" when it was never meant to be. */
static const char *absent_because(const struct figure *figure, const struct run_summary *run, int at,
				  enum trace_status *status, struct trace_error *error)
{
	*status = TRACE_OK;
	if (figure->engine_only && !is_of_engine(run))
		return "";
	if (!figure->with_null && run_summary_is(run, "null"))
		return "";
	if (figure == &overviews[0] && isnan(run->value[ROW_GROSS]) &&
	    isnan(run->value[ROW_FOOTPRINT_OVER_LIVE]))
		return "neither time nor memory was measured";
	for (size_t i = 0; i < FIGURE_MOST_NEEDS && figure->need[i].file; i++) {
		bool usable;

		*status = series_check(at, run->directory, &figure->need[i], &usable, error);
		if (*status != TRACE_OK || !usable)
			return figure->need[i].file;
	}
	return NULL;
}

struct collected {
	char *list; /* for gnuplot */
	char *left_out;
	size_t runs;
};

static enum trace_status collect(const struct figure *figure, const struct comparison *comparison,
				 const struct run_group *group, struct collected *collected,
				 struct trace_error *error)
{
	size_t list_bytes, left_out_bytes;
	FILE *list = open_memstream(&collected->list, &list_bytes);
	FILE *left_out = open_memstream(&collected->left_out, &left_out_bytes);
	int at = open(comparison->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t first = group ? group->first : 0, runs = group ? group->runs : comparison->runs;
	enum trace_status status = TRACE_OK;

	if (!list || !left_out || at < 0)
		status = trace_fail(error, TRACE_IO, "%s: %s", comparison->directory, strerror(errno));
	for (size_t i = first; status == TRACE_OK && i < first + runs; i++) {
		const struct run_summary *run = &comparison->run[i];
		const char *absent = absent_because(figure, run, at, &status, error);

		if (!absent) {
			list_run(list, comparison, i);
			collected->runs++;
		} else if (*absent && status == TRACE_OK) {
			(void)fprintf(
			    left_out, "%s%s (%s)",
			    ftell(left_out) > 0 ? ", " : "Not shown for want of data: ", run->target, absent);
		}
	}
	if (at >= 0)
		(void)close(at);
	if (list && fclose(list) != 0 && status == TRACE_OK)
		status = trace_fail(error, TRACE_NO_MEMORY, "out of memory");
	if (left_out && fclose(left_out) != 0 && status == TRACE_OK)
		status = trace_fail(error, TRACE_NO_MEMORY, "out of memory");
	return status;
}

enum trace_status figure_draw(const struct figure *figure, const struct comparison *comparison,
			      const struct run_group *group, const struct gnuplot_job *how,
			      struct figure_picture *picture, struct trace_error *error)
{
	struct collected collected = {0};
	enum trace_status status = collect(figure, comparison, group, &collected, error);

	*picture = (struct figure_picture){0};
	if (status == TRACE_OK && collected.runs > 0) {
		struct gnuplot_job job = *how;

		job.script = figure->name;
		job.list = collected.list;
		job.directory = comparison->directory;
		status = gnuplot_draw(&job, &picture->content, &picture->bytes, error);
	}
	free(collected.list);
	if (status == TRACE_OK)
		picture->left_out = collected.left_out;
	else
		free(collected.left_out);
	return status;
}

void figure_picture_destroy(struct figure_picture *picture)
{
	free(picture->content);
	free(picture->left_out);
	*picture = (struct figure_picture){0};
}
