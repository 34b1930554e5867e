/* mapping.h: the line that stands for a mapping in /proc/PID/maps and smaps (show_map_vma and get_vma_name of fs/proc/task_mmu.c).
 *
 *   7f21c8000000-7f21c8021000 rw-p 00001000 fe:00 247498                     /usr/bin/head
 *   8 digits or more          |    offset   device inode                     from column 73 on
 *                             s: MAP_SHARED
 *
 * Names: a file's path; "/dev/zero (deleted)" for shared anonymous memory; what the kernel's own mappings are called, [vdso] and so on,
 * if the recording says it; [heap] for anonymous memory between start_brk and brk; [stack] where the first thread's stack is. Control
 * characters in a path are written as \ooo (the kernel does so with newlines alone).
 */
#ifndef FAULTLINE_BENCH_PROC_MAPPING_H
#define FAULTLINE_BENCH_PROC_MAPPING_H

#include "bench/proc/process.h"

/* The line, with its newline. */
void proc_mapping_line(const struct proc_process *process, const struct vma *vma, FILE *out);

/* The line of a range that is no VMA: rights such as "--xp", nothing behind it, and a name. */
struct proc_range {
	uint64_t start, end;
	const char *rights;
	const char *name;
};
void proc_range_line(const struct proc_range *range, FILE *out);

/* The page of vsyscall, which every process has in its maps where the kernel has it. */
extern const struct proc_range proc_gate;

#endif
