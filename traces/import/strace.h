/* strace.h: the output of strace: memory system calls, forks, execs and ends.
 *
 *   22903 1795325308.896560 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f73dcda3000 <0.000087>
 *   [pid 22904] 12:31:07.5 munmap(0x7f73dcda3000, 8192 <unfinished ...>
 *   [pid 22903] brk(NULL) = 0x55cda2a2e000
 *   [pid 22904] <... munmap resumed>) = 0
 *
 * With or without -f, -t, -tt, -ttt, -r, -T, -y. Which ids are threads of one process is known from clone and clone3, if they
 * were traced; else each id is a process of its own. A call that was interrupted by others' output takes its place in the
 * order where it ended, munmap and shmdt where they began.
 */
#ifndef FAULTLINE_TRACES_IMPORT_STRACE_H
#define FAULTLINE_TRACES_IMPORT_STRACE_H

#include "traces/import/importer.h"

extern const struct import_format strace_format;

#endif
