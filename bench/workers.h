/* workers.h: tasks that do not depend on each other, carried out at the same time, by one thread per processor.
 *
 *   tasks   0  1  2  3  4          a worker that is free takes the next one;
 *   worker  A  B  A  B  B          what comes out does not depend on who took what
 *
 * When a task fails, no further one is begun, and those that run are waited for. What is reported is the failure of the first
 * task in order that failed: the same in every run.
 */
#ifndef FAULTLINE_BENCH_WORKERS_H
#define FAULTLINE_BENCH_WORKERS_H

#include "traces/error.h"

#include <stddef.h>

struct workers {
	size_t tasks;
	void *context;
	enum trace_status (*work)(void *context, size_t task, struct trace_error *error);
	/* Called when so many tasks are done, by one thread at a time; may be NULL. */
	void (*tell)(void *context, size_t done);
};

/* Carries out all tasks, on at most `most` threads (0: as many as the processors that the process may use). A single one is
 * the caller's own; where the system gives no more threads, those that there are do the work. TRACE_OK, or what the first
 * task that failed returned. */
enum trace_status workers_run(const struct workers *workers, unsigned most,
			      struct trace_error *error) TRACE_MUST_USE;

#endif
