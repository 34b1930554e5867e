/* kernel_recording.h: is a trace the recording of a machine's kernel, and can its pages be replayed?
 *
 *   faultline record --kernel, or an import of the kernel's trace events      a kernel recording, also one that was cut before its first event
 *   page_alloc, page_free in it                                               its pages can be replayed
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_KERNEL_RECORDING_H
#define FAULTLINE_BENCH_PHYSICAL_KERNEL_RECORDING_H

#include "traces/flt.h"

bool kernel_recording_is(const struct flt_summary *trace);

/* The same of a file; false also of standard input (which can be read once) and of what cannot be read: whoever reads it says why. */
bool kernel_recording_is_at(const char *path);

/* TRACE_OK, or TRACE_BAD_INPUT with words on what the trace is, and what makes one with page events. */
enum trace_status kernel_recording_need_pages(const struct flt_reader *reader,
					      struct trace_error *error) TRACE_MUST_USE;

#endif
