#include "config.h"

#include "traces/import/importer.h"

#include "traces/import/formats.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define PROGRESS_LINES 65536
#define LIST_BYTES 256

static void list_formats(char list[LIST_BYTES])
{
	const struct import_format *format;
	size_t used = 0;

	list[0] = '\0';
	for (size_t index = 0; (format = import_format_at(index)) && used < LIST_BYTES; index++)
		used +=
		    (size_t)snprintf(list + used, LIST_BYTES - used, "%s%s", index ? ", " : "", format->name);
}

static enum trace_status settle_format(struct importer *importer, const char *name, struct trace_error *error)
{
	char list[LIST_BYTES];
	const char *bytes;
	size_t length;
	enum trace_status status = input_peek(importer->input, &bytes, &length, error);

	if (status != TRACE_OK)
		return status;
	list_formats(list);
	if (strcmp(name, "auto") != 0) {
		importer->format = import_format_find(name);
		if (!importer->format)
			return trace_fail(error, TRACE_UNSUPPORTED,
					  "there is no format '%s'; there are auto, %s", name, list);
	} else {
		importer->format = import_format_detect(bytes, length);
		if (!importer->format)
			return trace_fail(
			    error, TRACE_BAD_INPUT,
			    "%s:1: none of the formats %s is recognised in its first %zu bytes; name the "
			    "format with --from",
			    input_name(importer->input), list, length);
	}
	importer->has_time = importer->format->has_time(bytes, length);
	return TRACE_OK;
}

enum trace_status importer_create(struct importer **created, struct input *input,
				  const struct importer_options *options, struct trace_error *error)
{
	struct importer *importer = calloc(1, sizeof(*importer));
	enum trace_status status;

	*created = NULL;
	if (!importer) {
		input_close(input);
		return trace_fail(error, TRACE_NO_MEMORY, "no memory for an import");
	}
	importer->input = input;
	importer->warnings.strict = options->strict;
	importer->warnings.listener = options->listener;
	importer->warnings.file = input_name(input);
	status = settle_format(importer, options->format, error);
	if (status != TRACE_OK) {
		importer_destroy(importer);
		return status;
	}
	*created = importer;
	return TRACE_OK;
}

void importer_destroy(struct importer *importer)
{
	if (!importer)
		return;
	input_close(importer->input);
	free(importer);
}

/* Any number does; one that the file's author could not know is better. */
static uint64_t random_seed(void)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = UINT64_C(0x9e3779b97f4a7c15);
	return seed;
}

/* Puts FILE:LINE before a sentence that came from where the line is not known. */
static void locate(const struct importer *importer, struct trace_error *error)
{
	struct trace_error plain = *error;
	size_t length = strlen(importer->warnings.file);

	if (strncmp(plain.message, importer->warnings.file, length) == 0 && plain.message[length] == ':')
		return;
	(void)trace_fail(error, TRACE_OK, "%s:%llu: %.900s", importer->warnings.file,
			 (unsigned long long)importer->warnings.line, plain.message);
}

enum trace_status importer_run(struct importer *importer, struct event_sink *sink, struct trace_error *error)
{
	struct trace_error own;
	enum trace_status status;

	importer->error = error ? error : &own;
	if (!ledger_create(&importer->ledger, sink, &importer->warnings, random_seed()))
		return trace_fail(error, TRACE_NO_MEMORY, "%s: no memory for its live blocks",
				  importer->warnings.file);
	roster_create(&importer->roster, sink);
	status = importer->format->run(importer);
	if (status == TRACE_OK && importer->ledger.events == 0)
		status = trace_fail(
		    importer->error, TRACE_BAD_INPUT,
		    "%s:%llu: the file ended without one event; a line of format %s looks like \"%s\"",
		    importer->warnings.file, (unsigned long long)importer->warnings.line,
		    importer->format->name, importer->format->sample);
	else if (status == TRACE_BAD_INPUT)
		locate(importer, importer->error);
	roster_destroy(&importer->roster);
	ledger_destroy(&importer->ledger);
	return status;
}

enum trace_status importer_next(struct importer *importer)
{
	struct import_listener *listener = importer->warnings.listener;
	enum trace_status status = input_next(importer->input, &importer->line, importer->error);

	while (status == TRACE_OK && importer->line.cut) {
		importer->warnings.line = importer->line.number;
		status =
		    importer_warn(importer, "line too long",
				  "is the beginning of a line of more than 65,536 bytes; it was skipped");
		if (status == TRACE_OK)
			status = input_next(importer->input, &importer->line, importer->error);
	}
	if (status == TRACE_OK)
		importer->warnings.line = importer->line.number;
	if (listener && listener->progress && importer->warnings.line % PROGRESS_LINES == 0)
		listener->progress(listener, input_bytes(importer->input), importer->ledger.events);
	return status;
}

enum trace_status importer_read(struct importer *importer, void *record, size_t bytes, size_t *got)
{
	struct import_listener *listener = importer->warnings.listener;
	enum trace_status status = input_read(importer->input, record, bytes, got, importer->error);

	if (status == TRACE_OK)
		importer->warnings.line++;
	if (listener && listener->progress && importer->warnings.line % PROGRESS_LINES == 0)
		listener->progress(listener, input_bytes(importer->input), importer->ledger.events);
	return status;
}

enum trace_status importer_not_understood(struct importer *importer)
{
	char excerpt[WARNING_EXCERPT_BYTES];

	return warnings_add(&importer->warnings, "line not understood", importer->error,
			    "%s is no line of format %s, which look like \"%s\"",
			    warning_excerpt(excerpt, importer->line.text, importer->line.length),
			    importer->format->name, importer->format->sample);
}

enum trace_status importer_warn(struct importer *importer, const char *what, const char *sentence)
{
	char excerpt[WARNING_EXCERPT_BYTES];

	return warnings_add(&importer->warnings, what, importer->error, "%s %s",
			    warning_excerpt(excerpt, importer->line.text, importer->line.length), sentence);
}

enum trace_status importer_place(struct importer *importer, uint64_t process_id, uint64_t thread_id,
				 struct roster_place *place)
{
	return roster_find(&importer->roster, process_id, thread_id, place, importer->error);
}

enum trace_status importer_book(struct importer *importer, const struct heap_call *call)
{
	return ledger_book(&importer->ledger, call, importer->error);
}

enum trace_status importer_birth(struct importer *importer, const struct importer_birth *birth, bool *is_new)
{
	struct event event = {.kind = EVENT_FORK, .time_ns = birth->time_ns};
	struct roster_place place;
	enum trace_status status;
	uint32_t child;

	*is_new = false;
	status = importer_place(importer, birth->process_id, birth->thread_id, &place);
	if (status == TRACE_OK)
		status = roster_fork(&importer->roster, place.process, birth->child_id, &child, is_new,
				     importer->error);
	if (status != TRACE_OK || !*is_new)
		return status;
	event.thread = place.thread;
	event.process = place.process;
	event.count = child;
	if (birth->flags & CLONE_VM) {
		event.kind = birth->flags & CLONE_VFORK ? EVENT_VFORK : EVENT_CLONE;
		event.call.flags = event.kind == EVENT_CLONE ? (uint32_t)birth->flags : 0;
	}
	return importer_put(importer, &event);
}

enum trace_status importer_put(struct importer *importer, const struct event *event)
{
	importer->ledger.events++;
	return importer->ledger.sink->put(importer->ledger.sink, event, importer->error);
}

enum trace_status importer_file(struct importer *importer, struct scan path, uint32_t *number)
{
	struct event_sink *sink = importer->ledger.sink;
	struct event_file file = {0};
	enum trace_status status;
	char *text;

	*number = 0;
	if (!sink->file || path.at == path.end || *path.at == '\0')
		return TRACE_OK;
	text = strndup(path.at, (size_t)(path.end - path.at));
	if (!text)
		return trace_fail(importer->error, TRACE_NO_MEMORY, "no memory for the name of a file");
	file.path = text;
	status = sink->file(sink, &file, number, importer->error);
	free(text);
	return status;
}

size_t importer_count_lines(const char *bytes, size_t length, bool (*recognise)(struct scan line))
{
	const char *at = bytes, *end = bytes + length;
	size_t recognised = 0;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		struct scan line = {at, newline ? newline : end};

		if (line.end > line.at && line.end[-1] == '\r')
			line.end--;
		recognised += recognise(line);
		at = newline ? newline + 1 : end;
	}
	return recognised;
}

bool importer_without_time(const char *bytes, size_t length)
{
	(void)bytes;
	(void)length;
	return false;
}
