/* recorded_text.h: the snapshots of one name in a recording: a recorder takes a set of them before its events and one after, so the first of
 * a name is of the beginning, and the second of the end.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_RECORDED_TEXT_H
#define FAULTLINE_BENCH_PHYSICAL_RECORDED_TEXT_H

#include "traces/flt.h"

enum recorded_set { RECORDED_BEFORE, RECORDED_AFTER };

/* The snapshot of that name in the set; *number 0: there is none. The texts are valid as long as the reader. What
 * flt_reader_snapshot() answers. */
enum trace_status recorded_text_find(struct flt_reader *reader, const char *name, enum recorded_set set,
				     struct event_snapshot *found, uint32_t *number,
				     struct trace_error *error) TRACE_MUST_USE;

/* Were the texts after read after the last event at once? Not so where the recorder's memory was used up first: they are of a later time
 * than the last event then. */
bool recorded_text_is_of_the_end(const struct flt_summary *trace);

#endif
