#include "config.h"

#include "traces/flt_footer.h"

#include "traces/flt_bytes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t magic[8] = {0x89, 'F', 'L', 'T', '\r', '\n', 0x1a, '\n'};

#define MAX_TEXT_BYTES 65535u

enum description_column {
	COLUMN_SOURCE = 1,
	COLUMN_COMMAND = 2,
	COLUMN_HOST = 3,
};

#define HAS_TIME 1u
#define HAS_STACKS 2u

static enum trace_status add_text(struct flt_section_writer *writer, uint16_t column, const char *text,
				  struct trace_error *error)
{
	const size_t length = text ? strnlen(text, MAX_TEXT_BYTES) : 0;
	const struct flt_column_bytes bytes = {text, length, 1};

	return flt_section_column(writer, column, &bytes, error);
}

enum trace_status flt_header_write(const struct flt_description *description,
				   struct flt_section_writer *writer, struct flt_output *output,
				   struct trace_error *error)
{
	uint8_t header[FLT_HEADER_BYTES] = {0};
	enum trace_status status;

	memcpy(header, magic, sizeof(magic));
	(void)flt_put16(header + 8, FLT_VERSION);
	status = flt_output_write(output, header, sizeof(header), error);
	if (status != TRACE_OK)
		return status;
	flt_section_begin(writer, FLT_TAG_DESCRIPTION);
	flt_section_field(writer, (description->has_time ? HAS_TIME : 0) |
				      (description->has_stacks ? HAS_STACKS : 0));
	if (description->recorder)
		flt_section_field(writer, description->recorder);
	status = add_text(writer, COLUMN_SOURCE, description->source, error);
	if (status == TRACE_OK)
		status = add_text(writer, COLUMN_COMMAND, description->command, error);
	if (status == TRACE_OK)
		status = add_text(writer, COLUMN_HOST, description->host, error);
	return status == TRACE_OK ? flt_section_write(writer, output, error) : status;
}

enum trace_status flt_header_read(const struct flt_input *input, struct trace_error *error)
{
	uint8_t header[FLT_HEADER_BYTES];
	enum trace_status status = flt_input_read(input, 0, header, sizeof(header), error);

	if (status == TRACE_END || (status == TRACE_OK && memcmp(header, magic, sizeof(magic)) != 0))
		return trace_fail(
		    error, TRACE_BAD_INPUT,
		    "%s is not a Faultline trace; `faultline import` makes one from other formats",
		    input->name);
	if (status != TRACE_OK)
		return status;
	if (flt_get16(header + 8) != FLT_VERSION)
		return trace_fail(error, TRACE_UNSUPPORTED,
				  "%s has version %u of the trace format, this build reads %u", input->name,
				  flt_get16(header + 8), FLT_VERSION);
	if (flt_get16(header + 10) || flt_get32(header + 12))
		return trace_fail(error, TRACE_UNSUPPORTED, "%s needs features that this build does not have",
				  input->name);
	return TRACE_OK;
}

static enum trace_status take_text(const char **text, struct flt_column_reader *reader,
				   const struct flt_section *section, uint16_t column)
{
	struct flt_column_bytes bytes;
	enum trace_status status = flt_column_read(reader, section, column, &bytes, NULL);

	if (status != TRACE_OK)
		return status;
	if (bytes.raw_bytes > MAX_TEXT_BYTES || (bytes.raw_bytes && memchr(bytes.raw, 0, bytes.raw_bytes)))
		return TRACE_BAD_INPUT;
	*text = strndup(bytes.raw_bytes ? bytes.raw : "", bytes.raw_bytes);
	return *text ? TRACE_OK : TRACE_NO_MEMORY;
}

enum trace_status flt_description_read(struct flt_description *description, struct flt_column_reader *reader,
				       const struct flt_section *section, struct trace_error *error)
{
	enum trace_status status;

	*description = (struct flt_description){
	    .has_time = section->field[0] & HAS_TIME,
	    .has_stacks = section->field[0] & HAS_STACKS,
	    .recorder = section->field[1],
	};
	status = take_text(&description->source, reader, section, COLUMN_SOURCE);
	if (status == TRACE_OK)
		status = take_text(&description->command, reader, section, COLUMN_COMMAND);
	if (status == TRACE_OK)
		status = take_text(&description->host, reader, section, COLUMN_HOST);
	if (status != TRACE_OK) {
		flt_description_free(description);
		return trace_fail(error, status, "%s: its description cannot be read", reader->input->name);
	}
	return TRACE_OK;
}

void flt_description_free(struct flt_description *description)
{
	free((void *)(uintptr_t)description->source);
	free((void *)(uintptr_t)description->command);
	free((void *)(uintptr_t)description->host);
	*description = (struct flt_description){0};
}
