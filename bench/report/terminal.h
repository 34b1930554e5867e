/* terminal.h: the report in a terminal: verdicts, tables, and the charts drawn with characters.
 */
#ifndef FAULTLINE_BENCH_REPORT_TERMINAL_H
#define FAULTLINE_BENCH_REPORT_TERMINAL_H

#include "bench/report/comparison.h"
#include "traces/error.h"

#include <stdbool.h>
#include <stdio.h>

struct terminal {
	FILE *out;
	unsigned columns; /* of a line */
	bool colours;
};

/* The terminal behind `out`: its width, or 100 columns without colours when it is none. */
struct terminal terminal_of(FILE *out);

/* Prints the verdicts and the table over all traces (of the one trace when there is one). */
void terminal_tables(const struct terminal *terminal, const struct comparison *comparison);

/* Prints that, and for each trace its table and its charts. Errors are those of figure_draw(). */
enum trace_status terminal_report(const struct terminal *terminal, const struct comparison *comparison,
				  const char *plots, struct trace_error *error) TRACE_MUST_USE;

#endif
