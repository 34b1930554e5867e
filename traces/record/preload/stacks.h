/* stacks.h: call stacks of recorded events (record --stacks).
 *
 * Two files fill this in: stacks_unwind.c with libunwind, stacks_none.c where it is missing or not wanted. They make two
 * libraries, so that a recording without stacks does not load libunwind into every program.
 */
#ifndef FAULTLINE_TRACES_RECORD_PRELOAD_STACKS_H
#define FAULTLINE_TRACES_RECORD_PRELOAD_STACKS_H

#include "traces/record/preload/recording.h"

/* Writes the records that name the caller's stack (and define it, if this thread has not met it before), to be followed
 * at once by the event's own record with ARENA_INFO_STACK. False: no stack could be had, nothing was written. */
bool stacks_write(struct recording_thread *thread);

/* Gives back what the thread's table of stacks holds. */
void stacks_thread_end(struct recording_thread *thread);

#endif
