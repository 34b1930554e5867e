/* figure_files.h: every figure of a report as a picture file of its own.
 */
#ifndef FAULTLINE_BENCH_REPORT_FIGURE_FILES_H
#define FAULTLINE_BENCH_REPORT_FIGURE_FILES_H

#include "bench/report/comparison.h"
#include "bench/report/gnuplot.h"
#include "traces/error.h"

/* Writes DIR/figures/overview.KIND (when there are several traces) and DIR/figures/TRACE/FIGURE.KIND, where
 * KIND is svg or png; figures without data are left out. Directories are made as needed. Errors are those of
 * figure_draw() and TRACE_IO. */
enum trace_status figure_files_write(const struct comparison *comparison, const char *plots,
				     enum picture_kind kind, struct trace_error *error) TRACE_MUST_USE;

#endif
