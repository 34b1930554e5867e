#include "config.h"

#include "traces/flt_section.h"
#include "traces/flt_varint.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

enum trace_status flt_section_writer_start(struct flt_section_writer *writer, int level, struct trace_error *error)
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

enum trace_status flt_section_column(struct flt_section_writer *writer, uint16_t column,
				     const struct flt_column_bytes *bytes, struct trace_error *error)
{
	struct flt_section *section = &writer->section;

	if (bytes->raw_bytes == 0)
		return TRACE_OK;
	if (bytes->raw_bytes > FLT_COLUMN_MAX_BYTES)
		return trace_fail(error, TRACE_UNSUPPORTED, "a table of the trace grows beyond 2^30 bytes");
	const size_t bound = ZSTD_compressBound(bytes->raw_bytes);

	if (!reserve(writer, bound))
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to write a block of the trace");
	uint8_t *out = writer->body + section->body_bytes;
	size_t stored = ZSTD_compressCCtx(writer->compressor, out, bound, bytes->raw, bytes->raw_bytes, writer->level);
	const bool compressed = !ZSTD_isError(stored) && stored < bytes->raw_bytes &&
				(bytes->raw_bytes <= FLT_COLUMN_TRUSTED_BYTES ||
				 bytes->raw_bytes / FLT_COLUMN_MAX_RATIO <= stored);

	if (!compressed) {
		memcpy(out, bytes->raw, bytes->raw_bytes);
		stored = bytes->raw_bytes;
	}
	section->column[section->columns++] = (struct flt_column_entry){
		.column = column,
		.compression = compressed ? FLT_ZSTD : FLT_STORED,
		.values = (uint32_t)bytes->values,
		.stored_bytes = (uint32_t)stored,
		.raw_bytes = (uint32_t)bytes->raw_bytes,
		.checksum = XXH3_64bits(out, stored),
	};
	section->body_bytes += stored;
	return TRACE_OK;
}

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
	return trace_fail(error, TRACE_BAD_INPUT, "%s: column %u of the %.4s section at byte %" PRIu64 " is damaged",
			  reader->input->name, entry->column, section->tag, section->body_offset);
}

/* What zstd says that the frame holds must be what the directory says, before memory is spent on it. */
static bool lengths_agree(const struct flt_column_reader *reader, const struct flt_column_entry *entry)
{
	return entry->compression == FLT_ZSTD &&
	       ZSTD_getFrameContentSize(reader->stored, entry->stored_bytes) == entry->raw_bytes;
}

static enum trace_status unpack(struct flt_column_reader *reader, const struct flt_section *section,
				const struct flt_column_entry *entry, struct trace_error *error)
{
	if (entry->compression == FLT_STORED) {
		memcpy(reader->raw, reader->stored, entry->raw_bytes);
		return TRACE_OK;
	}
	if (ZSTD_decompressDCtx(reader->decompressor, reader->raw, entry->raw_bytes, reader->stored,
				entry->stored_bytes) != entry->raw_bytes)
		return damaged(reader, section, entry, error);
	return TRACE_OK;
}

enum trace_status flt_column_read(struct flt_column_reader *reader, const struct flt_section *section, uint16_t column,
				  struct flt_column_bytes *bytes, struct trace_error *error)
{
	const struct flt_column_entry *entry = flt_section_find(section, column);

	*bytes = (struct flt_column_bytes){0};
	if (!entry)
		return TRACE_OK;
	if (!fit(&reader->stored, &reader->stored_capacity, entry->stored_bytes + 1u))
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to read %s", reader->input->name);
	enum trace_status status = flt_input_read(reader->input, section->body_offset + entry->offset, reader->stored,
						  entry->stored_bytes, error);

	if (status == TRACE_END || (status == TRACE_OK && XXH3_64bits(reader->stored, entry->stored_bytes) !=
								  entry->checksum))
		return damaged(reader, section, entry, error);
	if (status != TRACE_OK)
		return status;
	if (entry->compression != FLT_STORED && !lengths_agree(reader, entry))
		return damaged(reader, section, entry, error);
	if (!fit(&reader->raw, &reader->raw_capacity, (size_t)entry->raw_bytes + FLT_VARINT_PADDING))
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to read %s", reader->input->name);
	memset(reader->raw + entry->raw_bytes, 0, FLT_VARINT_PADDING);
	*bytes = (struct flt_column_bytes){reader->raw, entry->raw_bytes, entry->values};
	return unpack(reader, section, entry, error);
}
