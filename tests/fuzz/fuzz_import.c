#include "config.h"

#include "tests/fuzz/fuzz.h"
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
	struct census_sink sink = {.sink = {.put = put}};
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
