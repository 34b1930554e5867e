#include "config.h"

#include "traces/import/aosp.h"

#define AOSP_NUMBERS_MAX 3 /* start, end and one we do not know */

struct aosp_line {
	uint64_t thread_id;
	struct heap_call call;
	bool thread_done;
	uint64_t number[AOSP_NUMBERS_MAX]; /* what follows the call */
	unsigned numbers;		   /* how many follow, also more than we keep */
};

struct aosp_clock {
	bool started;
	uint64_t first_ns; /* the file's first time stamp */
	uint64_t now_ns;   /* the trace's time of the last line that had one */
};

static bool scan_number(struct scan *scan, uint64_t *number)
{
	scan_blanks(scan);
	return scan_decimal(scan, number);
}

static bool scan_address(struct scan *scan, uint64_t *address)
{
	scan_blanks(scan);
	return scan_pointer(scan, address);
}

static bool scan_arguments(struct scan *scan, struct aosp_line *line)
{
	struct heap_call *call = &line->call;

	switch (call->kind) {
	case EVENT_MALLOC:
		return scan_address(scan, &call->address) && scan_number(scan, &call->size);
	case EVENT_CALLOC:
		return scan_address(scan, &call->address) && scan_number(scan, &call->count) &&
		       scan_number(scan, &call->size);
	case EVENT_REALLOC:
		return scan_address(scan, &call->address) && scan_address(scan, &call->old_address) &&
		       scan_number(scan, &call->size);
	case EVENT_MEMALIGN:
		return scan_address(scan, &call->address) && scan_number(scan, &call->alignment) &&
		       scan_number(scan, &call->size);
	default: /* free and thread_done */
		return scan_address(scan, &call->address);
	}
}

static bool scan_kind(struct scan *scan, struct aosp_line *line)
{
	const char *name;
	size_t length;

	if (!scan_word(scan, &name, &length))
		return false;
	line->thread_done = scan_equal(name, length, "thread_done");
	if (scan_equal(name, length, "malloc"))
		line->call.kind = EVENT_MALLOC;
	else if (scan_equal(name, length, "free"))
		line->call.kind = EVENT_FREE;
	else if (scan_equal(name, length, "realloc"))
		line->call.kind = EVENT_REALLOC;
	else if (scan_equal(name, length, "calloc"))
		line->call.kind = EVENT_CALLOC;
	else if (scan_equal(name, length, "memalign"))
		line->call.kind = EVENT_MEMALIGN;
	else if (line->thread_done)
		line->call.kind = EVENT_THREAD_EXIT;
	else
		return false;
	return true;
}

/* Whether numbers alone follow the call. */
static bool scan_numbers(struct scan *scan, struct aosp_line *line)
{
	uint64_t number;

	while (!scan_ended(scan)) {
		if (!scan_number(scan, &number))
			return false;
		if (line->numbers < AOSP_NUMBERS_MAX)
			line->number[line->numbers] = number;
		line->numbers++;
	}
	return true;
}

static bool aosp_parse(struct scan scan, struct aosp_line *line)
{
	*line = (struct aosp_line){0};
	scan_blanks(&scan);
	if (!scan_decimal(&scan, &line->thread_id) || !scan_character(&scan, ':'))
		return false;
	scan_blanks(&scan);
	return scan_kind(&scan, line) && scan_arguments(&scan, line) && scan_numbers(&scan, line);
}

/* How many of the numbers behind the call are time stamps. */
static unsigned aosp_times(const struct aosp_line *line)
{
	unsigned expected = line->thread_done ? 1 : 2;

	return line->numbers >= expected ? expected : 0;
}

static bool aosp_recognise(struct scan scan)
{
	struct aosp_line line;

	return aosp_parse(scan, &line);
}

static size_t aosp_detect(const char *bytes, size_t length)
{
	return importer_count_lines(bytes, length, aosp_recognise);
}

static bool aosp_recognise_time(struct scan scan)
{
	struct aosp_line line;

	return aosp_parse(scan, &line) && aosp_times(&line) > 0;
}

static bool aosp_has_time(const char *bytes, size_t length)
{
	return importer_count_lines(bytes, length, aosp_recognise_time) * 2 > aosp_detect(bytes, length);
}

static void aosp_advance(struct aosp_clock *clock, uint64_t time_ns)
{
	if (!clock->started)
		clock->first_ns = time_ns;
	clock->started = true;
	clock->now_ns = time_ns > clock->first_ns ? time_ns - clock->first_ns : 0;
}

static enum trace_status aosp_read_time(struct importer *importer, const struct aosp_line *line,
					struct aosp_clock *clock)
{
	unsigned times = aosp_times(line);
	enum trace_status status = TRACE_OK;

	if (line->numbers > times)
		status = importer_warn(importer, "unknown trailing number",
				       "has more numbers than the format knows; they were skipped");
	if (status != TRACE_OK)
		return status;
	if (times > 0 && !importer->has_time)
		return importer_warn(importer, "time stamps on some lines only",
				     "has a time stamp although the file began without; it was skipped");
	if (times == 0 && importer->has_time && !line->thread_done)
		return importer_warn(
		    importer, "time stamps on some lines only",
		    "lacks the time stamps that the file began with; it got the time of the line before");
	if (times > 0)
		aosp_advance(clock, line->number[0]);
	return TRACE_OK;
}

static enum trace_status aosp_take(struct importer *importer, struct aosp_clock *clock)
{
	struct aosp_line line;
	struct roster_place place;
	enum trace_status status;

	if (!aosp_parse(scan_text(importer->line.text, importer->line.length), &line))
		return importer_not_understood(importer);
	status = aosp_read_time(importer, &line, clock);
	if (status == TRACE_OK)
		status = importer_place(importer, 0, line.thread_id, &place);
	if (status != TRACE_OK)
		return status;
	if (line.thread_done) {
		roster_end_thread(&importer->roster, place.process, line.thread_id);
		return ledger_end_thread(&importer->ledger, &place, clock->now_ns, importer->error);
	}
	line.call.place = place;
	line.call.time_ns = clock->now_ns;
	return importer_book(importer, &line.call);
}

static enum trace_status aosp_run(struct importer *importer)
{
	struct aosp_clock clock = {0};
	enum trace_status status;

	while ((status = importer_next(importer)) == TRACE_OK) {
		if (importer->line.length > 0)
			status = aosp_take(importer, &clock);
		if (status != TRACE_OK)
			return status;
	}
	return status == TRACE_END ? TRACE_OK : status;
}

const struct import_format aosp_format = {
    .name = "aosp",
    .summary = "Android memory_replay text, with or without time stamps",
    .sample = "202: malloc 0xb4827400 1024",
    .detect = aosp_detect,
    .has_time = aosp_has_time,
    .run = aosp_run,
};
