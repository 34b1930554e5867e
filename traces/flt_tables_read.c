#include "config.h"

#include "traces/flt_tables.h"

#include "traces/flt_varint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static enum trace_status malformed(struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT, "a table of the trace is malformed");
}

static enum trace_status read_thread(struct flt_tables *tables, struct flt_entry_parse *parse,
				     struct trace_error *error)
{
	struct flt_thread thread = {.name = parse->text};
	uint32_t number;

	if (!flt_entry_get32(parse, &number) || !flt_entry_get32(parse, &thread.process) ||
	    !flt_entry_get(parse, &thread.os_id) || !flt_entry_get_text(parse))
		return malformed(error);
	if (thread.process >= tables->processes)
		return malformed(error);
	return flt_tables_thread(tables, number, &thread, error);
}

static enum trace_status read_process(struct flt_tables *tables, struct flt_entry_parse *parse,
				      struct trace_error *error)
{
	struct flt_process process = {.command = parse->text};
	uint32_t number;

	if (!flt_entry_get32(parse, &number) || !flt_entry_get32(parse, &process.parent) ||
	    !flt_entry_get(parse, &process.os_id) || !flt_entry_get_text(parse))
		return malformed(error);
	if (process.parent >= EVENT_MAX_PROCESSES)
		return malformed(error);
	return flt_tables_process(tables, number, &process, error);
}

static enum trace_status read_warning(struct flt_tables *tables, struct flt_entry_parse *parse,
				      struct trace_error *error)
{
	uint64_t count;

	if (!flt_entry_get_text(parse) || !flt_entry_get(parse, &count))
		return malformed(error);
	return flt_tables_warn(tables, parse->text, count, error);
}

typedef enum trace_status read_entry(struct flt_tables *tables, struct flt_entry_parse *parse,
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
	struct flt_entry_parse *parse;
	enum trace_status status = flt_entry_open(&parse, reader, section, column, error);

	while (status == TRACE_OK && parse && parse->in < parse->end) {
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
	const struct flt_places_bounds bounds = {tables->processes, tables->threads};
	enum trace_status status = flt_places_read(&tables->places, reader, section, &bounds, error);

	return status == TRACE_OK ? flt_names_read(&tables->names, reader, section, error) : status;
}

static enum trace_status read_stack(struct flt_tables *tables, struct flt_entry_parse *parse,
				    uint64_t *previous, struct trace_error *error)
{
	uint64_t address[FLT_TABLES_MAX_DEPTH];
	struct flt_stack stack = {.address = address};
	uint64_t depth;
	uint32_t number;

	if (!flt_entry_get(parse, &depth) || depth == 0 || depth > FLT_TABLES_MAX_DEPTH)
		return malformed(error);
	for (; stack.depth < depth; stack.depth++) {
		uint64_t difference;

		if (!flt_entry_get(parse, &difference))
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
	struct flt_entry_parse *parse;
	enum trace_status status = flt_entry_open(&parse, reader, section, FLT_TABLES_STACKS, error);
	uint64_t previous = 0;

	if (parse && section->field[0] != tables->stacks)
		status = malformed(error);
	while (status == TRACE_OK && parse && parse->in < parse->end) {
		status = read_stack(tables, parse, &previous, error);
		forget_pending(tables);
	}
	free(parse);
	return status;
}
