/* heap_merge_parties.h: who the records of a merge come from: its processes and threads. For heap_merge.c alone. */
#ifndef FAULTLINE_TRACES_RECORD_HEAP_MERGE_PARTIES_H
#define FAULTLINE_TRACES_RECORD_HEAP_MERGE_PARTIES_H

#include "traces/record/heap_merge.h"

/* Gives one event, whose time it fills in, to the sink. */
enum trace_status merge_emit(struct heap_merge *merge, struct event *event, uint64_t tsc,
			     struct trace_error *error) TRACE_MUST_USE;

/* The thread of a record. One that is new gets the next number and its thread_start event. */
enum trace_status merge_thread_of(struct heap_merge *merge, const struct ordered_record *record,
				  struct merged_thread **thread, struct trace_error *error) TRACE_MUST_USE;

/* A process's first record: a new process, a forked child, or a new program in a process (exec). */
enum trace_status merge_process_start(struct heap_merge *merge, const struct ordered_record *record,
				      struct trace_error *error) TRACE_MUST_USE;

/* Can it be said which child an ARENA_FORK made, if any? */
bool merge_fork_resolved(const struct heap_merge *merge, const struct ordered_record *record);

/* An ARENA_FORK: makes the child and its copy of the live blocks. A fork that made none leaves no event. */
enum trace_status merge_fork(struct heap_merge *merge, struct merged_thread *thread,
			     const struct ordered_record *record, struct trace_error *error) TRACE_MUST_USE;

enum trace_status merge_thread_name(struct heap_merge *merge, struct merged_thread *thread,
				    const struct ordered_record *record,
				    struct trace_error *error) TRACE_MUST_USE;

enum trace_status merge_thread_ending(struct heap_merge *merge, struct merged_thread *thread,
				      const struct ordered_record *record,
				      struct trace_error *error) TRACE_MUST_USE;

/* --- For a merge that is followed (kernel_events.c): births that the kernel told of --- */

/* Makes a process; *index is its place in merge->process. It is announced to the sink by merge_process_announce. */
enum trace_status merge_process_follow(struct heap_merge *merge, uint32_t process_id, size_t *index,
				       struct trace_error *error) TRACE_MUST_USE;
enum trace_status merge_process_announce(struct heap_merge *merge, size_t index,
					 struct trace_error *error) TRACE_MUST_USE;

/* Sets its command line, unless that is NULL. */
void merge_process_name(struct heap_merge *merge, size_t index, const char *command);

/* Starts a thread, whose place is the last in merge->thread. Its heap calls will be known by its number in the system. */
enum trace_status merge_thread_follow(struct heap_merge *merge, size_t process, uint32_t thread_id,
				      uint64_t tsc, struct trace_error *error) TRACE_MUST_USE;

enum trace_status merge_thread_rename(struct heap_merge *merge, struct merged_thread *thread,
				      const char *name, struct trace_error *error) TRACE_MUST_USE;

/* Makes room for the thread's frames. False: no memory. */
bool merge_thread_has_frames(struct merged_thread *thread);

#endif
