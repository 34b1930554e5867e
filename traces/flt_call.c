#include "config.h"

#include "traces/flt_call.h"

#include "traces/flt_varint.h"

#include <inttypes.h>
#include <string.h>

struct column {
	uint16_t number;
	uint16_t carried; /* EVENT_HAS_... */
	uint16_t offset;  /* in struct event_call */
	bool is_narrow;	  /* 32 bits */
	bool is_difference;
};

#define COLUMN(number, bit, field, narrow, difference)                                                       \
	{                                                                                                    \
		number, bit, offsetof(struct event_call, field), narrow, difference                          \
	}

static const struct column columns[] = {
    COLUMN(16, EVENT_HAS_ADDRESS, address, false, true),
    COLUMN(17, EVENT_HAS_LENGTH, length, false, false),
    COLUMN(18, EVENT_HAS_NEW_LENGTH, new_length, false, false),
    COLUMN(19, EVENT_HAS_NEW_ADDRESS, new_address, false, false),
    COLUMN(20, EVENT_HAS_OFFSET, offset, false, false),
    COLUMN(21, EVENT_HAS_PROTECTION, protection, true, false),
    COLUMN(22, EVENT_HAS_FLAGS, flags, true, false),
    COLUMN(23, EVENT_HAS_FILE, file, true, false),
    COLUMN(24, EVENT_HAS_RESULT, result, false, false),
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static uint64_t get_field(const struct event_call *call, const struct column *column)
{
	const char *at = (const char *)call + column->offset;
	uint64_t wide;
	uint32_t narrow;

	if (column->is_narrow) {
		memcpy(&narrow, at, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, at, sizeof(wide));
	return wide;
}

static void set_field(struct event_call *call, const struct column *column, uint64_t value)
{
	char *at = (char *)call + column->offset;
	const uint32_t narrow = (uint32_t)value;

	memcpy(at, column->is_narrow ? (const void *)&narrow : &value, column->is_narrow ? 4 : 8);
}

static enum trace_status encode_column(const struct flt_calls *calls, const struct column *column,
				       struct flt_section_writer *writer, struct trace_error *error)
{
	uint64_t previous = 0, any = 0;
	uint8_t *out = calls->bytes;
	size_t values = 0;

	for (size_t i = 0; i < calls->events; i++) {
		if (!(event_kind_carries(calls->kind[i]) & column->carried))
			continue;
		const uint64_t value = get_field(&calls->call[i], column);

		out = flt_varint_put(out, column->is_difference ? flt_zigzag(value - previous) : value);
		previous = value;
		any |= value;
		values++;
	}
	const struct flt_column_bytes bytes = {calls->bytes, (size_t)(out - calls->bytes), values};

	return any ? flt_section_column(writer, column->number, &bytes, error) : TRACE_OK;
}

enum trace_status flt_calls_encode(const struct flt_calls *calls, struct flt_section_writer *writer,
				   struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	for (size_t i = 0; i < COLUMNS && status == TRACE_OK; i++)
		status = encode_column(calls, &columns[i], writer, error);
	return status;
}

bool flt_calls_present(const struct flt_section *section)
{
	for (unsigned i = 0; i < section->columns; i++) {
		if (section->column[i].column >= columns[0].number &&
		    section->column[i].column <= columns[COLUMNS - 1].number)
			return true;
	}
	return false;
}

static size_t count_values(const struct flt_calls *calls, const struct column *column)
{
	size_t values = 0;

	for (size_t i = 0; i < calls->events; i++)
		values += (event_kind_carries(calls->kind[i]) & column->carried) != 0;
	return values;
}

static enum trace_status decode_column(const struct flt_calls *calls, const struct column *column,
				       const struct flt_column_bytes *bytes, struct trace_error *error)
{
	const size_t values = count_values(calls, column);
	const uint64_t *value = calls->values;
	uint64_t previous = 0, all = 0;

	if (bytes->values != values ||
	    !flt_varint_unpack(bytes->raw, bytes->raw_bytes, calls->values, values))
		return trace_fail(error, TRACE_BAD_INPUT,
				  "column %u has another number of values than its kinds ask for",
				  column->number);
	for (size_t i = 0; i < calls->events; i++) {
		if (!(event_kind_carries(calls->kind[i]) & column->carried))
			continue;
		previous = column->is_difference ? previous + flt_unzigzag(*value) : *value;
		all |= previous;
		value++;
		set_field(&calls->call[i], column, previous);
	}
	if (column->is_narrow && all >> 32)
		return trace_fail(error, TRACE_BAD_INPUT, "column %u has a number above 32 bits",
				  column->number);
	return TRACE_OK;
}

enum trace_status flt_calls_decode(const struct flt_calls *calls, struct flt_column_reader *reader,
				   const struct flt_section *section, uint32_t files,
				   struct trace_error *error)
{
	memset(calls->call, 0, calls->events * sizeof(*calls->call));
	for (size_t i = 0; i < COLUMNS; i++) {
		struct flt_column_bytes bytes;
		enum trace_status status = flt_column_read(reader, section, columns[i].number, &bytes, error);

		if (status == TRACE_OK && bytes.raw_bytes)
			status = decode_column(calls, &columns[i], &bytes, error);
		if (status != TRACE_OK)
			return status;
	}
	for (size_t i = 0; i < calls->events; i++) {
		if (calls->call[i].file > files)
			return trace_fail(error, TRACE_BAD_INPUT,
					  "event %zu of a block has file %" PRIu32 " of %" PRIu32, i,
					  calls->call[i].file, files);
	}
	return TRACE_OK;
}
