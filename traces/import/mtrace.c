#include "config.h"

#include "traces/import/mtrace.h"

struct mtrace_line {
	char operation; /* + - < > ! */
	uint64_t address;
	uint64_t size;
};

/* Takes the last word of what is left; the scan then ends before it. */
static bool take_last_word(struct scan *scan, struct scan *word)
{
	while (scan->end > scan->at && (scan->end[-1] == ' ' || scan->end[-1] == '\t'))
		scan->end--;
	*word = *scan;
	while (scan->end > scan->at && scan->end[-1] != ' ' && scan->end[-1] != '\t')
		scan->end--;
	word->at = scan->end;
	return word->at < word->end;
}

static bool word_is_pointer(struct scan word, uint64_t *address)
{
	return scan_pointer(&word, address) && scan_ended(&word);
}

static bool word_is_operation(struct scan word, const char *operations, char *operation)
{
	if (word.end - word.at != 1)
		return false;
	for (; *operations; operations++) {
		if (*word.at == *operations) {
			*operation = *operations;
			return true;
		}
	}
	return false;
}

/* ... OPERATION POINTER or ... OPERATION POINTER SIZE, and nothing or "@ CALLER" before. */
static bool mtrace_parse(struct scan scan, struct mtrace_line *line)
{
	struct scan last, middle, first;
	const bool has_caller = scan_literal(&scan, "@ ");

	*line = (struct mtrace_line){0};
	if (!take_last_word(&scan, &last) || !take_last_word(&scan, &middle))
		return false;
	if (word_is_operation(middle, "-<", &line->operation))
		return word_is_pointer(last, &line->address) && (has_caller || scan_ended(&scan));
	if (!take_last_word(&scan, &first) || !word_is_operation(first, "+>!", &line->operation))
		return false;
	return word_is_pointer(middle, &line->address) && word_is_pointer(last, &line->size) &&
	       (has_caller || scan_ended(&scan));
}

static bool mtrace_is_frame(struct scan scan)
{
	return scan_literal(&scan, "= Start") || scan_literal(&scan, "= End");
}

static bool mtrace_recognise(struct scan scan)
{
	struct mtrace_line line;

	/* Pointers without 0x are heaptrack's. */
	return mtrace_is_frame(scan) || mtrace_parse(scan, &line);
}

static size_t mtrace_detect(const char *bytes, size_t length)
{
	return importer_count_lines(bytes, length, mtrace_recognise);
}

struct mtrace_state {
	struct roster_place place;
	bool has_old; /* the line before was `<` */
	uint64_t old_address;
};

/* A `<` whose `>` does not follow: all that is known is that the block is gone. */
static enum trace_status mtrace_drop_old(struct importer *importer, struct mtrace_state *state)
{
	struct heap_call call = {.kind = EVENT_FREE, .place = state->place, .address = state->old_address};
	enum trace_status status;

	if (!state->has_old)
		return TRACE_OK;
	state->has_old = false;
	status = warnings_add(&importer->warnings, "realloc torn apart", importer->error,
			      "a `<` line must be followed by its `>` line; the block is taken as freed");
	return status == TRACE_OK ? importer_book(importer, &call) : status;
}

static enum trace_status mtrace_take(struct importer *importer, struct mtrace_state *state,
				     const struct mtrace_line *line)
{
	struct heap_call call = {.place = state->place, .address = line->address, .size = line->size};

	if (line->operation == '>' && !state->has_old)
		return importer_warn(importer, "realloc torn apart",
				     "must follow its `<` line; it was skipped");
	switch (line->operation) {
	case '+':
		call.kind = EVENT_MALLOC;
		break;
	case '-':
		call.kind = EVENT_FREE;
		break;
	case '<':
		state->has_old = true;
		state->old_address = line->address;
		return TRACE_OK;
	case '!':
		call.kind = EVENT_REALLOC;
		call.address = 0;
		call.old_address = line->address;
		break;
	default:
		call.kind = EVENT_REALLOC;
		call.old_address = state->old_address;
		state->has_old = false;
		break;
	}
	return importer_book(importer, &call);
}

static enum trace_status mtrace_line(struct importer *importer, struct mtrace_state *state)
{
	struct scan scan = scan_text(importer->line.text, importer->line.length);
	struct mtrace_line line;
	enum trace_status status = TRACE_OK;

	if (scan_ended(&scan) || mtrace_is_frame(scan))
		return TRACE_OK;
	if (!mtrace_parse(scan, &line))
		return importer_not_understood(importer);
	if (line.operation != '>')
		status = mtrace_drop_old(importer, state);
	return status == TRACE_OK ? mtrace_take(importer, state, &line) : status;
}

static enum trace_status mtrace_run(struct importer *importer)
{
	struct mtrace_state state = {0};
	enum trace_status status = importer_place(importer, 0, 0, &state.place);

	if (status != TRACE_OK)
		return status;
	while ((status = importer_next(importer)) == TRACE_OK) {
		status = mtrace_line(importer, &state);
		if (status != TRACE_OK)
			return status;
	}
	return status == TRACE_END ? mtrace_drop_old(importer, &state) : status;
}

const struct import_format mtrace_format = {
    .name = "mtrace",
    .summary = "glibc mtrace(3)",
    .sample = "@ ./t:[0x1210] + 0x556d130244a0 0x20",
    .detect = mtrace_detect,
    .has_time = importer_without_time,
    .run = mtrace_run,
};
