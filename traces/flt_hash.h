/* flt_hash.h: the fingerprint of a trace: XXH3-128 over its events and tables, not over its bytes in a file.
 *
 * Fed in this order, little-endian: every event as 64 bytes (time_ns, object, old_object, size, count, alignment: 8 each;
 * stack, thread, process: 4 each; kind, flags: 1 each; a byte that is 1 where event.call is not all zero, and a zero), and
 * event.call where it is not (address to result: 8 each; protection, flags, file: 4 each), and likewise event.kernel, for which the
 * last byte is 1 (frame to granted: 8 each; gfp, cache: 4 each; node: 2; order to code: 1 each); then the number of threads (8 bytes) and per
 * thread its process and system's number (8 each), the length of its name (8) and the name; the number of processes and
 * per process the same with its parent; the number of stacks and per stack its depth and addresses (8 each).
 * A trace with files or regions goes on with their number and fields in the order of event.h (8 each, the path as a name);
 * one with references, with the fingerprint (16 bytes) of a hash of their own. It is fed per reference with 8 bytes,
 *   (C xor R) + offset mod 2^16 + 2^16 size + 2^32 kind,   modulo 2^64,
 * where C is XXH3-64 of base, offset - offset mod 2^16 (8 each) and place (4), R that of position (8) and thread (4): so the work
 * per reference is small, whatever blocks they stand in. A run that comes after references that were not recorded is preceded by
 * their number (8).
 * One with names feeds, before those, per table the number of its names and each as above.
 * Where the trace came from, what was warned about, and snapshots are not part of it.
 */
#ifndef FAULTLINE_TRACES_FLT_HASH_H
#define FAULTLINE_TRACES_FLT_HASH_H

#include "traces/access.h"
#include "traces/event.h"
#include "traces/flt_tables.h"

#include <stddef.h>
#include <stdint.h>

#define FLT_HASH_EVENT_BYTES 64
#define FLT_HASH_CALL_BYTES 60
#define FLT_HASH_KERNEL_BYTES 56
#define FLT_HASH_BATCH 64
#define FLT_HASH_ACCESS_BYTES 8
#define FLT_HASH_ACCESSES 512

struct flt_hash {
	void *state;	    /* XXH3_state_t */
	void *accesses;	    /* of the references; NULL while there are none */
	uint64_t *contexts; /* of the batch: C of each */
	uint64_t shapes[ACCESS_BATCH_SHAPES];
	size_t collected; /* events in `events` */
	uint8_t events[FLT_HASH_BATCH * FLT_HASH_EVENT_BYTES];
};

enum trace_status flt_hash_start(struct flt_hash *hash, struct trace_error *error) TRACE_MUST_USE;
void flt_hash_event(struct flt_hash *hash, const struct event *event);

enum trace_status flt_hash_accesses(struct flt_hash *hash, const struct access_batch *batch,
				    struct trace_error *error) TRACE_MUST_USE;

/* Feeds the tables, gives the 32 hexadecimal digits and ends the hash. */
void flt_hash_finish(struct flt_hash *hash, const struct flt_tables *tables, char digits[33]);

/* Ends a hash without a result. */
void flt_hash_end(struct flt_hash *hash);

#endif
