#include "config.h"

#include "bench/physical/recorded_series.h"

#include "traces/flt_tables.h"
#include "traces/frame_kinds.h"

#include <inttypes.h>
#include <string.h>

/* Snapshots of frames by their numbers: first .. end-1, between which others may lie. */
struct set {
	uint32_t first, end;
};

struct sets {
	struct set set[2]; /* before, after */
	unsigned count;
	uint64_t frames; /* of the machine */
};

static enum trace_status read_part(struct flt_reader *reader, uint32_t number,
				   struct event_snapshot *snapshot, bool *is_part, struct trace_error *error)
{
	const enum trace_status status = flt_reader_snapshot(reader, number, snapshot, error);

	*is_part = status == TRACE_OK && strcmp(snapshot->name, FRAME_KINDS_SNAPSHOT) == 0;
	return status;
}

static enum trace_status refuse(uint32_t number, struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT,
			  "snapshot %" PRIu32 " is no snapshot of frames that makes sense", number);
}

/* A set is of parts that rise, so the second begins where they fall back. */
static enum trace_status add_part(struct sets *sets, uint32_t number, const struct event_snapshot *snapshot,
				  uint64_t *next, struct trace_error *error)
{
	struct frame_reader frames;

	if (!frame_reader_start(&frames, snapshot->bytes, snapshot->length) ||
	    frames.first > RECORDED_FRAMES_MAX || frames.frames > RECORDED_FRAMES_MAX - frames.first)
		return refuse(number, error);
	if ((sets->count == 0 || frames.first < *next) && sets->count < 2)
		sets->set[sets->count++].first = number;
	sets->set[sets->count - 1].end = number + 1;
	*next = frames.first + frames.frames;
	if (*next > sets->frames)
		sets->frames = *next;
	return TRACE_OK;
}

static enum trace_status find_sets(struct flt_reader *reader, struct sets *sets, struct trace_error *error)
{
	const uint32_t snapshots = flt_reader_tables(reader)->places.snapshots;
	enum trace_status status = TRACE_OK;
	struct event_snapshot snapshot;
	uint64_t next = 0;
	bool is_part;

	*sets = (struct sets){0};
	for (uint32_t number = 1; status == TRACE_OK && number <= snapshots; number++) {
		status = read_part(reader, number, &snapshot, &is_part, error);
		if (status == TRACE_OK && is_part)
			status = add_part(sets, number, &snapshot, &next, error);
	}
	return status;
}

static enum trace_status fill(struct frame_map *map, struct flt_reader *reader, const struct set *set,
			      struct trace_error *error)
{
	enum trace_status status = TRACE_OK;
	struct event_snapshot snapshot;
	bool is_part;

	for (uint32_t number = set->first; status == TRACE_OK && number < set->end; number++) {
		status = read_part(reader, number, &snapshot, &is_part, error);
		if (status == TRACE_OK && is_part && !frame_map_add_snapshot(map, &snapshot))
			status = refuse(number, error);
	}
	return status;
}

static enum trace_status make_map(struct frame_map *map, struct flt_reader *reader, const struct sets *sets,
				  unsigned number, unsigned side, struct trace_error *error)
{
	enum trace_status status = frame_map_create(map, sets->frames, side, error);

	if (status != TRACE_OK)
		return status;
	status = fill(map, reader, &sets->set[number], error);
	if (status != TRACE_OK)
		frame_map_destroy(map);
	return status;
}

enum trace_status recorded_series_read(struct memory_series *series, struct flt_reader *reader,
				       struct trace_error *error)
{
	const struct flt_summary *summary = flt_reader_summary(reader);
	enum trace_status status;
	struct sets sets;

	*series = (struct memory_series){.end = summary->events};
	status = find_sets(reader, &sets, error);
	if (sets.count == 2 && flt_summary_warned(summary, EVENT_CUT_WARNING) > 0)
		sets.count = 1;
	for (unsigned i = 0; status == TRACE_OK && i < sets.count; i++) {
		struct memory_moment *moment = &series->moment[i];

		moment->event = i == 0 ? 0 : summary->events;
		status = make_map(&moment->map, reader, &sets, i, MEMORY_SERIES_STRIP_SIDE, error);
		series->moments += status == TRACE_OK;
	}
	if (status == TRACE_OK && sets.count == 2)
		status = make_map(&series->map, reader, &sets, 1, MEMORY_SERIES_SIDE, error);
	if (status == TRACE_OK)
		return status;
	memory_series_destroy(series);
	return trace_fail_in(error, status, flt_reader_name(reader));
}
