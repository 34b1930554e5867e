/* vmstat.h: /proc/vmstat: a name and a number a line (vmstat_show of mm/vmstat.c).
 *
 * Numbers that the model has are its own, counted since it began (machine_sums.h). What cannot change while a machine runs is as it was
 * recorded; what can, and is not modelled, is unknown.
 */
#ifndef FAULTLINE_BENCH_PROC_VMSTAT_H
#define FAULTLINE_BENCH_PROC_VMSTAT_H

#include "bench/proc/machine.h"

void proc_vmstat(const struct proc_machine *machine, FILE *out);

#endif
