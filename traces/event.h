/* event.h: one thing that a program did to memory.
 *
 * Events come in one global order (their position in the trace). Time is data beside it and may be absent.
 *
 * Objects (heap blocks) have dense ids: the first object that a trace creates is 1, the next 2, and so on over all threads
 * and processes; 0 is NULL. `realloc` always makes a new id from an old one, even when the block does not move. A fork
 * copies the live set: in the child the same ids name the child's copies, so an object is identified by (process, id).
 * An object born before the recording began gets the next id, with EVENT_FOREIGN, from the event that first names it; a
 * realloc of one first gives the old object the next id, then the new object the one after it. EVENT_FOREIGN is not
 * repeated: after a failed realloc of a foreign object its id is known.
 *
 * Threads and processes have dense numbers from 0, global over the trace, in order of appearance: a number not seen
 * before is one above the highest so far. A thread belongs to one process for good (after a fork the child's first thread
 * is a new one). The numbers that the operating system gave them are in the trace's tables (flt.h).
 *
 *   kind            object       old_object   size                    count       alignment
 *   malloc          new          -            requested bytes         -           -
 *   calloc          new          -            count x element bytes   elements    -
 *   realloc         new          old, 0=NULL  requested bytes         -           -
 *   memalign        new          -            requested bytes         -           power of two
 *   free            freed, 0=NULL -           -                       -           -
 *   free_sized      freed        -            size the caller gave    -           what it gave, 0 = none
 *   thread_start    -            -            -                       -           -       first event of a thread
 *   thread_exit     -            -            -                       -           -       last event of a thread
 *   fork            -            -            -                       child       -       count = number of the child process
 *   exec            -            -            -                       -           -       the process's live set vanishes
 *   exit            -            -            status                  -           -       the process is gone
 *   marker          -            -            user's number           -           -
 *
 * A call that failed (returned NULL for a non-zero request) has EVENT_FAILED and object 0. realloc(p, 0) that freed p has
 * object 0 without EVENT_FAILED, as has any allocation of 0 bytes that returned NULL. A failed realloc leaves `old_object`
 * alive. calloc whose product overflows has size UINT64_MAX and EVENT_FAILED.
 *
 * A field that the table marks `-` is 0. No event follows the exit of its process or of its thread.
 */
#ifndef FAULTLINE_TRACES_EVENT_H
#define FAULTLINE_TRACES_EVENT_H

#include "traces/error.h"

#include <stdint.h>

enum event_kind {
	EVENT_MALLOC = 1,
	EVENT_CALLOC,
	EVENT_REALLOC,
	EVENT_MEMALIGN,
	EVENT_FREE,
	EVENT_FREE_SIZED,
	EVENT_THREAD_START,
	EVENT_THREAD_EXIT,
	EVENT_FORK,
	EVENT_EXEC,
	EVENT_EXIT,
	EVENT_MARKER,
	EVENT_KINDS /* one past the last */
};

/* Flags of an event. */
#define EVENT_FAILED 0x01u  /* the call returned NULL although bytes were asked for */
#define EVENT_FOREIGN 0x02u /* object (free) or old_object (realloc) was born before the recording */

/* Bounds that every reader and importer enforces before it believes a number. */
#define EVENT_MAX_THREADS (1u << 20)
#define EVENT_MAX_PROCESSES (1u << 20)
#define EVENT_MAX_OBJECTS (UINT64_C(1) << 40)

/* What a kind's events carry: the columns of the table above. */
#define EVENT_CREATES 0x01u  /* object is a new id */
#define EVENT_RELEASES 0x02u /* object (free, free_sized) or old_object (realloc) ends */
#define EVENT_HAS_SIZE 0x04u
#define EVENT_HAS_COUNT 0x08u
#define EVENT_HAS_ALIGNMENT 0x10u

struct event {
	uint64_t time_ns; /* since the start of the recording; 0 throughout where the trace has no time */
	uint64_t object;
	uint64_t old_object;
	uint64_t size;
	uint64_t count;
	uint64_t alignment;
	uint32_t stack; /* index + 1 into the trace's call stacks; 0 = not recorded */
	uint32_t thread;
	uint32_t process;
	uint8_t kind; /* enum event_kind */
	uint8_t flags;
};

/* The kind's name as the command line writes it ("malloc"); "unknown" outside the enum. */
const char *event_kind_name(unsigned kind);

/* The EVENT_CREATES ... EVENT_HAS_ALIGNMENT of a kind; 0 outside the enum. */
unsigned event_kind_carries(unsigned kind);

/* Where events go: an importer, generator or merger pushes into one, the writer of a file or a test is one. */

struct event_sink {
	/* Takes a copy of *event. A status other than TRACE_OK ends the stream and is handed back to the producer's caller. */
	enum trace_status (*put)(struct event_sink *sink, const struct event *event,
				 struct trace_error *error);
	/* Names a thread or a process before or after its first event; may be NULL in a sink that does not care.
	 * `name` may be NULL; os_id is the operating system's number, 0 when unknown. */
	enum trace_status (*thread)(struct event_sink *sink, uint32_t thread, uint32_t process,
				    uint64_t os_id, const char *name, struct trace_error *error);
	enum trace_status (*process)(struct event_sink *sink, uint32_t process, uint32_t parent,
				     uint64_t os_id, const char *command, struct trace_error *error);
};

#endif
