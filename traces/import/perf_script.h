/* perf_script.h: page faults, and what the kernel's allocators do, as `perf script` prints them.
 *
 *   gcc 29196/29196  1553.395877: page-faults:           53d108 ffffffff817554ea
 *   t 15149 [000]  1139.848361: exceptions:page_fault_user: address=0x7f98a4c7de06 ip=0x7f98a4c657ad error_code=0x6
 *
 * The first form is of the software event, recorded by `perf record -e page-faults -c 1 -d` and printed by
 * `perf script -F comm,pid,tid,time,event,addr,ip`; its process is known, and not whether it was a read or a write. The
 * second is of the tracepoints exceptions:page_fault_user and page_fault_kernel; only its thread is known, unless pid was
 * asked for too. Where both events of a fault are in a file, the fault is taken once and knows both. Lines of other
 * events are skipped.
 *
 *   gcc 29621 [000]  1627.947874:             kmem:mm_page_alloc: page=0x106287 pfn=0x106287 order=0 migratetype=0 gfp_flags=GFP_KERNEL
 *
 * Tracepoints of kernel_tracepoint.h, recorded on all processors (perf record -a), are events of the kernel's allocators. A thread
 * that is ending is "-1". Times are more exact with `--ns`.
 */
#ifndef FAULTLINE_TRACES_IMPORT_PERF_SCRIPT_H
#define FAULTLINE_TRACES_IMPORT_PERF_SCRIPT_H

#include "traces/import/importer.h"

extern const struct import_format perf_script_format;

#endif
