/* flt_section.h: the one shape that everything in a .flt file has.
 *
 *   +------+--------+---------+------------+----------+=========+============+======= ... =======+
 *   | tag  | fields | columns | body bytes | checksum | fields  | directory  | body: the columns |
 *   | 4 B  | u16    | u16     | u64        | u64      | u64 ... | 24 B ...   |                   |
 *   +------+--------+---------+------------+----------+=========+============+======= ... =======+
 *   '------- 16 bytes ---------------------'          '----- head ----------'
 *
 * The checksum (XXH3-64) covers the 16 bytes before it and the head. Each column carries its own checksum over its
 * stored bytes, so that one who wants two columns of seven reads and checks only those two. A reader that meets fields,
 * columns or tags that it does not know skips them; a field that is not there is 0, a column that is not there is empty.
 */
#ifndef FAULTLINE_TRACES_FLT_SECTION_H
#define FAULTLINE_TRACES_FLT_SECTION_H

#include "traces/error.h"
#include "traces/flt_input.h"
#include "traces/flt_output.h"

#include <stddef.h>
#include <stdint.h>

#define FLT_SECTION_PREAMBLE_BYTES 24
#define FLT_SECTION_MAX_FIELDS 64
#define FLT_SECTION_MAX_COLUMNS 64
#define FLT_DIRECTORY_ENTRY_BYTES 24
#define FLT_COLUMN_MAX_BYTES (UINT32_C(1) << 30) /* before compression */

/* A reader spends at most this much memory on a column that claims to be much larger than it is stored. */
#define FLT_COLUMN_TRUSTED_BYTES (UINT32_C(1) << 23)
#define FLT_COLUMN_MAX_RATIO 1024

enum flt_compression {
	FLT_STORED = 0,
	FLT_ZSTD = 1,
};

struct flt_column_entry {
	uint16_t column;       /* what it holds; its meaning depends on the tag */
	uint8_t compression;   /* enum flt_compression */
	uint32_t values;       /* integers or records in it */
	uint32_t stored_bytes; /* in the body */
	uint32_t raw_bytes;    /* after decompression */
	uint64_t checksum;     /* XXH3-64 of the stored bytes */
	uint64_t offset;       /* in the body: the sum of stored_bytes before it; not in the file */
};

/* A section's head. */
struct flt_section {
	char tag[4];
	uint16_t fields, columns;
	uint64_t body_bytes;
	uint64_t field[FLT_SECTION_MAX_FIELDS]; /* those beyond `fields` are 0 */
	struct flt_column_entry column[FLT_SECTION_MAX_COLUMNS];
	uint64_t body_offset; /* in the file */
};

/* --- Writing: a section is collected, then written in one go ------------------------------------------------------ */

struct flt_section_writer {
	struct flt_section section;
	uint8_t *body;
	size_t body_capacity;
	void *compressor; /* ZSTD_CCtx */
	int level;	  /* of zstd */
};

enum trace_status flt_section_writer_start(struct flt_section_writer *writer, int level,
					   struct trace_error *error) TRACE_MUST_USE;
void flt_section_writer_end(struct flt_section_writer *writer);

/* Begins a section with this tag of four characters, without fields and columns. */
void flt_section_begin(struct flt_section_writer *writer, const char *tag);

/* Appends a field; at most FLT_SECTION_MAX_FIELDS. */
void flt_section_field(struct flt_section_writer *writer, uint64_t value);

struct flt_column_bytes {
	const void *raw;
	size_t raw_bytes; /* at most FLT_COLUMN_MAX_BYTES, or TRACE_UNSUPPORTED */
	size_t values;
};

/* Appends column `column`, compressed when that is shorter. Without bytes it appends nothing. */
enum trace_status flt_section_column(struct flt_section_writer *writer, uint16_t column,
				     const struct flt_column_bytes *bytes,
				     struct trace_error *error) TRACE_MUST_USE;

/* The same, stored as it is. */
enum trace_status flt_section_column_stored(struct flt_section_writer *writer, uint16_t column,
					    const struct flt_column_bytes *bytes,
					    struct trace_error *error) TRACE_MUST_USE;

/* Writes the section. */
enum trace_status flt_section_write(struct flt_section_writer *writer, struct flt_output *output,
				    struct trace_error *error) TRACE_MUST_USE;

/* --- Reading ------------------------------------------------------------------------------------------------------ */

/* Reads the head of the section at `offset` of the input; TRACE_END when the input ends at or within it (also when its
 * body is cut off), TRACE_BAD_INPUT when its bytes are not a section. */
enum trace_status flt_section_read(struct flt_section *section, const struct flt_input *input,
				   uint64_t offset, struct trace_error *error) TRACE_MUST_USE;

/* Where the next section begins. */
uint64_t flt_section_end(const struct flt_section *section);

/* The directory entry of `column`, or NULL. */
const struct flt_column_entry *flt_section_find(const struct flt_section *section, uint16_t column);

#endif
