/* census.h: the books of a trace: which events obey event.h's rules, and what they add up to.
 *
 * Both ends of the format keep one: the writer to refuse an impossible event and to fill the footer, the reader to
 * rebuild the footer of a file that lost it. An event is either refused (and changes nothing) or counted.
 *
 * Live bytes are requested bytes of objects that were created and not ended, over all processes; a fork doubles what its
 * process holds, because the child has copies of it. Foreign objects have no known size and are never live, but for
 * those that a failed realloc named: these are live with 0 bytes from then on.
 *
 * Invariants
 *   I1  events = the sum of kinds
 *   I2  live_objects, live_bytes = the sums over the processes' live sets
 *   I3  live_objects <= live_peak_objects and live_bytes <= live_peak_bytes
 */
#ifndef FAULTLINE_TRACES_CENSUS_H
#define FAULTLINE_TRACES_CENSUS_H

#include "traces/error.h"
#include "traces/event.h"
#include "traces/kernel_tally.h"
#include "traces/live.h"

#include <stdbool.h>
#include <stdint.h>

/* More live bytes than this at once are not believed. */
#define CENSUS_MAX_LIVE_BYTES (UINT64_C(1) << 62)

/* Classes of request sizes: class 0 is size 0, class k the sizes of 2^(k-1) to 2^k - 1 bytes. */
#define CENSUS_SIZE_CLASSES 65

enum census_process_state {
	CENSUS_EXPECTED, /* named, or created by a fork, without an event of its own */
	CENSUS_RUNNING,
	CENSUS_GONE, /* after its exit event */
};

struct census_process {
	struct live_set live;
	enum census_process_state state;
};

enum census_thread_state {
	CENSUS_THREAD_EXPECTED,
	CENSUS_THREAD_RUNNING,
	CENSUS_THREAD_GONE,
};

struct census_thread {
	uint32_t process;
	enum census_thread_state state;
};

struct census {
	uint64_t events;
	uint64_t kinds[EVENT_KINDS];
	uint64_t objects;
	uint64_t live_bytes, live_objects;
	uint64_t live_peak_bytes, live_peak_objects;
	uint64_t left_at_exit_bytes, left_at_exit_objects; /* what processes still held at exec and exit */
	uint64_t cross_thread_frees;	/* by another thread of the process than the creating one */
	uint64_t cross_thread_reallocs; /* the same of blocks that a realloc ended */
	uint64_t null_frees;
	uint64_t failed;			   /* events with EVENT_FAILED */
	uint64_t foreign;			   /* events with EVENT_FOREIGN */
	uint64_t requested_bytes;		   /* sum over created objects, modulo 2^64 */
	uint64_t duration_ns;			   /* highest time */
	uint64_t sizes[CENSUS_SIZE_CLASSES];	   /* created objects by class of size */
	uint64_t sizes_bytes[CENSUS_SIZE_CLASSES]; /* their requested bytes, modulo 2^64 */
	struct kernel_tally kernel; /* its recorder is the caller's to set after census_start */
	struct census_process *process;
	struct census_thread *thread;
	uint32_t processes, threads;
	size_t process_capacity, thread_capacity;
};

void census_start(struct census *census);
void census_end(struct census *census);

/* Makes thread `thread`, which must be known or the next new one, belong to `process`. TRACE_BAD_INPUT when it already
 * belongs to another or a number is out of bounds. */
enum trace_status census_thread(struct census *census, uint32_t thread, uint32_t process,
				struct trace_error *error) TRACE_MUST_USE;

/* Makes process `process`, which must be known or the next new one, known. */
enum trace_status census_process(struct census *census, uint32_t process,
				 struct trace_error *error) TRACE_MUST_USE;

/* Counts one event. TRACE_BAD_INPUT, and no change, when it breaks a rule of event.h; the message names its position. */
enum trace_status census_add(struct census *census, const struct event *event,
			     struct trace_error *error) TRACE_MUST_USE;

/* The class of `bytes` among CENSUS_SIZE_CLASSES. */
unsigned census_size_class(uint64_t bytes);

/* NULL, or the text of the first broken invariant (of the live sets and the tally too). */
const char *census_check(const struct census *census);

#endif
