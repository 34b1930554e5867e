/* follower.h: the recording of what the kernel does for a program: its memory calls, its faults, its life.
 *
 *   tracer ──┐ records, each source by its own clock
 *   sampler ─┴──▶ by ticks ──▶ kernel_merge ──▶ events, between those of the heap
 *
 * Heap records and kernel records both carry ticks of one counter (ticks.h; what perf events tell by another clock is
 * converted, sampler.h). Heap records keep the order of their numbers; a kernel event is put before the first of them
 * that has later ticks. A thread's own events thereby keep the order in which it did them, and what is inside another
 * (an mmap inside a malloc, whose record is made at its end) comes before it: malloc 1, mmap, malloc 2.
 *
 *   heap      #1 t=100        #2 t=180     #3 t=170      #3 was numbered after #2 though its thread read the clock before
 *   kernel            t=150        t=175
 *   events    #1      150     #2     #3    ... 175 comes before #2, where it would also be had #3 not been
 *
 * Of two threads whose heap records are numbered against their ticks (a thread was preempted between both), a kernel
 * event in that gap may stand too early by that gap.
 */
#ifndef FAULTLINE_TRACES_RECORD_FOLLOWER_H
#define FAULTLINE_TRACES_RECORD_FOLLOWER_H

#include "traces/error.h"
#include "traces/record/heap_merge.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* By what means memory calls are seen. */
enum follower_means {
	FOLLOWER_AUTO, /* perf events where they are permitted, else ptrace */
	FOLLOWER_PERF,
	FOLLOWER_PTRACE,
};

struct follower_options {
	bool calls;
	bool faults;
	bool follow; /* children and further programs too */
	enum follower_means means;
	const _Atomic uint32_t *active;
};

struct follower_counts {
	uint64_t calls, faults, snapshots;
	uint64_t lost;		   /* records that the kernel or we had no room for */
	uint64_t unpaired;	   /* calls of which only one half was seen */
	uint32_t foreign_programs; /* of another kind of machine code, whose calls were not seen */
	bool by_perf;		   /* calls were seen by perf events */
	bool sees_causes, sees_kernel_faults;
};

struct follower;

enum trace_status follower_create(struct follower **created, const struct follower_options *options,
				  struct trace_error *error) TRACE_MUST_USE;

/* In the child, before it executes the command. Returns 0 or an errno. */
int follower_prepare(const struct follower *follower);

/* In the recorder, while the child waits for it. */
enum trace_status follower_attach(struct follower *follower, pid_t child,
				  struct trace_error *error) TRACE_MUST_USE;

/* The merge that events go through; before the first follower_poll. */
void follower_start(struct follower *follower, struct heap_merge *merge);

/* Takes what the kernel has told since. With `last`: all, and what is incomplete will not become complete. */
enum trace_status follower_poll(struct follower *follower, bool last,
				struct trace_error *error) TRACE_MUST_USE;

/* Gives out the events whose place is before `ticks`. *ready: all of them were there; else those that are not are still
 * to come, and whoever has an event of that time waits. */
enum trace_status follower_emit(struct follower *follower, uint64_t ticks, bool *ready,
				struct trace_error *error) TRACE_MUST_USE;

bool follower_command_ended(const struct follower *follower, int *status);
uint32_t follower_living(const struct follower *follower);

/* The trace is complete: nothing more is kept. Returns whether the programs still need the recorder. */
bool follower_finish(struct follower *follower);

void follower_count(const struct follower *follower, struct follower_counts *counts);

void follower_destroy(struct follower *follower);

#endif
