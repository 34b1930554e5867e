/* aosp.h: a trace as the text that Android's memory_replay reads.
 *
 *   202: malloc 0x10000 1024 [START_NS END_NS]      202: realloc 0x10800 0x10000 64
 *   202: calloc 0x10400 4 16                         202: free 0x10800
 *   202: memalign 0x10440 64 100                     202: thread_done 0x0 [END_NS]
 *
 * Addresses are invented: rising, none given twice, blocks not overlapping, aligned as asked and to at least 16 bytes, so
 * that the same trace always makes the same text. Thread ids are the operating system's where the trace has them and they
 * are unique among living threads, else numbers. Both time stamps are the event's time.
 *
 * The text has one process and knows the heap only. Of a trace of several, one is chosen; what it had inherited at its
 * fork is written as mallocs before its first event. A free_sized becomes a free; thread_start, fork, exec, exit and
 * marker have no line. Whoever imports the text again gets the same events back, but for these.
 */
#ifndef FAULTLINE_TRACES_EXPORT_AOSP_H
#define FAULTLINE_TRACES_EXPORT_AOSP_H

#include "traces/flt.h"
#include "traces/flt_output.h"

#include <stdbool.h>
#include <stdint.h>

struct aosp_export_options {
	uint64_t process; /* number of the process; of a trace with one process: 0 */
	bool
	    skip_foreign; /* leave out frees of foreign objects and make reallocs of them mallocs: memory_replay stops at
			     * pointers that it has not seen born */
};

/* What the text could not say. */
struct aosp_export_losses {
	uint64_t events_without_line; /* thread_start, fork, exec, exit, marker */
	uint64_t sized_frees;	      /* written as free */
	uint64_t foreign;	      /* frees and reallocs of foreign objects, written or not */
	uint64_t inherited;	      /* objects of the fork, written as malloc */
};

/* Writes the text to `output`, which stays open. TRACE_BAD_INPUT when the trace has no such process or breaks event.h's
 * rules, TRACE_UNSUPPORTED when its sizes do not fit 2^63 bytes of addresses. */
enum trace_status aosp_export(struct flt_reader *reader, struct flt_output *output,
			      const struct aosp_export_options *options, struct aosp_export_losses *losses,
			      struct trace_error *error) TRACE_MUST_USE;

#endif
