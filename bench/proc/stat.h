/* stat.h: /proc/PID/stat: 52 fields in one line (do_task_stat of fs/proc/array.c).
 *
 * The model has the process's number and name, its parent, faults, threads, bytes mapped, pages resident, code and break. What exec
 * decided (process group, session, terminal, priority, start time, limits, stack and arguments) is the recording's. Nobody knows the
 * rest: state, processor times, what it waits for.
 */
#ifndef FAULTLINE_BENCH_PROC_STAT_H
#define FAULTLINE_BENCH_PROC_STAT_H

#include "bench/proc/process.h"

void proc_stat(const struct proc_process *process, FILE *out);

#endif
