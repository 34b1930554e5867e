/* session.h: one recording from start to end: the arena, the command, the merge, the trace.
 *
 * Heap records come through the arena, what the kernel tells through a follower; they are put in one order.
 *
 *   session_run:  make arena -> start command -> rounds of (watch processes, take records in order, merge, write)
 *                 -> every process ended -> finish the trace -> the result
 *
 * The recording ends when the command and every process descended from it that was recorded have ended; or when time
 * (for_ns) or size (max_bytes) is reached: then the trace is finished at once, and session_run goes on waiting for the
 * command alone, whose end it reports.
 */
#ifndef FAULTLINE_TRACES_RECORD_SESSION_H
#define FAULTLINE_TRACES_RECORD_SESSION_H

#include "traces/error.h"
#include "traces/record/access_merge.h"
#include "traces/record/follower.h"

#include <stdbool.h>
#include <stdint.h>

#define SESSION_NOTES 16
#define SESSION_NOTE_BYTES 640

struct session_result;

struct session_options {
	char **command;	    /* NULL at its end; not empty */
	const char *output; /* the trace; NULL: there is a receiver */
	const struct access_output
	    *receiver;	     /* takes what a recording of references brings, beside the trace or
						 alone; NULL: nobody */
	const char *library; /* absolute path of the preloaded library */
	bool heap;	     /* record heap calls */
	bool calls;	     /* record memory system calls */
	bool faults;	     /* record page faults */
	unsigned
	    accesses; /* record references: ARENA_ACCESS_DATA, ARENA_ACCESS_FETCH; the library is then the
				guest's, and the kernel's side is seen by the plugin */
	const char *emulator; /* absolute path; for references */
	const char *plugin;   /* absolute path, of the emulator; for references without heap calls */
	uint64_t window_on, window_off; /* references per thread recorded, then left out; 0 = all */
	uint64_t seed;	/* of the order of threads' references where it is not known; 0 = as handed over */
	bool as_placed; /* references to blocks are told as those to the mappings that they lie in */
	enum follower_means means; /* of seeing memory system calls */
	bool follow;		   /* children and exec'd programs too */
	bool stacks;		   /* call stacks; the library must be the one that can */
	bool paused;		   /* record nothing until start_signal */
	int start_signal;	   /* 0 = none */
	int stop_signal;
	uint64_t for_ns;       /* 0 = until the end */
	uint64_t max_bytes;    /* of the trace; 0 = no bound, as without one */
	uint64_t buffer_bytes; /* memory for records that are not merged yet */
	void (*finished)(
	    void *context,
	    const struct session_result *result); /* called when all has been written or received */
	void *context;
};

/* Why the recording ended. */
enum session_end {
	SESSION_ALL_ENDED,
	SESSION_TIME,
	SESSION_SIZE,
	SESSION_ASKED, /* SIGINT or SIGTERM while only descendants were left */
};

struct session_result {
	int exit_status; /* of the command, 128 + signal when one killed it */
	int exec_errno;	 /* not 0: the command could not be started; nothing was written */
	bool unprepared; /* exec_errno says why its system calls could not be recorded */
	enum session_end end;
	uint64_t events;	       /* in the trace */
	uint64_t heap_events;	       /* of these, calls of heap functions */
	struct follower_counts kernel; /* of these, what the kernel told */
	struct access_counts accesses;
	uint64_t processes;
	uint64_t threads;
	uint64_t file_bytes;
	uint64_t foreign, reissued, damaged,
	    lost;	       /* what could not be recorded as it should; each is a warning in the trace */
	uint64_t nested_calls; /* calls that an allocator made of itself */
	uint64_t usable_calls; /* malloc_usable_size and its kin */
	double event_ns;       /* recording one event, measured in place on a sample of them; 0 = too few */
	double recording_s;    /* event_ns x heap_events: time that the program's threads spent recording */
	double waiting_s;      /* time that they waited for the recorder */
	double cpu_s;	       /* processor time of the command and the descendants it has waited for */
	unsigned notes;
	char note[SESSION_NOTES][SESSION_NOTE_BYTES]; /* programs that were not recorded, and why */
};

/* Records. The result is filled in as far as things went, whatever the status. */
enum trace_status session_run(const struct session_options *options, struct session_result *result,
			      struct trace_error *error) TRACE_MUST_USE;

#endif
