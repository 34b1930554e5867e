/* flt_access.h: a block of references (access.h), as arrays and as an ACCS section.
 *
 * The section's fields say where it stands, so that a block is decoded without any other:
 *   0 references of the trace before it   1 references   2 position of its first run   3 of its last
 *   4 contexts   5 shapes   6 runs
 */
#ifndef FAULTLINE_TRACES_FLT_ACCESS_H
#define FAULTLINE_TRACES_FLT_ACCESS_H

#include "traces/access.h"
#include "traces/error.h"
#include "traces/flt_column.h"
#include "traces/flt_section.h"
#include "traces/flt_stretch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLT_TAG_ACCESS "ACCS"

/* What the writer makes. */
#define FLT_ACCESS_REFERENCES (1u << 17)

enum flt_access_field {
	FLT_ACCESS_FIRST,
	FLT_ACCESS_COUNT,
	FLT_ACCESS_FIRST_POSITION,
	FLT_ACCESS_LAST_POSITION,
	FLT_ACCESS_CONTEXTS,
	FLT_ACCESS_SHAPES,
	FLT_ACCESS_RUNS,
};

enum flt_access_column {
	FLT_ACCESS_CONTEXT_TABLE = 1,
	FLT_ACCESS_SHAPE_TABLE = 2,
	FLT_ACCESS_RUN_TABLE = 3,
	FLT_ACCESS_STEPS = 4,
	FLT_ACCESS_FRESH_SHAPES = 5,
	FLT_ACCESS_FRESH_CONTEXTS = 6,
	FLT_ACCESS_OFFSETS = 7,
	FLT_ACCESS_FRESH_OFFSETS = 8,
};

/* Column   | what it holds, for each
 * contexts | context: process x ACCESS_PLACES + place, base and window (start / ACCESS_WINDOW_BYTES) as zigzag differences
 *          | from the place's context before; varints
 * shapes   | shape: size x 2 ACCESS_KINDS + kind; varints
 * runs     | run: position less the run's before, thread, count - 1, new contexts, skipped; varints
 *
 * The references themselves are two sequences, of steps (context and shape) and of offsets, as stretches (flt_stretch.h):
 *
 * steps           | stretch of steps: 4 bytes
 * fresh shapes    | fresh step: its shape's number; bytes
 * fresh contexts  | fresh step: its context's number; 16 bits, low byte first
 * offsets         | stretch of offsets: 4 bytes
 * fresh offsets   | fresh offset; 16 bits, low byte first
 *
 * These five are stored as they are: to decompress them would take longer than all the rest. */

struct flt_access_finder;
struct flt_access_coder;

struct flt_access_skip {
	uint32_t thread;
	uint64_t count;
};

struct flt_access_block {
	struct access_batch batch; /* points to the arrays */
	uint16_t *context, *offset;
	uint8_t *shape;
	struct access_run *run;
	struct access_context *contexts_table;
	struct access_shape shapes_table[ACCESS_BATCH_SHAPES];
	size_t capacity, run_capacity, context_capacity;
	uint32_t serial; /* the writer's: another one after every clearing */
	bool
	    is_full; /* the writer's: no context or shape more; the next reference belongs to the next block */
	struct flt_access_finder *finder; /* the writer's: contexts and shapes by content */
	struct flt_access_skip *skip;	  /* the writer's: what the next runs of threads come after */
	size_t skips, skip_capacity;
	struct flt_access_coder *coder; /* the writer's: scratch */
	uint8_t *bytes;			/* the writer's: scratch */
	size_t bytes_capacity;
	struct flt_steps fresh; /* the reader's: scratch */
	uint32_t *first_use;	/* the reader's: scratch, of each context */
};

void flt_access_free(struct flt_access_block *block);

/* Where references come from, and what they may name. */
struct flt_access_origin {
	uint64_t position;
	uint64_t objects; /* ids so far */
	uint32_t thread, process;
	uint32_t threads, regions;
};

/* Appends references until all are taken or the block is full: *taken says how many. TRACE_BAD_INPUT when one breaks
 * access.h's rules. */
enum trace_status flt_access_append(struct flt_access_block *block, const struct flt_access_origin *origin,
				    const struct access *access, size_t count, size_t *taken,
				    struct trace_error *error) TRACE_MUST_USE;

/* Shapes of fewer bytes are in a table of their own. */
#define FLT_ACCESS_SMALL 512u

/* Room in a block for a producer who puts references of one thread into it himself, as long as no event comes between them. He
 * finds out context and shape of the first that is like others (flt_access_number), and may give the others the same numbers: the
 * shape as long as shapes[flt_access_shape_at()] is not 0, the context as long as `serial` is the same. */
struct flt_access_room {
	struct flt_access_block *block;
	struct flt_access_origin origin;
	uint16_t *context, *offset; /* of the first that is put there */
	uint8_t *shape;
	const uint16_t *shapes; /* number + 1 of small ones that have one; else 0 */
	size_t references;	/* that there is room for; at least 1 */
	uint32_t serial;	/* of the block; not 0 */
};

static inline size_t flt_access_shape_at(unsigned size, unsigned kind)
{
	return size * 2u * ACCESS_KINDS + kind;
}

/* Whether flt_access_open has no room: the block is to be handed over, or cleared. */
static inline bool flt_access_is_full(const struct flt_access_block *block)
{
	return block->is_full || (block->capacity && block->batch.count == block->capacity);
}

/* Opens the block, which is not full. Until it is closed nothing else is done with it. */
enum trace_status flt_access_open(struct flt_access_block *block, const struct flt_access_origin *origin,
				  struct flt_access_room *room, struct trace_error *error) TRACE_MUST_USE;

struct flt_access_numbers {
	uint16_t context;
	uint8_t shape;
};

/* The numbers of a reference. TRACE_END: the block has no number for it and is full now; TRACE_BAD_INPUT when it breaks access.h's
 * rules. */
enum trace_status flt_access_number(const struct flt_access_room *room, const struct access *access,
				    struct flt_access_numbers *numbers,
				    struct trace_error *error) TRACE_MUST_USE;

/* The first `count` references are there. */
enum trace_status flt_access_close(const struct flt_access_room *room, size_t count,
				   struct trace_error *error) TRACE_MUST_USE;

/* The next run of `thread` comes after `count` references that were not recorded. */
enum trace_status flt_access_skipped(struct flt_access_block *block, uint32_t thread, uint64_t count,
				     struct trace_error *error) TRACE_MUST_USE;

/* Empties the block; references are counted on. */
void flt_access_clear(struct flt_access_block *block);

/* Makes `next`, which is empty, the block that follows `block`: references are counted on, and what is noted of references that
 * were not recorded goes over. */
void flt_access_continue(struct flt_access_block *next, struct flt_access_block *block);

/* Begins the section of this block in `writer` and fills it. */
enum trace_status flt_access_encode(struct flt_access_block *block, struct flt_section_writer *writer,
				    struct trace_error *error) TRACE_MUST_USE;

/* What the section of a block with so much takes at most, in bytes. */
uint64_t flt_access_bytes(const struct flt_access_block *block);

/* What a block may name. */
struct flt_access_known {
	uint64_t
	    objects; /* of the whole trace; of those a run can name only as many as the events before it can have made */
	const struct flt_thread *thread;
	uint32_t threads, processes, regions;
};

/* Decodes a section into block->batch. TRACE_BAD_INPUT when its columns do not fit together or name what is not known. */
enum trace_status flt_access_decode(struct flt_access_block *block, struct flt_column_reader *reader,
				    const struct flt_section *section, const struct flt_access_known *known,
				    struct trace_error *error) TRACE_MUST_USE;

/* What references add up to. */
struct flt_access_tally {
	uint64_t accesses, skipped;
	uint64_t kinds[2 * ACCESS_KINDS];
	uint64_t places[ACCESS_PLACES];
};

void flt_access_count(const struct access_batch *batch, struct flt_access_tally *tally);

#endif
