/* perf_script_record.h: the lines of `perf script --show-task-events --show-mmap-events` that are no samples.
 *
 *   PERF_RECORD_FORK(502:502):(500:500)                                            child and parent, process:thread
 *   PERF_RECORD_EXIT(502:502):(500:500)
 *   PERF_RECORD_COMM exec: ls:502/502                                              without "exec" it is only a new name
 *   PERF_RECORD_MMAP2 502/502: [0x401000(0x1000) @ 0x2000 08:01 99 7]: r-xp /usr/bin/ls
 *   PERF_RECORD_MMAP 502/502: [0x401000(0x1000) @ 0x2000]: x /usr/bin/ls
 */
#ifndef FAULTLINE_TRACES_IMPORT_PERF_SCRIPT_RECORD_H
#define FAULTLINE_TRACES_IMPORT_PERF_SCRIPT_RECORD_H

#include "traces/import/perf_tasks.h"

/* What stands behind the time of a line. False: it is another record, or no record at all. time_ns is left at 0; the path points into
 * the line. */
bool perf_script_record_parse(struct scan text, struct perf_task *task);

/* Whether it is a record, perhaps one that says nothing to perf_tasks.h. */
bool perf_script_record_is(struct scan text);

#endif
