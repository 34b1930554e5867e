/* maps.h: /proc/PID/maps: a line per mapping (mapping.h), by address. */
#ifndef FAULTLINE_BENCH_PROC_MAPS_H
#define FAULTLINE_BENCH_PROC_MAPS_H

#include "bench/proc/process.h"

void proc_maps(const struct proc_process *process, FILE *out);

#endif
