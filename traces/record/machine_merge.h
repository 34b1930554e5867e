/* machine_merge.h: a machine's log as events: in one order, under dense numbers of threads and processes.
 *
 *   processor 0 ─▶ a few records, by time ─┐
 *   processor 1 ─▶ a few records, by time ─┴─▶ the earliest ─▶ its thread, its processor ─▶ sink
 *
 * A ring's records are in the order of their times but for those that interrupted another's being written: so a few are put in order
 * first. At equal times the lower processor comes first. A thread's `switch` comes before its first event on a processor that is not
 * the one that its last switch named; with switches recorded, at each switch. What a processor does while it idles is done by
 * a thread of its own, "swapper/N", of process 0 of the system.
 *
 *   I1  what a lane has waiting is in the order of times
 */
#ifndef FAULTLINE_TRACES_RECORD_MACHINE_MERGE_H
#define FAULTLINE_TRACES_RECORD_MACHINE_MERGE_H

#include "traces/event.h"
#include "traces/import/roster.h"
#include "traces/record/machine_log.h"
#include "traces/record/machine_snapshot.h"
#include "traces/record/number_map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACHINE_WAITING 32u

struct machine_waiting {
	struct machine_cursor cursor;
	struct machine_record record[MACHINE_WAITING];
	size_t first, count; /* of the array, which is used from `first` on */
	bool ended;
};

struct machine_thread {
	uint32_t process_id; /* the last that is known, 0 = none */
	uint32_t number;     /* in the trace, UINT32_MAX = none yet */
	uint32_t cpu;	     /* that its last switch named + 1, 0 = none */
	bool renamed;	     /* the trace does not have its name yet */
	char name[MACHINE_NAME_BYTES];
};

struct machine_merge {
	struct event_sink *sink;
	struct roster roster;
	struct machine_waiting *lane;
	size_t lanes;
	struct number_map
	    index; /* the system's thread number + 1 (idle: + 2^32 x processor) to index + 1 into `thread` */
	struct machine_thread *thread;
	size_t threads, capacity;
	uint64_t events;
};

/* False: no memory. */
bool machine_merge_start(struct machine_merge *merge, struct event_sink *sink, const struct machine_log *log);
void machine_merge_end(struct machine_merge *merge);

/* A thread that was there before the recording. False: no memory. */
bool machine_merge_know(struct machine_merge *merge, uint32_t process_id, uint32_t thread_id,
			const char *name);

/* Gives out all records before `time_ns`. */
enum trace_status machine_merge_until(struct machine_merge *merge, uint64_t time_ns,
				      struct trace_error *error) TRACE_MUST_USE;

/* Gives out an event of this thread on this processor. */
enum trace_status machine_merge_put(struct machine_merge *merge, const struct machine_record *who,
				    struct event *event, struct trace_error *error) TRACE_MUST_USE;

/* NULL, or the text of the first invariant that does not hold. */
const char *machine_merge_check(const struct machine_merge *merge);

#endif
