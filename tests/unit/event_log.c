#include "config.h"

#include "tests/unit/event_log.h"

#include "traces/access.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void append(char **text, size_t *length, size_t *capacity, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void append(char **text, size_t *length, size_t *capacity, const char *format, ...)
{
	va_list arguments;
	int added;

	if (*capacity - *length < 512) {
		*capacity = *capacity * 2 + 4096;
		*text = realloc(*text, *capacity);
		if (!*text)
			abort();
	}
	va_start(arguments, format);
	added = vsnprintf(*text + *length, *capacity - *length, format, arguments);
	va_end(arguments);
	if (added < 0 || (size_t)added >= *capacity - *length)
		abort();
	*length += (size_t)added;
}

#define LOG(...) append(&log->text, &log->length, &log->capacity, __VA_ARGS__)
#define CAST(...) append(&log->cast, &log->cast_length, &log->cast_capacity, __VA_ARGS__)

static void log_call(struct event_log *log, const struct event *event)
{
	const struct event_call *call = &event->call;
	const struct {
		const char *name;
		uint64_t value;
	} fields[] = {
	    {"address", call->address},	      {"length", call->length},
	    {"new_length", call->new_length}, {"new_address", call->new_address},
	    {"offset", call->offset},	      {"protection", call->protection},
	    {"flags", call->flags},	      {"file", call->file},
	    {"result", call->result},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].value)
			LOG(" %s=0x%" PRIx64, fields[i].name, fields[i].value);
	}
}

static void log_kernel(struct event_log *log, const struct event *event)
{
	const struct event_kernel *kernel = &event->kernel;
	const struct {
		const char *name;
		uint64_t value;
	} fields[] = {
	    {"frame", kernel->frame},	    {"pages", kernel->pages},	     {"address", kernel->address},
	    {"bytes", kernel->bytes},	    {"granted", kernel->granted},    {"gfp", kernel->gfp},
	    {"cache", kernel->cache},	    {"node", kernel->node},	     {"order", kernel->order},
	    {"type", kernel->migrate_type}, {"from", kernel->fallback_type}, {"of", kernel->fallback_order},
	    {"flags", kernel->flags},	    {"code", kernel->code},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].value)
			LOG(" %s=0x%" PRIx64, fields[i].name, fields[i].value);
	}
	if ((event_kind_carries(event->kind) & EVENT_HAS_KERNEL) && event->count)
		LOG(" x%" PRIu64, event->count);
}

static void log_fields(struct event_log *log, const struct event *event)
{
	switch (event->kind) {
	case EVENT_MALLOC:
		LOG(" %" PRIu64 " %" PRIu64, event->object, event->size);
		break;
	case EVENT_CALLOC:
		LOG(" %" PRIu64 " %" PRIu64 " x%" PRIu64, event->object, event->size, event->count);
		break;
	case EVENT_REALLOC:
		LOG(" %" PRIu64 " <%" PRIu64 " %" PRIu64, event->object, event->old_object, event->size);
		break;
	case EVENT_MEMALIGN:
		LOG(" %" PRIu64 " %" PRIu64 " @%" PRIu64, event->object, event->size, event->alignment);
		break;
	case EVENT_FREE:
		LOG(" %" PRIu64, event->object);
		break;
	case EVENT_MARKER:
		LOG(" %" PRIu64, event->size);
		break;
	case EVENT_FORK:
	case EVENT_VFORK:
	case EVENT_CLONE:
	case EVENT_SWITCH:
		LOG(" %" PRIu64, event->count);
		break;
	case EVENT_EXIT:
		if (event->size)
			LOG(" %" PRIu64, event->size);
		break;
	case EVENT_SNAPSHOT:
		LOG(" %" PRIu64 " %s", event->count, log->snapshot);
		break;
	default:
		break;
	}
	log_call(log, event);
	log_kernel(log, event);
}

static enum trace_status log_put(struct event_sink *sink, const struct event *event,
				 struct trace_error *error)
{
	struct event_log *log = (struct event_log *)sink;

	if (++log->events == log->refuse_at)
		return trace_fail(error, TRACE_IO, "the log is full");
	if (event->thread || event->process)
		LOG("[%" PRIu32 ".%" PRIu32 "] ", event->process, event->thread);
	LOG("%s", event_kind_name(event->kind));
	log_fields(log, event);
	if (event->time_ns)
		LOG(" at %" PRIu64, event->time_ns);
	LOG("%s%s\n", event->flags & EVENT_FAILED ? " failed" : "",
	    event->flags & EVENT_FOREIGN ? " foreign" : "");
	return TRACE_OK;
}

static enum trace_status log_thread(struct event_sink *sink, uint32_t thread, uint32_t process,
				    uint64_t os_id, const char *name, struct trace_error *error)
{
	struct event_log *log = (struct event_log *)sink;

	(void)error;
	CAST("thread %" PRIu32 " of %" PRIu32 " id %" PRIu64 "%s%s\n", thread, process, os_id,
	     name ? " " : "", name ? name : "");
	return TRACE_OK;
}

static enum trace_status log_process(struct event_sink *sink, uint32_t process, uint32_t parent,
				     uint64_t os_id, const char *command, struct trace_error *error)
{
	struct event_log *log = (struct event_log *)sink;

	(void)error;
	(void)parent;
	CAST("process %" PRIu32 " id %" PRIu64 "%s%s\n", process, os_id, command ? " " : "",
	     command ? command : "");
	return TRACE_OK;
}

static enum trace_status log_file(struct event_sink *sink, const struct event_file *file, uint32_t *number,
				  struct trace_error *error)
{
	struct event_log *log = (struct event_log *)sink;

	(void)error;
	*number = ++log->files;
	CAST("file %" PRIu32 " %s\n", *number, file->path);
	return TRACE_OK;
}

static enum trace_status log_snapshot(struct event_sink *sink, const struct event_snapshot *snapshot,
				      uint32_t *number, struct trace_error *error)
{
	struct event_log *log = (struct event_log *)sink;

	(void)error;
	*number = ++log->snapshots;
	(void)snprintf(log->snapshot, sizeof(log->snapshot), "%s %zu", snapshot->name, snapshot->length);
	return TRACE_OK;
}

/* Names are told in the cast, and numbered without a look whether they are known. */
static enum trace_status log_name(struct event_sink *sink, enum event_names table, const char *text,
				  uint32_t *number, struct trace_error *error)
{
	struct event_log *log = (struct event_log *)sink;

	(void)error;
	*number = ++log->names;
	CAST("%s %" PRIu32 " %s\n", table == EVENT_NAMES_GFP ? "gfp" : "cache", *number, text);
	return TRACE_OK;
}

void event_log_create(struct event_log *log)
{
	*log = (struct event_log){.sink = {.put = log_put,
					   .thread = log_thread,
					   .process = log_process,
					   .file = log_file,
					   .snapshot = log_snapshot,
					   .name = log_name}};
	LOG("%s", "");
	CAST("%s", "");
}

static enum trace_status log_region(struct event_sink *sink, const struct event_region *region,
				    uint32_t *number, struct trace_error *error)
{
	struct event_log *log = (struct event_log *)sink;

	(void)error;
	*number = ++log->regions;
	LOG("region %" PRIu32 " %s %" PRIx64 "+%" PRIx64 " file %" PRIu32 "\n", *number,
	    event_region_kind_name(region->kind), region->address, region->length, region->file);
	return TRACE_OK;
}

static enum trace_status log_accesses(struct event_sink *sink, uint32_t thread, const struct access *access,
				      size_t count, struct trace_error *error)
{
	struct event_log *log = (struct event_log *)sink;

	(void)error;
	for (size_t i = 0; i < count; i++) {
		if (thread != 0)
			LOG("[%" PRIu32 "] ", thread);
		LOG("%s%s %s %" PRIu64 "%+" PRId64 " %u\n", access[i].kind & ACCESS_KERNEL ? "kernel " : "",
		    access_kind_name(access[i].kind), access_place_name(access[i].place), access[i].base,
		    (int64_t)access[i].offset, access[i].size);
	}
	return TRACE_OK;
}

void event_log_references(struct event_log *log)
{
	log->sink.region = log_region;
	log->sink.accesses = log_accesses;
}

void event_log_skipped(struct event_log *log, uint32_t thread, uint64_t count)
{
	LOG("[%" PRIu32 "] left out %" PRIu64 "\n", thread, count);
}

void event_log_destroy(struct event_log *log)
{
	free(log->text);
	free(log->cast);
}
