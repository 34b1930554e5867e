/* reference_text.h: the references of a trace (access.h) as text, one per line:
 *
 *   REFERENCE EVENT PROCESS/THREAD KIND(WHERE, BYTES) [kernel]
 *
 * EVENT is the one that comes after it. WHERE is #N+OFFSET in an object, `stack T-OFFSET` below the top of a thread's stack,
 * `region N+OFFSET`, or `allocator`, `wild` or `absolute` and the recorded address.
 */
#ifndef FAULTLINE_BENCH_REFERENCE_TEXT_H
#define FAULTLINE_BENCH_REFERENCE_TEXT_H

#include "traces/flt.h"

/* Which of them. */
struct reference_choice {
	uint64_t first, end;	  /* those right before an event first .. end - 1 */
	uint64_t thread, process; /* UINT64_MAX: all */
	uint64_t limit;		  /* lines at most */
};

/* Prints them on standard output; a line `skipped(N)` without a number stands where a thread's references were not
 * recorded. The result is the reader's. */
enum trace_status reference_text_print(struct flt_reader *reader, const struct reference_choice *choice,
				       struct trace_error *error) TRACE_MUST_USE;

#endif
