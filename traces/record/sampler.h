/* sampler.h: system calls and page faults of the recorded programs by the kernel's perf events, without stopping them.
 *
 *   raw_syscalls:sys_enter, sys_exit     memory calls only (a filter in the kernel)        needs tracefs and CAP_PERFMON
 *   page-faults, minor, major            software events, one record per fault             needs perf_event_paranoid <= 2
 *   exceptions:page_fault_user, _kernel  the processor's reason: write, fetch, kernel      needs tracefs and CAP_PERFMON
 *
 * The events are opened on the command before its exec and are inherited by all it starts. One ring of records per
 * processor; what does not fit is counted by the kernel and said. Their clock is CLOCK_MONOTONIC_RAW, which runs at a
 * constant rate beside the tick counter: each reading takes a pair of both, so a record's time becomes ticks with an
 * error of some ten nanoseconds, however long the recording.
 */
#ifndef FAULTLINE_TRACES_RECORD_SAMPLER_H
#define FAULTLINE_TRACES_RECORD_SAMPLER_H

#include "traces/error.h"
#include "traces/record/kernel_record.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sampler;

struct sampler_options {
	bool calls;
	bool faults;
	pid_t process;
	const _Atomic uint32_t *active; /* records are kept while it is not 0 */
};

/* Opens the events on options->process. TRACE_UNSUPPORTED when the system forbids what was asked for. */
enum trace_status sampler_create(struct sampler **created, const struct sampler_options *options,
				 struct trace_error *error) TRACE_MUST_USE;

/* Takes the records that are there, in the order of their ticks; the caller frees the array and their texts. *until is a
 * tick count below which none will come any more. With `last` all are taken. TRACE_NO_MEMORY. */
enum trace_status sampler_read(struct sampler *sampler, bool last, struct kernel_record **records,
			       size_t *count, uint64_t *until, struct trace_error *error) TRACE_MUST_USE;

/* Records that the rings had no room for. */
uint64_t sampler_lost(const struct sampler *sampler);

/* Does it see why a fault happens (the tracepoints), and those that the kernel itself meets? */
bool sampler_sees_causes(const struct sampler *sampler);
bool sampler_sees_kernel(const struct sampler *sampler);

void sampler_destroy(struct sampler *sampler);

#endif
