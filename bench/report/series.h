/* series.h: is a .tsv file of a run directory fit to be drawn?
 *
 * gnuplot carries on with a warning where a file is missing or a field is no number, so that is found out
 * first. A series is lines of tab-separated fields; lines that begin with `#` are its header. A field is a
 * number or `?` for an unknown one; the first may be a word.
 */
#ifndef FAULTLINE_BENCH_REPORT_SERIES_H
#define FAULTLINE_BENCH_REPORT_SERIES_H

#include "traces/error.h"

#include <stdbool.h>
#include <stddef.h>

#define SERIES_MAX_LINE_BYTES 65536
#define SERIES_MAX_FIELD_BYTES 512

struct series_need {
	const char *file; /* "timeline.tsv" */
	unsigned columns; /* at least so many fields per line */
	unsigned column;  /* the one that is drawn, from 1: at least one line must have a number there */
	bool above_0;	  /* and one above 0 */
};

/* Whether `directory`/`need.file`, below the directory that `at` is open on, can be drawn: *usable is false
 * where the file is not there, or has nothing but unknowns in its column. TRACE_BAD_INPUT, with file and
 * line, when a line is not as described above; TRACE_IO when it cannot be read. */
enum trace_status series_check(int at, const char *directory, const struct series_need *need, bool *usable,
			       struct trace_error *error) TRACE_MUST_USE;

#endif
