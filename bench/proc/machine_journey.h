/* machine_journey.h: the recording of a whole machine, brought to one of its events: its memory as a policy would have it there.
 *
 *   snapshots ──▶ the machine at its start (machine_state.h) ──▶ page events before the event (free_pass.h) ──▶ what there is
 *
 * The state of a recorded machine is known from the event on at which its /proc/buddyinfo was read; before that there is nothing to show.
 * What no event can change is as the recording's snapshots said it.
 */
#ifndef FAULTLINE_BENCH_PROC_MACHINE_JOURNEY_H
#define FAULTLINE_BENCH_PROC_MACHINE_JOURNEY_H

#include "bench/proc/machine.h"
#include "traces/flt.h"

struct machine_journey;

/* Goes to the event, PROC_EVENT_LAST for the end; memory is kept as the policy says. TRACE_BAD_INPUT when there is no such event, or it
 * comes before the state is known: the message says from where on it is. The reader must stay as long, and nobody else moves it. */
enum trace_status machine_journey_create(struct machine_journey **journey, struct flt_reader *reader,
					 const struct policy *policy, uint64_t event,
					 struct trace_error *error) TRACE_MUST_USE;
void machine_journey_destroy(struct machine_journey *journey);

/* Why nothing is known of the kernel's objects, as a sentence without a full stop; NULL: something is. */
const char *machine_journey_lacks_objects(const struct machine_journey *journey);

/* What it points to lives as long as the journey, and `unknown` as long as the caller's. */
struct proc_machine machine_journey_machine(const struct machine_journey *journey, const char *unknown);

#endif
