/* flt_file.h: what the tests of the trace format share: a scratch file, writing and reading whole traces. */
#ifndef FAULTLINE_TESTS_UNIT_FLT_FILE_H
#define FAULTLINE_TESTS_UNIT_FLT_FILE_H

#include "tests/unit/flt_events.h"
#include "traces/flt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The last error of a call that was asserted on. */
extern struct trace_error flt_file_error;

#define assert_status(call, expected)                                                                        \
	do {                                                                                                 \
		const enum trace_status status_ = (call);                                                    \
		if (status_ != (expected))                                                                   \
			fail_msg("status %d, expected %d: %s", (int)status_, (int)(expected),                \
				 flt_file_error.message);                                                    \
	} while (0)
#define assert_ok(call) assert_status((call), TRACE_OK)

/* Group set-up and tear-down: a scratch directory. */
int flt_file_make_directory(void **state);
int flt_file_remove_directory(void **state);

/* The scratch file's path. */
const char *flt_file_path(void);

/* A trace of `count` events as bytes, with blocks of `block_events`; free() it. */
struct flt_file_bytes {
	uint8_t *bytes;
	size_t count;
};

/* Writes the events to the scratch file: stacks 1 ... options->stacks are registered, threads and processes of the events
 * are named, and one warning is noted. */
void flt_file_write(const struct flt_events_options *options, const struct event *events, size_t count,
		    size_t block_events);
struct flt_file_bytes flt_file_load(void);

void flt_file_assert_event(const struct event *got, const struct event *expected, size_t position);

/* New events; free() them. */
struct event *flt_file_events(const struct flt_events_options *options, size_t count);

#endif
