/* slice.h: a part of a trace as a trace of its own.
 *
 * Events are chosen by position, process and thread; order and times stay. Ids, threads, processes and stacks are
 * numbered anew in order of appearance. An object that was born outside the chosen part is foreign in the slice: it gets
 * its id from the event of the slice that first names it. With `with_live`, the slice begins instead with one malloc for
 * each object that is alive at its first event (in order of process and id, by the thread that created it, or the
 * process's first thread where a fork brought it; at the time of the slice's first event), so that a replay starts from
 * the same live set.
 *
 * References between the chosen events come with them, those of chosen threads. One to an object that the slice has not
 * seen is left out and counted as not recorded. A region is in the slice when its mmap is, or a reference names it.
 */
#ifndef FAULTLINE_TRACES_SLICE_H
#define FAULTLINE_TRACES_SLICE_H

#include "traces/flt.h"

#include <stdbool.h>
#include <stdint.h>

#define SLICE_ALL UINT64_MAX

struct slice_options {
	uint64_t first, end; /* positions of the first event and of the one behind the last */
	uint64_t process;    /* its number in the trace, or SLICE_ALL */
	uint64_t thread;     /* its number in the trace, or SLICE_ALL */
	bool with_live;
};

/* Copies the chosen events to the writer, which must be fresh. TRACE_BAD_INPUT also when `first` is behind the last event
 * or the process or thread does not exist. Memory: the live set and the tables. */
enum trace_status slice_copy(struct flt_reader *reader, struct flt_writer *writer,
			     const struct slice_options *options, struct trace_error *error) TRACE_MUST_USE;

#endif
