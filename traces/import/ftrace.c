#include "config.h"

#include "traces/import/ftrace.h"

#include "traces/import/kernel_line.h"

#include <string.h>

#define HIGHEST_ID (UINT64_C(1) << 22)
#define LATEST_SECONDS (UINT64_C(1) << 33)

struct ftrace_line {
	uint64_t process_id, thread_id; /* process_id 0 = not told */
	uint32_t cpu;
	uint64_t time_ns;
	struct scan event, rest;
};

/* The number behind the last dash of "some-task-1234". */
static bool parse_task(struct scan task, uint64_t *id)
{
	const char *dash;
	struct scan number;

	while (task.end > task.at && (task.end[-1] == ' ' || task.end[-1] == '\t'))
		task.end--;
	dash = memrchr(task.at, '-', (size_t)(task.end - task.at));
	if (!dash)
		return false;
	number = (struct scan){dash + 1, task.end};
	return scan_decimal(&number, id) && number.at == number.end && *id <= HIGHEST_ID;
}

/* "( 1200)" or "(-------)" at the end of what stands before the processor. */
static void take_process(struct scan *before, struct ftrace_line *line)
{
	struct scan inside;
	const char *open;
	uint64_t id;

	while (before->end > before->at && before->end[-1] == ' ')
		before->end--;
	if (before->end == before->at || before->end[-1] != ')')
		return;
	open = memrchr(before->at, '(', (size_t)(before->end - before->at));
	if (!open)
		return;
	inside = (struct scan){open + 1, before->end - 1};
	scan_blanks(&inside);
	if (scan_decimal(&inside, &id) && id <= HIGHEST_ID && inside.at == inside.end)
		line->process_id = id;
	else if (inside.at == inside.end || *inside.at != '-')
		return; /* part of the task's name */
	before->end = open;
}

/* "4154.123456:" or "123456:" */
static bool parse_time(struct scan *scan, uint64_t *time_ns)
{
	struct scan at = *scan;
	uint64_t number, unit = 100000000;

	if (!scan_decimal(&at, &number))
		return false;
	*time_ns = number;
	if (scan_character(&at, '.')) {
		if (number > LATEST_SECONDS)
			return false;
		*time_ns = number * 1000000000u;
		for (; at.at < at.end && *at.at >= '0' && *at.at <= '9'; at.at++, unit /= 10)
			*time_ns += (uint64_t)(*at.at - '0') * unit;
	}
	if (!scan_character(&at, ':'))
		return false;
	*scan = at;
	return true;
}

/* What stands behind the processor: perhaps flags, the time, the event. */
static bool parse_rest(struct scan scan, struct ftrace_line *line)
{
	const char *word;
	size_t length;

	for (unsigned words = 0; words < 3; words++) {
		scan_blanks(&scan);
		if (parse_time(&scan, &line->time_ns))
			break;
		if (words == 2 || !scan_word(&scan, &word, &length))
			return false;
	}
	scan_blanks(&scan);
	if (!scan_word(&scan, &word, &length) || length < 2 || word[length - 1] != ':')
		return false;
	line->event = scan_text(word, length - 1);
	line->rest = scan;
	return true;
}

/* A task's name may have brackets: the processor is the first from which all that follows is right. */
static bool parse_line(struct scan text, struct ftrace_line *line)
{
	for (const char *at = text.at; (at = memchr(at, '[', (size_t)(text.end - at))); at++) {
		struct scan before = {text.at, at}, scan = {at + 1, text.end};
		uint64_t cpu;

		*line = (struct ftrace_line){.process_id = 0};
		if (!scan_decimal(&scan, &cpu) || cpu >= EVENT_MAX_CPUS || !scan_character(&scan, ']'))
			continue;
		line->cpu = (uint32_t)cpu;
		take_process(&before, line);
		if (parse_task(before, &line->thread_id) && parse_rest(scan, line))
			return true;
	}
	return false;
}

static bool is_lost(struct scan text)
{
	return scan_literal(&text, "CPU:") && memmem(text.at, (size_t)(text.end - text.at), "LOST", 4);
}

static enum trace_status take_line(struct importer *importer, struct kernel_stream *stream, struct scan text)
{
	const struct kernel_tracepoint *tracepoint;
	struct ftrace_line line;
	struct kernel_moment moment = {.cpu = KERNEL_NO_CPU};

	if (is_lost(text))
		return importer_warn(importer, EVENT_LOST_WARNING,
				     "says that the tracer's buffer had no room for events");
	if (!parse_line(text, &line))
		return importer_not_understood(importer);
	tracepoint = kernel_line_tracepoint(line.event);
	if (!tracepoint)
		return TRACE_OK;
	if (!kernel_line_parse(tracepoint, line.rest, &moment))
		return importer_not_understood(importer);
	moment.process_id = line.process_id;
	moment.thread_id = line.thread_id;
	moment.cpu = line.cpu;
	moment.time_ns = line.time_ns;
	return kernel_stream_put(stream, importer, &moment);
}

/* Comments, and the line with which trace-cmd report begins. */
static bool is_heading(struct scan text)
{
	return scan_ended(&text) || *text.at == '#' || scan_literal(&text, "cpus=");
}

static enum trace_status ftrace_run(struct importer *importer)
{
	struct kernel_stream stream = {0};
	enum trace_status status;

	while ((status = importer_next(importer)) == TRACE_OK) {
		const struct scan text = scan_text(importer->line.text, importer->line.length);

		if (is_heading(text))
			continue;
		status = take_line(importer, &stream, text);
		if (status != TRACE_OK)
			break;
	}
	kernel_stream_end(&stream);
	return status == TRACE_END ? TRACE_OK : status;
}

static bool ftrace_recognise(struct scan text)
{
	struct ftrace_line line;

	return parse_line(text, &line) && kernel_line_tracepoint(line.event);
}

static size_t ftrace_detect(const char *bytes, size_t length)
{
	return importer_count_lines(bytes, length, ftrace_recognise);
}

static bool ftrace_has_time(const char *bytes, size_t length)
{
	(void)bytes;
	(void)length;
	return true;
}

const struct import_format ftrace_format = {
    .name = "ftrace",
    .summary = "/sys/kernel/tracing/trace, trace-cmd report: kmem:*, vmalloc:*, compaction and reclaim",
    .sample = "bash-1234 [001] d..1. 4154.123456: kfree: call_site=free_x+0x1 ptr=00000000abcdef12",
    .detect = ftrace_detect,
    .has_time = ftrace_has_time,
    .run = ftrace_run,
};
