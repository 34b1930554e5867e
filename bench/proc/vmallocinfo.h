/* vmallocinfo.h: /proc/vmallocinfo: the areas of vmalloc, and behind them those that are freed but not purged yet
 * (engine/phys/vmallocinfo.h has the columns). Empty for a machine of which nobody knows the kernel's memory.
 */
#ifndef FAULTLINE_BENCH_PROC_VMALLOCINFO_H
#define FAULTLINE_BENCH_PROC_VMALLOCINFO_H

#include "bench/proc/machine.h"

void proc_vmallocinfo(const struct proc_machine *machine, FILE *out);

#endif
