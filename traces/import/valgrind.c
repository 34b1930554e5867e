#include "config.h"

#include "traces/import/valgrind.h"

#include "traces/import/function.h"

#include <string.h>

/* A call whose result has not been printed yet. */
struct valgrind_call {
	bool waits;
	bool is_null_realloc; /* realloc(NULL, n), which prints a malloc of its own */
	uint64_t process_id;
	struct heap_call call;
};

struct valgrind_state {
	struct valgrind_call pending;
	bool zero_follows; /* realloc(p, 0) was booked; its " = 0" is still to come */
};

/* Moves to behind "--PID-- ", wherever in the line that begins: the program's own output may stand before
 * it. */
static bool valgrind_prefix(struct scan *scan, uint64_t *process_id)
{
	while (scan->at < scan->end) {
		const char *dash = memchr(scan->at, '-', (size_t)(scan->end - scan->at));
		struct scan at = {dash, scan->end};

		if (!dash)
			return false;
		if (scan_literal(&at, "--") && scan_decimal(&at, process_id) && scan_literal(&at, "-- ")) {
			*scan = at;
			return true;
		}
		scan->at = dash + 1;
	}
	return false;
}

static bool valgrind_recognise(struct scan scan)
{
	struct function_call call;
	uint64_t process_id;

	return valgrind_prefix(&scan, &process_id) && function_parse(&scan, &call) &&
	       call.kind != FUNCTION_UNKNOWN;
}

static size_t valgrind_detect(const char *bytes, size_t length)
{
	return importer_count_lines(bytes, length, valgrind_recognise);
}

static bool valgrind_overflows(const struct heap_call *call)
{
	return call->kind == EVENT_CALLOC && call->count && call->size > UINT64_MAX / call->count;
}

/* A process gets its number with its first event, not with a call that waits: numbers are given in order of
 * events. */
static enum trace_status valgrind_book(struct importer *importer, uint64_t process_id, struct heap_call *call)
{
	enum trace_status status = importer_place(importer, process_id, process_id, &call->place);

	return status == TRACE_OK ? importer_book(importer, call) : status;
}

/* The pending call gets no result any more. */
static enum trace_status valgrind_give_up(struct importer *importer, struct valgrind_state *state)
{
	struct heap_call *call = &state->pending.call;

	if (!state->pending.waits)
		return TRACE_OK;
	state->pending.waits = false;
	if (valgrind_overflows(call)) {
		call->address = 0;
		return valgrind_book(importer, state->pending.process_id, call);
	}
	return warnings_add(
	    &importer->warnings, "call without result", importer->error,
	    "a call before this line has no result; the line should end in ` = 0x...`; the call was "
	    "skipped");
}

static enum trace_status valgrind_finish(struct importer *importer, struct valgrind_state *state,
					 uint64_t address)
{
	state->pending.waits = false;
	state->pending.call.address = address;
	return valgrind_book(importer, state->pending.process_id, &state->pending.call);
}

static enum trace_status valgrind_result(struct importer *importer, struct valgrind_state *state,
					 struct scan *scan, uint64_t process_id)
{
	struct function_argument value;

	if (!function_parse_value(scan, &value))
		return importer_not_understood(importer);
	if (state->pending.waits && state->pending.process_id == process_id)
		return valgrind_finish(importer, state, value.value);
	if (state->zero_follows && value.value == 0) {
		state->zero_follows = false;
		return TRACE_OK;
	}
	return importer_not_understood(importer);
}

static enum trace_status valgrind_free(struct importer *importer, struct valgrind_state *state,
				       struct valgrind_call *release)
{
	struct valgrind_call *pending = &state->pending;
	enum trace_status status;

	if (pending->waits && pending->process_id == release->process_id &&
	    pending->call.kind == EVENT_REALLOC && pending->call.size == 0 &&
	    pending->call.old_address == release->call.address) {
		state->zero_follows = true;
		return valgrind_finish(importer, state, 0);
	}
	status = valgrind_give_up(importer, state);
	return status == TRACE_OK ? valgrind_book(importer, release->process_id, &release->call) : status;
}

static enum trace_status valgrind_allocation(struct importer *importer, struct valgrind_state *state,
					     const struct valgrind_call *allocation)
{
	struct valgrind_call *pending = &state->pending;
	enum trace_status status;

	if (pending->waits && pending->process_id == allocation->process_id && pending->is_null_realloc &&
	    allocation->call.kind == EVENT_MALLOC && allocation->call.size == pending->call.size) {
		pending->is_null_realloc = false;
		return TRACE_OK;
	}
	status = valgrind_give_up(importer, state);
	*pending = *allocation;
	return status;
}

static enum trace_status valgrind_call(struct importer *importer, struct valgrind_state *state,
				       const struct function_call *function, uint64_t process_id)
{
	struct valgrind_call call = {.waits = true, .process_id = process_id};

	if (function->kind == FUNCTION_IGNORED)
		return TRACE_OK;
	if (function->kind == FUNCTION_UNKNOWN)
		return importer_warn(importer, "unknown function",
				     "calls a function that is no allocator's; it was skipped");
	function_fill(function, &call.call);
	if (function->kind == FUNCTION_FREE) {
		call.call.address = function->argument[0].value;
		return valgrind_free(importer, state, &call);
	}
	if (function->kind == FUNCTION_REALLOC) {
		call.call.old_address = function->argument[0].value;
		call.is_null_realloc = call.call.old_address == 0;
	}
	return valgrind_allocation(importer, state, &call);
}

/* One line after its prefix: calls, each with or without its result. Other text is valgrind's own. */
static enum trace_status valgrind_line(struct importer *importer, struct valgrind_state *state,
				       struct scan scan, uint64_t process_id)
{
	struct function_call function;
	enum trace_status status;

	if (scan_literal(&scan, " = "))
		return valgrind_result(importer, state, &scan, process_id);
	while (function_parse(&scan, &function)) {
		status = valgrind_call(importer, state, &function, process_id);
		if (status == TRACE_OK && scan_literal(&scan, " = ") && function.kind != FUNCTION_IGNORED)
			status = valgrind_result(importer, state, &scan, process_id);
		if (status != TRACE_OK)
			return status;
	}
	return TRACE_OK;
}

static enum trace_status valgrind_run(struct importer *importer)
{
	struct valgrind_state state = {0};
	enum trace_status status;

	while ((status = importer_next(importer)) == TRACE_OK) {
		struct scan scan = scan_text(importer->line.text, importer->line.length);
		uint64_t process_id;

		if (valgrind_prefix(&scan, &process_id))
			status = valgrind_line(importer, &state, scan, process_id);
		if (status != TRACE_OK)
			return status;
	}
	return status == TRACE_END ? valgrind_give_up(importer, &state) : status;
}

const struct import_format valgrind_format = {
    .name = "valgrind",
    .summary = "valgrind --trace-malloc=yes, also amid other output",
    .sample = "--22910-- malloc(32) = 0x4A43040",
    .detect = valgrind_detect,
    .has_time = importer_without_time,
    .run = valgrind_run,
};
