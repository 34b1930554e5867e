/* output.h: a file that appears whole or not at all.
 *
 * It is written under another name beside its place and renamed at the end. "-" is standard output.
 */
#ifndef FAULTLINE_BENCH_REPORT_OUTPUT_H
#define FAULTLINE_BENCH_REPORT_OUTPUT_H

#include "traces/error.h"

#include <stdio.h>

struct output {
	FILE *stream;
	char *path; /* NULL for standard output */
	char *beside;
};

/* Opens the file for `path`, whose directory exists. TRACE_IO when the system refuses. */
enum trace_status output_create(struct output *output, const char *path,
				struct trace_error *error) TRACE_MUST_USE;

/* With `so_far` TRACE_OK: puts the file in its place. Else, and when that fails, removes it. Gives back the
 * first failure. */
enum trace_status output_finish(struct output *output, enum trace_status so_far,
				struct trace_error *error) TRACE_MUST_USE;

#endif
