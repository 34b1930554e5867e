#include "config.h"

#include "traces/flt_entry.h"

#include "traces/flt_varint.h"

#include <stdlib.h>
#include <string.h>

uint8_t *flt_entry_reserve(struct flt_bytes *bytes, size_t numbers, size_t text_bytes)
{
	const size_t wanted = bytes->used + numbers * FLT_VARINT_BYTES + text_bytes;

	if (wanted > bytes->capacity) {
		uint8_t *larger = realloc(bytes->bytes, wanted * 2);

		if (!larger)
			return NULL;
		bytes->bytes = larger;
		bytes->capacity = wanted * 2;
	}
	return bytes->bytes + bytes->used;
}

void flt_entry_finish(struct flt_bytes *bytes, const uint8_t *end)
{
	const size_t used = (size_t)(end - bytes->bytes);

	bytes->all += used - bytes->used;
	bytes->used = used;
	bytes->values++;
}

uint8_t *flt_entry_put_text(uint8_t *out, const char *text)
{
	const size_t length = strlen(text);

	out = flt_varint_put(out, length);
	return mempcpy(out, text, length);
}

bool flt_entry_get(struct flt_entry_parse *parse, uint64_t *value)
{
	return flt_varint_get(&parse->in, parse->end, value);
}

bool flt_entry_get32(struct flt_entry_parse *parse, uint32_t *value)
{
	uint64_t wide;

	if (!flt_entry_get(parse, &wide) || wide > UINT32_MAX)
		return false;
	*value = (uint32_t)wide;
	return true;
}

bool flt_entry_get_text(struct flt_entry_parse *parse)
{
	uint64_t length;

	if (!flt_entry_get(parse, &length) || length > FLT_ENTRY_MAX_TEXT_BYTES ||
	    length > (size_t)(parse->end - parse->in))
		return false;
	if (memchr(parse->in, 0, length))
		return false;
	memcpy(parse->text, parse->in, length);
	parse->text[length] = 0;
	parse->in += length;
	return true;
}

enum trace_status flt_entry_open(struct flt_entry_parse **parse, struct flt_column_reader *reader,
				 const struct flt_section *section, uint16_t column,
				 struct trace_error *error)
{
	struct flt_column_bytes bytes;
	enum trace_status status = flt_column_read(reader, section, column, &bytes, error);

	*parse = NULL;
	if (status != TRACE_OK || !bytes.raw_bytes)
		return status;
	*parse = malloc(sizeof(**parse));
	if (!*parse)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the tables of a trace");
	(*parse)->in = bytes.raw;
	(*parse)->end = (*parse)->in + bytes.raw_bytes;
	return TRACE_OK;
}
