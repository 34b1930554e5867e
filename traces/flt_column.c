#include "config.h"

#include "traces/flt_column.h"

#include "traces/flt_checksum.h"
#include "traces/flt_varint.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum trace_status flt_column_reader_start(struct flt_column_reader *reader, const struct flt_input *input,
					  struct trace_error *error)
{
	*reader = (struct flt_column_reader){.input = input, .decompressor = ZSTD_createDCtx()};
	if (!reader->decompressor)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for decompression");
	return TRACE_OK;
}

void flt_column_reader_end(struct flt_column_reader *reader)
{
	(void)ZSTD_freeDCtx(reader->decompressor);
	free(reader->stored);
	free(reader->raw);
	*reader = (struct flt_column_reader){0};
}

static bool fit(uint8_t **buffer, size_t *capacity, size_t bytes)
{
	if (bytes <= *capacity)
		return true;
	free(*buffer);
	*buffer = malloc(bytes);
	*capacity = *buffer ? bytes : 0;
	return *buffer != NULL;
}

static enum trace_status damaged(const struct flt_column_reader *reader, const struct flt_section *section,
				 const struct flt_column_entry *entry, struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT,
			  "%s: column %u of the %.4s section at byte %" PRIu64 " is damaged",
			  reader->input->name, entry->column, section->tag, section->body_offset);
}

/* What zstd says that the frame holds must be what the directory says, before memory is spent on it. */
static bool lengths_agree(const struct flt_column_reader *reader, const struct flt_column_entry *entry)
{
	return entry->compression == FLT_ZSTD &&
	       ZSTD_getFrameContentSize(reader->stored, entry->stored_bytes) == entry->raw_bytes;
}

/* The bytes as they were before they were compressed. */
static enum trace_status unpack(struct flt_column_reader *reader, const struct flt_section *section,
				const struct flt_column_entry *entry, struct trace_error *error)
{
	if (!lengths_agree(reader, entry))
		return damaged(reader, section, entry, error);
	if (!fit(&reader->raw, &reader->raw_capacity, (size_t)entry->raw_bytes + FLT_VARINT_PADDING))
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to read %s",
				  reader->input->name);
	memset(reader->raw + entry->raw_bytes, 0, FLT_VARINT_PADDING);
	if (ZSTD_decompressDCtx(reader->decompressor, reader->raw, entry->raw_bytes, reader->stored,
				entry->stored_bytes) != entry->raw_bytes)
		return damaged(reader, section, entry, error);
	return TRACE_OK;
}

enum trace_status flt_column_read(struct flt_column_reader *reader, const struct flt_section *section,
				  uint16_t column, struct flt_column_bytes *bytes, struct trace_error *error)
{
	const struct flt_column_entry *entry = flt_section_find(section, column);

	*bytes = (struct flt_column_bytes){0};
	if (!entry)
		return TRACE_OK;
	if (!fit(&reader->stored, &reader->stored_capacity, (size_t)entry->stored_bytes + FLT_VARINT_PADDING))
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to read %s",
				  reader->input->name);
	enum trace_status status = flt_input_read(reader->input, section->body_offset + entry->offset,
						  reader->stored, entry->stored_bytes, error);

	if (status == TRACE_END ||
	    (status == TRACE_OK && flt_checksum(reader->stored, entry->stored_bytes) != entry->checksum))
		return damaged(reader, section, entry, error);
	if (status == TRACE_OK && entry->compression != FLT_STORED)
		status = unpack(reader, section, entry, error);
	if (status != TRACE_OK)
		return status;
	if (entry->compression == FLT_STORED)
		memset(reader->stored + entry->stored_bytes, 0, FLT_VARINT_PADDING);
	*bytes = (struct flt_column_bytes){entry->compression == FLT_STORED ? reader->stored : reader->raw,
					   entry->raw_bytes, entry->values};
	return TRACE_OK;
}
