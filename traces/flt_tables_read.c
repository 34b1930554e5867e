#include "config.h"

#include "traces/flt_tables.h"

#include "traces/flt_varint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A column that is being parsed entry by entry. */
struct parse {
	const uint8_t *in, *end;
	char text[FLT_TABLES_MAX_TEXT_BYTES + 1];
};

static bool get(struct parse *parse, uint64_t *value)
{
	return flt_varint_get(&parse->in, parse->end, value);
}

static bool get32(struct parse *parse, uint32_t *value)
{
	uint64_t wide;

	if (!get(parse, &wide) || wide > UINT32_MAX)
		return false;
	*value = (uint32_t)wide;
	return true;
}

static bool get_text(struct parse *parse)
{
	uint64_t length;

	if (!get(parse, &length) || length > FLT_TABLES_MAX_TEXT_BYTES ||
	    length > (size_t)(parse->end - parse->in))
		return false;
	if (memchr(parse->in, 0, length))
		return false;
	memcpy(parse->text, parse->in, length);
	parse->text[length] = 0;
	parse->in += length;
	return true;
}

static enum trace_status malformed(struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT, "a table of the trace is malformed");
}

static enum trace_status read_thread(struct flt_tables *tables, struct parse *parse,
				     struct trace_error *error)
{
	struct flt_thread thread = {.name = parse->text};
	uint32_t number;

	if (!get32(parse, &number) || !get32(parse, &thread.process) || !get(parse, &thread.os_id) ||
	    !get_text(parse))
		return malformed(error);
	if (thread.process >= tables->processes)
		return malformed(error);
	return flt_tables_thread(tables, number, &thread, error);
}

static enum trace_status read_process(struct flt_tables *tables, struct parse *parse,
				      struct trace_error *error)
{
	struct flt_process process = {.command = parse->text};
	uint32_t number;

	if (!get32(parse, &number) || !get32(parse, &process.parent) || !get(parse, &process.os_id) ||
	    !get_text(parse))
		return malformed(error);
	if (process.parent >= EVENT_MAX_PROCESSES)
		return malformed(error);
	return flt_tables_process(tables, number, &process, error);
}

static enum trace_status read_warning(struct flt_tables *tables, struct parse *parse,
				      struct trace_error *error)
{
	uint64_t count;

	if (!get_text(parse) || !get(parse, &count))
		return malformed(error);
	return flt_tables_warn(tables, parse->text, count, error);
}

typedef enum trace_status read_entry(struct flt_tables *tables, struct parse *parse,
				     struct trace_error *error);

static read_entry *const readers[] = {read_thread, read_process, read_warning};

static void forget_pending(struct flt_tables *tables)
{
	for (unsigned i = 0; i < 4; i++) {
		tables->pending[i].used = 0;
		tables->pending[i].values = 0;
	}
}

static enum trace_status read_column(struct flt_tables *tables, struct flt_column_reader *reader,
				     const struct flt_section *section, uint16_t column,
				     struct trace_error *error)
{
	struct parse *parse = malloc(sizeof(*parse));
	struct flt_column_bytes bytes;

	if (!parse)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the tables of a trace");
	enum trace_status status = flt_column_read(reader, section, column, &bytes, error);

	parse->in = bytes.raw;
	parse->end = bytes.raw_bytes ? parse->in + bytes.raw_bytes : parse->in;
	while (status == TRACE_OK && parse->in < parse->end) {
		status = readers[column - 1](tables, parse, error);
		forget_pending(tables);
	}
	free(parse);
	return status;
}

enum trace_status flt_tables_read(struct flt_tables *tables, struct flt_column_reader *reader,
				  const struct flt_section *section, struct trace_error *error)
{
	/* Processes before the threads that belong to them. */
	static const uint16_t order[] = {FLT_TABLES_PROCESSES, FLT_TABLES_THREADS, FLT_TABLES_WARNINGS};

	for (unsigned i = 0; i < 3; i++) {
		enum trace_status status = read_column(tables, reader, section, order[i], error);

		if (status != TRACE_OK)
			return status;
	}
	return TRACE_OK;
}

static enum trace_status read_stack(struct flt_tables *tables, struct parse *parse, uint64_t *previous,
				    struct trace_error *error)
{
	uint64_t address[FLT_TABLES_MAX_DEPTH];
	struct flt_stack stack = {.address = address};
	uint64_t depth;
	uint32_t number;

	if (!get(parse, &depth) || depth == 0 || depth > FLT_TABLES_MAX_DEPTH)
		return malformed(error);
	for (; stack.depth < depth; stack.depth++) {
		uint64_t difference;

		if (!get(parse, &difference))
			return malformed(error);
		*previous += flt_unzigzag(difference);
		address[stack.depth] = *previous;
	}
	const uint32_t expected = tables->stacks + 1;
	enum trace_status status = flt_tables_stack(tables, &stack, &number, error);

	if (status != TRACE_OK)
		return status;
	return number == expected ? TRACE_OK : malformed(error);
}

enum trace_status flt_tables_read_stacks(struct flt_tables *tables, struct flt_column_reader *reader,
					 const struct flt_section *section, struct trace_error *error)
{
	struct flt_column_bytes bytes;
	enum trace_status status = flt_column_read(reader, section, FLT_TABLES_STACKS, &bytes, error);
	uint64_t previous = 0;

	if (status != TRACE_OK || !bytes.raw_bytes)
		return status;
	struct parse *parse = malloc(sizeof(*parse));

	if (!parse)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the call stacks of a trace");
	parse->in = bytes.raw;
	parse->end = parse->in + bytes.raw_bytes;
	if (section->field[0] != tables->stacks)
		status = malformed(error);
	while (status == TRACE_OK && parse->in < parse->end) {
		status = read_stack(tables, parse, &previous, error);
		forget_pending(tables);
	}
	free(parse);
	return status;
}
