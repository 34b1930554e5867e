#include "config.h"

#include "bench/physical/recorded_series.h"

#include "bench/physical/buddyinfo_text.h"
#include "bench/physical/frame_sets.h"
#include "bench/physical/recorded_layout.h"
#include "bench/physical/recorded_text.h"
#include "bench/physical/zoneinfo_text.h"

#include <stdlib.h>

struct filling {
	struct frame_map *map;
	struct frame_layout layout;
};

static enum trace_status fill(void *context, const struct event_snapshot *part, struct trace_error *error)
{
	const struct filling *filling = context;

	if (frame_map_add_snapshot(filling->map, part, &filling->layout))
		return TRACE_OK;
	return trace_fail(error, TRACE_BAD_INPUT, "snapshot '%s': its runs do not tell its frames",
			  part->name);
}

/* A set of the frames, and where there is memory. */
struct moment {
	const struct frame_set *set;
	uint64_t frames; /* of the machine */
	struct recorded_layout layout;
};

static enum trace_status make_map(struct frame_map *map, struct flt_reader *reader,
				  const struct moment *moment, unsigned side, struct trace_error *error)
{
	struct filling filling = {map, recorded_layout_of_frames(&moment->layout)};
	enum trace_status status = frame_map_create(map, moment->frames, side, error);

	if (status != TRACE_OK)
		return status;
	status = frame_set_visit(moment->set, reader, &(struct frame_visitor){fill, &filling}, error);
	if (status != TRACE_OK)
		frame_map_destroy(map);
	return status;
}

/* --- Free blocks -------------------------------------------------------------------------------------------------------- */

/* What the page sets of a zone hold. */
static uint64_t in_sets(const struct zoneinfo_zone *zone, unsigned cpus)
{
	uint64_t pages = 0;

	for (unsigned cpu = 0; cpu < cpus; cpu++)
		pages += zone->set[cpu].count;
	return pages;
}

/* Pages that somebody has: managed, and neither free nor in page sets. */
static uint64_t used_pages(const struct zoneinfo *zoneinfo)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < zoneinfo->zones; i++) {
		const struct zoneinfo_zone *zone = &zoneinfo->zone[i];
		const uint64_t free = zone->free + in_sets(zone, zoneinfo->cpus);

		pages += zone->managed > free ? zone->managed - free : 0;
	}
	return pages;
}

static enum trace_status read_used(struct flt_reader *reader, enum recorded_set set, uint64_t *pages,
				   struct trace_error *error)
{
	struct zoneinfo *zoneinfo = malloc(sizeof(*zoneinfo));
	struct event_snapshot text;
	uint32_t number;

	*pages = MEMORY_SERIES_UNKNOWN;
	if (!zoneinfo)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for zoneinfo");
	enum trace_status status = recorded_text_find(reader, "zoneinfo", set, &text, &number, error);

	if (status == TRACE_OK && number != 0)
		status = zoneinfo_parse(zoneinfo, &text, error);
	if (status == TRACE_OK && number != 0)
		*pages = used_pages(zoneinfo);
	free(zoneinfo);
	return status;
}

static void take_zones(struct memory_series *series, const struct buddyinfo *buddyinfo)
{
	struct memory_sample *sample = &series->sample[series->samples];

	series->orders = buddyinfo->orders;
	series->zones = buddyinfo->zones;
	for (unsigned i = 0; i < buddyinfo->zones; i++) {
		const struct buddyinfo_zone *zone = &buddyinfo->zone[i];

		series->zone[i] = (struct memory_series_zone){
		    .name = zone_kind_name(zone->zone.kind), .node = zone->zone.node, .free = zone->free};
		for (unsigned order = 0; order < FRAGMENTATION_ORDERS; order++)
			sample->free.blocks[order] += zone->free.blocks[order];
	}
}

/* The event at which a snapshot was read. */
static enum trace_status find_event(struct flt_reader *reader, uint32_t number, uint64_t *position,
				    struct trace_error *error)
{
	enum trace_status status = flt_reader_seek(reader, 0, error);
	struct flt_batch batch;

	*position = 0;
	while (status == TRACE_OK &&
	       (status = flt_reader_batch(reader, FLT_KIND | FLT_DETAIL, &batch, error)) == TRACE_OK) {
		for (size_t i = 0; i < batch.events; i++) {
			if (batch.kind[i] != EVENT_SNAPSHOT || batch.count[i] != number)
				continue;
			*position = batch.first + i;
			return flt_reader_seek(reader, 0, error);
		}
	}
	return status == TRACE_END ? flt_reader_seek(reader, 0, error) : status;
}

static enum trace_status take_sample(struct memory_series *series, struct flt_reader *reader,
				     enum recorded_set set, struct trace_error *error)
{
	struct buddyinfo buddyinfo;
	struct event_snapshot text;
	uint32_t number;
	enum trace_status status = recorded_text_find(reader, "buddyinfo", set, &text, &number, error);

	if (status != TRACE_OK || number == 0)
		return status;
	struct memory_sample *sample = &series->sample[series->samples];

	status = buddyinfo_parse(&buddyinfo, &text, error);
	if (status == TRACE_OK)
		status = read_used(reader, set, &sample->used_pages, error);
	if (status == TRACE_OK)
		status = find_event(reader, number, &sample->event, error);
	if (status != TRACE_OK)
		return status;
	take_zones(series, &buddyinfo);
	series->samples++;
	return TRACE_OK;
}

/* At the beginning and at the end. */
static enum trace_status take_samples(struct memory_series *series, struct flt_reader *reader,
				      struct trace_error *error)
{
	enum trace_status status = take_sample(series, reader, RECORDED_BEFORE, error);

	if (status == TRACE_OK && recorded_text_is_of_the_end(flt_reader_summary(reader)))
		status = take_sample(series, reader, RECORDED_AFTER, error);
	return status;
}

void recorded_series_outcome(const struct memory_series *series, struct memory_outcome *outcome)
{
	outcome->kernel_blocks = OUTCOME_UNKNOWN;
	outcome->has_free = series->samples == series->wanted;
	if (outcome->has_free)
		outcome->free = series->sample[series->samples - 1].free;
}

static enum trace_status take_moment(struct memory_series *series, struct flt_reader *reader,
				     const struct frame_sets *sets, unsigned number,
				     struct trace_error *error)
{
	struct memory_moment *taken = &series->moment[number];
	struct moment moment = {.set = &sets->set[number], .frames = sets->frames};
	enum trace_status status = recorded_layout_read(
	    &moment.layout, reader, number == 0 ? RECORDED_BEFORE : RECORDED_AFTER, moment.set, error);

	taken->event = number == 0 ? 0 : series->end;
	if (status == TRACE_OK)
		status = make_map(&taken->map, reader, &moment, MEMORY_SERIES_STRIP_SIDE, error);
	series->moments += status == TRACE_OK;
	if (status == TRACE_OK && number == 1)
		status = make_map(&series->map, reader, &moment, MEMORY_SERIES_SIDE, error);
	return status;
}

enum trace_status recorded_series_read(struct memory_series *series, struct flt_reader *reader,
				       struct trace_error *error)
{
	const struct flt_summary *summary = flt_reader_summary(reader);
	enum trace_status status = memory_series_create(series, 0, summary->events, 2, error);
	struct frame_sets sets = {0};

	if (status == TRACE_OK)
		status = frame_sets_find(&sets, reader, error);
	if (status == TRACE_OK)
		status = take_samples(series, reader, error);
	if (sets.count == 2 && !recorded_text_is_of_the_end(summary))
		sets.count = 1;
	for (unsigned i = 0; status == TRACE_OK && i < sets.count; i++)
		status = take_moment(series, reader, &sets, i, error);
	if (status == TRACE_OK)
		return status;
	memory_series_destroy(series);
	return trace_fail_in(error, status, flt_reader_name(reader));
}
