/* operation.h: one call of an allocator, as the replaying child reads it: 16 bytes.
 *
 * The parent turns events into operations (plan.h) so that the timed loop decodes nothing and looks nothing up: a block is
 * named by its *slot*, an index into a dense table of addresses that is reused after a free and is therefore as small as the
 * live peak. A *lane* is an operating-system thread of the child; a recorded thread is given one for its lifetime.
 *
 *      63   62   61..60  59..56   55..54   53..48            47..0
 *   +------+-----+------+-------+--------+--------+------------------------------+
 *   | post | wait|   0  | kind  |   0    | log2 of|        size in bytes         |   word
 *   |      |     |      |       |        | alignm.|                              |
 *   +------+-----+------+-------+--------+--------+------------------------------+
 *
 *   I1  kind < OPERATION_KINDS
 *   I2  size <= OPERATION_MAX_BYTES (no allocator serves more: user space has 2^47 bytes)
 *   I3  `wait` and `post` occur in mode parallel only
 */
#ifndef FAULTLINE_BENCH_REPLAY_OPERATION_H
#define FAULTLINE_BENCH_REPLAY_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

enum operation_kind {
	OPERATION_MALLOC = 0,
	OPERATION_CALLOC, /* calloc(1, size) */
	OPERATION_MEMALIGN,
	OPERATION_REALLOC_NULL, /* realloc(NULL, size) */
	OPERATION_REALLOC,
	OPERATION_REALLOC_FREE, /* realloc(block, 0) that freed the block */
	OPERATION_FREE,
	OPERATION_FREE_SIZED, /* with the size that the block was asked for */
	OPERATION_FREE_NULL,
	OPERATION_SWITCH, /* mode baton: lane `slot` goes on; its thread is made if there is none */
	OPERATION_EXIT,	  /* the lane's thread ends; in mode baton, lane `slot` goes on once it has ended */
	OPERATION_KINDS
};

#define OPERATION_MAX_BYTES ((UINT64_C(1) << 48) - 1)
#define OPERATION_POST (UINT64_C(1) << 63) /* another lane waits for this operation on the slot */
#define OPERATION_WAIT (UINT64_C(1) << 62) /* only when the slot's sequence has reached `order` */

struct operation {
	uint32_t slot;	/* the block; a lane for OPERATION_SWITCH and OPERATION_EXIT */
	uint32_t order; /* with OPERATION_WAIT: the slot's sequence number to wait for */
	uint64_t word;
};

_Static_assert(sizeof(struct operation) == 16, "an operation is 16 bytes");

/* `size` above OPERATION_MAX_BYTES becomes OPERATION_MAX_BYTES, which every allocator refuses as well. */
static inline uint64_t operation_word(enum operation_kind kind, unsigned alignment_log2, uint64_t size)
{
	uint64_t bytes = size < OPERATION_MAX_BYTES ? size : OPERATION_MAX_BYTES;

	return (uint64_t)kind << 56 | (uint64_t)(alignment_log2 & 63u) << 48 | bytes;
}

static inline enum operation_kind operation_kind(const struct operation *operation)
{
	return (enum operation_kind)(operation->word >> 56 & 15u);
}

static inline uint64_t operation_bytes(const struct operation *operation)
{
	return operation->word & OPERATION_MAX_BYTES;
}

static inline uint64_t operation_alignment(const struct operation *operation)
{
	return UINT64_C(1) << (operation->word >> 48 & 63u);
}

/* Whether the operation calls the allocator (the others only steer threads). */
static inline bool operation_is_call(const struct operation *operation)
{
	return operation_kind(operation) < OPERATION_SWITCH;
}

/* The five kinds that latency is reported for. */
enum latency_kind {
	LATENCY_MALLOC = 0,
	LATENCY_CALLOC,
	LATENCY_REALLOC,
	LATENCY_MEMALIGN,
	LATENCY_FREE,
	LATENCY_KINDS
};

/* "malloc" ...; `kind` is below LATENCY_KINDS. */
const char *latency_kind_name(unsigned kind);

/* The kind of call that an operation is; operation_is_call() holds. */
enum latency_kind operation_latency_kind(enum operation_kind kind);

#endif
