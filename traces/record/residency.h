/* residency.h: which pages of the files that a process has mapped are in memory, and how the system treats memory.
 *
 * Whether a fault on a file is minor, and how many pages around it are mapped with it, depends on what the page cache
 * holds at that moment.
 *
 *   residency   MAJOR:MINOR INODE PAGES FIRST-LAST[,FIRST-LAST...] PATH       "-" instead of the ranges: nothing is in memory
 *   settings    NAME VALUE                                            such as "transparent_hugepage/enabled always [madvise] never"
 *
 * One line per file, pages counted in decimal. mincore(2) tells the truth about a file only to its owner and to those who
 * may write to it; to others everything seems to be in memory.
 */
#ifndef FAULTLINE_TRACES_RECORD_RESIDENCY_H
#define FAULTLINE_TRACES_RECORD_RESIDENCY_H

#include <stdint.h>

/* Of the files in the process's maps. Allocated for the caller; NULL where the system does not tell. */
char *residency_text(uint32_t thread_id);

/* The machine's settings that decide how address spaces and faults behave; the thread does not matter. */
char *residency_settings(uint32_t thread_id);

#endif
