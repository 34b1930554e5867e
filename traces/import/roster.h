/* roster.h: the dense numbers of a trace's threads and processes.
 *
 * A foreign file names threads and processes by the operating system's ids, which are sparse and are used
 * again after a thread ends. The roster gives each its number in order of appearance (event.h) and announces
 * it to the sink once:
 *
 *      file:   tid 202   tid 9800   tid 202   thread_done 202   tid 202
 *      trace:  0         1          0         0                 2
 */
#ifndef FAULTLINE_TRACES_IMPORT_ROSTER_H
#define FAULTLINE_TRACES_IMPORT_ROSTER_H

#include "traces/event.h"

#include <stdbool.h>
#include <stdint.h>

struct roster_member; /* one living thread, or one process */

struct roster_place {
	uint32_t process;
	uint32_t thread;
};

struct roster {
	struct event_sink *sink;
	struct roster_member *thread_table;  /* by (process, operating system's thread id) */
	struct roster_member *process_table; /* by operating system's process id */
	const struct roster_member *last;    /* the thread found last: most lines stay with one */
	uint64_t last_process_id;	     /* whose process had this id */
	uint32_t threads, processes;	     /* numbers given so far */
};

void roster_create(struct roster *roster, struct event_sink *sink);
void roster_destroy(struct roster *roster);

/* The numbers of a thread, new ones at its first appearance. `process_id` and `thread_id` are the operating
 * system's, 0 in a format that has none. TRACE_BAD_INPUT when there are more threads or processes than
 * event.h allows, TRACE_NO_MEMORY, or what the sink says. */
enum trace_status roster_find(struct roster *roster, uint64_t process_id, uint64_t thread_id,
			      struct roster_place *place, struct trace_error *error) TRACE_MUST_USE;

/* Names the command line of a process that has not appeared yet; without effect afterwards. `command` is
 * copied by the sink. */
enum trace_status roster_name_process(struct roster *roster, uint64_t process_id, const char *command,
				      struct trace_error *error) TRACE_MUST_USE;

/* The number of a process that `parent` made, a new one unless it has appeared already (*is_new). */
enum trace_status roster_fork(struct roster *roster, uint32_t parent, uint64_t process_id, uint32_t *process,
			      bool *is_new, struct trace_error *error) TRACE_MUST_USE;

/* The process has ended: its operating system's id may come again as another process. Threads that it still has are not
 * found any more. */
void roster_end_process(struct roster *roster, uint64_t process_id);

/* The thread has ended: its operating system's id may come again as another thread. */
void roster_end_thread(struct roster *roster, uint32_t process, uint64_t thread_id);

#endif
