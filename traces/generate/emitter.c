#include "config.h"

#include "traces/generate/emitter.h"

#include <stdarg.h>
#include <stdio.h>

void emitter_create(struct emitter *emitter, struct event_sink *sink, const char *command,
		    struct trace_error *error)
{
	*emitter = (struct emitter){.sink = sink, .error = error};
	if (sink->process)
		emitter->status = sink->process(sink, 0, 0, 0, command, error);
}

bool emitter_goes_on(const struct emitter *emitter, uint64_t events)
{
	return emitter->status == TRACE_OK && emitter->events < events;
}

static void emit(struct emitter *emitter, struct event event)
{
	if (emitter->status != TRACE_OK)
		return;
	event.time_ns = emitter->time_ns;
	emitter->events++;
	emitter->status = emitter->sink->put(emitter->sink, &event, emitter->error);
}

uint32_t emitter_thread(struct emitter *emitter, const char *name)
{
	uint32_t thread = emitter->threads++;

	if (emitter->status == TRACE_OK && emitter->sink->thread)
		emitter->status =
		    emitter->sink->thread(emitter->sink, thread, 0, thread, name, emitter->error);
	emit(emitter, (struct event){.kind = EVENT_THREAD_START, .thread = thread});
	return thread;
}

void emitter_thread_exit(struct emitter *emitter, uint32_t thread)
{
	emit(emitter, (struct event){.kind = EVENT_THREAD_EXIT, .thread = thread});
}

uint64_t emitter_malloc(struct emitter *emitter, uint32_t thread, uint64_t bytes)
{
	uint64_t object = ++emitter->objects;

	emit(emitter,
	     (struct event){.kind = EVENT_MALLOC, .thread = thread, .object = object, .size = bytes});
	return object;
}

uint64_t emitter_realloc(struct emitter *emitter, uint32_t thread, uint64_t old_object, uint64_t bytes)
{
	uint64_t object = ++emitter->objects;

	emit(emitter, (struct event){.kind = EVENT_REALLOC,
				     .thread = thread,
				     .object = object,
				     .old_object = old_object,
				     .size = bytes});
	return object;
}

void emitter_free(struct emitter *emitter, uint32_t thread, uint64_t object)
{
	emit(emitter, (struct event){.kind = EVENT_FREE, .thread = thread, .object = object});
}

void emitter_marker(struct emitter *emitter, uint32_t thread, uint64_t number)
{
	emit(emitter, (struct event){.kind = EVENT_MARKER, .thread = thread, .size = number});
}

void emitter_switch(struct emitter *emitter, uint32_t thread, uint64_t processor)
{
	emit(emitter, (struct event){.kind = EVENT_SWITCH, .thread = thread, .count = processor});
}

void emitter_snapshot(struct emitter *emitter, uint32_t thread, const char *name, const void *bytes,
		      size_t length)
{
	const struct event_snapshot snapshot = {.name = name, .bytes = bytes, .length = length};
	uint32_t number = 0;

	if (emitter->status != TRACE_OK || !emitter->sink->snapshot)
		return;
	emitter->status = emitter->sink->snapshot(emitter->sink, &snapshot, &number, emitter->error);
	emit(emitter, (struct event){.kind = EVENT_SNAPSHOT, .thread = thread, .count = number});
}

void emitter_page_alloc(struct emitter *emitter, uint32_t thread, const struct event_kernel *kernel,
			bool failed)
{
	struct event event = {.kind = EVENT_PAGE_ALLOC, .thread = thread, .kernel = *kernel};

	if (emitter->status == TRACE_OK && emitter->gfp == 0 && emitter->sink->name)
		emitter->status = emitter->sink->name(emitter->sink, EVENT_NAMES_GFP, "GFP_HIGHUSER_MOVABLE",
						      &emitter->gfp, emitter->error);
	event.kernel.gfp = emitter->gfp;
	event.flags = failed ? EVENT_FAILED : 0;
	emit(emitter, event);
}

void emitter_page_free(struct emitter *emitter, uint32_t thread, const struct event_kernel *kernel)
{
	emit(emitter, (struct event){.kind = EVENT_PAGE_FREE, .thread = thread, .kernel = *kernel});
}

void emitter_fail(struct emitter *emitter, enum trace_status status, const char *format, ...)
{
	char sentence[512];
	va_list arguments;

	if (emitter->status != TRACE_OK)
		return;
	va_start(arguments, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	emitter->status = trace_fail(emitter->error, status, "%s", sentence);
}
