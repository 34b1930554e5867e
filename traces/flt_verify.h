/* flt_verify.h: reads a whole trace and holds it against its footer and against the rules of event.h.
 *
 * Opening and reading a trace checks what memory safety needs: checksums, kinds, ids, threads and processes within their
 * tables. That each freed object was alive, that references name objects that exist by then, that the counts are right and that
 * the hash is of these events takes a pass over all of it: this one.
 */
#ifndef FAULTLINE_TRACES_FLT_VERIFY_H
#define FAULTLINE_TRACES_FLT_VERIFY_H

#include "traces/flt.h"

/* TRACE_OK when everything agrees; TRACE_BAD_INPUT names the first event or count that does not. The reader is left
 * behind the last event. */
enum trace_status flt_verify(struct flt_reader *reader, struct trace_error *error) TRACE_MUST_USE;

#endif
