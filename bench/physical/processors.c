#include "config.h"

#include "bench/physical/processors.h"

#include <stdlib.h>

enum trace_status processors_create(struct processors *processors, struct flt_reader *reader,
				    struct trace_error *error)
{
	processors->threads = flt_reader_summary(reader)->threads;
	processors->of_thread = calloc((size_t)processors->threads + 1, sizeof(*processors->of_thread));
	return processors->of_thread ? TRACE_OK
				     : trace_fail(error, TRACE_NO_MEMORY, "not enough memory for %u threads",
						  processors->threads);
}

void processors_destroy(struct processors *processors)
{
	free(processors->of_thread);
	processors->of_thread = NULL;
}

unsigned processors_of(struct processors *processors, const struct event *event)
{
	if (event->thread >= processors->threads)
		return 0;
	if (event->kind == EVENT_SWITCH && event->count < EVENT_MAX_CPUS)
		processors->of_thread[event->thread] = (uint16_t)event->count;
	return processors->of_thread[event->thread];
}
