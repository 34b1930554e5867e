#include "config.h"

#include "traces/flt_section.h"

#include "traces/flt_bytes.h"
#include "traces/flt_checksum.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define MAX_HEAD_BYTES (FLT_SECTION_MAX_FIELDS * 8 + FLT_SECTION_MAX_COLUMNS * FLT_DIRECTORY_ENTRY_BYTES)
#define CHECKSUM_OFFSET 16

enum trace_status flt_section_writer_start(struct flt_section_writer *writer, int level,
					   struct trace_error *error)
{
	*writer = (struct flt_section_writer){.level = level, .compressor = ZSTD_createCCtx()};
	if (!writer->compressor)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for compression");
	return TRACE_OK;
}

void flt_section_writer_end(struct flt_section_writer *writer)
{
	(void)ZSTD_freeCCtx(writer->compressor);
	free(writer->body);
	*writer = (struct flt_section_writer){0};
}

void flt_section_begin(struct flt_section_writer *writer, const char *tag)
{
	memset(&writer->section, 0, sizeof(writer->section));
	memcpy(writer->section.tag, tag, sizeof(writer->section.tag));
}

void flt_section_field(struct flt_section_writer *writer, uint64_t value)
{
	writer->section.field[writer->section.fields++] = value;
}

/* Makes room for `count` more bytes behind the body. */
static bool reserve(struct flt_section_writer *writer, size_t count)
{
	const size_t wanted = (size_t)writer->section.body_bytes + count;

	if (wanted <= writer->body_capacity)
		return true;
	uint8_t *larger = realloc(writer->body, wanted + wanted / 2);

	if (!larger)
		return false;
	writer->body = larger;
	writer->body_capacity = wanted + wanted / 2;
	return true;
}

/* Puts the bytes at `out` compressed, when that is shorter and no reader would distrust it; 0 when not. */
static size_t compress(struct flt_section_writer *writer, uint8_t *out, size_t bound,
		       const struct flt_column_bytes *bytes)
{
	const size_t stored =
	    ZSTD_compressCCtx(writer->compressor, out, bound, bytes->raw, bytes->raw_bytes, writer->level);

	if (ZSTD_isError(stored) || stored >= bytes->raw_bytes ||
	    (bytes->raw_bytes > FLT_COLUMN_TRUSTED_BYTES && bytes->raw_bytes / FLT_COLUMN_MAX_RATIO > stored))
		return 0;
	return stored;
}

static enum trace_status add_column(struct flt_section_writer *writer, uint16_t column,
				    const struct flt_column_bytes *bytes, bool may_compress,
				    struct trace_error *error)
{
	struct flt_section *section = &writer->section;

	if (bytes->raw_bytes == 0)
		return TRACE_OK;
	if (bytes->raw_bytes > FLT_COLUMN_MAX_BYTES)
		return trace_fail(error, TRACE_UNSUPPORTED, "a table of the trace grows beyond 2^30 bytes");
	const size_t bound = may_compress ? ZSTD_compressBound(bytes->raw_bytes) : bytes->raw_bytes;

	if (!reserve(writer, bound))
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to write a block of the trace");
	uint8_t *out = writer->body + section->body_bytes;
	const size_t compressed = may_compress ? compress(writer, out, bound, bytes) : 0;
	const size_t stored = compressed ? compressed : bytes->raw_bytes;

	if (!compressed)
		memcpy(out, bytes->raw, bytes->raw_bytes);
	section->column[section->columns++] = (struct flt_column_entry){
	    .column = column,
	    .compression = compressed ? FLT_ZSTD : FLT_STORED,
	    .values = (uint32_t)bytes->values,
	    .stored_bytes = (uint32_t)stored,
	    .raw_bytes = (uint32_t)bytes->raw_bytes,
	    .checksum = flt_checksum(out, stored),
	};
	section->body_bytes += stored;
	return TRACE_OK;
}

enum trace_status flt_section_column(struct flt_section_writer *writer, uint16_t column,
				     const struct flt_column_bytes *bytes, struct trace_error *error)
{
	return add_column(writer, column, bytes, true, error);
}

enum trace_status flt_section_column_stored(struct flt_section_writer *writer, uint16_t column,
					    const struct flt_column_bytes *bytes, struct trace_error *error)
{
	return add_column(writer, column, bytes, false, error);
}

static uint8_t *put_entry(uint8_t *out, const struct flt_column_entry *entry)
{
	out = flt_put16(out, entry->column);
	*out++ = entry->compression;
	*out++ = 0;
	out = flt_put32(out, entry->values);
	out = flt_put32(out, entry->stored_bytes);
	out = flt_put32(out, entry->raw_bytes);
	return flt_put64(out, entry->checksum);
}

static const uint8_t *get_entry(const uint8_t *in, struct flt_column_entry *entry)
{
	*entry = (struct flt_column_entry){
	    .column = flt_get16(in),
	    .compression = in[2],
	    .values = flt_get32(in + 4),
	    .stored_bytes = flt_get32(in + 8),
	    .raw_bytes = flt_get32(in + 12),
	    .checksum = flt_get64(in + 16),
	};
	return in + FLT_DIRECTORY_ENTRY_BYTES;
}

enum trace_status flt_section_write(struct flt_section_writer *writer, struct flt_output *output,
				    struct trace_error *error)
{
	const struct flt_section *section = &writer->section;
	uint8_t bytes[FLT_SECTION_PREAMBLE_BYTES + MAX_HEAD_BYTES];
	uint8_t *out = bytes;

	memcpy(out, section->tag, sizeof(section->tag));
	out = flt_put16(out + 4, section->fields);
	out = flt_put16(out, section->columns);
	out = flt_put64(out, section->body_bytes);
	out += 8;
	for (unsigned i = 0; i < section->fields; i++)
		out = flt_put64(out, section->field[i]);
	for (unsigned i = 0; i < section->columns; i++)
		out = put_entry(out, &section->column[i]);

	const size_t count = (size_t)(out - bytes);

	/* The checksum's own eight bytes count as zero. */
	(void)flt_put64(bytes + CHECKSUM_OFFSET, 0);
	(void)flt_put64(bytes + CHECKSUM_OFFSET, flt_checksum(bytes, count));
	enum trace_status status = flt_output_write(output, bytes, count, error);

	if (status == TRACE_OK)
		status = flt_output_write(output, writer->body, section->body_bytes, error);
	return status;
}

static enum trace_status damaged(const struct flt_input *input, uint64_t offset, const char *what,
				 struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT, "%s: the section at byte %" PRIu64 " %s", input->name,
			  offset, what);
}

static const char *parse_directory(struct flt_section *section, const uint8_t *in)
{
	uint64_t offset = 0;

	for (unsigned i = 0; i < section->columns; i++) {
		struct flt_column_entry *entry = &section->column[i];

		in = get_entry(in, entry);
		entry->offset = offset;
		offset += entry->stored_bytes;
		if (entry->raw_bytes > FLT_COLUMN_MAX_BYTES)
			return "has a column of more than 2^30 bytes";
		if (entry->raw_bytes > FLT_COLUMN_TRUSTED_BYTES &&
		    entry->raw_bytes / FLT_COLUMN_MAX_RATIO > entry->stored_bytes)
			return "has a column that claims an impossible length";
		if (entry->compression == FLT_STORED && entry->raw_bytes != entry->stored_bytes)
			return "has an uncompressed column of two lengths";
	}
	return offset == section->body_bytes ? NULL : "has columns that do not fill its body";
}

static const char *parse_head(struct flt_section *section, uint8_t *bytes, size_t head_bytes)
{
	const uint64_t checksum = flt_get64(bytes + CHECKSUM_OFFSET);
	const uint8_t *in = bytes + FLT_SECTION_PREAMBLE_BYTES;

	(void)flt_put64(bytes + CHECKSUM_OFFSET, 0);
	if (flt_checksum(bytes, FLT_SECTION_PREAMBLE_BYTES + head_bytes) != checksum)
		return "is damaged: its checksum does not match";
	for (unsigned i = 0; i < section->fields; i++, in += 8)
		section->field[i] = flt_get64(in);
	return parse_directory(section, in);
}

enum trace_status flt_section_read(struct flt_section *section, const struct flt_input *input,
				   uint64_t offset, struct trace_error *error)
{
	uint8_t bytes[FLT_SECTION_PREAMBLE_BYTES + MAX_HEAD_BYTES];
	enum trace_status status = flt_input_read(input, offset, bytes, FLT_SECTION_PREAMBLE_BYTES, error);

	if (status != TRACE_OK)
		return status;
	memset(section, 0, sizeof(*section));
	memcpy(section->tag, bytes, sizeof(section->tag));
	section->fields = flt_get16(bytes + 4);
	section->columns = flt_get16(bytes + 6);
	section->body_bytes = flt_get64(bytes + 8);
	if (section->fields > FLT_SECTION_MAX_FIELDS || section->columns > FLT_SECTION_MAX_COLUMNS)
		return damaged(input, offset, "is damaged: it has too many fields or columns", error);
	const size_t head_bytes =
	    section->fields * (size_t)8 + section->columns * (size_t)FLT_DIRECTORY_ENTRY_BYTES;

	status = flt_input_read(input, offset + FLT_SECTION_PREAMBLE_BYTES,
				bytes + FLT_SECTION_PREAMBLE_BYTES, head_bytes, error);
	if (status != TRACE_OK)
		return status;
	const char *fault = parse_head(section, bytes, head_bytes);

	if (fault)
		return damaged(input, offset, fault, error);
	section->body_offset = offset + FLT_SECTION_PREAMBLE_BYTES + head_bytes;
	return section->body_bytes > input->bytes - section->body_offset ? TRACE_END : TRACE_OK;
}

uint64_t flt_section_end(const struct flt_section *section)
{
	return section->body_offset + section->body_bytes;
}

const struct flt_column_entry *flt_section_find(const struct flt_section *section, uint16_t column)
{
	for (unsigned i = 0; i < section->columns; i++) {
		if (section->column[i].column == column)
			return &section->column[i];
	}
	return NULL;
}
