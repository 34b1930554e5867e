#include "config.h"

#include "bench/physical/frame_sets.h"

#include "traces/flt_tables.h"
#include "traces/frame_kinds.h"

#include <inttypes.h>
#include <string.h>

static enum trace_status read_part(struct flt_reader *reader, uint32_t number,
				   struct event_snapshot *snapshot, bool *is_part, struct trace_error *error)
{
	const enum trace_status status = flt_reader_snapshot(reader, number, snapshot, error);

	*is_part = status == TRACE_OK && strcmp(snapshot->name, FRAME_KINDS_SNAPSHOT) == 0;
	return status;
}

/* `next` is the frame behind the part before. */
static enum trace_status add_part(struct frame_sets *sets, uint32_t number,
				  const struct event_snapshot *snapshot, uint64_t *next,
				  struct trace_error *error)
{
	struct frame_reader frames;

	if (!frame_reader_start(&frames, snapshot->bytes, snapshot->length) ||
	    frames.first > FRAME_SETS_FRAMES_MAX || frames.frames > FRAME_SETS_FRAMES_MAX - frames.first)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "snapshot %" PRIu32 ": it does not begin with FIRST FRAMES BEGIN_NS END_NS "
				  "of at most %" PRIu64 " frames below %" PRIu64,
				  number, FRAME_KINDS_SPAN, FRAME_SETS_FRAMES_MAX);
	if (sets->count == 0 || frames.first < *next) {
		if (sets->count == FRAME_SETS)
			return TRACE_END;
		sets->set[sets->count++] = (struct frame_set){.first = number, .begin_ns = frames.begin_ns};
	}
	*next = frames.first + frames.frames;
	sets->set[sets->count - 1].end = number + 1;
	if (*next > sets->frames)
		sets->frames = *next;
	return TRACE_OK;
}

enum trace_status frame_sets_find(struct frame_sets *sets, struct flt_reader *reader,
				  struct trace_error *error)
{
	const uint32_t snapshots = flt_reader_tables(reader)->places.snapshots;
	enum trace_status status = TRACE_OK;
	struct event_snapshot snapshot;
	uint64_t next = 0;
	bool is_part;

	*sets = (struct frame_sets){.count = 0};
	for (uint32_t number = 1; status == TRACE_OK && number <= snapshots; number++) {
		status = read_part(reader, number, &snapshot, &is_part, error);
		if (status == TRACE_OK && is_part)
			status = add_part(sets, number, &snapshot, &next, error);
	}
	return status == TRACE_END ? TRACE_OK : status;
}

enum trace_status frame_set_visit(const struct frame_set *set, struct flt_reader *reader,
				  const struct frame_visitor *visitor, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;
	struct event_snapshot part;
	bool is_part;

	for (uint32_t number = set->first; status == TRACE_OK && number < set->end; number++) {
		status = read_part(reader, number, &part, &is_part, error);
		if (status == TRACE_OK && is_part)
			status = visitor->take(visitor->context, &part, error);
	}
	return status;
}
