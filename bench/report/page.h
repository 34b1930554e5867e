/* page.h: the report as one HTML file that needs nothing else: style and charts are in it, no script, nothing
 * from elsewhere.
 *
 *   title, what was compared
 *   verdicts            the sentences of `compare`
 *   all traces          time and memory of every trace and target, best values marked; a chart over all
 *   one section a trace its table, its charts, under each the command that reproduces it
 *   machine, versions   of the measurement
 */
#ifndef FAULTLINE_BENCH_REPORT_PAGE_H
#define FAULTLINE_BENCH_REPORT_PAGE_H

#include "bench/report/comparison.h"
#include "traces/error.h"

#include <stdio.h>

/* Writes the page. `plots` is the directory with the scripts and report.css; `directory` is what the
 * reproducing commands call the data. Errors are those of figure_draw(), and TRACE_IO when report.css cannot
 * be read. */
enum trace_status page_write(FILE *page, const struct comparison *comparison, const char *plots,
			     struct trace_error *error) TRACE_MUST_USE;

#endif
