#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/small_trace.h"

#include "traces/flt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *new_path(void)
{
	const char *directory = getenv("TMPDIR");
	size_t bytes = (directory ? strlen(directory) : 4) + 32;
	char *path = malloc(bytes);

	assert_non_null(path);
	(void)snprintf(path, bytes, "%s/faultline-test.XXXXXX", directory ? directory : "/tmp");
	int descriptor = mkstemp(path);

	assert_true(descriptor >= 0);
	(void)close(descriptor);
	return path;
}

char *small_trace_write(const struct event *events, size_t count)
{
	const struct flt_description description = {.source = "test", .has_time = true};
	char *path = new_path();
	struct flt_writer *writer;
	struct trace_error error = {""};

	if (flt_writer_create(&writer, path, &description, &error) != TRACE_OK)
		fail_msg("%s", error.message);
	for (size_t i = 0; i < count; i++) {
		struct event event = events[i];

		event.time_ns = i * 1000;
		if (flt_writer_add(writer, &event, &error) != TRACE_OK)
			fail_msg("event %zu: %s", i, error.message);
	}
	if (flt_writer_finish(writer, &error) != TRACE_OK)
		fail_msg("%s", error.message);
	return path;
}
