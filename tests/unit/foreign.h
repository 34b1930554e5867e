/* foreign.h: imports a text in memory and keeps everything that came of it. */
#ifndef FAULTLINE_TESTS_FOREIGN_H
#define FAULTLINE_TESTS_FOREIGN_H

#include "tests/unit/event_log.h"
#include "traces/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct foreign {
	struct event_log log;
	enum trace_status status;
	struct trace_error error;
	const char *format; /* the one that was used, NULL when none was recognised */
	bool has_time;
	char warnings[2048]; /* "KIND: COUNT\n" each */
	char said[8192];     /* the sentences shown, one per line */
	uint64_t progress;   /* times that the listener was told of progress */
};

struct foreign_bytes {
	const void *start;
	size_t length;
};

struct foreign_options {
	const char *format; /* NULL = auto */
	bool strict;
	uint64_t refuse_at; /* the sink fails at this event */
};

/* Imports `length` bytes called "in". */
void foreign_import(struct foreign *foreign, const void *bytes, size_t length,
		    const struct foreign_options *options);
void foreign_drop(struct foreign *foreign);

/* Imports `text`, which must succeed, and compares events and warnings. */
void foreign_expect(const char *format, const char *text, const char *events, const char *warnings);

/* Imports bytes, whose format must be recognised as this one, and compares events and warnings. */
void foreign_expect_bytes(const char *format, const struct foreign_bytes *bytes, const char *events,
			  const char *warnings);

/* Imports `text`, strictly or not, which must fail with exactly this message. */
void foreign_expect_failure(const struct foreign_options *options, const char *text, const char *message);

#endif
