#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/small_trace.h"

#include "tests/unit/scratch_path.h"
#include "traces/flt.h"

char *small_trace_write(const struct event *events, size_t count)
{
	const struct flt_description description = {.source = "test", .has_time = true};
	char *path = scratch_path();
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
