#include "config.h"

#include "traces/import/logalloc.h"

#include "traces/import/function.h"
#include "traces/grown_array.h"

#include <stdlib.h>
#include <string.h>

struct logalloc_line {
	uint64_t process_id;
	uint64_t thread_id;
	struct function_call function;
	bool has_result;
	struct function_argument result;
};

/* Which number stands for NULL in each process of a munged log; 0 = not met yet. */
struct logalloc_nulls {
	uint64_t *id; /* by process number */
	size_t processes;
};

static bool logalloc_parse(struct scan scan, struct logalloc_line *line)
{
	*line = (struct logalloc_line){0};
	scan_blanks(&scan);
	if (!scan_decimal(&scan, &line->process_id) || !scan_character(&scan, ' '))
		return false;
	scan_blanks(&scan);
	line->thread_id = line->process_id;
	if (scan_decimal(&scan, &line->thread_id) && !scan_character(&scan, ' '))
		return false;
	scan_blanks(&scan);
	if (!function_parse(&scan, &line->function))
		return false;
	line->has_result = scan_character(&scan, '=');
	return (!line->has_result || function_parse_value(&scan, &line->result)) && scan_ended(&scan);
}

/* Whether the result is there exactly where the function has one. */
static bool logalloc_is_whole(const struct logalloc_line *line)
{
	switch (line->function.kind) {
	case FUNCTION_FREE:
		return !line->has_result;
	case FUNCTION_IGNORED:
		return true;
	default:
		return line->has_result;
	}
}

static bool logalloc_recognise(struct scan scan)
{
	struct logalloc_line line;

	return logalloc_parse(scan, &line) && line.function.kind != FUNCTION_UNKNOWN &&
	       logalloc_is_whole(&line);
}

static size_t logalloc_detect(const char *bytes, size_t length)
{
	return importer_count_lines(bytes, length, logalloc_recognise);
}

static bool logalloc_reserve(struct logalloc_nulls *nulls, uint32_t process)
{
	uint64_t *larger = grown_array(nulls->id, process, &nulls->processes, sizeof(*larger));

	if (larger)
		nulls->id = larger;
	return larger != NULL;
}

/* What an argument that names a block means: its number in a munged log may stand for NULL. */
static enum trace_status logalloc_address(struct importer *importer, struct logalloc_nulls *nulls,
					  uint32_t process, const struct function_argument *argument,
					  uint64_t *address)
{
	*address = argument->value;
	if (!argument->is_id || *address == 0 || ledger_is_live(&importer->ledger, process, *address))
		return TRACE_OK;
	if (!logalloc_reserve(nulls, process))
		return trace_fail(importer->error, TRACE_NO_MEMORY, "no memory for process %u", process);
	if (nulls->id[process] == 0)
		nulls->id[process] = *address;
	if (nulls->id[process] == *address)
		*address = 0;
	return TRACE_OK;
}

static enum trace_status logalloc_book(struct importer *importer, struct logalloc_nulls *nulls,
				       const struct logalloc_line *line)
{
	const struct function_argument *first = &line->function.argument[0];
	struct heap_call call = {.address = line->result.value};
	enum trace_status status = importer_place(importer, line->process_id, line->thread_id, &call.place);

	if (status != TRACE_OK)
		return status;
	function_fill(&line->function, &call);
	if (call.kind == EVENT_FREE)
		status = logalloc_address(importer, nulls, call.place.process, first, &call.address);
	else if (call.kind == EVENT_REALLOC)
		status = logalloc_address(importer, nulls, call.place.process, first, &call.old_address);
	return status == TRACE_OK ? importer_book(importer, &call) : status;
}

static enum trace_status logalloc_line(struct importer *importer, struct logalloc_nulls *nulls)
{
	struct scan scan = scan_text(importer->line.text, importer->line.length);
	struct logalloc_line line;

	if (scan_ended(&scan))
		return TRACE_OK;
	if (!logalloc_parse(scan, &line))
		return importer_not_understood(importer);
	if (line.function.kind == FUNCTION_UNKNOWN)
		return importer_warn(importer, "unknown function",
				     "calls a function that is no allocator's; it was skipped");
	if (!logalloc_is_whole(&line))
		return importer_not_understood(importer);
	return line.function.kind == FUNCTION_IGNORED ? TRACE_OK : logalloc_book(importer, nulls, &line);
}

static enum trace_status logalloc_run(struct importer *importer)
{
	struct logalloc_nulls nulls = {0};
	enum trace_status status;

	while ((status = importer_next(importer)) == TRACE_OK) {
		status = logalloc_line(importer, &nulls);
		if (status != TRACE_OK)
			break;
	}
	free(nulls.id);
	return status == TRACE_END ? TRACE_OK : status;
}

const struct import_format logalloc_format = {
    .name = "logalloc",
    .summary = "Mozilla logalloc, plain or munged",
    .sample = "18545 18545 malloc(32)=0x7f90495120e0",
    .detect = logalloc_detect,
    .has_time = importer_without_time,
    .run = logalloc_run,
};
