/* access.h: references to memory: the loads, stores and fetches of instructions.
 *
 * One reference is one operand of an instruction (an instruction that reads and writes one place makes one reference,
 * ACCESS_MODIFY), or a part of at most ACCESS_MAX_BYTES of what the kernel copied for a system call (ACCESS_KERNEL). They
 * stand between events: those with position p come after event p - 1 and before event p.
 *
 * Where a reference went is said relative to something that a replay can place elsewhere:
 *
 *   place        base             offset (two's complement)
 *   object       object id        from the block's first byte; may lie outside [0, size): freed, overrun, over-read
 *   stack        thread           from the top of its stack (the byte behind it), so below 0
 *   region       region number    from the region's first byte: mapped files, anonymous memory, TLS, globals
 *   allocator    0                the address in the recording: books of the allocator, between its enter and exit
 *   wild         0                the address in the recording: in nothing that is known
 *   absolute     0                the address in the recording: nothing is known of its surroundings (imported streams)
 *
 * An object or region is that of the process whose thread made the reference.
 *
 * Simulators get references in batches of arrays. A batch has a table of contexts (a place, a base and a start) in the
 * order of their first use, and per reference the number of its context and a 16-bit offset:
 *
 *      reference i:   address = where(context[i]) + offset[i],     where(c) = placed(c.place, c.base) + c.start
 *
 * so that a base is looked up once per batch and not once per reference. Runs say which thread made which references after
 * how many events, and how many contexts are in use up to their end: the new ones of a run are looked up when the events
 * before it have been replayed.
 *
 * Invariants of a batch
 *   I1  the runs cover [0, count) one after the other, none is empty
 *   I2  positions of runs never fall, nor do their contexts
 *   I3  context[i] < contexts of i's run <= contexts of the batch
 *   I4  shape[i] < shapes
 */
#ifndef FAULTLINE_TRACES_ACCESS_H
#define FAULTLINE_TRACES_ACCESS_H

#include <stddef.h>
#include <stdint.h>

enum access_kind {
	ACCESS_LOAD,
	ACCESS_STORE,
	ACCESS_FETCH,  /* of an instruction */
	ACCESS_MODIFY, /* load and store of one place by one instruction */
	ACCESS_KINDS
};

/* Or-ed to the kind: the kernel did it for the thread. */
#define ACCESS_KERNEL 0x04u

enum access_place {
	ACCESS_OBJECT,
	ACCESS_STACK,
	ACCESS_REGION,
	ACCESS_ALLOCATOR,
	ACCESS_WILD,
	ACCESS_ABSOLUTE,
	ACCESS_PLACES
};

#define ACCESS_MAX_BYTES 65535u

/* One reference, as producers give it. */
struct access {
	uint64_t base;
	uint64_t offset;
	uint16_t size; /* bytes, at least 1 */
	uint8_t kind;  /* enum access_kind, perhaps with ACCESS_KERNEL */
	uint8_t place; /* enum access_place */
};

/* --- Batches ---------------------------------------------------------------------------------------------------------- */

struct access_shape {
	uint16_t size; /* bytes */
	uint8_t kind;  /* enum access_kind, perhaps with ACCESS_KERNEL */
};

/* A context is a window of so many bytes of an object, a stack, a region or the addresses. */
#define ACCESS_WINDOW_BYTES 65536u

struct access_context {
	uint64_t base;
	uint64_t start; /* two's complement, a multiple of ACCESS_WINDOW_BYTES: what offsets count from */
	uint32_t process;
	uint32_t place; /* enum access_place */
};

struct access_run {
	uint64_t position; /* events before it */
	uint64_t skipped;  /* references of the thread before this run that were not recorded (sampling) */
	uint32_t thread;
	uint32_t first; /* index of its first reference */
	uint32_t count;
	uint32_t contexts; /* contexts in use up to its end */
};

/* At most so many references, contexts and shapes in one batch. */
#define ACCESS_BATCH_MAX (1u << 18)
#define ACCESS_BATCH_CONTEXTS (1u << 16)
#define ACCESS_BATCH_SHAPES 256u

struct access_batch {
	uint64_t first; /* references of the trace before the first of these */
	size_t count;
	const uint16_t *context;
	const uint16_t *offset;
	const uint8_t *shape;
	const struct access_run *run;
	const struct access_context *contexts_table;
	const struct access_shape *shapes_table;
	size_t runs, contexts, shapes;
};

/* address[i] = where[context[i]] + offset[i] for the `count` references from `first`; `where` has an entry for every
 * context in use by them. */
void access_addresses(const struct access_batch *batch, size_t first, size_t count, const uint64_t *where,
		      uint64_t *address);

/* Reference `index` of the batch as a producer would have given it. */
void access_of_batch(const struct access_batch *batch, size_t index, struct access *access);

/* "load", "store", "fetch", "modify" without regard to ACCESS_KERNEL; "object", "stack" ...; "unknown" outside the enums. */
const char *access_kind_name(unsigned kind);
const char *access_place_name(unsigned place);

/* NULL, or the text of the first broken invariant. */
const char *access_batch_check(const struct access_batch *batch);

#endif
