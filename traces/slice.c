#include "config.h"

#include "traces/slice.h"

#include "traces/live_sets.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define UNMAPPED UINT32_MAX

struct slice {
	struct flt_reader *reader;
	struct flt_writer *writer;
	const struct flt_summary *summary;
	const struct slice_options *options;
	struct trace_error *error;
	struct live_sets names; /* by process and id of the trace: the id in the slice as label */
	uint32_t *thread;	/* by number in the trace: in the slice */
	uint32_t *process;
	uint32_t threads, processes;
	uint64_t objects;
};

static enum trace_status no_memory(const struct slice *slice)
{
	return trace_fail(slice->error, TRACE_NO_MEMORY, "not enough memory to slice a trace");
}

static enum trace_status map_process(struct slice *slice, uint32_t process)
{
	const struct flt_process *entry = &slice->summary->process[process];
	struct event_sink *sink = flt_writer_sink(slice->writer);
	uint32_t parent = UNMAPPED;

	if (slice->process[process] != UNMAPPED)
		return TRACE_OK;
	if (entry->parent < slice->summary->processes && entry->parent != process)
		parent = slice->process[entry->parent];
	slice->process[process] = slice->processes++;
	return sink->process(sink, slice->process[process],
			     parent == UNMAPPED ? slice->process[process] : parent, entry->os_id,
			     entry->command, slice->error);
}

static enum trace_status map_thread(struct slice *slice, uint32_t thread)
{
	const struct flt_thread *entry = &slice->summary->thread[thread];
	struct event_sink *sink = flt_writer_sink(slice->writer);

	if (slice->thread[thread] != UNMAPPED)
		return TRACE_OK;
	enum trace_status status = map_process(slice, entry->process);

	if (status != TRACE_OK)
		return status;
	slice->thread[thread] = slice->threads++;
	return sink->thread(sink, slice->thread[thread], slice->process[entry->process], entry->os_id,
			    entry->name, slice->error);
}

static bool remember(struct live_set *set, uint64_t id, uint64_t new_id)
{
	const struct live_object object = {.label = new_id};

	return live_set_insert(set, id, &object);
}

/* The slice's id of what the event ends; marks the event as foreign where the slice has not seen the object. */
static enum trace_status map_ended(struct slice *slice, struct live_set *set, struct event *event,
				   uint64_t *id)
{
	const struct live_object *known = *id ? live_set_find(set, *id) : NULL;
	const bool failed = event->flags & EVENT_FAILED;
	const uint64_t original = *id;

	if (!original)
		return TRACE_OK;
	if (known) {
		*id = known->label;
		return failed || live_set_remove(set, original) ? TRACE_OK : no_memory(slice);
	}
	event->flags |= EVENT_FOREIGN;
	*id = ++slice->objects;
	return !failed || remember(set, original, *id) ? TRACE_OK : no_memory(slice);
}

static enum trace_status map_objects(struct slice *slice, struct live_set *set, struct event *event)
{
	const unsigned carries = event_kind_carries(event->kind);
	enum trace_status status = TRACE_OK;

	event->flags &= (uint8_t)~EVENT_FOREIGN;
	if (carries & EVENT_RELEASES)
		status = map_ended(slice, set, event,
				   carries & EVENT_CREATES ? &event->old_object : &event->object);
	if (status != TRACE_OK || !(carries & EVENT_CREATES) || !event->object)
		return status;
	const uint64_t original = event->object;

	event->object = ++slice->objects;
	if (live_set_find(set, original))
		return trace_fail(slice->error, TRACE_BAD_INPUT, "object %" PRIu64 " is created twice",
				  original);
	return remember(set, original, event->object) ? TRACE_OK : no_memory(slice);
}

static enum trace_status map_life(struct slice *slice, struct live_set *set, struct event *event)
{
	if (event->kind == EVENT_EXEC || event->kind == EVENT_EXIT)
		live_set_clear(set);
	if (event->kind != EVENT_FORK)
		return TRACE_OK;
	const uint32_t child = (uint32_t)event->count;
	enum trace_status status = map_process(slice, child);

	if (status != TRACE_OK)
		return status;
	if (!live_sets_fork(&slice->names, event->process, child))
		return no_memory(slice);
	event->count = slice->process[child];
	return TRACE_OK;
}

static enum trace_status map_stack(struct slice *slice, struct event *event)
{
	size_t depth;
	const uint64_t *address = flt_reader_stack(slice->reader, event->stack, &depth);

	event->stack = 0;
	return depth ? flt_writer_stack(slice->writer, address, depth, &event->stack, slice->error)
		     : TRACE_OK;
}

static enum trace_status copy_event(struct slice *slice, struct event *event)
{
	struct live_set *set = live_sets_of(&slice->names, event->process);
	enum trace_status status = set ? map_thread(slice, event->thread) : no_memory(slice);

	if (status == TRACE_OK)
		status = map_objects(slice, set, event);
	if (status == TRACE_OK)
		status = map_life(slice, set, event);
	if (status == TRACE_OK && event->stack)
		status = map_stack(slice, event);
	if (status != TRACE_OK)
		return status;
	event->thread = slice->thread[event->thread];
	event->process = slice->process[event->process];
	return flt_writer_add(slice->writer, event, slice->error);
}

static bool chosen(const struct slice_options *options, uint32_t process, uint32_t thread)
{
	return (options->process == SLICE_ALL || options->process == process) &&
	       (options->thread == SLICE_ALL || options->thread == thread);
}

/* --- The live set at the beginning ---------------------------------------------------------------------------------- */

struct prologue {
	struct slice *slice;
	uint64_t time_ns;
	uint32_t process;
	uint32_t first_thread; /* of the process */
	enum trace_status status;
};

static bool copy_live(void *context, uint64_t id, const struct live_object *object)
{
	struct prologue *prologue = context;
	struct slice *slice = prologue->slice;
	const bool own = object->thread < slice->summary->threads &&
			 slice->summary->thread[object->thread].process == prologue->process;
	struct event event = {
	    .kind = EVENT_MALLOC,
	    .time_ns = prologue->time_ns,
	    .object = id,
	    .size = object->size_bytes,
	    .thread = own ? object->thread : prologue->first_thread,
	    .process = prologue->process,
	};

	if (chosen(slice->options, event.process, event.thread))
		prologue->status = copy_event(slice, &event);
	return prologue->status == TRACE_OK;
}

static uint32_t first_thread_of(const struct flt_summary *summary, uint32_t process)
{
	for (uint32_t i = 0; i < summary->threads; i++) {
		if (summary->thread[i].process == process)
			return i;
	}
	return UNMAPPED;
}

static enum trace_status copy_live_sets(struct slice *slice, uint64_t time_ns)
{
	struct live_sets sets = LIVE_SETS_EMPTY;
	struct prologue prologue = {.slice = slice, .time_ns = time_ns};
	enum trace_status status = flt_reader_live(slice->reader, slice->options->first, &sets, slice->error);

	for (uint32_t i = 0; i < sets.processes && status == TRACE_OK; i++) {
		prologue.process = i;
		prologue.first_thread = first_thread_of(slice->summary, i);
		if (prologue.first_thread != UNMAPPED)
			(void)live_set_each(&sets.process[i], copy_live, &prologue);
		status = prologue.status;
	}
	live_sets_clear(&sets);
	return status;
}

/* --- The whole -------------------------------------------------------------------------------------------------------- */

static enum trace_status copy_events(struct slice *slice)
{
	const struct slice_options *options = slice->options;
	enum trace_status status = flt_reader_seek(slice->reader, options->first, slice->error);
	struct event event = {0};

	if (status == TRACE_OK && options->with_live) {
		status = flt_reader_next(slice->reader, &event, slice->error);
		if (status == TRACE_OK)
			status = copy_live_sets(slice, event.time_ns);
	}
	for (uint64_t i = options->first; i < options->end && status == TRACE_OK; i++) {
		status = flt_reader_next(slice->reader, &event, slice->error);
		if (status == TRACE_OK && chosen(options, event.process, event.thread))
			status = copy_event(slice, &event);
	}
	return status == TRACE_END ? TRACE_OK : status;
}

static bool start(struct slice *slice)
{
	slice->thread = malloc((slice->summary->threads + (size_t)1) * sizeof(*slice->thread));
	slice->process = malloc((slice->summary->processes + (size_t)1) * sizeof(*slice->process));
	if (!slice->thread || !slice->process)
		return false;
	memset(slice->thread, 0xff, slice->summary->threads * sizeof(*slice->thread));
	memset(slice->process, 0xff, slice->summary->processes * sizeof(*slice->process));
	return true;
}

enum trace_status slice_copy(struct flt_reader *reader, struct flt_writer *writer,
			     const struct slice_options *options, struct trace_error *error)
{
	struct slice slice = {.reader = reader, .writer = writer, .options = options, .error = error};

	slice.summary = flt_reader_summary(reader);
	if (options->process != SLICE_ALL && options->process >= slice.summary->processes)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "%s has %" PRIu32 " processes, there is no process %" PRIu64,
				  flt_reader_name(reader), slice.summary->processes, options->process);
	if (options->thread != SLICE_ALL && options->thread >= slice.summary->threads)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "%s has %" PRIu32 " threads, there is no thread %" PRIu64,
				  flt_reader_name(reader), slice.summary->threads, options->thread);
	enum trace_status status = start(&slice) ? copy_events(&slice) : no_memory(&slice);

	live_sets_clear(&slice.names);
	free(slice.thread);
	free(slice.process);
	return status;
}
