/* perf_data.h: page faults, memory system calls and what the kernel's allocators do, in the files that `perf record` writes, without perf itself.
 *
 *   file  | "PERFILE2" sizes offsets | ids | attrs | records: samples, births ... | features: tracepoint formats ... |
 *   pipe  | "PERFILE2" 16 | records, among them attrs and tracepoint formats |       (perf record -o - | ...)
 *
 * Taken are samples of the software events page-faults, minor-faults and major-faults with addresses (-d), of the tracepoints
 * exceptions:page_fault_user and page_fault_kernel, and of syscalls:sys_enter_NAME / sys_exit_NAME or raw_syscalls for the calls of
 * memory_call.h, and of the tracepoints of kernel_tracepoint.h. The processors' records stand in the file in turns: samples are collected and put in order of time. What the
 * fields of a tracepoint are, libtraceevent reads from the description that the file has (tracepoint.h).
 *
 *   perf record -e page-faults,exceptions:page_fault_user -c 1 -d -- COMMAND && faultline import perf.data -o faults.flt
 *
 *   perf record -a -c 1 -e 'kmem:*' -- COMMAND && faultline import perf.data -o kernel.flt
 *
 * Messages count records from 1. Compressed records (perf record -z) and files of big-endian machines are refused.
 */
#ifndef FAULTLINE_TRACES_IMPORT_PERF_DATA_H
#define FAULTLINE_TRACES_IMPORT_PERF_DATA_H

#include "traces/import/importer.h"

extern const struct import_format perf_data_format;

#endif
