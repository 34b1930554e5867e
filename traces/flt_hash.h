/* flt_hash.h: the fingerprint of a trace: XXH3-128 over its events and tables, not over its bytes in a file.
 *
 * Fed in this order, little-endian: every event as 64 bytes (time_ns, object, old_object, size, count, alignment: 8 each;
 * stack, thread, process: 4 each; kind, flags: 1 each; two zero bytes); then the number of threads (8 bytes) and per
 * thread its process and system's number (8 each), the length of its name (8) and the name; the number of processes and
 * per process the same with its parent; the number of stacks and per stack its depth and addresses (8 each).
 * Where the trace came from and what was warned about are not part of it.
 */
#ifndef FAULTLINE_TRACES_FLT_HASH_H
#define FAULTLINE_TRACES_FLT_HASH_H

#include "traces/event.h"
#include "traces/flt_tables.h"

#include <stddef.h>
#include <stdint.h>

#define FLT_HASH_EVENT_BYTES 64
#define FLT_HASH_BATCH 64

struct flt_hash {
	void *state;	  /* XXH3_state_t */
	size_t collected; /* events in `events` */
	uint8_t events[FLT_HASH_BATCH * FLT_HASH_EVENT_BYTES];
};

enum trace_status flt_hash_start(struct flt_hash *hash, struct trace_error *error) TRACE_MUST_USE;
void flt_hash_event(struct flt_hash *hash, const struct event *event);

/* Feeds the tables, gives the 32 hexadecimal digits and ends the hash. */
void flt_hash_finish(struct flt_hash *hash, const struct flt_tables *tables, char digits[33]);

/* Ends a hash without a result. */
void flt_hash_end(struct flt_hash *hash);

#endif
