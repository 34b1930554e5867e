/* forced_pass.h: the recording of a machine's page allocator gone through with each page where the kernel put it: the books
 * of its frames (frame_books.h), beside the snapshots before and after.
 *
 * It says how much of what the kernel did the recording tells: without that, a figure of another policy on the same load
 * means nothing.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_FORCED_PASS_H
#define FAULTLINE_BENCH_PHYSICAL_FORCED_PASS_H

#include "bench/physical/frame_books.h"
#include "bench/physical/memory_outcome.h"
#include "bench/physical/withheld.h"
#include "traces/flt.h"

#include <jansson.h>
#include <stdio.h>

struct forced_pass {
	struct frame_books *books;
	struct withheld withheld;
	uint64_t lost;		/* events that the recorder counted as lost */
	uint64_t in_use_before; /* frames, with a snapshot before */
	bool has_before;
	bool has_after;	 /* that can be compared */
	uint64_t checks; /* events from check to check */
	bool
	    is_cut; /* the recorder's memory was used up first: the last snapshot is of a later time than the last event */
	struct books_agreement agreement; /* with the snapshot after */
	struct outcome_load load;	  /* all allocations, and those that the machine had no block for */
};

/* Goes through the whole trace. With `checks` > 0 the invariants of the books are checked after so many events each (UINT64_MAX: at the end
 * alone): one that does not hold dies by CHECK. TRACE_BAD_INPUT when it has no events of a page allocator, or they make no sense: the message
 * names the trace and the event. */
enum trace_status forced_pass_run(struct forced_pass *pass, struct flt_reader *reader, uint64_t checks,
				  struct trace_error *error) TRACE_MUST_USE;
void forced_pass_destroy(struct forced_pass *pass);

void forced_pass_print(const struct forced_pass *pass, FILE *out);

/* {judged, unexplained, unexplained_share, lost, events {kind: {cause: events}}, frames {in_use_before, in_use_after, compared,
 * only_books, only_machine}}; NULL without memory. */
json_t *forced_pass_json(const struct forced_pass *pass);

#endif
