/* ftrace.h: what the kernel's allocators do, as the kernel's own tracer prints it (/sys/kernel/tracing/trace, trace_pipe) and as
 * `trace-cmd report` does.
 *
 *   #           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
 *               bash-1234    [001] d..1.  4154.123456: mm_page_alloc: page=00000000abc pfn=0x115d14 order=0 ...
 *               bash-1234    ( 1200) [001] .....  4154.123460: kfree: call_site=... ptr=...         with the option record-tgid
 *   CPU:1 [LOST 42 EVENTS]
 *
 * A thread's process is known only with record-tgid. Pointers are hashed by kernels that hide them: equal ones stay equal. A clock that
 * counts without a point (x86-tsc, counter) is taken as it is.
 */
#ifndef FAULTLINE_TRACES_IMPORT_FTRACE_H
#define FAULTLINE_TRACES_IMPORT_FTRACE_H

#include "traces/import/importer.h"

extern const struct import_format ftrace_format;

#endif
