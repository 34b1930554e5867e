#include "config.h"

#include "bench/physical/kmem_table.h"

#include "engine/phys/slabinfo.h"

#include <inttypes.h>
#include <stdlib.h>

#define BIG_SHARE 100u /* one hundredth of all pages */

struct kmem_sum kmem_table_sum(const struct kmem_pass *pass)
{
	struct kmem_sum sum = {.before_pages = slabinfo_text_pages(&pass->before),
			       .after_pages = slabinfo_text_pages(&pass->after)};

	for (uint32_t i = 0; i < pass->before.rows; i++)
		sum.model_pages += slabinfo_pages(pass->cache[i]);
	return sum;
}

double kmem_table_error(uint64_t number, uint64_t truth)
{
	if (truth == 0)
		return number == 0 ? 0 : 1;
	return ((double)number - (double)truth) / (double)truth;
}

struct kmem_figure kmem_table_figure(const struct kmem_pass *pass, uint32_t index)
{
	const struct slabinfo_row *before = &pass->before.row[index];
	uint32_t number = pass->has_after ? slabinfo_text_find(&pass->after, before->name) : SLABINFO_NO_ROW;
	struct kmem_figure figure = {.before = before,
				     .after = number != SLABINFO_NO_ROW ? &pass->after.row[number] : NULL};
	struct slabinfo model;
	uint64_t pages = slabinfo_row_pages(before);

	slabinfo_of(pass->cache[index], &model);
	figure.model_slabs = model.num_slabs;
	figure.model_pages = slabinfo_pages(pass->cache[index]);
	figure.model_objects = model.num_objs;
	figure.model_active = model.active_objs;
	figure.is_big = pages * BIG_SHARE >= slabinfo_text_pages(&pass->before);
	if (figure.after)
		figure.is_big |=
		    slabinfo_row_pages(figure.after) * BIG_SHARE >= slabinfo_text_pages(&pass->after);
	figure.is_big &= pages > 0 || (figure.after && slabinfo_row_pages(figure.after) > 0);
	return figure;
}

/* --- Words -------------------------------------------------------------------------------------------------------- */

/* A line of the table. */
struct line {
	const char *name;
	uint64_t before, after, model; /* pages */
};

static int compare_lines(const void *a, const void *b)
{
	const struct line *left = a, *right = b;

	return (left->before < right->before) - (left->before > right->before);
}

static void print_line(const struct line *line, bool has_after, FILE *out)
{
	(void)fprintf(out, "%-24s %12" PRIu64, line->name, line->before);
	if (has_after)
		(void)fprintf(out, " %12" PRIu64 " %12" PRIu64 " %+9.2f %% %+9.2f %%\n", line->after,
			      line->model, 100 * kmem_table_error(line->model, line->after),
			      100 * kmem_table_error(line->before, line->after));
	else
		(void)fprintf(out, " %12s %12" PRIu64 " %11s %11s\n", "?", line->model, "?", "?");
}

static void print_caches(const struct kmem_pass *pass, FILE *out)
{
	struct line *big = calloc(pass->before.rows + 1, sizeof(*big));
	struct line others = {.name = "all other caches"}, sum = {.name = "all"};
	size_t count = 0;

	for (uint32_t i = 0; i < pass->before.rows; i++) {
		struct kmem_figure figure = kmem_table_figure(pass, i);
		struct line line = {.name = figure.before->name,
				    .before = slabinfo_row_pages(figure.before),
				    .after = figure.after ? slabinfo_row_pages(figure.after) : 0,
				    .model = figure.model_pages};

		sum.before += line.before;
		sum.after += line.after;
		sum.model += line.model;
		if (figure.is_big && big) {
			big[count++] = line;
			continue;
		}
		others.before += line.before;
		others.after += line.after;
		others.model += line.model;
	}
	if (big)
		qsort(big, count, sizeof(*big), compare_lines);
	(void)fprintf(out, "%-24s %12s %12s %12s %11s %11s\n", "slab pages of", "before", "after", "model",
		      "error", "unchanged");
	for (size_t i = 0; i < count; i++)
		print_line(&big[i], pass->has_after, out);
	print_line(&others, pass->has_after, out);
	print_line(&sum, pass->has_after, out);
	free(big);
}

static void print_areas(const struct vmalloc_pass *areas, FILE *out)
{
	const struct vmalloc_sum before = vmallocinfo_text_sum(&areas->before);
	const struct vmalloc_sum after = vmallocinfo_text_sum(&areas->after);
	const struct vmalloc_sum model = vmalloc_pass_sum(areas);
	const struct line lines[] = {
	    {"areas of vmalloc", before.areas, after.areas, model.areas},
	    {"their pages", before.pages, after.pages, model.pages},
	    {"pages not purged yet", before.unpurged_pages, after.unpurged_pages, model.unpurged_pages},
	};

	if (!areas->space)
		return;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		print_line(&lines[i], areas->has_after, out);
}

void kmem_table_print(const struct kmem_pass *pass, FILE *out)
{
	const struct kmem_pass_counts *counts = &pass->counts;

	print_caches(pass, out);
	print_areas(&pass->areas, out);
	(void)fprintf(out,
		      "\n%" PRIu64 " objects allocated, %" PRIu64 " freed; inferred frees: %" PRIu64
		      " by an allocation in their place, %" PRIu64 " by the end of their slab\n",
		      counts->allocs, counts->frees, counts->reused, counts->ended);
	(void)fprintf(out,
		      "left out: %" PRIu64 " frees of objects that nothing allocated, %" PRIu64
		      " events whose cache nothing tells, %" PRIu64
		      " allocations of whole pages by kmalloc\n",
		      counts->unborn, counts->unattributed, counts->large);
	if (pass->guessed > 0)
		(void)fprintf(out, "%" PRIu64 " slabs of which only kfree tells: their cache is guessed\n",
			      pass->guessed);
	if (counts->refused > 0)
		(void)fprintf(out, "%" PRIu64 " allocations for which the model had no memory\n",
			      counts->refused);
	if (pass->misfits > 0)
		(void)fprintf(out,
			      "%" PRIu32
			      " caches that this policy cuts otherwise than the machine: they began packed\n",
			      pass->misfits);
}

/* --- run.json ----------------------------------------------------------------------------------------------------- */

static json_t *row_json(const struct slabinfo_row *row)
{
	if (!row)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I}", "slabs", (json_int_t)row->num_slabs, "pages",
			 (json_int_t)slabinfo_row_pages(row), "objects", (json_int_t)row->num_objs, "active",
			 (json_int_t)row->active_objs);
}

static json_t *figure_json(const struct kmem_figure *figure)
{
	uint64_t after = figure->after ? slabinfo_row_pages(figure->after) : 0;
	json_t *model =
	    json_pack("{s:I, s:I, s:I, s:I}", "slabs", (json_int_t)figure->model_slabs, "pages",
		      (json_int_t)figure->model_pages, "objects", (json_int_t)figure->model_objects, "active",
		      (json_int_t)figure->model_active);
	double error = kmem_table_error(figure->model_pages, after);
	double unchanged = kmem_table_error(slabinfo_row_pages(figure->before), after);

	return json_pack("{s:s, s:I, s:b, s:o, s:o, s:o, s:o, s:o}", "name", figure->before->name, "objsize",
			 (json_int_t)figure->before->objsize, "big", figure->is_big, "error",
			 figure->after ? json_real(error) : json_null(), "error_unchanged",
			 figure->after ? json_real(unchanged) : json_null(), "before",
			 row_json(figure->before), "after", row_json(figure->after), "model", model);
}

static json_t *counts_json(const struct kmem_pass_counts *counts)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "alloc", (json_int_t)counts->allocs,
			 "free", (json_int_t)counts->frees, "reused", (json_int_t)counts->reused, "ended",
			 (json_int_t)counts->ended, "unborn", (json_int_t)counts->unborn, "unattributed",
			 (json_int_t)counts->unattributed, "large", (json_int_t)counts->large, "refused",
			 (json_int_t)counts->refused);
}

static json_t *sum_json(const struct vmalloc_sum *sum)
{
	return json_pack("{s:I, s:I, s:I}", "areas", (json_int_t)sum->areas, "pages", (json_int_t)sum->pages,
			 "unpurged_pages", (json_int_t)sum->unpurged_pages);
}

static json_t *areas_json(const struct vmalloc_pass *areas)
{
	const struct vmalloc_pass_counts *counts = &areas->counts;
	const struct vmalloc_sum before = vmallocinfo_text_sum(&areas->before);
	const struct vmalloc_sum after = vmallocinfo_text_sum(&areas->after);
	const struct vmalloc_sum model = vmalloc_pass_sum(areas);

	if (!areas->space)
		return json_null();
	json_t *events =
	    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "alloc", (json_int_t)counts->allocs, "free",
		      (json_int_t)counts->frees, "purge", (json_int_t)counts->purges, "guessed",
		      (json_int_t)counts->guessed, "reused", (json_int_t)counts->reused, "unborn",
		      (json_int_t)counts->unborn, "refused", (json_int_t)counts->refused);

	return json_pack("{s:o, s:o, s:o, s:o}", "before", sum_json(&before), "after",
			 areas->has_after ? sum_json(&after) : json_null(), "model", sum_json(&model),
			 "events", events);
}

json_t *kmem_table_json(const struct kmem_pass *pass)
{
	struct kmem_sum sum = kmem_table_sum(pass);
	json_t *caches = json_array();

	for (uint32_t i = 0; i < pass->before.rows; i++) {
		struct kmem_figure figure = kmem_table_figure(pass, i);

		if (json_array_append_new(caches, figure_json(&figure)) != 0) {
			json_decref(caches);
			return NULL;
		}
	}
	json_t *after = pass->has_after ? json_integer((json_int_t)sum.after_pages) : json_null();
	json_t *pages = json_pack("{s:I, s:o, s:I}", "before", (json_int_t)sum.before_pages, "after", after,
				  "model", (json_int_t)sum.model_pages);

	return json_pack("{s:o, s:o, s:o, s:I, s:I, s:o}", "pages", pages, "caches", caches, "events",
			 counts_json(&pass->counts), "guessed_slabs", (json_int_t)pass->guessed, "misfits",
			 (json_int_t)pass->misfits, "vmalloc", areas_json(&pass->areas));
}
