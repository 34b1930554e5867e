/* flt_register.h: what is known of a trace that is being made: its books (census.h) and its tables (flt_tables.h), in step.
 *
 *   event ──▶ names only what is there? ──▶ census ──▶ threads and processes that it made known get entries in the tables
 *
 * Whoever takes events and references from a producer keeps one: the writer of a file, or who does without a file.
 *
 *   I1  after every call the tables have as many threads and processes as the census knows
 */
#ifndef FAULTLINE_TRACES_FLT_REGISTER_H
#define FAULTLINE_TRACES_FLT_REGISTER_H

#include "traces/census.h"
#include "traces/error.h"
#include "traces/event.h"
#include "traces/flt_access.h"
#include "traces/flt_tables.h"

#include <stdbool.h>
#include <stdint.h>

struct flt_register {
	struct census census;
	struct flt_tables tables;
	bool has_time; /* events may have times */
	uint64_t
	    recorder; /* the system's number of the recorder's process, whose events are counted apart; 0 = none */
};

void flt_register_start(struct flt_register *known, bool has_time);
void flt_register_end(struct flt_register *known);

/* Names a process or a thread, before or after its first event: one that is known, or the next. Strings are copied and may be NULL.
 * TRACE_BAD_INPUT for any other number, and for a thread that belongs to another process. */
enum trace_status flt_register_process(struct flt_register *known, uint32_t number,
				       const struct flt_process *process,
				       struct trace_error *error) TRACE_MUST_USE;
enum trace_status flt_register_thread(struct flt_register *known, uint32_t number,
				      const struct flt_thread *thread,
				      struct trace_error *error) TRACE_MUST_USE;

/* A region, whose process and thread must be known, gets a number. */
enum trace_status flt_register_region(struct flt_register *known, const struct event_region *region,
				      uint32_t *number, struct trace_error *error) TRACE_MUST_USE;

/* Counts an event and takes over what it makes known. TRACE_BAD_INPUT, and no change, when it breaks event.h's rules or names a
 * stack, a file, a snapshot, flags or a cache that is not there. */
enum trace_status flt_register_event(struct flt_register *known, const struct event *event,
				     struct trace_error *error) TRACE_MUST_USE;

/* Where references of `thread` come from that are made now. TRACE_BAD_INPUT when the thread is not known. */
enum trace_status flt_register_origin(const struct flt_register *known, uint32_t thread,
				      struct flt_access_origin *origin,
				      struct trace_error *error) TRACE_MUST_USE;

/* NULL, or the text of the first broken invariant (of the census, too). */
const char *flt_register_check(const struct flt_register *known);

#endif
