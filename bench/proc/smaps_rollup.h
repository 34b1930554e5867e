/* smaps_rollup.h: /proc/PID/smaps_rollup: the sums of smaps over all mappings, under one line from the first to the last. Nothing at all
 * of a process without mappings. */
#ifndef FAULTLINE_BENCH_PROC_SMAPS_ROLLUP_H
#define FAULTLINE_BENCH_PROC_SMAPS_ROLLUP_H

#include "bench/proc/process.h"

void proc_smaps_rollup(const struct proc_process *process, FILE *out);

#endif
