/* tracer.h: follows the command and all that it starts by ptrace: forks, execs, threads, ends, and memory calls.
 *
 *   command ──exec──▶ stop: exec, snapshot ──▶ ... memory call ──▶ stop: enter ──▶ stop: exit ... ──▶ stop: snapshot, end
 *
 * A thread of the recorder is the tracer. Without `calls` it only meets the turning points of a program's life, at which
 * the program stands still while its address space is read. With `calls` a seccomp filter stops the program at its memory
 * calls too, and at no other: that needs no privilege. The filter cannot be taken off again, so it needs a tracer to the
 * program's end; should the recorder be killed, the program dies with it. A traced program cannot be traced by another, and
 * what it executes gains no privileges from set-user-ID files unless the recorder has CAP_SYS_PTRACE.
 *
 * A child is held until its fork is on record, so the records of its life come after.
 */
#ifndef FAULTLINE_TRACES_RECORD_TRACER_H
#define FAULTLINE_TRACES_RECORD_TRACER_H

#include "traces/error.h"
#include "traces/record/kernel_record.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tracer;

struct tracer_options {
	bool calls;			/* stop at memory calls */
	bool snapshots;			/* read address spaces at exec and at the end */
	const _Atomic uint32_t *active; /* calls are recorded while it is not 0 */
};

enum trace_status tracer_create(struct tracer **created, const struct tracer_options *options,
				struct trace_error *error) TRACE_MUST_USE;

/* In the child, before its exec: sets up what stops it. Returns 0 or an errno. */
int tracer_prepare(const struct tracer *tracer);

/* In the recorder, while the child waits: begins to trace it. TRACE_UNSUPPORTED when the system forbids it. */
enum trace_status tracer_attach(struct tracer *tracer, pid_t child, struct trace_error *error) TRACE_MUST_USE;

/* Where its records are. */
struct kernel_queue *tracer_queue(struct tracer *tracer);

/* Has the command ended? The tracer collects it, nobody else must; *status is its wait status. */
bool tracer_command_ended(const struct tracer *tracer, int *status);

/* Processes that are traced and have not ended. */
uint32_t tracer_living(const struct tracer *tracer);

/* Programs of another kind of machine code than the recorder's, whose calls are not recorded. */
uint32_t tracer_foreign_programs(const struct tracer *tracer);

/* Lets go of what still lives. With `calls` that ends it. */
void tracer_destroy(struct tracer *tracer);

#endif
