#include "config.h"

#include "bench/physical/withheld.h"

#include <stdlib.h>

struct tally {
	uint32_t switches;
	bool has_events;
};

static enum trace_status count(struct tally *tally, uint32_t processes, struct flt_reader *reader,
			       struct trace_error *error)
{
	enum trace_status status;
	struct flt_batch batch;

	while ((status = flt_reader_batch(reader, FLT_KIND | FLT_THREAD, &batch, error)) == TRACE_OK) {
		for (size_t i = 0; i < batch.events; i++) {
			if (batch.process[i] >= processes)
				continue;
			struct tally *of = &tally[batch.process[i]];

			if (batch.kind[i] == EVENT_SWITCH)
				of->switches++;
			else if (batch.kind[i] >= EVENT_PAGE_ALLOC)
				of->has_events = true;
		}
	}
	return status == TRACE_END ? flt_reader_seek(reader, 0, error) : status;
}

enum trace_status withheld_find(struct withheld *withheld, struct flt_reader *reader,
				struct trace_error *error)
{
	uint32_t processes = flt_reader_summary(reader)->processes;
	struct tally *tally = calloc((size_t)processes + 1, sizeof(*tally));
	enum trace_status status;

	*withheld = (struct withheld){.processes = processes,
				      .process = calloc((size_t)processes + 1, sizeof(*withheld->process))};
	if (!tally || !withheld->process) {
		free(tally);
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for %u processes", processes);
	}
	status = count(tally, processes, reader, error);
	for (uint32_t i = 0; i < processes; i++)
		withheld->process[i] = !tally[i].has_events && tally[i].switches >= WITHHELD_SWITCHES;
	free(tally);
	return status;
}

void withheld_destroy(struct withheld *withheld)
{
	free(withheld->process);
	withheld->process = NULL;
}

void withheld_event(struct withheld *withheld, const struct event *event)
{
	bool runs;

	if (event->kind != EVENT_SWITCH || event->count >= WITHHELD_CPUS)
		return;
	runs = event->process < withheld->processes && withheld->process[event->process];
	withheld->changes += runs || withheld->runs[event->count];
	withheld->runs[event->count] = runs;
}
