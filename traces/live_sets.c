#include "config.h"

#include "traces/live_sets.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void live_sets_clear(struct live_sets *sets)
{
	for (uint32_t i = 0; i < sets->processes; i++)
		live_set_clear(&sets->process[i]);
	free(sets->process);
	*sets = (struct live_sets)LIVE_SETS_EMPTY;
}

struct live_set *live_sets_of(struct live_sets *sets, uint32_t process)
{
	if (process >= sets->capacity) {
		const uint32_t wanted = (process + 1) * 2;
		struct live_set *larger = realloc(sets->process, wanted * sizeof(*larger));

		if (!larger)
			return NULL;
		memset(larger + sets->capacity, 0, (wanted - sets->capacity) * sizeof(*larger));
		sets->process = larger;
		sets->capacity = wanted;
	}
	if (process >= sets->processes)
		sets->processes = process + 1;
	return &sets->process[process];
}

bool live_sets_fork(struct live_sets *sets, uint32_t parent, uint32_t child)
{
	if (!live_sets_of(sets, parent > child ? parent : child))
		return false;
	if (parent == child)
		return true;
	live_set_clear(&sets->process[child]);
	live_set_share(&sets->process[child], &sets->process[parent]);
	return true;
}

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the trace's live set");
}

static enum trace_status impossible(const struct event *event, uint64_t id, const char *what,
				    struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT, "a %s in process %" PRIu32 " %s object %" PRIu64,
			  event_kind_name(event->kind), event->process, what, id);
}

static enum trace_status insert(struct live_set *set, const struct event *event, uint64_t id,
				struct trace_error *error)
{
	const bool foreign = id != event->object;
	const struct live_object object = {.size_bytes = foreign ? 0 : event->size, .thread = event->thread};

	if (live_set_find(set, id))
		return impossible(event, id, "creates the living", error);
	return live_set_insert(set, id, &object) ? TRACE_OK : no_memory(error);
}

static enum trace_status release(struct live_set *set, const struct event *event, struct trace_error *error)
{
	const bool failed = event->flags & EVENT_FAILED;
	const uint64_t id = event->kind == EVENT_REALLOC ? event->old_object : event->object;

	if (event->flags & EVENT_FOREIGN)
		return failed ? insert(set, event, id, error) : TRACE_OK;
	if (!id || failed)
		return TRACE_OK;
	if (!live_set_find(set, id))
		return impossible(event, id, "ends the dead", error);
	return live_set_remove(set, id) ? TRACE_OK : no_memory(error);
}

enum trace_status live_sets_apply(struct live_sets *sets, const struct event *event,
				  struct trace_error *error)
{
	const unsigned carries = event_kind_carries(event->kind);
	struct live_set *set = live_sets_of(sets, event->process);
	enum trace_status status = TRACE_OK;

	if (!set)
		return no_memory(error);
	if (carries & EVENT_RELEASES)
		status = release(set, event, error);
	if (status == TRACE_OK && (carries & EVENT_CREATES) && event->object)
		status = insert(set, event, event->object, error);
	if (event->kind == EVENT_EXIT || (event->kind == EVENT_EXEC && !(event->flags & EVENT_FAILED)))
		live_set_clear(set);
	if (event_copies_memory(event) && !live_sets_fork(sets, event->process, (uint32_t)event->count))
		return no_memory(error);
	return status;
}
