/* meminfo.h: /proc/meminfo: where the machine's memory went, in KiB (meminfo_proc_show of fs/proc/meminfo.c).
 *
 *   MemTotal:       24684092 kB
 *
 * MemTotal is what the zones' keepers manage, MemFree what is in them, page sets left out. MemAvailable is computed as
 * si_mem_available of mm/show_mem.c does, where the model has all that it takes; files count as cached whoever has them. There is no
 * swap. What boot decides (Hugepagesize, VmallocTotal ...) is as it was recorded.
 */
#ifndef FAULTLINE_BENCH_PROC_MEMINFO_H
#define FAULTLINE_BENCH_PROC_MEMINFO_H

#include "bench/proc/machine.h"

void proc_meminfo(const struct proc_machine *machine, FILE *out);

#endif
