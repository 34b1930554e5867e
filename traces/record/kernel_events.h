/* kernel_events.h: one whole record of the kernel as the event it is. For kernel_merge.c alone. */
#ifndef FAULTLINE_TRACES_RECORD_KERNEL_EVENTS_H
#define FAULTLINE_TRACES_RECORD_KERNEL_EVENTS_H

#include "traces/record/kernel_merge.h"

/* Gives out the event of a record: a call with its result (KERNEL_CALL_ENTER), a fault, a turning point of a program's
 * life. What happens before the command has become the program, or in a process that is not recorded, gives none. */
enum trace_status kernel_event_put(struct kernel_merge *kernel, const struct kernel_record *record,
				   struct trace_error *error) TRACE_MUST_USE;

#endif
