/* code.h: where the code of a process's program lies, and how much of its executable memory it is (VmExe, VmLib, statm's text).
 *
 * The kernel remembers it from exec; here it is what the recording's stat said then, or else the executable mappings of the file at the
 * lowest address, which is where exec puts the program. Pages, as task_mem counts them: text = the pages from start_code to end_code, at
 * most all executable pages; library = the others.
 */
#ifndef FAULTLINE_BENCH_PROC_CODE_H
#define FAULTLINE_BENCH_PROC_CODE_H

#include "bench/proc/process.h"

struct proc_code {
	uint64_t start, end; /* addresses; both 0: not known */
	uint64_t text_pages, library_pages;
};

struct proc_code proc_code(const struct proc_process *process);

#endif
