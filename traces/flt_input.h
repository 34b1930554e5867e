/* flt_input.h: the bytes of a trace that is read: a file, a pipe (copied to an unlinked temporary file, because a trace
 * is read from both ends), or memory. */
#ifndef FAULTLINE_TRACES_FLT_INPUT_H
#define FAULTLINE_TRACES_FLT_INPUT_H

#include "traces/error.h"

#include <stddef.h>
#include <stdint.h>

struct flt_input {
	int fd;		       /* -1 for memory */
	const uint8_t *memory; /* the caller's */
	uint64_t bytes;	       /* length when it was opened */
	char *name;	       /* for messages */
};

/* "-" is standard input. */
enum trace_status flt_input_open(struct flt_input *input, const char *path,
				 struct trace_error *error) TRACE_MUST_USE;

/* Reads from `bytes` bytes that stay valid until flt_input_close. */
enum trace_status flt_input_open_memory(struct flt_input *input, const void *memory, size_t bytes,
					struct trace_error *error) TRACE_MUST_USE;

/* Reads exactly `count` bytes at `offset`; TRACE_END when the input does not have them. */
enum trace_status flt_input_read(const struct flt_input *input, uint64_t offset, void *bytes, size_t count,
				 struct trace_error *error) TRACE_MUST_USE;

void flt_input_close(struct flt_input *input);

#endif
