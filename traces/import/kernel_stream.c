#include "config.h"

#include "traces/import/kernel_stream.h"
#include "traces/grown_array.h"

#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 1024u
#define IDLE_IDS (UINT64_C(1) << 32) /* above all numbers that a system gives */

void kernel_stream_end(struct kernel_stream *stream)
{
	free(stream->cpu);
	*stream = (struct kernel_stream){0};
}

static enum trace_status number_name(struct importer *importer, enum event_names table, const char *text,
				     size_t length, uint32_t *number)
{
	struct event_sink *sink = importer->ledger.sink;
	char name[NAME_BYTES_MAX];

	*number = 0;
	if (!text || length == 0 || length >= sizeof(name) || !sink->name || memchr(text, '\0', length))
		return TRACE_OK;
	memcpy(name, text, length);
	name[length] = '\0';
	return sink->name(sink, table, name, number, importer->error);
}

/* The place in `cpu` of this thread; NULL: no memory. */
static uint32_t *cpu_of(struct kernel_stream *stream, uint32_t thread)
{
	uint32_t *larger = grown_array(stream->cpu, thread, &stream->threads, sizeof(*larger));

	if (!larger)
		return NULL;
	stream->cpu = larger;
	return &stream->cpu[thread];
}

static enum trace_status put_switch(struct kernel_stream *stream, struct importer *importer, uint32_t cpu,
				    const struct event *next)
{
	uint32_t *known = cpu_of(stream, next->thread);
	const struct event event = {.kind = EVENT_SWITCH,
				    .time_ns = next->time_ns,
				    .count = cpu,
				    .thread = next->thread,
				    .process = next->process};

	if (!known)
		return trace_fail(importer->error, TRACE_NO_MEMORY, "no memory for the file's threads");
	if (cpu >= EVENT_MAX_CPUS || *known == cpu + 1)
		return TRACE_OK;
	*known = cpu + 1;
	return importer_put(importer, &event);
}

static uint64_t since_start(struct kernel_stream *stream, uint64_t time_ns)
{
	if (!stream->begun)
		stream->first_ns = time_ns;
	stream->begun = true;
	if (time_ns > stream->first_ns && time_ns - stream->first_ns > stream->last_ns)
		stream->last_ns = time_ns - stream->first_ns;
	return stream->last_ns;
}

enum trace_status kernel_stream_put(struct kernel_stream *stream, struct importer *importer,
				    const struct kernel_moment *moment)
{
	const bool idle = moment->thread_id == 0 && moment->cpu != KERNEL_NO_CPU;
	struct event event = moment->event;
	struct roster_place place;
	enum trace_status status = importer_place(importer, moment->process_id,
						  idle ? IDLE_IDS + moment->cpu : moment->thread_id, &place);

	if (status != TRACE_OK)
		return status;
	event.thread = place.thread;
	event.process = place.process;
	event.time_ns = since_start(stream, moment->time_ns);
	if (moment->cpu != KERNEL_NO_CPU)
		status = put_switch(stream, importer, moment->cpu, &event);
	if (status == TRACE_OK && (event_kernel_carries(event.kind) & EVENT_KERNEL_HAS_GFP))
		status = number_name(importer, EVENT_NAMES_GFP, moment->gfp, moment->gfp_length,
				     &event.kernel.gfp);
	if (status == TRACE_OK && (event_kernel_carries(event.kind) & EVENT_KERNEL_HAS_CACHE))
		status = number_name(importer, EVENT_NAMES_CACHE, moment->cache, moment->cache_length,
				     &event.kernel.cache);
	return status == TRACE_OK ? importer_put(importer, &event) : status;
}
