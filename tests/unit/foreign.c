#include "config.h"

#include "tests/unit/foreign.h"

#include "traces/import/importer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct ear {
	struct import_listener listener;
	struct foreign *foreign;
};

static void ear_say(struct import_listener *listener, const char *sentence)
{
	struct foreign *foreign = ((struct ear *)listener)->foreign;
	size_t used = strlen(foreign->said);

	assert_true(used + strlen(sentence) + 2 < sizeof(foreign->said));
	(void)snprintf(foreign->said + used, sizeof(foreign->said) - used, "%s\n", sentence);
}

static void ear_progress(struct import_listener *listener, uint64_t bytes, uint64_t events)
{
	assert_true(bytes > 0 || events == 0);
	((struct ear *)listener)->foreign->progress++;
}

static void keep_warnings(struct foreign *foreign, const struct warnings *warnings)
{
	size_t used = 0;

	for (size_t index = 0; index < warnings->kinds; index++) {
		used += (size_t)snprintf(foreign->warnings + used, sizeof(foreign->warnings) - used,
					 "%s: %" PRIu64 "\n", warnings->kind[index].what,
					 warnings->kind[index].count);
		assert_true(used < sizeof(foreign->warnings));
	}
}

void foreign_import(struct foreign *foreign, const void *bytes, size_t length,
		    const struct foreign_options *options)
{
	struct ear ear = {{ear_say, ear_progress}, foreign};
	struct importer_options importer_options = {
	    .format = options->format ? options->format : "auto",
	    .strict = options->strict,
	    .listener = &ear.listener,
	};
	struct importer *importer;
	struct input *input;

	memset(foreign, 0, sizeof(*foreign));
	event_log_create(&foreign->log);
	event_log_references(&foreign->log);
	foreign->log.refuse_at = options->refuse_at;
	foreign->status = input_open_memory(&input, bytes, length, "in", &foreign->error);
	if (foreign->status != TRACE_OK)
		return;
	foreign->status = importer_create(&importer, input, &importer_options, &foreign->error);
	if (foreign->status != TRACE_OK)
		return;
	foreign->format = importer->format->name;
	foreign->has_time = importer->has_time;
	foreign->status = importer_run(importer, &foreign->log.sink, &foreign->error);
	keep_warnings(foreign, &importer->warnings);
	importer_destroy(importer);
}

void foreign_drop(struct foreign *foreign)
{
	event_log_destroy(&foreign->log);
}

void foreign_expect(const char *format, const char *text, const char *events, const char *warnings)
{
	struct foreign_options options = {.format = format};
	struct foreign foreign;

	foreign_import(&foreign, text, strlen(text), &options);
	assert_string_equal(foreign.error.message, "");
	assert_int_equal(foreign.status, TRACE_OK);
	assert_string_equal(foreign.log.text, events);
	assert_string_equal(foreign.warnings, warnings);
	foreign_drop(&foreign);
}

void foreign_expect_bytes(const char *format, const struct foreign_bytes *bytes, const char *events,
			  const char *warnings)
{
	const struct foreign_options options = {.format = NULL};
	struct foreign foreign;

	foreign_import(&foreign, bytes->start, bytes->length, &options);
	assert_string_equal(foreign.error.message, "");
	assert_int_equal(foreign.status, TRACE_OK);
	assert_string_equal(foreign.format, format);
	assert_string_equal(foreign.log.text, events);
	assert_string_equal(foreign.warnings, warnings);
	foreign_drop(&foreign);
}

void foreign_expect_failure(const struct foreign_options *options, const char *text, const char *message)
{
	struct foreign foreign;

	foreign_import(&foreign, text, strlen(text), options);
	assert_int_not_equal(foreign.status, TRACE_OK);
	assert_string_equal(foreign.error.message, message);
	foreign_drop(&foreign);
}
