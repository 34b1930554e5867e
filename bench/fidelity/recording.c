#include "config.h"

#include "bench/fidelity/recording.h"

#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX ((uint64_t)1 << 24)

static enum trace_status read_events(struct recording *recording, struct trace_error *error)
{
	uint64_t count = recording->summary->events;

	if (count > EVENTS_MAX)
		return trace_fail(error, TRACE_BAD_INPUT, "%s has %llu events; at most 2^24 can be compared",
				  flt_reader_name(recording->reader), (unsigned long long)count);
	recording->event = calloc(count + 1, sizeof(*recording->event));
	if (!recording->event)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for %llu events",
				  (unsigned long long)count);
	while (recording->events < count) {
		enum trace_status status =
		    flt_reader_next(recording->reader, &recording->event[recording->events], error);
		if (status != TRACE_OK)
			return status;
		recording->events++;
	}
	return TRACE_OK;
}

enum trace_status recording_open(struct recording *recording, const char *path, struct trace_error *error)
{
	enum trace_status status;

	*recording = (struct recording){0};
	status = flt_reader_open(&recording->reader, path, error);
	if (status != TRACE_OK)
		return status;
	recording->summary = flt_reader_summary(recording->reader);
	status = read_events(recording, error);
	if (status != TRACE_OK)
		recording_close(recording);
	return status;
}

void recording_close(struct recording *recording)
{
	free(recording->event);
	if (recording->reader)
		flt_reader_close(recording->reader);
	*recording = (struct recording){0};
}

uint64_t recording_begin(const struct recording *recording, uint32_t process)
{
	uint64_t begin = RECORDING_NONE;

	for (uint64_t i = 0; i < recording->events; i++) {
		const struct event *event = &recording->event[i];
		bool executed = event->kind == EVENT_EXEC && !(event->flags & EVENT_FAILED);
		if (event->process == process && (begin == RECORDING_NONE || executed))
			begin = i;
	}
	return begin;
}

uint64_t recording_thread(const struct recording *recording, uint32_t process)
{
	for (uint32_t i = 0; i < recording->summary->threads; i++) {
		if (recording->summary->thread[i].process == process)
			return i;
	}
	return RECORDING_NONE;
}

static bool has_event(const struct recording *recording, uint32_t process, uint8_t kind)
{
	for (uint64_t i = 0; i < recording->events; i++) {
		const struct event *event = &recording->event[i];
		if (event->process == process && event->kind == kind && !(event->flags & EVENT_FAILED))
			return true;
	}
	return false;
}

bool recording_executes(const struct recording *recording, uint32_t process)
{
	return has_event(recording, process, EVENT_EXEC);
}

bool recording_ends(const struct recording *recording, uint32_t process)
{
	return has_event(recording, process, EVENT_EXIT);
}

static char *find(const struct recording *recording, uint32_t process, const char *name, bool last)
{
	uint64_t begin = recording_begin(recording, process);
	struct event_snapshot found = {0};

	for (uint64_t i = begin; i < recording->events; i++) {
		const struct event *event = &recording->event[i];
		struct event_snapshot snapshot;
		struct trace_error error;
		if (event->process != process || event->kind != EVENT_SNAPSHOT ||
		    flt_reader_snapshot(recording->reader, (uint32_t)event->count, &snapshot, &error) !=
			TRACE_OK ||
		    strcmp(snapshot.name, name) != 0)
			continue;
		found = snapshot;
		if (!last)
			break;
	}
	return found.bytes ? strndup(found.bytes, found.length) : NULL;
}

char *recording_first(const struct recording *recording, uint32_t process, const char *name)
{
	return find(recording, process, name, false);
}

char *recording_last(const struct recording *recording, uint32_t process, const char *name)
{
	return find(recording, process, name, true);
}
