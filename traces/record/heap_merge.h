/* heap_merge.h: ordered records of all threads and processes, turned into the events of one trace.
 *
 * Each process has a map from addresses to objects. A free's record was numbered before the free and a malloc's after the
 * malloc, so an address is always taken out of the map before another thread's block can come in there. A realloc has
 * two records: at the first the old address leaves the map, at the second the new one enters and the event is made.
 *
 *   records   1 malloc A   2 realloc-begin A   3 malloc A (another thread)   4 realloc-end B   5 free A
 *   map       {A:1}        {}                  {A:2}                         {A:2, B:3}        {B:3}
 *   events    malloc 1                         malloc 2                      realloc 1 -> 3    free 2
 *
 * A fork copies its process's map for the child, at the number taken before the fork. An exec empties it. Records of
 * one thread may be nested by signal handlers; what belongs to the next record (stack, detail, the first half of a
 * realloc) is kept on small stacks per thread, as deep as handlers nest.
 *
 * The records come from another program's memory and are not believed: whatever they say, the events obey event.h.
 */
#ifndef FAULTLINE_TRACES_RECORD_HEAP_MERGE_H
#define FAULTLINE_TRACES_RECORD_HEAP_MERGE_H

#include "traces/event.h"
#include "traces/record/number_map.h"
#include "traces/record/clock.h"
#include "traces/record/ordering.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERGE_NESTING 8u       /* ARENA levels, and some room for damage */
#define MERGE_STACK_DEPTH 256u /* return addresses of one call stack */
#define MERGE_NO_SERIAL                                                                                      \
	UINT64_MAX /* of a thread that the kernel told of and that has made no heap call yet */

struct merged_thread;

/* Where the events go. */
struct merge_output {
	struct event_sink *sink;
	/* Gives the id of a call stack; may be NULL when there will be none. */
	enum trace_status (*stack)(void *context, const uint64_t *addresses, size_t depth, uint32_t *id,
				   struct trace_error *error);
	void *context;
	/* Takes the records of kinds that are not the heap's (ARENA_ACCESSES and up); may be NULL when there will be none. */
	enum trace_status (*other)(void *accesses, struct merged_thread *thread,
				   const struct ordered_record *record, struct trace_error *error);
	void *accesses;
};

/* What could not be merged as it should. All 0 in a sound recording that began with its program. */
struct merge_faults {
	uint64_t foreign;  /* a block was freed whose allocation is not in the recording */
	uint64_t reissued; /* an address was handed out that was not free: impossible if order is right */
	uint64_t damaged;  /* records that make no sense where they stand */
};

struct merged_realloc {
	uint64_t address;
	uint64_t object; /* 0 = unknown or NULL */
	uint32_t stack;	 /* call stack id, 0 = none */
};

struct merged_thread {
	uint64_t serial;
	uint32_t number;  /* in the trace */
	uint32_t process; /* index into merge.process */
	uint32_t thread_id;
	char name[17];
	bool ending; /* its last destructor has run */
	bool ended;  /* thread_exit was given out */
	uint64_t end_tsc;
	unsigned details, stacks, reallocs;
	uint64_t detail[MERGE_NESTING];
	uint32_t stack[MERGE_NESTING];
	struct merged_realloc realloc[MERGE_NESTING];
	uint64_t *frame; /* of the stack being defined; MERGE_STACK_DEPTH of them, NULL until needed */
	size_t frames;
	struct number_map stack_ids; /* the thread's own stack numbers -> ids in the trace */
};

struct merged_process {
	uint64_t serial;       /* of the program that runs in it now */
	uint32_t number;       /* in the trace = index into merge.process */
	uint32_t parent;       /* number; its own when unknown */
	uint32_t process_id;   /* the system's */
	uint32_t slot;	       /* in the arena */
	uint32_t first_thread; /* index into merge.thread; UINT32_MAX = none yet */
	bool started;	       /* its own first record was met */
	bool ended;
	uint64_t events; /* heap events */
	struct number_map live;
	char command[ARENA_TEXT_BYTES];
};

struct heap_merge {
	struct arena arena;
	struct merge_output output;
	struct tick_clock clock;
	struct merge_faults faults;
	bool
	    followed; /* the kernel tells of births and ends (kernel_merge.h): what the program says of them is not needed */
	struct merged_process *process;
	struct merged_thread *thread;
	size_t processes, process_capacity;
	size_t threads, thread_capacity;
	struct number_map process_index; /* serial -> index + 1 */
	struct number_map thread_index;	 /* serial -> index + 1 */
	uint64_t objects;		 /* ids given */
	uint64_t events;		 /* given to the sink */
	uint64_t heap_events;
	uint64_t time_ns; /* of the last event: times never fall */
	size_t cached;	  /* thread of the last record, index */
	uint32_t *ending; /* threads that are ending and have not ended; `endings` of them */
	size_t endings, ending_capacity;
};

/* `clock` must be calibrated. The arena is read for process slots only. */
void heap_merge_start(struct heap_merge *merge, const struct arena *arena, const struct merge_output *output,
		      const struct tick_clock *clock);
void heap_merge_end(struct heap_merge *merge);

/* May `record` be merged now? False for a fork whose child is not known yet. */
bool heap_merge_ready(const struct heap_merge *merge, const struct ordered_record *record);

/* Merges the next record in order. Errors are the sink's, or TRACE_NO_MEMORY, or TRACE_BAD_INPUT when more threads or
 * processes appear than a trace may have. */
enum trace_status heap_merge_put(struct heap_merge *merge, const struct ordered_record *record,
				 struct trace_error *error) TRACE_MUST_USE;

/* Gives out thread_exit for a thread whose records are all merged, unless it is its process's first (that one ends with
 * the process). `index` is into merge.thread. */
enum trace_status heap_merge_thread_exit(struct heap_merge *merge, size_t index,
					 struct trace_error *error) TRACE_MUST_USE;

/* Gives out exit for a process whose records are all merged. `index` is into merge.process, `tsc` the time. */
enum trace_status heap_merge_process_exit(struct heap_merge *merge, size_t index, uint32_t status_code,
					  uint64_t tsc, struct trace_error *error) TRACE_MUST_USE;

#endif
