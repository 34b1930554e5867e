#include "config.h"

#include "bench/physical/recorded_series.h"

#include "bench/physical/frame_sets.h"

static enum trace_status fill(void *context, const struct event_snapshot *part, struct trace_error *error)
{
	if (frame_map_add_snapshot(context, part))
		return TRACE_OK;
	return trace_fail(error, TRACE_BAD_INPUT, "snapshot '%s': its runs do not tell its frames",
			  part->name);
}

static enum trace_status make_map(struct frame_map *map, struct flt_reader *reader,
				  const struct frame_sets *sets, unsigned number, unsigned side,
				  struct trace_error *error)
{
	enum trace_status status = frame_map_create(map, sets->frames, side, error);

	if (status != TRACE_OK)
		return status;
	status = frame_set_visit(&sets->set[number], reader, &(struct frame_visitor){fill, map}, error);
	if (status != TRACE_OK)
		frame_map_destroy(map);
	return status;
}

enum trace_status recorded_series_read(struct memory_series *series, struct flt_reader *reader,
				       struct trace_error *error)
{
	const struct flt_summary *summary = flt_reader_summary(reader);
	enum trace_status status;
	struct frame_sets sets;

	*series = (struct memory_series){.end = summary->events};
	status = frame_sets_find(&sets, reader, error);
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
