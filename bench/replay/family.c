#include "config.h"

#include "bench/replay/family.h"

#include <stdlib.h>
#include <string.h>

#define NO_PARENT UINT32_MAX

struct census {
	uint64_t *heap_events; /* per process */
	uint32_t *parent;      /* per process: who forked it in the trace, or NO_PARENT */
	uint32_t processes;
};

static bool copies_memory(const struct flt_batch *batch, size_t i)
{
	struct event event = {.kind = batch->kind[i], .flags = batch->flags[i]};

	if (batch->call)
		event.call = batch->call[i];
	return event_copies_memory(&event);
}

static void count_batch(struct census *census, const struct flt_batch *batch)
{
	for (size_t i = 0; i < batch->events; i++) {
		uint32_t process = batch->process[i];

		if (process >= census->processes)
			continue;
		if (batch->kind[i] <= EVENT_FREE_SIZED)
			census->heap_events[process]++;
		else if (copies_memory(batch, i) && batch->count[i] < census->processes &&
			 batch->count[i] != process)
			census->parent[batch->count[i]] = process;
	}
}

static enum trace_status count_events(struct census *census, struct flt_reader *reader,
				      struct trace_error *error)
{
	struct flt_batch batch;
	enum trace_status status;

	while ((status = flt_reader_batch(reader, FLT_KIND | FLT_THREAD | FLT_DETAIL | FLT_CALL, &batch,
					  error)) == TRACE_OK)
		count_batch(census, &batch);
	return status == TRACE_END ? TRACE_OK : status;
}

static uint32_t largest(const struct census *census)
{
	uint32_t best = 0;

	for (uint32_t process = 1; process < census->processes; process++) {
		if (census->heap_events[process] > census->heap_events[best])
			best = process;
	}
	return best;
}

/* A line longer than the number of processes goes round in a circle. */
static enum trace_status draw_line(struct family *family, const struct census *census, uint32_t process,
				   struct trace_error *error)
{
	uint32_t length = 1;

	for (uint32_t at = census->parent[process]; at != NO_PARENT; at = census->parent[at]) {
		if (++length > census->processes)
			return trace_fail(error, TRACE_BAD_INPUT, "process %u is its own ancestor", process);
	}
	family->line = malloc(length * sizeof(family->line[0]));
	if (!family->line)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the processes of the trace");
	family->last = length - 1;
	for (uint32_t i = length; i > 0; i--) {
		family->line[i - 1] = process;
		process = census->parent[process];
	}
	family->heap_events = census->heap_events[family->line[family->last]];
	return TRACE_OK;
}

static enum trace_status choose(struct family *family, struct census *census, struct flt_reader *reader,
				uint32_t process, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	memset(census->parent, 0xff, census->processes * sizeof(census->parent[0]));
	if (census->processes > 1)
		status = count_events(census, reader, error);
	if (status != TRACE_OK)
		return status;
	return draw_line(family, census, process == UINT32_MAX ? largest(census) : process, error);
}

enum trace_status family_find(struct family *family, struct flt_reader *reader, uint32_t process,
			      struct trace_error *error)
{
	struct census census = {.processes = flt_reader_summary(reader)->processes};
	enum trace_status status;

	*family = (struct family){0};
	if (census.processes == 0)
		census.processes = 1;
	if (process != UINT32_MAX && process >= census.processes)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "there is no process %u; the trace has processes 0 to %u", process,
				  census.processes - 1);
	census.heap_events = calloc(census.processes, sizeof(census.heap_events[0]));
	census.parent = malloc(census.processes * sizeof(census.parent[0]));
	if (census.heap_events && census.parent)
		status = choose(family, &census, reader, process, error);
	else
		status =
		    trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the processes of the trace");
	free(census.heap_events);
	free(census.parent);
	return status;
}

void family_destroy(struct family *family)
{
	free(family->line);
	family->line = NULL;
}
