/* journey.h: a trace, brought to one of its events: the address spaces that its processes have there, and the machine under them.
 *
 *   trace ──▶ spaces.h: events before the event, with the references and faults between them ──▶ what there is, to be looked at
 *
 * "At event N" is what there is when event N is about to happen: everything before it has been carried out. N = the number of events is
 * the end of the trace.
 *
 * Pages come from references (access.h) where the trace has any, else from recorded page faults, each of which is carried out as a
 * reference to its address: so a trace of calls alone (record --mm) has mappings and almost no page.
 */
#ifndef FAULTLINE_BENCH_PROC_JOURNEY_H
#define FAULTLINE_BENCH_PROC_JOURNEY_H

#include "bench/proc/machine.h"
#include "bench/proc/process.h"

#define PROC_EVENT_LAST                                                                                      \
	UINT64_MAX /* of a process: right before its exit; of a machine: the end of the trace */

struct proc_journey_options {
	uint64_t event;
	uint32_t process;	     /* that is looked at; SPACES_ALL_PROCESSES: the machine is */
	const struct policy *policy; /* of the system; NULL: linux */
	const struct policy
	    *heap; /* the engine's heap places the process's blocks, under this policy; NULL: nobody does */
	enum spaces_addresses addresses;
	uint64_t memory_bytes; /* 0: what its layout has */
	unsigned processors;   /* 0: one */
};

struct proc_journey;

/* Goes there. TRACE_BAD_INPUT when there is no such event or process, or the process is not alive there: the message says when it
 * lives. TRACE_UNSUPPORTED when the trace says nothing of address spaces: with words on how to record one that does. The reader must
 * stay as long. */
enum trace_status proc_journey_create(struct proc_journey **journey, struct flt_reader *reader,
				      const struct proc_journey_options *options,
				      struct trace_error *error) TRACE_MUST_USE;
void proc_journey_destroy(struct proc_journey *journey);

/* The process that was asked for. What it points to lives as long as the journey, and `unknown` as long as the caller's. */
struct proc_process proc_journey_process(const struct proc_journey *journey, const char *unknown);

/* The machine under all processes. What it points to lives as long as the journey, and `unknown` as long as the caller's. */
struct proc_machine proc_journey_machine(struct proc_journey *journey, const char *unknown);

struct spaces *proc_journey_spaces(const struct proc_journey *journey);

/* The event that it stands before. */
uint64_t proc_journey_event(const struct proc_journey *journey);

#endif
