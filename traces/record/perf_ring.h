/* perf_ring.h: the ring of perf records of one processor.
 *
 *   first page: data_head (kernel) ... data_tail (we) | data, a power of two of bytes
 *
 * Several events write into one ring; each record begins with the number of its event (PERF_SAMPLE_IDENTIFIER). A record
 * may wrap around the end and is then copied together. Records that make no sense are skipped.
 */
#ifndef FAULTLINE_TRACES_RECORD_PERF_RING_H
#define FAULTLINE_TRACES_RECORD_PERF_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERF_RING_EVENTS 32u
#define PERF_RECORD_BYTES 65536u /* a record's size has 16 bits */

struct perf_ring {
	unsigned char *base; /* first page; NULL = no event yet */
	uint64_t data_bytes;
	uint64_t page_bytes;
	unsigned char *whole; /* room for a record that wraps */
	size_t events;
	int fd[PERF_RING_EVENTS];
	uint64_t number[PERF_RING_EVENTS]; /* as PERF_SAMPLE_IDENTIFIER gives it */
	int event[PERF_RING_EVENTS];	   /* what the caller calls it */
};

/* One record: a sample, a mapping (path is not NULL), a loss (lost is not 0), a name that a thread took (command is not NULL), or a
 * birth (is_birth). */
struct perf_sample {
	int event; /* of perf_ring_add */
	uint32_t process_id, thread_id;
	uint64_t time_ns;
	uint64_t instruction;
	uint64_t address;
	bool in_kernel; /* the instruction is the kernel's */
	uint64_t lost;
	const char *path; /* ends in NUL; address = where, and the file */
	uint32_t device_major, device_minor;
	uint64_t inode;
	const char *command; /* ends in NUL */
	bool is_birth;	     /* of process_id and thread_id, which are a new process's where they are equal */
	uint32_t parent_id;  /* process */
	const unsigned char *raw; /* of a tracepoint; valid until the next perf_ring_next */
	size_t raw_bytes;
};

void perf_ring_create(struct perf_ring *ring);

/* Adds an open event. The first makes the ring, of *bytes or, where that is not permitted, less (then stored). Takes over
 * `fd`, whatever the result: 0 or an errno. */
int perf_ring_add(struct perf_ring *ring, int fd, int event, uint64_t *bytes);

/* The next record that is understood. False: there is none now. */
bool perf_ring_next(struct perf_ring *ring, struct perf_sample *sample);

/* Reads the record of `bytes` bytes at `record`; false: it is none of these, or makes no sense. */
bool perf_record_parse(const struct perf_ring *ring, const unsigned char *record, size_t bytes,
		       struct perf_sample *sample);

void perf_ring_destroy(struct perf_ring *ring);

#endif
