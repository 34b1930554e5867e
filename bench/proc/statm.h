/* statm.h: /proc/PID/statm: seven numbers of pages (task_statm of fs/proc/task_mmu.c).
 *
 *   732  445      416              6    0       89             0
 *   size resident shared(file+shm) text library data and stack dirty
 */
#ifndef FAULTLINE_BENCH_PROC_STATM_H
#define FAULTLINE_BENCH_PROC_STATM_H

#include "bench/proc/process.h"

void proc_statm(const struct proc_process *process, FILE *out);

#endif
