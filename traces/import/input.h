/* input.h: a foreign file as a stream of text lines, or of records of bytes.
 *
 *   path, "-" or memory ──▶ [ gzip bzip2 xz zstd compress ] ──▶ [ zip tar ] ──▶ lines or records, numbered from 1
 *
 * Compression and archives are recognised by their first bytes, never by the file's name, and undone by
 * libarchive while reading; nothing is loaded whole. Of an archive the first regular member is read. No
 * filter that would start another program is enabled.
 */
#ifndef FAULTLINE_TRACES_IMPORT_INPUT_H
#define FAULTLINE_TRACES_IMPORT_INPUT_H

#include "traces/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INPUT_LINE_MAX_BYTES ((size_t)1 << 16) /* longer lines are cut and marked */
#define INPUT_PEEK_BYTES ((size_t)1 << 16)     /* most that input_peek shows */

struct input;

struct input_line {
	const char *text; /* not terminated; valid until the next input_next */
	size_t length;	  /* bytes, without the newline and the carriage return before it */
	uint64_t number;  /* 1 = first line of the (decompressed) file */
	bool cut;	  /* the line was longer than INPUT_LINE_MAX_BYTES; `text` is its beginning */
};

/* Opens the file at `path`, "-" = standard input. TRACE_IO when the system refuses, TRACE_BAD_INPUT for an
 * empty file, an archive without a regular file or a damaged one, TRACE_NO_MEMORY. */
enum trace_status input_open(struct input **opened, const char *path,
			     struct trace_error *error) TRACE_MUST_USE;

/* The same over `length` bytes that the caller keeps until input_close; `name` is copied and stands in
 * messages. */
enum trace_status input_open_memory(struct input **opened, const void *bytes, size_t length, const char *name,
				    struct trace_error *error) TRACE_MUST_USE;

/* The name for messages: the path as given, "standard input", or PATH(MEMBER) for a member of an archive. */
const char *input_name(const struct input *input);

/* Shows the first bytes, at most INPUT_PEEK_BYTES, without consuming them. Only before the first
 * input_next. */
enum trace_status input_peek(struct input *input, const char **bytes, size_t *length,
			     struct trace_error *error) TRACE_MUST_USE;

/* The next line; TRACE_END after the last. A last line without newline is a line. TRACE_BAD_INPUT or TRACE_IO
 * when the bytes cannot be decompressed or read. */
enum trace_status input_next(struct input *input, struct input_line *line,
			     struct trace_error *error) TRACE_MUST_USE;

/* The next `capacity` bytes, fewer at the end of the file; TRACE_END when there is none. Each call counts as one
 * line. Not to be mixed with input_next. */
enum trace_status input_read(struct input *input, void *bytes, size_t capacity, size_t *got,
			     struct trace_error *error) TRACE_MUST_USE;

/* Regular members of the archive after the one that was read. Only after input_next said TRACE_END. */
uint64_t input_other_members(const struct input *input);

/* Bytes delivered by decompression so far. */
uint64_t input_bytes(const struct input *input);

void input_close(struct input *input);

#endif
