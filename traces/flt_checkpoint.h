/* flt_checkpoint.h: the live sets of a trace at one place in it, as a LIVE section.
 *
 * With it a reader knows what is alive at any event without reading the trace from its beginning: it takes the last
 * checkpoint before the event and applies what lies between. A checkpoint costs about three bytes per live object, so
 * the writer makes one when at least FLT_CHECKPOINT_EVENTS events and FLT_CHECKPOINT_EVENTS_PER_OBJECT events per live
 * object have passed since the last: less than 0.2 bytes per event.
 *
 * Fields: 0 events before it, 1 objects so far. Columns, varints:
 *   1 processes  per process with live objects, by rising number: number, live objects
 *   2 ids        per object, by process and rising id: id - the one before it in its process (0 before the first)
 *   3 sizes      requested bytes
 *   4 threads    that created them
 */
#ifndef FAULTLINE_TRACES_FLT_CHECKPOINT_H
#define FAULTLINE_TRACES_FLT_CHECKPOINT_H

#include "traces/census.h"
#include "traces/flt_column.h"
#include "traces/flt_section.h"
#include "traces/live_sets.h"

#define FLT_CHECKPOINT_EVENTS (UINT64_C(1) << 20)
#define FLT_CHECKPOINT_EVENTS_PER_OBJECT 16

enum flt_checkpoint_field {
	FLT_CHECKPOINT_POSITION = 0,
	FLT_CHECKPOINT_OBJECTS = 1,
};

enum flt_checkpoint_column {
	FLT_CHECKPOINT_PROCESSES = 1,
	FLT_CHECKPOINT_IDS = 2,
	FLT_CHECKPOINT_SIZES = 3,
	FLT_CHECKPOINT_THREADS = 4,
};

/* Whether a checkpoint is worth its bytes, `events` events after the last one. */
bool flt_checkpoint_due(const struct census *census, uint64_t events);

/* Fills a LIVE section in `writer` with the state of the census. */
enum trace_status flt_checkpoint_write(const struct census *census, struct flt_section_writer *writer,
				       struct trace_error *error) TRACE_MUST_USE;

/* Fills empty `sets` from a LIVE section. */
enum trace_status flt_checkpoint_read(struct live_sets *sets, struct flt_column_reader *reader,
				      const struct flt_section *section,
				      struct trace_error *error) TRACE_MUST_USE;

#endif
