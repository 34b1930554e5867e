/* machine_session.h: one recording of a whole machine's kernel allocators from start to end.
 *
 *   memory for everything ─▶ rings ─▶ start ─▶ snapshots before ─▶ command, or time ─▶ snapshots after ─▶ stop ─▶ trace
 *                                          rings are emptied into the log all the while
 *
 * Tracing starts before the first snapshot, so that nothing happens between the two. The trace is written when all is over: while it runs
 * the recorder takes no memory but what it took before, and its own events bear its process's number (flt_description.recorder).
 * It ends when the command ends, at for_ns, when the log is full, or by SIGINT or SIGTERM where there is no command.
 */
#ifndef FAULTLINE_TRACES_RECORD_MACHINE_SESSION_H
#define FAULTLINE_TRACES_RECORD_MACHINE_SESSION_H

#include "traces/error.h"
#include "traces/record/machine_rings.h"

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_NOTE_BYTES 640

struct machine_options {
	char **command;	    /* NULL at its end; empty = none: then for_ns is not 0, or a signal ends it */
	const char *output; /* the trace */
	struct machine_rings_options rings;
	uint64_t for_ns;       /* 0 = until the command ends */
	uint64_t buffer_bytes; /* of the log */
	bool without_frames;   /* snapshots have texts only: frames cost 0.14 us each, twice */
};

enum machine_end {
	MACHINE_COMMAND_ENDED,
	MACHINE_TIME,
	MACHINE_FULL,
	MACHINE_ASKED,
};

struct machine_result {
	int exit_status; /* of the command; 0 without one */
	int exec_errno;	 /* not 0: it could not be started; nothing was written */
	enum machine_end end;
	uint64_t duration_ns;
	uint64_t events; /* in the trace */
	uint64_t lost, damaged, dropped;
	uint64_t file_bytes;
	uint64_t log_bytes;
	uint64_t frames;
	double cpu_s; /* of the recorder, while it recorded */
	bool frames_incomplete;
	char missing[MACHINE_NOTE_BYTES]; /* tracepoints that this kernel does not have */
};

/* Records. TRACE_UNSUPPORTED when the system does not permit it. */
enum trace_status machine_session_run(const struct machine_options *options, struct machine_result *result,
				      struct trace_error *error) TRACE_MUST_USE;

#endif
