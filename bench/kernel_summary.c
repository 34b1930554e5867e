#include "config.h"

#include "bench/kernel_summary.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 10 /* caches, and sets of flags, in the text */

static bool has_events(const struct flt_summary *summary)
{
	for (unsigned kind = EVENT_PAGE_ALLOC; kind < EVENT_KINDS; kind++) {
		if (summary->kinds[kind])
			return true;
	}
	return false;
}

static const char *gfp_name(const struct flt_summary *summary, uint32_t number)
{
	if (number == 0)
		return "none";
	return number <= summary->names[EVENT_NAMES_GFP] ? summary->name[EVENT_NAMES_GFP][number - 1] : "?";
}

static const char *cache_name(const struct flt_summary *summary, uint32_t number)
{
	if (number == 0)
		return "kmalloc";
	return number <= summary->names[EVENT_NAMES_CACHE] ? summary->name[EVENT_NAMES_CACHE][number - 1]
							   : "?";
}

static unsigned highest_order(const struct kernel_tally *tally)
{
	unsigned order = EVENT_MAX_ORDERS - 1;

	while (order > 0 && !tally->page_allocs[order] && !tally->page_frees[order])
		order--;
	return order;
}

static unsigned highest_type(const struct kernel_tally *tally)
{
	unsigned type = EVENT_MAX_MIGRATE_TYPES - 1;

	while (type > 0 && !tally->types[type])
		type--;
	return type;
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

static json_t *numbers(const uint64_t *number, unsigned count)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < count; i++)
		(void)json_array_append_new(array, json_integer((json_int_t)number[i]));
	return array;
}

static json_t *gfps_json(const struct flt_summary *summary)
{
	const struct kernel_tally *tally = &summary->kernel;
	json_t *object = json_object();

	for (uint32_t i = 0; i < tally->gfps; i++) {
		if (tally->gfp[i])
			(void)json_object_set_new(object, gfp_name(summary, i),
						  json_integer((json_int_t)tally->gfp[i]));
	}
	return object;
}

static json_t *caches_json(const struct flt_summary *summary)
{
	const struct kernel_tally *tally = &summary->kernel;
	json_t *object = json_object();

	for (uint32_t i = 0; i < tally->caches; i++) {
		const struct kernel_cache_tally *cache = &tally->cache[i];

		if (cache->allocs || cache->frees)
			(void)json_object_set_new(
			    object, cache_name(summary, i),
			    json_pack("{s:I,s:I,s:I,s:I}", "allocs", (json_int_t)cache->allocs, "frees",
				      (json_int_t)cache->frees, "bytes", (json_int_t)cache->bytes, "granted",
				      (json_int_t)cache->granted));
	}
	return object;
}

json_t *kernel_summary_json(const struct flt_summary *summary)
{
	const struct kernel_tally *tally = &summary->kernel;
	const uint64_t recorder = summary->description.recorder;
	const unsigned orders = highest_order(tally) + 1;

	if (!has_events(summary))
		return json_null();
	return json_pack("{s:o,s:I,s:o,s:o,s:o,s:o,s:o}", "recorder_id",
			 recorder ? json_integer((json_int_t)recorder) : json_null(), "recorder_events",
			 (json_int_t)tally->own, "page_allocs", numbers(tally->page_allocs, orders),
			 "page_frees", numbers(tally->page_frees, orders), "migrate_types",
			 numbers(tally->types, highest_type(tally) + 1), "gfp", gfps_json(summary), "caches",
			 caches_json(summary));
}

/* --- Text ------------------------------------------------------------------------------------------------------- */

struct rank {
	uint32_t number;
	uint64_t uses;
};

static int more_used(const void *left, const void *right)
{
	const struct rank *one = left, *other = right;

	if (one->uses != other->uses)
		return one->uses > other->uses ? -1 : 1;
	return one->number < other->number ? -1 : one->number > other->number;
}

static void print_pages(FILE *out, const struct kernel_tally *tally)
{
	const unsigned orders = highest_order(tally) + 1, types = highest_type(tally) + 1;

	(void)fprintf(out, "%-22s %18s %18s\n", "pages by order", "allocated", "freed");
	for (unsigned i = 0; i < orders; i++)
		(void)fprintf(out, "  order %-14u %18" PRIu64 " %18" PRIu64 "\n", i, tally->page_allocs[i],
			      tally->page_frees[i]);
	(void)fprintf(out, "%-22s %18s\n", "pages by migrate type", "allocated");
	for (unsigned i = 0; i < types; i++)
		(void)fprintf(out, "  type %-15u %18" PRIu64 "\n", i, tally->types[i]);
}

static void print_gfps(FILE *out, const struct flt_summary *summary, struct rank *rank)
{
	const struct kernel_tally *tally = &summary->kernel;

	for (uint32_t i = 0; i < tally->gfps; i++)
		rank[i] = (struct rank){i, tally->gfp[i]};
	qsort(rank, tally->gfps, sizeof(*rank), more_used);
	for (uint32_t i = 0; i < tally->gfps && i < SHOWN && rank[i].uses; i++)
		(void)fprintf(out, "%-22s %18" PRIu64 " x %s\n", i ? "" : "pages by flags", rank[i].uses,
			      gfp_name(summary, rank[i].number));
}

static void print_caches(FILE *out, const struct flt_summary *summary, struct rank *rank)
{
	const struct kernel_tally *tally = &summary->kernel;
	uint32_t used = 0;

	for (uint32_t i = 0; i < tally->caches; i++) {
		rank[i] = (struct rank){i, tally->cache[i].allocs + tally->cache[i].frees};
		used += rank[i].uses != 0;
	}
	qsort(rank, tally->caches, sizeof(*rank), more_used);
	if (used)
		(void)fprintf(out, "%-22s %18s %18s %18s\n", "caches", "allocated", "freed", "bytes granted");
	for (uint32_t i = 0; i < used && i < SHOWN; i++) {
		const struct kernel_cache_tally *cache = &tally->cache[rank[i].number];

		(void)fprintf(out, "  %-20.48s %18" PRIu64 " %18" PRIu64 " %18" PRIu64 "\n",
			      cache_name(summary, rank[i].number), cache->allocs, cache->frees,
			      cache->granted);
	}
	if (used > SHOWN)
		(void)fprintf(out, "  and %" PRIu32 " more, in --json\n", used - SHOWN);
}

void kernel_summary_print(FILE *out, const struct flt_summary *summary)
{
	const struct kernel_tally *tally = &summary->kernel;
	const size_t ranks = (tally->gfps > tally->caches ? tally->gfps : tally->caches) + (size_t)1;
	struct rank *rank;

	if (!has_events(summary))
		return;
	rank = calloc(ranks, sizeof(*rank));
	if (summary->kinds[EVENT_PAGE_ALLOC] || summary->kinds[EVENT_PAGE_FREE])
		print_pages(out, tally);
	if (rank) {
		print_gfps(out, summary, rank);
		print_caches(out, summary, rank);
	}
	free(rank);
	if (summary->description.recorder)
		(void)fprintf(out, "%-22s %18" PRIu64 " by process id %" PRIu64 "\n", "the recorder's own",
			      tally->own, summary->description.recorder);
}
