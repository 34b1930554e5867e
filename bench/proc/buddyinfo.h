/* buddyinfo.h: /proc/buddyinfo: the free blocks of every zone, per order (frag_show_print of mm/vmstat.c).
 *
 *   Node 0, zone   Normal   1759  11650  31969 ...      blocks of order 0, 1, 2 ... in the zone's keeper
 */
#ifndef FAULTLINE_BENCH_PROC_BUDDYINFO_H
#define FAULTLINE_BENCH_PROC_BUDDYINFO_H

#include "bench/proc/machine.h"

void proc_buddyinfo(const struct proc_machine *machine, FILE *out);

#endif
