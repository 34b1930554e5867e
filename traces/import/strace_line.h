/* strace_line.h: a line of strace: who, when, what.
 *
 *   [pid 22904] 12:31:07.500000 <... munmap resumed>) = 0
 *   who         when            what, of kind STRACE_RESUMED
 */
#ifndef FAULTLINE_TRACES_IMPORT_STRACE_LINE_H
#define FAULTLINE_TRACES_IMPORT_STRACE_LINE_H

#include "traces/import/scan.h"

#include <stdbool.h>
#include <stdint.h>

enum strace_kind {
	STRACE_CALL,	   /* rest = a whole call */
	STRACE_UNFINISHED, /* rest = its beginning */
	STRACE_TORN,	   /* rest = its beginning; its end is the next line, without a name */
	STRACE_RESUMED,	   /* name, rest = its end */
	STRACE_EXITED,	   /* value = exit status */
	STRACE_KILLED,	   /* value = signal, 0 = not known */
	STRACE_SUPERSEDED, /* by an exec in another thread; value = that thread's id */
	STRACE_OTHER,	   /* a signal, or strace's own words */
};

struct strace_line {
	uint64_t id; /* of the thread, 0 = the line names none */
	bool has_time;
	bool of_day;	  /* time_ns is since midnight */
	bool is_relative; /* time_ns is since the line before */
	uint64_t time_ns;
	enum strace_kind kind;
	struct scan name; /* of the call */
	struct scan rest;
	uint64_t value;
};

/* Takes the line apart. False: strace writes no such line. */
bool strace_line_parse(struct scan text, struct strace_line *line);

#endif
