#include "config.h"

#include "traces/export/aosp.h"

#include "traces/export/thread_ids.h"
#include "traces/live_sets.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ADDRESS UINT64_C(0x10000)
#define LAST_ADDRESS (UINT64_C(1) << 63)
#define MIN_ALIGNMENT UINT64_C(16)
#define BUFFER_BYTES (1u << 16)
#define LINE_BYTES 256 /* more than the longest line */

struct aosp_writer {
	struct flt_reader *reader;
	struct flt_output *output;
	const struct flt_summary *summary;
	const struct aosp_export_options *options;
	struct aosp_export_losses *losses;
	struct trace_error *error;
	struct live_sets sets; /* of all processes; labels of the chosen one's objects are their addresses */
	struct thread_ids ids;
	uint64_t next_address;
	uint64_t position; /* of the event at hand */
	bool begun;	   /* the chosen process has had an event */
	size_t used;
	char buffer[BUFFER_BYTES];
};

static enum trace_status no_memory(const struct aosp_writer *writer)
{
	return trace_fail(writer->error, TRACE_NO_MEMORY, "not enough memory to export a trace");
}

static enum trace_status flush(struct aosp_writer *writer)
{
	enum trace_status status =
	    flt_output_write(writer->output, writer->buffer, writer->used, writer->error);

	writer->used = 0;
	return status;
}

/* Adds the printf-formatted text to the buffer. */
static void print(struct aosp_writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print(struct aosp_writer *writer, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	const int length = vsnprintf(writer->buffer + writer->used, LINE_BYTES, format, arguments);

	va_end(arguments);
	writer->used += (size_t)length;
}

static enum trace_status invent_address(struct aosp_writer *writer, const struct event *event,
					uint64_t *address)
{
	const uint64_t alignment = event->alignment > MIN_ALIGNMENT ? event->alignment : MIN_ALIGNMENT;
	const uint64_t start = (writer->next_address + alignment - 1) & ~(alignment - 1);

	if (alignment >= LAST_ADDRESS || start < writer->next_address || start >= LAST_ADDRESS ||
	    event->size > LAST_ADDRESS - start)
		return trace_fail(writer->error, TRACE_UNSUPPORTED,
				  "event %" PRIu64 ": the trace's sizes do not fit 2^63 bytes of addresses",
				  writer->position);
	*address = start;
	writer->next_address = start + (event->size ? event->size : 1);
	return TRACE_OK;
}

static enum trace_status create(struct aosp_writer *writer, const struct event *event, uint64_t *address)
{
	struct live_set *set = &writer->sets.process[event->process];
	enum trace_status status = invent_address(writer, event, address);
	const struct live_object object = {
	    .size_bytes = event->size, .thread = event->thread, .label = *address};

	if (status != TRACE_OK)
		return status;
	if (live_set_find(set, event->object))
		return trace_fail(writer->error, TRACE_BAD_INPUT,
				  "event %" PRIu64 " creates object %" PRIu64 " again", writer->position,
				  event->object);
	return live_set_insert(set, event->object, &object) ? TRACE_OK : no_memory(writer);
}

static enum trace_status end_foreign(struct aosp_writer *writer, const struct event *event, uint64_t *address)
{
	const struct event unknown = {.object =
					  event->kind == EVENT_REALLOC ? event->old_object : event->object,
				      .thread = event->thread,
				      .process = event->process};

	const struct live_object nameless = {.thread = event->thread};

	writer->losses->foreign++;
	if (!writer->options->skip_foreign)
		return event->flags & EVENT_FAILED ? create(writer, &unknown, address)
						   : invent_address(writer, &unknown, address);
	/* A label of 0: what later ends the object is left out too. */
	if ((event->flags & EVENT_FAILED) &&
	    !live_set_insert(&writer->sets.process[event->process], unknown.object, &nameless))
		return no_memory(writer);
	return TRACE_OK;
}

/* The address of what the event ends, 0 for NULL. */
static enum trace_status end(struct aosp_writer *writer, const struct event *event, uint64_t *address)
{
	const uint64_t id = event->kind == EVENT_REALLOC ? event->old_object : event->object;
	struct live_set *set = &writer->sets.process[event->process];

	*address = 0;
	if (!id)
		return TRACE_OK;
	if (event->flags & EVENT_FOREIGN)
		return end_foreign(writer, event, address);
	const struct live_object *object = live_set_find(set, id);

	if (!object)
		return trace_fail(writer->error, TRACE_BAD_INPUT,
				  "event %" PRIu64 " ends object %" PRIu64 ", which is not alive",
				  writer->position, id);
	*address = object->label;
	return (event->flags & EVENT_FAILED) || live_set_remove(set, id) ? TRACE_OK : no_memory(writer);
}

/* Elements and bytes of each; a product that overflowed is written as one that does. */
static void print_calloc(struct aosp_writer *writer, const struct event *event, uint64_t address)
{
	uint64_t count = event->count, each = count ? event->size / count : 0;

	if (event->size == UINT64_MAX && (event->flags & EVENT_FAILED)) {
		count = count > 1 ? count : 2;
		each = UINT64_MAX / count + 1;
	} else if (count * each != event->size) {
		count = 1;
		each = event->size;
	}
	print(writer, "calloc 0x%" PRIx64 " %" PRIu64 " %" PRIu64, address, count, each);
}

static void print_call(struct aosp_writer *writer, const struct event *event, uint64_t created,
		       uint64_t ended)
{
	const bool forgotten = !ended && event->old_object;

	switch (event->kind) {
	case EVENT_CALLOC:
		print_calloc(writer, event, created);
		break;
	case EVENT_MEMALIGN:
		print(writer, "memalign 0x%" PRIx64 " %" PRIu64 " %" PRIu64, created, event->alignment,
		      event->size);
		break;
	case EVENT_REALLOC:
		if (!forgotten) {
			print(writer, "realloc 0x%" PRIx64 " 0x%" PRIx64 " %" PRIu64, created, ended,
			      event->size);
			break;
		}
		/* fall through */
	case EVENT_MALLOC:
		print(writer, "malloc 0x%" PRIx64 " %" PRIu64, created, event->size);
		break;
	default:
		print(writer, "free 0x%" PRIx64, ended);
		break;
	}
}

static enum trace_status start_line(struct aosp_writer *writer, uint32_t thread)
{
	uint64_t id;

	if (writer->used > BUFFER_BYTES - 4 * LINE_BYTES) {
		enum trace_status status = flush(writer);

		if (status != TRACE_OK)
			return status;
	}
	if (!thread_ids_of(&writer->ids, thread, &id))
		return no_memory(writer);
	print(writer, "%" PRIu64 ": ", id);
	return TRACE_OK;
}

static void end_line(struct aosp_writer *writer, const struct event *event)
{
	if (!writer->summary->description.has_time)
		print(writer, "\n");
	else if (event->kind == EVENT_THREAD_EXIT)
		print(writer, " %" PRIu64 "\n", event->time_ns);
	else
		print(writer, " %" PRIu64 " %" PRIu64 "\n", event->time_ns, event->time_ns);
}

static enum trace_status write_heap(struct aosp_writer *writer, const struct event *event)
{
	const unsigned carries = event_kind_carries(event->kind);
	uint64_t created = 0, ended = 0;
	enum trace_status status = TRACE_OK;

	if (carries & EVENT_RELEASES)
		status = end(writer, event, &ended);
	if (status == TRACE_OK && (carries & EVENT_CREATES) && event->object)
		status = create(writer, event, &created);
	if (status != TRACE_OK)
		return status;
	writer->losses->sized_frees += event->kind == EVENT_FREE_SIZED;
	if (!(carries & EVENT_CREATES) && event->object && !ended)
		return TRACE_OK; /* a foreign free that is skipped */
	status = start_line(writer, event->thread);
	if (status != TRACE_OK)
		return status;
	print_call(writer, event, created, ended);
	end_line(writer, event);
	return TRACE_OK;
}

static enum trace_status write_thread_done(struct aosp_writer *writer, const struct event *event)
{
	enum trace_status status = start_line(writer, event->thread);

	if (status != TRACE_OK)
		return status;
	print(writer, "thread_done 0x0");
	end_line(writer, event);
	thread_ids_release(&writer->ids, event->thread);
	return TRACE_OK;
}

/* --- What a fork brought -------------------------------------------------------------------------------------------- */

struct inheritance {
	uint64_t *id;
	size_t ids;
};

static bool collect(void *context, uint64_t id, const struct live_object *object)
{
	struct inheritance *inheritance = context;

	(void)object;
	inheritance->id[inheritance->ids++] = id;
	return true;
}

static enum trace_status write_inherited(struct aosp_writer *writer, struct event *event)
{
	struct live_set *set = &writer->sets.process[event->process];
	uint64_t address;
	enum trace_status status;

	event->size = live_set_find(set, event->object)->size_bytes;
	status = invent_address(writer, event, &address);
	if (status == TRACE_OK && !live_set_label(set, event->object, address))
		status = no_memory(writer);
	if (status == TRACE_OK)
		status = start_line(writer, event->thread);
	if (status != TRACE_OK)
		return status;
	print_call(writer, event, address, 0);
	end_line(writer, event);
	writer->losses->inherited++;
	return TRACE_OK;
}

static enum trace_status write_inheritance(struct aosp_writer *writer, const struct event *first)
{
	const struct live_set *set = &writer->sets.process[first->process];
	struct inheritance inheritance = {.id = malloc((set->objects + 1) * sizeof(*inheritance.id))};
	enum trace_status status = TRACE_OK;

	if (!inheritance.id)
		return no_memory(writer);
	(void)live_set_each(set, collect, &inheritance);
	for (size_t i = 0; i < inheritance.ids && status == TRACE_OK; i++) {
		struct event event = {.kind = EVENT_MALLOC,
				      .time_ns = first->time_ns,
				      .object = inheritance.id[i],
				      .thread = first->thread,
				      .process = first->process};

		status = write_inherited(writer, &event);
	}
	free(inheritance.id);
	return status;
}

/* --- The whole -------------------------------------------------------------------------------------------------------- */

static enum trace_status write_event(struct aosp_writer *writer, const struct event *event)
{
	enum trace_status status = TRACE_OK;

	if (!live_sets_of(&writer->sets, event->process))
		return no_memory(writer);
	if (event->process != writer->options->process)
		return live_sets_apply(&writer->sets, event, writer->error);
	if (!writer->begun)
		status = write_inheritance(writer, event);
	writer->begun = true;
	if (status != TRACE_OK)
		return status;
	if (event_kind_carries(event->kind) & (EVENT_CREATES | EVENT_RELEASES))
		return write_heap(writer, event);
	if (event->kind == EVENT_THREAD_EXIT)
		return write_thread_done(writer, event);
	writer->losses->events_without_line++;
	return live_sets_apply(&writer->sets, event, writer->error);
}

static enum trace_status write_all(struct aosp_writer *writer)
{
	enum trace_status status = flt_reader_seek(writer->reader, 0, writer->error);
	struct event event;

	while (status == TRACE_OK) {
		status = flt_reader_next(writer->reader, &event, writer->error);
		if (status == TRACE_OK)
			status = write_event(writer, &event);
		writer->position++;
	}
	return status == TRACE_END ? flush(writer) : status;
}

enum trace_status aosp_export(struct flt_reader *reader, struct flt_output *output,
			      const struct aosp_export_options *options, struct aosp_export_losses *losses,
			      struct trace_error *error)
{
	const struct flt_summary *summary = flt_reader_summary(reader);
	struct aosp_writer *writer;
	enum trace_status status;

	*losses = (struct aosp_export_losses){0};
	if (options->process && options->process >= summary->processes)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "%s has %" PRIu32 " processes, there is no process %" PRIu64,
				  flt_reader_name(reader), summary->processes, options->process);
	writer = calloc(1, sizeof(*writer));
	if (!writer)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to export a trace");
	writer->reader = reader;
	writer->output = output;
	writer->summary = summary;
	writer->options = options;
	writer->losses = losses;
	writer->error = error;
	writer->next_address = FIRST_ADDRESS;
	status = thread_ids_start(&writer->ids, summary) ? write_all(writer) : no_memory(writer);
	thread_ids_end(&writer->ids);
	live_sets_clear(&writer->sets);
	free(writer);
	return trace_fail_in(error, status, flt_reader_name(reader));
}
