#include "config.h"

#include "tests/fuzz/fuzz.h"
#include "tests/unit/census_sink.h"
#include "traces/access.h"
#include "traces/import/importer.h"

#include <stdio.h>
#include <stdlib.h>

/* One foreign file, of the format that the build names (auto: detected, and perhaps compressed). Whatever the
 * bytes are, an importer may only push events that obey event.h: the census that a trace's writer keeps must
 * never refuse one. */
struct judge {
	struct census_sink books;
	uint32_t files;
};

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
	(void)error;
	if (!file->path || !*file->path)
		abort();
	*number = ++((struct judge *)sink)->files;
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

static void import(const uint8_t *data, size_t size, bool strict)
{
	struct importer_options options = {.format = FUZZ_FORMAT, .strict = strict};
	struct judge judge = {.files = 0};
	struct importer *importer;
	struct trace_error error;
	struct input *input;

	if (input_open_memory(&input, data, size, "input", &error) != TRACE_OK)
		return;
	if (importer_create(&importer, input, &options, &error) != TRACE_OK)
		return;
	census_sink_start(&judge.books);
	judge.books.sink.file = file;
	judge.books.sink.accesses = accesses;
	judge.books.sink.name = name;
	error.message[0] = '\0';
	if (importer_run(importer, &judge.books.sink, &error) != TRACE_OK && !*error.message) {
		(void)fputs("an importer failed and did not say why\n", stderr);
		abort();
	}
	census_sink_end(&judge.books);
	importer_destroy(importer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	import(data, size, false);
	import(data, size, true);
	return 0;
}
