#include "config.h"

#include "traces/import/heaptrack.h"

#include <stdio.h>
#include <string.h>

#define HEAPTRACK_COMMAND_BYTES 4096
#define HEAPTRACK_SKIPPED "vxImtRAS#"
#define HEAPTRACK_INTERPRETED "ais"

struct heaptrack_state {
	bool placed;
	struct roster_place place;
	uint64_t now_ns;
};

static bool heaptrack_number(struct scan *scan, uint64_t *number)
{
	scan_blanks(scan);
	return scan_hexadecimal(scan, number);
}

/* + SIZE STACK ADDRESS */
static bool heaptrack_parse_birth(struct scan scan, struct heap_call *call)
{
	uint64_t stack;

	return scan_literal(&scan, "+ ") && heaptrack_number(&scan, &call->size) &&
	       heaptrack_number(&scan, &stack) && heaptrack_number(&scan, &call->address) &&
	       scan_ended(&scan);
}

/* - ADDRESS */
static bool heaptrack_parse_end(struct scan scan, struct heap_call *call)
{
	return scan_literal(&scan, "- ") && heaptrack_number(&scan, &call->address) && scan_ended(&scan);
}

static bool heaptrack_parse_clock(struct scan scan, uint64_t *milliseconds)
{
	return scan_literal(&scan, "c ") && heaptrack_number(&scan, milliseconds) && scan_ended(&scan);
}

static bool heaptrack_recognise(struct scan scan)
{
	struct heap_call call;

	return heaptrack_parse_birth(scan, &call) || heaptrack_parse_end(scan, &call);
}

/* v HEAPTRACK FORMAT, the first line of every file of heaptrack's. */
static bool heaptrack_begins(const char *bytes, size_t length)
{
	struct scan scan = scan_text(bytes, length);
	uint64_t number;

	return scan_literal(&scan, "v ") && heaptrack_number(&scan, &number);
}

static size_t heaptrack_detect(const char *bytes, size_t length)
{
	size_t lines = importer_count_lines(bytes, length, heaptrack_recognise);

	return heaptrack_begins(bytes, length) ? lines + 1 : lines;
}

static bool heaptrack_has_time(const char *bytes, size_t length)
{
	(void)bytes;
	(void)length;
	return true;
}

static enum trace_status heaptrack_name(struct importer *importer, struct scan scan)
{
	char command[HEAPTRACK_COMMAND_BYTES];

	scan.at += 2;
	(void)snprintf(command, sizeof(command), "%.*s", (int)(scan.end - scan.at), scan.at);
	return roster_name_process(&importer->roster, 0, command, importer->error);
}

static enum trace_status heaptrack_book(struct importer *importer, struct heaptrack_state *state,
					struct heap_call *call)
{
	if (!state->placed) {
		enum trace_status status = importer_place(importer, 0, 0, &state->place);

		if (status != TRACE_OK)
			return status;
		state->placed = true;
	}
	call->place = state->place;
	call->time_ns = state->now_ns;
	return importer_book(importer, call);
}

static enum trace_status heaptrack_clock(struct importer *importer, struct heaptrack_state *state,
					 uint64_t milliseconds)
{
	uint64_t now_ns = milliseconds * UINT64_C(1000000);

	if (milliseconds > UINT64_MAX / UINT64_C(1000000) || now_ns < state->now_ns)
		return importer_warn(importer, "time does not advance",
				     "sets the clock back or beyond 584 years; skipped");
	state->now_ns = now_ns;
	return TRACE_OK;
}

static bool is_one_of(char letter, const char *letters)
{
	return letter && strchr(letters, letter);
}

static enum trace_status heaptrack_line(struct importer *importer, struct heaptrack_state *state)
{
	struct scan scan = scan_text(importer->line.text, importer->line.length);
	struct heap_call call = {.kind = EVENT_MALLOC};
	uint64_t milliseconds;

	if (scan_ended(&scan))
		return TRACE_OK;
	if (heaptrack_parse_birth(scan, &call))
		return heaptrack_book(importer, state, &call);
	if (heaptrack_parse_end(scan, &call)) {
		call.kind = EVENT_FREE;
		return heaptrack_book(importer, state, &call);
	}
	if (heaptrack_parse_clock(scan, &milliseconds))
		return heaptrack_clock(importer, state, milliseconds);
	if (scan.end - scan.at < 2 || scan.at[1] != ' ')
		return *scan.at == 'A' && scan.end - scan.at == 1 ? TRACE_OK
								  : importer_not_understood(importer);
	if (*scan.at == 'X')
		return heaptrack_name(importer, scan);
	if (is_one_of(*scan.at, HEAPTRACK_INTERPRETED))
		return warnings_refuse(
		    &importer->warnings, importer->error,
		    "this is heaptrack's interpreted output, whose frees do not say which block they "
		    "free; record with `heaptrack --raw` and import that file");
	return is_one_of(*scan.at, HEAPTRACK_SKIPPED) ? TRACE_OK : importer_not_understood(importer);
}

static enum trace_status heaptrack_run(struct importer *importer)
{
	struct heaptrack_state state = {0};
	enum trace_status status;

	while ((status = importer_next(importer)) == TRACE_OK) {
		status = heaptrack_line(importer, &state);
		if (status != TRACE_OK)
			return status;
	}
	return status == TRACE_END ? TRACE_OK : status;
}

const struct import_format heaptrack_format = {
    .name = "heaptrack",
    .summary = "heaptrack --raw (not the interpreted .zst)",
    .sample = "+ 20 8 5646129a01d0",
    .detect = heaptrack_detect,
    .has_time = heaptrack_has_time,
    .run = heaptrack_run,
};
