/* flt_output.h: the file that a trace is written to: beside its final path until it is complete, then renamed. */
#ifndef FAULTLINE_TRACES_FLT_OUTPUT_H
#define FAULTLINE_TRACES_FLT_OUTPUT_H

#include "traces/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flt_output {
	int fd;
	char *path;	 /* the final one; NULL for standard output */
	char *temporary; /* path with six random characters behind it, in the same directory */
	uint64_t offset; /* bytes written */
};

/* "-" is standard output. Nothing exists under `path` before
 * flt_output_commit; a device or pipe under `path` is written directly. */
enum trace_status flt_output_open(struct flt_output *output, const char *path,
				  struct trace_error *error) TRACE_MUST_USE;

enum trace_status flt_output_write(struct flt_output *output, const void *bytes, size_t count,
				   struct trace_error *error) TRACE_MUST_USE;

/* Syncs, closes and renames. The output is gone whatever the result; on failure so is the temporary file. */
enum trace_status flt_output_commit(struct flt_output *output, struct trace_error *error) TRACE_MUST_USE;

/* Closes and removes the temporary file. */
void flt_output_abandon(struct flt_output *output);

bool flt_output_is_terminal(const struct flt_output *output);

/* Its name for messages. */
const char *flt_output_name(const struct flt_output *output);

#endif
