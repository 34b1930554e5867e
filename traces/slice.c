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
	struct live_set seen;	/* the same of all processes, also of what has ended; only with references */
	uint32_t *thread;	/* by number in the trace: in the slice */
	uint32_t *process;
	uint32_t *file;		     /* by number in the trace - 1: in the slice, 0 = not there yet */
	uint32_t *region;	     /* the same */
	uint32_t *name[EVENT_NAMES]; /* the same */
	uint32_t threads, processes;
	uint32_t next_region; /* of the trace: those before it were made by events before the next one */
	uint64_t objects;
	uint64_t events; /* of the slice so far */
	struct access_batch batch;
	size_t run; /* of the batch: the next */
	bool has_accesses;
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

static bool remember(struct slice *slice, struct live_set *set, uint64_t id, uint64_t new_id)
{
	const struct live_object object = {.label = new_id};

	if (slice->has_accesses && !live_set_find(&slice->seen, id) &&
	    !live_set_insert(&slice->seen, id, &object))
		return false;
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
	return !failed || remember(slice, set, original, *id) ? TRACE_OK : no_memory(slice);
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
	return remember(slice, set, original, event->object) ? TRACE_OK : no_memory(slice);
}

static enum trace_status map_life(struct slice *slice, struct live_set *set, struct event *event)
{
	if ((event->kind == EVENT_EXEC && !(event->flags & EVENT_FAILED)) || event->kind == EVENT_EXIT)
		live_set_clear(set);
	if (!event_makes_child(event))
		return TRACE_OK;
	const uint32_t child = (uint32_t)event->count;
	enum trace_status status = map_process(slice, child);

	if (status != TRACE_OK)
		return status;
	if (event_copies_memory(event) && !live_sets_fork(&slice->names, event->process, child))
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

static enum trace_status map_file(struct slice *slice, uint32_t *file)
{
	uint32_t *mapped = *file ? &slice->file[*file - 1] : NULL;
	enum trace_status status = TRACE_OK;

	if (!mapped)
		return TRACE_OK;
	if (!*mapped)
		status =
		    flt_writer_file(slice->writer, &slice->summary->file[*file - 1], mapped, slice->error);
	*file = *mapped;
	return status;
}

/* A name's number becomes that of the slice. */
static enum trace_status map_name(struct slice *slice, enum event_names table, uint32_t *number)
{
	uint32_t *mapped = *number ? &slice->name[table][*number - 1] : NULL;
	enum trace_status status = TRACE_OK;

	if (!mapped)
		return TRACE_OK;
	if (!*mapped)
		status = flt_writer_name(slice->writer, table, slice->summary->name[table][*number - 1],
					 mapped, slice->error);
	*number = *mapped;
	return status;
}

static enum trace_status map_snapshot(struct slice *slice, struct event *event)
{
	struct event_snapshot snapshot;
	uint32_t number = 0;
	enum trace_status status =
	    flt_reader_snapshot(slice->reader, (uint32_t)event->count, &snapshot, slice->error);

	if (status == TRACE_OK)
		status = flt_writer_snapshot(slice->writer, &snapshot, &number, slice->error);
	event->count = number;
	return status;
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
	if (status == TRACE_OK)
		status = map_file(slice, &event->call.file);
	if (status == TRACE_OK)
		status = map_name(slice, EVENT_NAMES_GFP, &event->kernel.gfp);
	if (status == TRACE_OK)
		status = map_name(slice, EVENT_NAMES_CACHE, &event->kernel.cache);
	if (status == TRACE_OK && event->kind == EVENT_SNAPSHOT)
		status = map_snapshot(slice, event);
	if (status != TRACE_OK)
		return status;
	event->thread = slice->thread[event->thread];
	event->process = slice->process[event->process];
	slice->events++;
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

/* --- Regions and references ----------------------------------------------------------------------------------------- */

/* Enters a region; `event` is the position in the slice of what made it, UINT64_MAX where that is not there. */
static enum trace_status map_region(struct slice *slice, uint32_t number, uint64_t event)
{
	struct event_region region = slice->summary->region[number - 1];
	enum trace_status status = map_process(slice, region.process);

	region.process = slice->process[region.process];
	region.event = event;
	if (status == TRACE_OK && region.thread)
		status = map_thread(slice, region.thread);
	if (region.thread)
		region.thread = slice->thread[region.thread];
	if (status == TRACE_OK)
		status = map_file(slice, &region.file);
	return status == TRACE_OK
		   ? flt_writer_region(slice->writer, &region, &slice->region[number - 1], slice->error)
		   : status;
}

/* Event `position` of the trace has become event `event` of the slice: so have the regions that it made. */
static enum trace_status map_made_regions(struct slice *slice, uint64_t position, uint64_t event)
{
	const struct flt_summary *summary = slice->summary;
	enum trace_status status = TRACE_OK;

	while (slice->next_region < summary->regions && status == TRACE_OK) {
		const struct event_region *region = &summary->region[slice->next_region];

		if (region->event > position && region->event != UINT64_MAX)
			break;
		slice->next_region++;
		if (region->event == position)
			status = map_region(slice, slice->next_region, event);
	}
	return status;
}

/* False where the slice has not seen what the reference names. */
static bool map_base(struct slice *slice, struct access *access, enum trace_status *status)
{
	const struct live_object *object;

	switch (access->place) {
	case ACCESS_OBJECT:
		object = live_set_find(&slice->seen, access->base);
		access->base = object ? object->label : 0;
		return object != NULL;
	case ACCESS_STACK:
		*status = map_thread(slice, (uint32_t)access->base);
		access->base = slice->thread[access->base];
		return true;
	case ACCESS_REGION:
		if (!slice->region[access->base - 1])
			*status = map_region(slice, (uint32_t)access->base, UINT64_MAX);
		access->base = slice->region[access->base - 1];
		return true;
	default:
		return true;
	}
}

static enum trace_status copy_run(struct slice *slice, const struct access_run *run)
{
	uint64_t missing = run->skipped;
	enum trace_status status = map_thread(slice, run->thread);
	struct access chunk[256];
	size_t used = 0;

	for (uint32_t i = 0; i < run->count && status == TRACE_OK; i++) {
		access_of_batch(&slice->batch, run->first + i, &chunk[used]);
		if (map_base(slice, &chunk[used], &status))
			used++;
		else
			missing++;
		if (status == TRACE_OK && (used == sizeof(chunk) / sizeof(chunk[0]) || i + 1 == run->count)) {
			if (missing)
				status = flt_writer_accesses_skipped(
				    slice->writer, slice->thread[run->thread], missing, slice->error);
			if (status == TRACE_OK)
				status = flt_writer_accesses(slice->writer, slice->thread[run->thread], chunk,
							     used, slice->error);
			missing = used = 0;
		}
	}
	return status;
}

/* Copies the references that stand before event `position`. Those before event `from` are passed over. */
static enum trace_status copy_accesses(struct slice *slice, uint64_t from, uint64_t position)
{
	enum trace_status status = TRACE_OK;

	while (status == TRACE_OK && slice->has_accesses) {
		if (slice->run == slice->batch.runs) {
			slice->run = 0;
			status = flt_reader_accesses(slice->reader, &slice->batch, slice->error);
			slice->has_accesses = status == TRACE_OK;
			continue;
		}
		const struct access_run *run = &slice->batch.run[slice->run];

		if (run->position > position)
			return TRACE_OK;
		if (run->position >= from &&
		    chosen(slice->options, slice->summary->thread[run->thread].process, run->thread))
			status = copy_run(slice, run);
		slice->run++;
	}
	return status == TRACE_END ? TRACE_OK : status;
}

/* --- The whole -------------------------------------------------------------------------------------------------------- */

static enum trace_status copy_events(struct slice *slice)
{
	const struct slice_options *options = slice->options;
	enum trace_status status = flt_reader_seek(slice->reader, options->first, slice->error);
	struct event event = {0};

	if (status == TRACE_OK && slice->has_accesses)
		status = flt_reader_seek_accesses(slice->reader, options->first, slice->error);
	if (status == TRACE_OK && options->with_live) {
		status = flt_reader_next(slice->reader, &event, slice->error);
		if (status == TRACE_OK)
			status = copy_live_sets(slice, event.time_ns);
	}
	for (uint64_t i = options->first; i < options->end && status == TRACE_OK; i++) {
		status = copy_accesses(slice, options->first, i);
		if (status == TRACE_OK)
			status = flt_reader_next(slice->reader, &event, slice->error);
		if (status != TRACE_OK || !chosen(options, event.process, event.thread))
			continue;
		status = copy_event(slice, &event);
		if (status == TRACE_OK)
			status = map_made_regions(slice, i, slice->events - 1);
	}
	if (status == TRACE_END || (status == TRACE_OK && options->end >= slice->summary->events))
		status = copy_accesses(slice, options->first, UINT64_MAX);
	return status;
}

static bool start(struct slice *slice)
{
	slice->thread = malloc((slice->summary->threads + (size_t)1) * sizeof(*slice->thread));
	slice->process = malloc((slice->summary->processes + (size_t)1) * sizeof(*slice->process));
	slice->file = calloc(slice->summary->files + (size_t)1, sizeof(*slice->file));
	slice->region = calloc(slice->summary->regions + (size_t)1, sizeof(*slice->region));
	slice->has_accesses = slice->summary->accesses > 0;
	for (unsigned table = 0; table < EVENT_NAMES; table++) {
		slice->name[table] =
		    calloc(slice->summary->names[table] + (size_t)1, sizeof(*slice->name[table]));
		if (!slice->name[table])
			return false;
	}
	if (!slice->thread || !slice->process || !slice->file || !slice->region)
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
	enum trace_status status = start(&slice) ? TRACE_OK : no_memory(&slice);

	if (status == TRACE_OK)
		status = copy_events(&slice);

	live_sets_clear(&slice.names);
	live_set_clear(&slice.seen);
	for (unsigned table = 0; table < EVENT_NAMES; table++)
		free(slice.name[table]);
	free(slice.file);
	free(slice.region);
	free(slice.thread);
	free(slice.process);
	return status;
}
