#include "config.h"

#include "bench/physical/memory_series.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- Samples ------------------------------------------------------------------------------------------------------------ */

enum trace_status memory_series_create(struct memory_series *series, uint64_t first, uint64_t end,
				       unsigned samples, struct trace_error *error)
{
	*series = (struct memory_series){.first = first, .end = end, .wanted = samples < 2 ? 2 : samples};
	series->sample = calloc(series->wanted, sizeof(series->sample[0]));
	return series->sample
		   ? TRACE_OK
		   : trace_fail(error, TRACE_NO_MEMORY, "not enough memory for %u samples", series->wanted);
}

void memory_series_destroy(struct memory_series *series)
{
	for (size_t i = 0; i < series->moments; i++)
		frame_map_destroy(&series->moment[i].map);
	frame_map_destroy(&series->map);
	free(series->sample);
	*series = (struct memory_series){0};
}

/* Event of the index-th of `count` points that are spread evenly, the first and the last event among them. */
static uint64_t event_at(const struct memory_series *series, uint64_t index, uint64_t count)
{
	const uint64_t span = series->end - series->first, parts = count - 1;

	return series->first + span / parts * index + span % parts * index / parts;
}

bool memory_series_next(const struct memory_series *series, uint64_t *event)
{
	if (series->samples == series->wanted)
		return false;
	*event = event_at(series, series->samples, series->wanted);
	return true;
}

static void take_blocks(struct memory_series *series, const struct memory *memory,
			struct memory_sample *sample)
{
	series->orders = memory->max_order + 1;
	series->zones = memory->zones;
	for (unsigned i = 0; i < memory->zones; i++) {
		const struct zone *zone = &memory->zone[i];
		struct memory_series_zone *of = &series->zone[i];

		*of = (struct memory_series_zone){.name = zone->name, .node = zone->node};
		zone_free_blocks(zone, &of->free);
		for (unsigned order = 0; order < FRAGMENTATION_ORDERS; order++)
			sample->free.blocks[order] += of->free.blocks[order];
		sample->used_pages += zone->managed_pages - zone_kept_pages(zone);
	}
}

static enum trace_status take_map(struct frame_map *map, const struct memory *memory, unsigned side,
				  struct trace_error *error)
{
	enum trace_status status =
	    frame_map_create(map, memory->pages.first + memory->pages.pages, side, error);

	if (status == TRACE_OK)
		frame_map_add_memory(map, memory);
	return status;
}

/* A strip has its moments at samples: at the first that is not before the moment's place. */
static bool is_moment(const struct memory_series *series)
{
	return series->moments < MEMORY_SERIES_MOMENTS &&
	       series->samples * (MEMORY_SERIES_MOMENTS - 1) >=
		   (uint64_t)series->moments * (series->wanted - 1);
}

enum trace_status memory_series_take(struct memory_series *series, const struct memory *memory,
				     struct trace_error *error)
{
	struct memory_sample *sample = &series->sample[series->samples];
	enum trace_status status = TRACE_OK;

	sample->event = event_at(series, series->samples, series->wanted);
	take_blocks(series, memory, sample);
	if (is_moment(series)) {
		struct memory_moment *moment = &series->moment[series->moments];

		moment->event = sample->event;
		status = take_map(&moment->map, memory, MEMORY_SERIES_STRIP_SIDE, error);
		series->moments += status == TRACE_OK;
	}
	series->samples++;
	if (status == TRACE_OK && series->samples == series->wanted)
		status = take_map(&series->map, memory, MEMORY_SERIES_SIDE, error);
	return status;
}

/* --- Rows --------------------------------------------------------------------------------------------------------------- */

static void write_ratio(FILE *file, struct ratio ratio, char after)
{
	if (ratio_exists(ratio))
		(void)fprintf(file, "%.6g%c", ratio_value(ratio), after);
	else
		(void)fprintf(file, "?%c", after);
}

static void write_buddy(const struct memory_series *series, FILE *file)
{
	(void)fputs("# event", file);
	for (unsigned order = 0; order < series->orders; order++)
		(void)fprintf(file, "\torder%u", order);
	(void)fputc('\n', file);
	for (size_t i = 0; i < series->samples; i++) {
		(void)fprintf(file, "%" PRIu64, series->sample[i].event);
		for (unsigned order = 0; order < series->orders; order++)
			(void)fprintf(file, "\t%" PRIu64, series->sample[i].free.blocks[order]);
		(void)fputc('\n', file);
	}
}

static void write_model(const struct memory_series *series, FILE *file)
{
	(void)fputs(
	    "# event\tlive_bytes\tgranted_bytes\tframes_bytes\tmetadata_bytes\tinternal_fragmentation\t"
	    "unusable_free_index_order9\textfrag_index_order9\tfree_huge_over_optimal\n",
	    file);
	for (size_t i = 0; i < series->samples; i++) {
		const struct memory_sample *sample = &series->sample[i];

		(void)fprintf(file, "%" PRIu64 "\t?\t?\t", sample->event);
		if (sample->used_pages == MEMORY_SERIES_UNKNOWN)
			(void)fputc('?', file);
		else
			(void)fprintf(file, "%" PRIu64, sample->used_pages * PAGE_BYTES);
		(void)fputs("\t?\t?\t", file);
		write_ratio(file, fragmentation_unusable(&sample->free, HUGE_ORDER), '\t');
		write_ratio(file, fragmentation_external(&sample->free, HUGE_ORDER), '\t');
		write_ratio(file, fragmentation_huge_over_optimal(&sample->free), '\n');
	}
}

static void write_zone_orders(const char *zone, const struct free_blocks *free, unsigned orders, FILE *file)
{
	for (unsigned order = 0; order < orders; order++) {
		(void)fprintf(file, "%s\t%u\t%" PRIu64 "\t", zone, order, free->blocks[order]);
		write_ratio(file, fragmentation_unusable(free, order), '\t');
		write_ratio(file, fragmentation_external(free, order), '\n');
	}
}

static void write_orders(const struct memory_series *series, FILE *file)
{
	char name[32];

	(void)fputs("# zone\torder\tfree_blocks\tunusable_free_index\textfrag_index\n", file);
	write_zone_orders("all", &series->sample[series->samples - 1].free, series->orders, file);
	for (unsigned i = 0; i < series->zones; i++) {
		const struct memory_series_zone *zone = &series->zone[i];

		(void)snprintf(name, sizeof(name), "%u/%s", zone->node, zone->name);
		write_zone_orders(name, &zone->free, series->orders, file);
	}
}

static void write_map(const struct memory_series *series, FILE *file)
{
	(void)fprintf(file, "# a cell is %" PRIu64 " KiB\n# row\tcolumn\tuse\tshare\n",
		      series->map.cell_frames * (PAGE_BYTES >> 10));
	frame_map_write(&series->map, "", file);
}

static void write_strip(const struct memory_series *series, FILE *file)
{
	char prefix[48];

	(void)fprintf(file, "# a cell is %" PRIu64 " KiB\n# moment\tevent\trow\tcolumn\tuse\tshare\n",
		      series->moment[0].map.cell_frames * (PAGE_BYTES >> 10));
	for (size_t i = 0; i < series->moments; i++) {
		(void)snprintf(prefix, sizeof(prefix), "%zu\t%" PRIu64 "\t", i, series->moment[i].event);
		frame_map_write(&series->moment[i].map, prefix, file);
	}
}

/* --- Files -------------------------------------------------------------------------------------------------------------- */

static bool has_samples(const struct memory_series *series)
{
	return series->samples > 0;
}

static bool is_complete(const struct memory_series *series)
{
	return series->samples > 0 && series->samples == series->wanted;
}

static bool has_map(const struct memory_series *series)
{
	return series->map.cell != NULL;
}

static bool has_moments(const struct memory_series *series)
{
	return series->moments > 0;
}

struct series_file {
	const char *name;
	bool (*exists)(const struct memory_series *series);
	void (*write)(const struct memory_series *series, FILE *file);
};

static const struct series_file files[] = {{"buddy.tsv", is_complete, write_buddy},
					   {"model.tsv", has_samples, write_model},
					   {"orders.tsv", is_complete, write_orders},
					   {"frame_map.tsv", has_map, write_map},
					   {"frame_strip.tsv", has_moments, write_strip}};

static enum trace_status refuse(struct trace_error *error, const char *name)
{
	return trace_fail(error, TRACE_IO, "cannot write %s: %s", name, strerror(errno));
}

static enum trace_status write_file(const struct memory_series *series, int directory,
				    const struct series_file *one, const char *header,
				    struct trace_error *error)
{
	const int descriptor = openat(directory, one->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");

	if (!file) {
		if (descriptor >= 0)
			(void)close(descriptor);
		return refuse(error, one->name);
	}
	(void)fputs(header, file);
	one->write(series, file);
	const bool is_written = ferror(file) == 0;

	return fclose(file) == 0 && is_written ? TRACE_OK : refuse(error, one->name);
}

enum trace_status memory_series_write(const struct memory_series *series, const char *directory,
				      const char *header, struct trace_error *error)
{
	const int at = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	enum trace_status status = at < 0 ? refuse(error, directory) : TRACE_OK;

	for (size_t i = 0; status == TRACE_OK && i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i].exists(series))
			status = write_file(series, at, &files[i], header, error);
	}
	if (at >= 0)
		(void)close(at);
	return status;
}
