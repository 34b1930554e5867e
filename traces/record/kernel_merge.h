/* kernel_merge.h: what the kernel told, as events in their place among the events of the heap.
 *
 *   records by ticks ──▶ pairing: a call's two halves, a fault's cause and end ──▶ queue by place ──▶ events
 *
 *   thread 1   enter munmap A ........ exit       place of munmap: its beginning, for A may be mapped by another before
 *   thread 2        enter mmap ... exit = A       its end; place of all others: their end, when what they got is got
 *   events     munmap A            mmap = A
 *
 * A queue entry whose second half is still to come keeps its place; what is behind it waits. The processes and threads
 * are those of a heap_merge, which is told of them here (heap_merge.followed) and then neither finds forks nor ends by
 * itself. Events of the heap and of the kernel are put in one order by their ticks (follower.h).
 *
 *   I1  queue.first <= queue.next, and next - first <= capacity
 *   I2  a thread that is in a call which releases, or in a fault, names an open entry of the queue, and no two the same
 *   I3  the entries of the queue are in the order of their ticks
 */
#ifndef FAULTLINE_TRACES_RECORD_KERNEL_MERGE_H
#define FAULTLINE_TRACES_RECORD_KERNEL_MERGE_H

#include "traces/record/heap_merge.h"
#include "traces/record/kernel_record.h"
#include "traces/record/number_map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_NO_ENTRY UINT64_MAX

struct kernel_entry {
	struct kernel_record record;
	bool open;	/* its second half is still to come */
	bool cancelled; /* it never will */
};

/* What a thread is in the middle of. */
struct kernel_thread {
	bool in_call;
	struct kernel_record enter;
	uint64_t call_entry;  /* place in the queue of a call that releases, KERNEL_NO_ENTRY = none */
	uint64_t fault_entry; /* of a fault that may still be told how it was served */
	uint64_t cause_address, cause_flags;
	bool has_cause;
};

struct kernel_queue_entries {
	struct kernel_entry *entry; /* entry number n is at n % capacity */
	size_t capacity;	    /* a power of two, or 0 */
	uint64_t first, next;	    /* numbers */
};

struct kernel_merge {
	struct heap_merge *merge;
	bool follow; /* children and further programs too */
	bool begun;  /* the command has become the program */
	struct kernel_queue_entries queue;
	struct kernel_thread *thread; /* threads seen */
	size_t threads, thread_capacity;
	struct number_map thread_states;   /* the system's thread id -> index + 1 into `thread` */
	struct number_map thread_numbers;  /* the system's thread id -> index + 1 into merge->thread */
	struct number_map process_numbers; /* the system's process id -> index + 1 into merge->process */
	struct number_map muted;	   /* process ids that are not recorded */
	struct number_map programs;	   /* process id -> file that it executes */
	uint64_t calls, faults, snapshots; /* events given out */
	uint64_t unpaired;		   /* halves of calls whose other half is missing */
};

void kernel_merge_start(struct kernel_merge *kernel, struct heap_merge *merge, bool follow);
void kernel_merge_end(struct kernel_merge *kernel);

/* Takes over the next record in the order of ticks. TRACE_NO_MEMORY. */
enum trace_status kernel_merge_put(struct kernel_merge *kernel, struct kernel_record *record,
				   struct trace_error *error) TRACE_MUST_USE;

/* Faults that began before `ticks` and were not told how they were served are taken as they are. */
void kernel_merge_settle(struct kernel_merge *kernel, uint64_t ticks);

/* The ticks of the queue's first entry, UINT64_MAX if it is empty. *complete: it can be emitted. */
uint64_t kernel_merge_first(const struct kernel_merge *kernel, bool *complete);

/* Gives out the first entry's event, which must be complete. Errors are the sink's, and as in heap_merge_put. */
enum trace_status kernel_merge_emit(struct kernel_merge *kernel, struct trace_error *error) TRACE_MUST_USE;

/* NULL, or the text of the first invariant that does not hold. */
const char *kernel_merge_check(const struct kernel_merge *kernel);

#endif
