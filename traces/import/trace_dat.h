/* trace_dat.h: what the kernel's allocators do, in the files that `trace-cmd record` writes.
 *
 *   trace-cmd record -e kmem -e vmalloc COMMAND && faultline import trace.dat -o kernel.flt
 *
 * Versions 6 and 7, also with zstd; taken are the tracepoints of kernel_tracepoint.h, put in order of time over the processors. Threads
 * are known, their processes are not. Of a file with several buffers all are taken. Other compressions, big-endian machines and machines
 * of 32 bits are refused: `trace-cmd convert`, or the text of `trace-cmd report` (ftrace.h), helps.
 */
#ifndef FAULTLINE_TRACES_IMPORT_TRACE_DAT_H
#define FAULTLINE_TRACES_IMPORT_TRACE_DAT_H

#include "traces/import/importer.h"

extern const struct import_format trace_dat_format;

#endif
