/* flt_column.h: reads the columns of a section: from the file, through checksum and decompression, to plain bytes. */
#ifndef FAULTLINE_TRACES_FLT_COLUMN_H
#define FAULTLINE_TRACES_FLT_COLUMN_H

#include "traces/error.h"
#include "traces/flt_input.h"
#include "traces/flt_section.h"

#include <stddef.h>
#include <stdint.h>

/* Keeps its buffers from one column to the next. */
struct flt_column_reader {
	const struct flt_input *input;
	void *decompressor; /* ZSTD_DCtx */
	uint8_t *stored, *raw;
	size_t stored_capacity, raw_capacity;
};

enum trace_status flt_column_reader_start(struct flt_column_reader *reader, const struct flt_input *input,
					  struct trace_error *error) TRACE_MUST_USE;
void flt_column_reader_end(struct flt_column_reader *reader);

/* Sets *raw to the column's bytes, valid until the next call and followed by FLT_VARINT_PADDING readable ones. A column
 * that is not there has 0 bytes. */
enum trace_status flt_column_read(struct flt_column_reader *reader, const struct flt_section *section,
				  uint16_t column, struct flt_column_bytes *bytes,
				  struct trace_error *error) TRACE_MUST_USE;

#endif
