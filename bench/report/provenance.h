/* provenance.h: how the runs of a report came about: the command that makes them again, and where they were
 * measured.
 */
#ifndef FAULTLINE_BENCH_REPORT_PROVENANCE_H
#define FAULTLINE_BENCH_REPORT_PROVENANCE_H

#include "bench/report/comparison.h"

#include <stdio.h>

/* Writes, escaped for HTML, the shell command that replays the group's trace on its targets in the same way
 * and makes this report. `group` NULL: for all traces. */
void provenance_command(FILE *page, const struct comparison *comparison, const struct run_group *group);

/* Writes the section on the machine and the versions of the allocators. */
void provenance_section(FILE *page, const struct comparison *comparison);

#endif
