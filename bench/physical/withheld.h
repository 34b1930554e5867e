/* withheld.h: processes of a recorded machine whose events the kernel does not show, and when they ran.
 *
 *   processor 1   | sh | agent . . . . . | sh | ...       agent: it is switched to, and there is never an event of it
 *                      <-- a run of it -->
 *
 * A kernel may keep one process out of what it traces: a sandbox's own agent is such. What interrupts do meanwhile is withheld with
 * it, the frees that wait for a grace period (RCU) above all. They are known by being switched to often, and having no event of
 * their own. A recording without switches shows none.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_WITHHELD_H
#define FAULTLINE_BENCH_PHYSICAL_WITHHELD_H

#include "traces/flt.h"

/* So many switches to a process without one event are no accident: a program that runs faults. */
#define WITHHELD_SWITCHES 8u
#define WITHHELD_CPUS 1024u

struct withheld {
	bool *process; /* by number: its events are withheld */
	uint32_t processes;
	bool runs[WITHHELD_CPUS]; /* the processor runs such a process */
	uint64_t changes;	  /* beginnings and ends of such runs so far */
};

/* Finds these processes: reads the whole trace, and goes back to its beginning. TRACE_NO_MEMORY, or what reading brings. */
enum trace_status withheld_find(struct withheld *withheld, struct flt_reader *reader,
				struct trace_error *error) TRACE_MUST_USE;
void withheld_destroy(struct withheld *withheld);

/* Follows the switches. */
void withheld_event(struct withheld *withheld, const struct event *event);

#endif
