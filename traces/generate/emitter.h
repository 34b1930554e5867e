/* emitter.h: the hand that writes a generated trace.
 *
 * It gives objects their ids, threads their start, and keeps the first failure of the sink: from then on
 * every call does nothing, so that a workload reads as the program it imitates and asks emitter_goes_on only
 * in its loops.
 */
#ifndef FAULTLINE_TRACES_GENERATE_EMITTER_H
#define FAULTLINE_TRACES_GENERATE_EMITTER_H

#include "traces/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct emitter {
	struct event_sink *sink;
	struct trace_error *error;
	enum trace_status status; /* of the first call that failed */
	uint64_t objects;	  /* ids given so far */
	uint64_t events;
	uint64_t time_ns; /* of the events that follow */
	uint32_t threads; /* announced so far */
	uint32_t gfp;	  /* number of the name of pages' flags; 0: not given yet */
};

/* Starts a trace of one process with the command `command`. */
void emitter_create(struct emitter *emitter, struct event_sink *sink, const char *command,
		    struct trace_error *error);

/* Nothing has failed, and fewer than `events` events are written. */
bool emitter_goes_on(const struct emitter *emitter, uint64_t events);

/* Starts the next thread and gives its number. */
uint32_t emitter_thread(struct emitter *emitter, const char *name);
void emitter_thread_exit(struct emitter *emitter, uint32_t thread);

/* The id of the new block, never 0. */
uint64_t emitter_malloc(struct emitter *emitter, uint32_t thread, uint64_t bytes);
uint64_t emitter_realloc(struct emitter *emitter, uint32_t thread, uint64_t old_object, uint64_t bytes);
void emitter_free(struct emitter *emitter, uint32_t thread, uint64_t object);
void emitter_marker(struct emitter *emitter, uint32_t thread, uint64_t number);

/* Of a kernel recording: the thread runs on a processor from now on; a snapshot, with its event; a block of movable pages, whose frame,
 * order and migrate type `kernel` has, is allocated, in vain or not, and freed. */
void emitter_switch(struct emitter *emitter, uint32_t thread, uint64_t processor);
void emitter_snapshot(struct emitter *emitter, uint32_t thread, const char *name, const void *bytes,
		      size_t length);
void emitter_page_alloc(struct emitter *emitter, uint32_t thread, const struct event_kernel *kernel,
			bool failed);
void emitter_page_free(struct emitter *emitter, uint32_t thread, const struct event_kernel *kernel);

/* Ends the trace with a failure of the workload itself: printf-formatted as trace_fail. */
void emitter_fail(struct emitter *emitter, enum trace_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
