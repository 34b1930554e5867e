#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "traces/access.h"
#include "traces/census.h"
#include "traces/import/importer.h"

#include <stdio.h>
#include <stdlib.h>

/* One foreign file, of the format that the build names (auto: detected, and perhaps compressed). Whatever the
 * bytes are, an importer may only push events that obey event.h: the census that a trace's writer keeps must
 * never refuse one. */
struct census_sink {
	struct event_sink sink;
	struct census census;
	uint32_t files;
};

static enum trace_status put(struct event_sink *sink, const struct event *event, struct trace_error *error)
{
	enum trace_status status = census_add(&((struct census_sink *)sink)->census, event, error);

	if (status == TRACE_BAD_INPUT) {
		(void)fprintf(stderr, "an importer broke the rules: %s\n", error->message);
		abort();
	}
	return status;
}

/* References have the sizes, kinds and places that access.h allows. */
static enum trace_status accesses(struct event_sink *sink, uint32_t thread, const struct access *access,
				  size_t count, struct trace_error *error)
{
	(void)sink;
	(void)error;
	for (size_t i = 0; i < count; i++) {
		if (thread != 0 || access[i].size == 0 || access[i].kind >= ACCESS_KINDS ||
		    access[i].place != ACCESS_ABSOLUTE || access[i].base != 0) {
			(void)fputs("an importer broke the rules of references\n", stderr);
			abort();
		}
	}
	return TRACE_OK;
}

/* Files are numbered as a trace's writer would; it refuses events of files that are none. */
static enum trace_status file(struct event_sink *sink, const struct event_file *file, uint32_t *number,
			      struct trace_error *error)
{
	struct census_sink *census = (struct census_sink *)sink;

	(void)error;
	if (!file->path || !*file->path)
		abort();
	*number = ++census->files;
	return TRACE_OK;
}

static enum trace_status name(struct event_sink *sink, enum event_names table, const char *text,
			      uint32_t *number, struct trace_error *error)
{
	(void)sink;
	(void)error;
	if (table >= EVENT_NAMES || !*text)
		abort();
	*number = 1;
	return TRACE_OK;
}

static enum trace_status process(struct event_sink *sink, uint32_t process, uint32_t parent, uint64_t os_id,
				 const char *command, struct trace_error *error)
{
	(void)parent;
	(void)os_id;
	(void)command;
	return census_process(&((struct census_sink *)sink)->census, process, error);
}

static enum trace_status thread(struct event_sink *sink, uint32_t thread, uint32_t process, uint64_t os_id,
				const char *name, struct trace_error *error)
{
	(void)os_id;
	(void)name;
	return census_thread(&((struct census_sink *)sink)->census, thread, process, error);
}

static void check(const struct census *census)
{
	const char *broken = census_check(census);

	if (broken) {
		(void)fprintf(stderr, "after an import: %s\n", broken);
		abort();
	}
}

static void import(const uint8_t *data, size_t size, bool strict)
{
	struct importer_options options = {.format = FUZZ_FORMAT, .strict = strict};
	struct census_sink sink = {.sink = {.put = put,
					    .thread = thread,
					    .process = process,
					    .file = file,
					    .accesses = accesses,
					    .name = name}};
	struct importer *importer;
	struct trace_error error;
	struct input *input;

	if (input_open_memory(&input, data, size, "input", &error) != TRACE_OK)
		return;
	if (importer_create(&importer, input, &options, &error) != TRACE_OK)
		return;
	census_start(&sink.census);
	if (importer_run(importer, &sink.sink, &error) == TRACE_OK)
		check(&sink.census);
	census_end(&sink.census);
	importer_destroy(importer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	import(data, size, false);
	import(data, size, true);
	return 0;
}
