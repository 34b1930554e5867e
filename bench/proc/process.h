/* process.h: a process of a trace, as its directory in /proc would show it at one event.
 *
 *   trace ──▶ journey.h ──▶ address space (mm.h), its pages (resident.h) ──▶ maps smaps smaps_rollup status statm stat pagemap mem
 *
 * The views print from the engine's structures: mappings, page-table entries, frames. They read no event of the trace.
 * What the model does not have (signals, groups, processor time ...) is as the recording last said it of the process, in the text of
 * /proc/PID/stat or status that it took at its exec, if that does not change while a program runs; or else it is `unknown`, a text of
 * the user's choice: "?" is what is true, "0" is what programs that parse the real file can read.
 *
 * The formats are those of Linux 6.18 on x86-64, without CONFIG_MEM_SOFT_DIRTY, CONFIG_USERFAULTFD's flags and memory protection keys:
 * fs/proc/task_mmu.c, fs/proc/array.c.
 */
#ifndef FAULTLINE_BENCH_PROC_PROCESS_H
#define FAULTLINE_BENCH_PROC_PROCESS_H

#include "bench/spaces/spaces.h"

#include <stdio.h>

#define PROC_NAME_BYTES 16u /* of a program's name, with its end: TASK_COMM_LEN */

struct proc_process {
	struct mm *mm;	       /* its pages belong to a fault_space */
	struct frames *frames; /* of the machine */
	struct spaces_beginning beginning;
	struct fault_counts faults; /* of all its programs */
	uint64_t pid, parent_pid;   /* the system's numbers; 0: not known */
	uint32_t threads;
	char name[PROC_NAME_BYTES];
	const char *stat, *status; /* as they were recorded last, each ending with a NUL; NULL: never */
	const char *unknown;
};

static inline const struct resident *proc_resident(const struct proc_process *process)
{
	return &fault_space_of(process->mm)->resident;
}

#endif
