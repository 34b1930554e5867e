#include "config.h"

#include "traces/record/machine_merge.h"
#include "traces/grown_array.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the machine's threads");
}

bool machine_merge_start(struct machine_merge *merge, struct event_sink *sink, const struct machine_log *log)
{
	*merge = (struct machine_merge){.sink = sink, .lanes = log->lanes};
	roster_create(&merge->roster, sink);
	merge->lane = calloc(log->lanes, sizeof(*merge->lane));
	if (!merge->lane)
		return false;
	for (size_t i = 0; i < log->lanes; i++)
		machine_cursor_start(&merge->lane[i].cursor, log, (uint32_t)i);
	return true;
}

void machine_merge_end(struct machine_merge *merge)
{
	roster_destroy(&merge->roster);
	number_map_clear(&merge->index);
	free(merge->lane);
	free(merge->thread);
	*merge = (struct machine_merge){0};
}

/* --- Threads ------------------------------------------------------------------------------------------------------------ */

/* A processor's idle thread has the system's number 0, as those of all others. */
static uint64_t key_of(uint32_t thread_id, uint32_t cpu)
{
	return thread_id ? thread_id + UINT64_C(1) : UINT64_C(1) + ((cpu + UINT64_C(1)) << 32);
}

/* The thread with this key, new where there was none; NULL: no memory. */
static struct machine_thread *thread_of(struct machine_merge *merge, uint64_t key)
{
	const uint64_t index = number_map_get(&merge->index, key);
	struct machine_thread *larger;
	uint64_t previous;

	if (index)
		return &merge->thread[index - 1];
	larger = grown_array(merge->thread, merge->threads, &merge->capacity, sizeof(*larger));
	if (!larger)
		return NULL;
	merge->thread = larger;
	if (!number_map_put(&merge->index, key, merge->threads + 1, &previous))
		return NULL;
	merge->thread[merge->threads] = (struct machine_thread){.number = UINT32_MAX};
	return &merge->thread[merge->threads++];
}

static void rename_thread(struct machine_thread *thread, const char *name)
{
	(void)snprintf(thread->name, sizeof(thread->name), "%s", name);
	thread->renamed = true;
}

bool machine_merge_know(struct machine_merge *merge, uint32_t process_id, uint32_t thread_id,
			const char *name)
{
	struct machine_thread *thread = thread_of(merge, key_of(thread_id, 0));

	if (!thread)
		return false;
	thread->process_id = process_id;
	rename_thread(thread, name);
	return true;
}

/* A new thread, or the first of a new process; its parent's name is its own until it takes another. */
static enum trace_status put_birth(struct machine_merge *merge, const struct machine_record *record,
				   struct trace_error *error)
{
	const uint64_t key = key_of(record->thread_id, record->cpu), parent = key_of(record->parent_id, 0);
	char name[MACHINE_NAME_BYTES] = "";
	struct machine_thread *thread;

	if (number_map_get(&merge->index, parent))
		memcpy(name, merge->thread[number_map_get(&merge->index, parent) - 1].name, sizeof(name));
	/* The number may have been another's. */
	(void)number_map_take(&merge->index, key);
	if (record->process_id == record->thread_id)
		roster_end_process(&merge->roster, record->process_id);
	thread = thread_of(merge, key);
	if (!thread)
		return no_memory(error);
	thread->process_id = record->process_id;
	if (name[0])
		rename_thread(thread, name);
	return TRACE_OK;
}

static enum trace_status put_name(struct machine_merge *merge, const struct machine_record *record,
				  struct trace_error *error)
{
	struct machine_thread *thread = thread_of(merge, key_of(record->thread_id, record->cpu));

	if (!thread)
		return no_memory(error);
	rename_thread(thread, record->name);
	return TRACE_OK;
}

static enum trace_status announce(struct machine_merge *merge, struct machine_thread *thread,
				  const struct machine_record *who, const struct roster_place *place,
				  struct trace_error *error)
{
	struct event_sink *sink = merge->sink;
	enum trace_status status = TRACE_OK;

	thread->renamed = false;
	if (who->thread_id == 0)
		(void)snprintf(thread->name, sizeof(thread->name), "swapper/%" PRIu32, who->cpu);
	if (sink->thread)
		status =
		    sink->thread(sink, place->thread, place->process, who->thread_id, thread->name, error);
	if (status == TRACE_OK && sink->process && thread->process_id == who->thread_id)
		status = sink->process(sink, place->process, place->process, thread->process_id, thread->name,
				       error);
	return status;
}

/* Who did it, with a number in the trace. What ends has no process any more in its own words: then the last one known. */
static enum trace_status find(struct machine_merge *merge, const struct machine_record *who,
			      struct machine_thread **found, struct roster_place *place,
			      struct trace_error *error)
{
	struct machine_thread *thread = thread_of(merge, key_of(who->thread_id, who->cpu));
	enum trace_status status;

	*found = thread;
	if (!thread)
		return no_memory(error);
	if (who->kind != EVENT_SWITCH && who->process_id && who->process_id != UINT32_MAX)
		thread->process_id = who->process_id;
	if (!thread->process_id)
		thread->process_id = who->thread_id;
	/* The idle threads are one process's, under numbers that no thread has. */
	status = roster_find(&merge->roster, thread->process_id,
			     who->thread_id ? who->thread_id : key_of(0, who->cpu), place, error);
	if (status == TRACE_OK && (thread->renamed || thread->number != place->thread))
		status = announce(merge, thread, who, place, error);
	thread->number = place->thread;
	return status;
}

/* --- Events ------------------------------------------------------------------------------------------------------------- */

static enum trace_status put_switch(struct machine_merge *merge, const struct machine_record *who,
				    struct machine_thread *thread, const struct roster_place *place,
				    struct trace_error *error)
{
	const struct event event = {.kind = EVENT_SWITCH,
				    .time_ns = who->time_ns,
				    .count = who->cpu,
				    .thread = place->thread,
				    .process = place->process};

	thread->cpu = who->cpu + 1;
	merge->events++;
	return merge->sink->put(merge->sink, &event, error);
}

enum trace_status machine_merge_put(struct machine_merge *merge, const struct machine_record *who,
				    struct event *event, struct trace_error *error)
{
	struct machine_thread *thread;
	struct roster_place place;
	enum trace_status status = find(merge, who, &thread, &place, error);

	if (status == TRACE_OK && thread->cpu != who->cpu + 1)
		status = put_switch(merge, who, thread, &place, error);
	if (status != TRACE_OK)
		return status;
	event->time_ns = who->time_ns;
	event->thread = place.thread;
	event->process = place.process;
	merge->events++;
	return merge->sink->put(merge->sink, event, error);
}

static enum trace_status put_record(struct machine_merge *merge, const struct machine_record *record,
				    struct trace_error *error)
{
	struct event event = {
	    .kind = record->kind, .flags = record->flags, .count = record->count, .kernel = record->kernel};
	struct machine_thread *thread;
	struct roster_place place;
	enum trace_status status;

	if (record->kind == MACHINE_BIRTH)
		return put_birth(merge, record, error);
	if (record->kind == MACHINE_NAME)
		return put_name(merge, record, error);
	if (record->kind != EVENT_SWITCH)
		return machine_merge_put(merge, record, &event, error);
	status = find(merge, record, &thread, &place, error);
	return status == TRACE_OK ? put_switch(merge, record, thread, &place, error) : status;
}

/* --- Order -------------------------------------------------------------------------------------------------------------- */

/* Takes records until a few wait, each to its place among them. */
static void fill(struct machine_waiting *lane)
{
	struct machine_record next;

	if (lane->first) {
		memmove(lane->record, lane->record + lane->first, lane->count * sizeof(next));
		lane->first = 0;
	}
	while (!lane->ended && lane->count < MACHINE_WAITING) {
		size_t at = lane->count;

		if (!machine_cursor_next(&lane->cursor, &next)) {
			lane->ended = true;
			break;
		}
		for (; at > 0 && lane->record[at - 1].time_ns > next.time_ns; at--)
			lane->record[at] = lane->record[at - 1];
		lane->record[at] = next;
		lane->count++;
	}
}

/* The lane with the earliest record; NULL: there is none. */
static struct machine_waiting *earliest(struct machine_merge *merge)
{
	struct machine_waiting *best = NULL;

	for (size_t i = 0; i < merge->lanes; i++) {
		struct machine_waiting *lane = &merge->lane[i];

		/* Half of what waits has been put in order for good. */
		if (!lane->ended && lane->count <= MACHINE_WAITING / 2)
			fill(lane);
		if (lane->count &&
		    (!best || lane->record[lane->first].time_ns < best->record[best->first].time_ns))
			best = lane;
	}
	return best;
}

enum trace_status machine_merge_until(struct machine_merge *merge, uint64_t time_ns,
				      struct trace_error *error)
{
	struct machine_waiting *lane;
	enum trace_status status = TRACE_OK;

	while (status == TRACE_OK && (lane = earliest(merge)) &&
	       lane->record[lane->first].time_ns < time_ns) {
		status = put_record(merge, &lane->record[lane->first], error);
		lane->first++;
		lane->count--;
	}
	return status;
}

const char *machine_merge_check(const struct machine_merge *merge)
{
	for (size_t i = 0; i < merge->lanes; i++) {
		const struct machine_waiting *lane = &merge->lane[i];

		for (size_t at = 1; at < lane->count; at++) {
			if (lane->record[lane->first + at - 1].time_ns >
			    lane->record[lane->first + at].time_ns)
				return "I1: what a lane has waiting is in the order of times";
		}
	}
	return NULL;
}
