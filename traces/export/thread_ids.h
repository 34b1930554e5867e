/* thread_ids.h: the numbers that an exported text gives to a trace's threads.
 *
 * The operating system's ids where every thread has one. Such an id may come again after its thread has ended, but not
 * while it lives (two processes in two containers can have that): the second thread then gets one above all of them.
 * Where ids are missing, thread t is t + 1.
 */
#ifndef FAULTLINE_TRACES_EXPORT_THREAD_IDS_H
#define FAULTLINE_TRACES_EXPORT_THREAD_IDS_H

#include "traces/flt.h"

#include <stdbool.h>
#include <stdint.h>

struct thread_ids_entry;

struct thread_ids {
	const struct flt_summary *summary;
	struct thread_ids_entry *entry;	 /* by number of the thread */
	struct thread_ids_entry *living; /* by id */
	uint64_t above;			 /* higher than every id of the trace */
	bool known;			 /* every thread has an id of the operating system */
};

/* False when memory is short. */
bool thread_ids_start(struct thread_ids *ids, const struct flt_summary *summary);
void thread_ids_end(struct thread_ids *ids);

/* The id of `thread`, the same until it is released. False when memory is short. */
bool thread_ids_of(struct thread_ids *ids, uint32_t thread, uint64_t *id);

/* The thread has ended; its id may come again. */
void thread_ids_release(struct thread_ids *ids, uint32_t thread);

#endif
