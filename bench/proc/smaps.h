/* smaps.h: /proc/PID/smaps: of each mapping its line, its sizes, what is mapped of it (page_sums.h), and its flags.
 *
 *   7fc9bfc00000-7fc9bfc01000 rw-p 00000000 00:00 0
 *   Size:                  4 kB
 *   ...
 *   THPeligible:           0         a huge page may be mapped somewhere in it
 *   VmFlags: rd wr mr mw me rr ac    two letters a flag, in the order of the kernel's bits
 */
#ifndef FAULTLINE_BENCH_PROC_SMAPS_H
#define FAULTLINE_BENCH_PROC_SMAPS_H

#include "bench/proc/process.h"

void proc_smaps(const struct proc_process *process, FILE *out);

#endif
