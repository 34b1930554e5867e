/* kernel_record.h: what the kernel tells about a recorded program: its system calls, faults, forks, execs and ends.
 *
 *   tracer (ptrace) ────────────┐
 *   sampler (perf events) ──────┴─▶ records by time ─▶ kernel_merge ─▶ events
 *
 * Records of one source come in the order of their ticks. A system call is two records, because what it releases is
 * released after the first and what it gets is got before the second.
 */
#ifndef FAULTLINE_TRACES_RECORD_KERNEL_RECORD_H
#define FAULTLINE_TRACES_RECORD_KERNEL_RECORD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kernel_record_kind {
	KERNEL_CALL_ENTER =
	    1,		  /* call, argument; text and file = what its file descriptor stands for, or NULL */
	KERNEL_CALL_EXIT, /* call, result */
	KERNEL_MAPPED,	  /* argument[0] = address, text and file = what the thread's call is mapping there */
	KERNEL_FAULT_CAUSE,  /* the next, before the thread's KERNEL_FAULT at that address: why it happens */
	KERNEL_FAULT,	     /* argument[0] = address, [1] = instruction, [2] = EVENT_FAULT_* */
	KERNEL_FAULT_SERVED, /* the same after it: how it was served */
	KERNEL_THREAD,	     /* argument[0] = new thread of the process */
	KERNEL_FORK,	     /* argument[0] = new process, [1] = its clone flags; text = its arguments */
	KERNEL_EXEC,	     /* text = the new arguments, separated by blanks */
	KERNEL_EXEC_FILE,    /* text and file = what the process executes; before its KERNEL_EXEC */
	KERNEL_SNAPSHOT,     /* name, text = a file of /proc/PID as it is now */
	KERNEL_THREAD_END,   /* result = wait status, text = name of the thread or NULL */
	KERNEL_PROCESS_END,  /* result = wait status of the last thread */
};

struct kernel_file {
	uint64_t device; /* st_dev, 0 = not known */
	uint64_t inode;
	uint64_t bytes;
};

struct kernel_record {
	uint64_t ticks; /* ticks.h */
	uint64_t call;	/* number of the system call */
	uint64_t argument[6];
	int64_t result; /* a negative number down to -4095 is an errno */
	struct kernel_file file;
	const char *name; /* a constant */
	char *text;	  /* owned, NULL = none */
	uint32_t process_id;
	uint32_t thread_id;
	uint8_t kind; /* enum kernel_record_kind */
};

/* Records on their way from the thread that watches to the thread that merges. */
struct kernel_queue {
	pthread_mutex_t mutex;
	struct kernel_record *record;
	size_t records, capacity;
	uint64_t lost; /* records for which there was no memory */
	bool closed;   /* nothing is kept any more */
};

void kernel_queue_create(struct kernel_queue *queue);
void kernel_queue_destroy(struct kernel_queue *queue);

/* Appends a copy of *record, whose ticks are read now, and takes over its text. */
void kernel_queue_put(struct kernel_queue *queue, struct kernel_record *record);

/* Hands over all records; the caller frees the array and their texts. *until becomes a tick count below which none will
 * come any more. */
struct kernel_record *kernel_queue_take(struct kernel_queue *queue, size_t *records, uint64_t *until);

/* From now on records are thrown away. */
void kernel_queue_close(struct kernel_queue *queue);

uint64_t kernel_queue_lost(struct kernel_queue *queue);

#endif
