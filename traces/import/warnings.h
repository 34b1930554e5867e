/* warnings.h: what an importer could not understand, counted by kind.
 *
 * Foreign files are imperfect: a recording begins late, a line is torn, a tool writes a field nobody
 * documented. An import goes on, counts each such thing under its kind, and shows the first few of a kind
 * with file and line. A strict import ends at the first one instead.
 */
#ifndef FAULTLINE_TRACES_IMPORT_WARNINGS_H
#define FAULTLINE_TRACES_IMPORT_WARNINGS_H

#include "traces/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WARNING_KINDS_MAX 32
#define WARNINGS_SHOWN_PER_KIND 3

/* Who is told while an import runs; either function may be NULL. */
struct import_listener {
	/* One finished sentence that begins with FILE:LINE. */
	void (*say)(struct import_listener *listener, const char *sentence);
	/* Called now and then with the bytes and events so far. */
	void (*progress)(struct import_listener *listener, uint64_t bytes, uint64_t events);
};

struct warning_kind {
	const char *what; /* a constant string: "free of an unknown pointer" */
	uint64_t count;
};

struct warnings {
	struct warning_kind kind[WARNING_KINDS_MAX];
	size_t kinds;
	bool strict;
	const char *file; /* for FILE:LINE; the caller's, kept as long as the warnings are */
	uint64_t line;	  /* the line being read */
	struct import_listener *listener;
};

/* Counts one warning of the kind `what` (compared as text). The printf-formatted sentence says what was wrong
 * and what would be right. TRACE_OK, or TRACE_BAD_INPUT with FILE:LINE: SENTENCE in `error` when strict. */
enum trace_status warnings_add(struct warnings *warnings, const char *what, struct trace_error *error,
			       const char *format, ...) __attribute__((format(printf, 4, 5))) TRACE_MUST_USE;

/* TRACE_BAD_INPUT with FILE:LINE: SENTENCE in `error`, for what cannot be gone on from. */
enum trace_status warnings_refuse(const struct warnings *warnings, struct trace_error *error,
				  const char *format, ...)
    __attribute__((format(printf, 3, 4))) TRACE_MUST_USE;

/* The number of warnings of all kinds. */
uint64_t warnings_total(const struct warnings *warnings);

/* Writes the first bytes of a foreign line into `excerpt` as a quoted string fit for a terminal: control and
 * non-ASCII characters become '?', a longer line ends in "...". Returns `excerpt`. */
#define WARNING_EXCERPT_BYTES 64
const char *warning_excerpt(char excerpt[WARNING_EXCERPT_BYTES], const char *text, size_t length);

#endif
