/* access_merge_state.h: how access_merge.c and its halves (calls, words) share their state. For them alone. */
#ifndef FAULTLINE_TRACES_RECORD_ACCESS_MERGE_STATE_H
#define FAULTLINE_TRACES_RECORD_ACCESS_MERGE_STATE_H

#include "traces/record/access_merge.h"

enum trace_status access_merge_no_memory(struct trace_error *error);

/* The state of a process; NULL: no memory. With a space of its own, made when there is none. */
struct access_process *access_merge_process(struct access_merge *accesses, uint32_t number);

/* The state of a thread; NULL: no memory. */
struct access_thread *access_merge_thread(struct access_merge *accesses, uint32_t number);

/* Tells of a region of kind stack, which lies over that of its memory: references to it are relative to its end. */
enum trace_status access_merge_stack_region(struct access_merge *accesses, const struct event_region *stack,
					    struct trace_error *error) TRACE_MUST_USE;

/* A record of a mapping, a file, a call or a stack (access_merge_calls.c). */
enum trace_status access_merge_call(struct access_merge *accesses, struct merged_thread *merged,
				    struct trace_error *error) TRACE_MUST_USE;

/* Words `from` to `to` of a chunk were written by `thread` (access_merge_words.c). */
enum trace_status access_merge_words(struct access_merge *accesses, const struct merged_thread *thread,
				     const uint64_t *words, size_t count,
				     struct trace_error *error) TRACE_MUST_USE;

#endif
