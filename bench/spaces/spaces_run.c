#include "config.h"

#include "bench/spaces/spaces_state.h"

/* --- Bit by bit ----------------------------------------------------------------------------------------------------------- */

void spaces_begin(struct spaces *spaces, const struct spaces_watch *watch)
{
	spaces->watch = watch;
	spaces->events = 0;
	spaces_sample_every(spaces, watch ? watch->every : 0);
}

void spaces_sample_every(struct spaces *spaces, uint64_t every)
{
	spaces->sample_every = every;
	spaces->sample_next = every ? spaces->passed - spaces->passed % every + every : UINT64_MAX;
}

/* Heap calls say where blocks lie; what a placer does to the address space for them comes through spaces_call(). */
static bool leaves_spaces_alone(const struct event *event)
{
	return (event_kind_carries(event->kind) & (EVENT_CREATES | EVENT_RELEASES)) ||
	       event->kind == EVENT_ALLOCATOR_ENTER || event->kind == EVENT_ALLOCATOR_EXIT;
}

enum trace_status spaces_next_event(struct spaces *spaces, const struct event *event,
				    struct trace_error *error)
{
	const struct spaces_watch *watch = spaces->watch;
	enum trace_status status = TRACE_OK;

	if (!leaves_spaces_alone(event))
		spaces_catch_up(spaces);
	if (watch && watch->before)
		status = watch->before(watch->context, spaces, event, spaces->events, error);
	if (status == TRACE_OK)
		status = spaces_event(spaces, event, spaces->events, error);
	spaces->events++;
	return status;
}

static enum trace_status take_sample(struct spaces *spaces, struct trace_error *error)
{
	const struct spaces_watch *watch = spaces->watch;

	spaces_catch_up(spaces);
	if (!watch || !watch->sample)
		return TRACE_OK;
	return watch->sample(watch->context, spaces, spaces->events, error);
}

enum trace_status spaces_next_references(struct spaces *spaces, const struct spaces_stretch *stretch,
					 struct trace_error *error)
{
	struct spaces_stretch part = *stretch;
	size_t left = stretch->count;
	enum trace_status status = TRACE_OK;

	while (left > 0 && status == TRACE_OK) {
		uint64_t room = spaces->sample_next - spaces->passed;

		part.count = room < left ? (size_t)room : left;
		status = spaces_feed(spaces, &part, error);
		part.first += part.count;
		left -= part.count;
		if (status == TRACE_OK && spaces->passed == spaces->sample_next) {
			spaces->sample_next += spaces->sample_every;
			status = take_sample(spaces, error);
		}
	}
	return status;
}

enum trace_status spaces_end(struct spaces *spaces, struct trace_error *error)
{
	enum trace_status status = take_sample(spaces, error);

	spaces->watch = NULL;
	return status;
}

/* --- The whole trace ------------------------------------------------------------------------------------------------------ */

static enum trace_status do_events(struct spaces *spaces, uint64_t until, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;
	struct event event;

	while (spaces->events < until && status == TRACE_OK) {
		status = flt_reader_next(spaces->options.reader, &event, error);
		if (status == TRACE_OK)
			status = spaces_next_event(spaces, &event, error);
	}
	return status;
}

/* TRACE_END: the end of the trace, or `until`, was reached. */
static enum trace_status do_batch(struct spaces *spaces, const struct access_batch *batch, uint64_t until,
				  struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	for (size_t run = 0; run < batch->runs && status == TRACE_OK; run++) {
		const struct spaces_stretch stretch = {.batch = batch,
						       .run = run,
						       .first = batch->run[run].first,
						       .count = batch->run[run].count};

		if (batch->run[run].position > until)
			return TRACE_END;
		status = do_events(spaces, batch->run[run].position, error);
		if (status == TRACE_OK || status == TRACE_END)
			status = spaces_next_references(spaces, &stretch, error);
	}
	return status;
}

static enum trace_status rewind_trace(struct spaces *spaces, struct trace_error *error)
{
	struct flt_reader *reader = spaces->options.reader;
	enum trace_status status = TRACE_OK;

	if (spaces->tables.events > 0)
		status = flt_reader_seek(reader, 0, error);
	if (status == TRACE_OK && spaces->tables.accesses > 0)
		status = flt_reader_seek_accesses(reader, 0, error);
	return status;
}

enum trace_status spaces_run_until(struct spaces *spaces, const struct spaces_watch *watch, uint64_t event,
				   struct trace_error *error)
{
	struct access_batch batch;

	spaces_begin(spaces, watch);
	enum trace_status status = rewind_trace(spaces, error);

	while (status == TRACE_OK &&
	       (status = flt_reader_accesses(spaces->options.reader, &batch, error)) == TRACE_OK)
		status = do_batch(spaces, &batch, event, error);
	if (status == TRACE_END)
		status = do_events(spaces, event, error);
	if (status == TRACE_END || status == TRACE_OK)
		status = spaces_end(spaces, error);
	spaces->watch = NULL;
	return status;
}

enum trace_status spaces_run(struct spaces *spaces, const struct spaces_watch *watch,
			     struct trace_error *error)
{
	return spaces_run_until(spaces, watch, UINT64_MAX, error);
}
