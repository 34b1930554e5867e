/* status.h: /proc/PID/status (proc_pid_status of fs/proc/array.c, task_mem of fs/proc/task_mmu.c).
 *
 *   Name:   head
 *   ...
 *   VmPeak:     2928 kB      the model's: from Name to Threads all that is about memory, names and threads
 *   ...
 *   CapEff: 000001fffeffffff the recording's, if it took one at the program's exec, of what a program seldom changes
 *
 * Which lines there are, and their order, is what the recorded kernel's own text has; without one, Linux 6.18's.
 */
#ifndef FAULTLINE_BENCH_PROC_STATUS_H
#define FAULTLINE_BENCH_PROC_STATUS_H

#include "bench/proc/process.h"

void proc_status(const struct proc_process *process, FILE *out);

#endif
