/* slabinfo.h: /proc/slabinfo: a line for each cache, the newest first (engine/phys/slabinfo.h has the columns). A machine of which
 * nobody knows the kernel's memory has the head of the file alone.
 */
#ifndef FAULTLINE_BENCH_PROC_SLABINFO_H
#define FAULTLINE_BENCH_PROC_SLABINFO_H

#include "bench/proc/machine.h"

void proc_slabinfo(const struct proc_machine *machine, FILE *out);

#endif
