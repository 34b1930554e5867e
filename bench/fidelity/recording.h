/* recording.h: a short recording as a whole in memory: its events by position, and what its snapshots say of a process.
 *
 *   exec ─ first snapshots ─ calls, forks, faults ... ─ last snapshots ─ exit
 */
#ifndef FAULTLINE_BENCH_FIDELITY_RECORDING_H
#define FAULTLINE_BENCH_FIDELITY_RECORDING_H

#include "traces/flt.h"

#include <stddef.h>
#include <stdint.h>

#define RECORDING_NONE UINT64_MAX

struct recording {
	struct flt_reader *reader;
	const struct flt_summary *summary;
	struct event *event; /* all of them, by position */
	uint64_t events;
};

/* Reads all events of the trace at `path`. TRACE_NO_MEMORY, TRACE_BAD_INPUT for more than 2^24 of them, and the reader's. */
enum trace_status recording_open(struct recording *recording, const char *path,
				 struct trace_error *error) TRACE_MUST_USE;
void recording_close(struct recording *recording);

/* Position of the process's last exec, or of its first event when it has none; RECORDING_NONE without events. */
uint64_t recording_begin(const struct recording *recording, uint32_t process);

/* The process's first thread; RECORDING_NONE without any. */
uint64_t recording_thread(const struct recording *recording, uint32_t process);

/* Did it execute a program, and did it end within the recording? */
bool recording_executes(const struct recording *recording, uint32_t process);
bool recording_ends(const struct recording *recording, uint32_t process);

/* The first, or the last, snapshot of that name that the process has from recording_begin on: a text for the caller to free.
 * NULL: there is none, or no memory. */
char *recording_first(const struct recording *recording, uint32_t process, const char *name);
char *recording_last(const struct recording *recording, uint32_t process, const char *name);

#endif
