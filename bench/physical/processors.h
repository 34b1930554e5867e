/* processors.h: on which processor each thread of a recording runs.
 *
 * A `switch` names it; what a thread does until its next switch it does there. A recording without switches tells of none, and
 * everything happens on processor 0.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_PROCESSORS_H
#define FAULTLINE_BENCH_PHYSICAL_PROCESSORS_H

#include "traces/flt.h"

struct processors {
	uint16_t *of_thread; /* by number; EVENT_MAX_CPUS fits */
	uint32_t threads;
};

/* Of the reader's threads, all on processor 0. TRACE_NO_MEMORY. */
enum trace_status processors_create(struct processors *processors, struct flt_reader *reader,
				    struct trace_error *error) TRACE_MUST_USE;
void processors_destroy(struct processors *processors);

/* Takes the event in, and says on which processor it happened. */
unsigned processors_of(struct processors *processors, const struct event *event);

#endif
