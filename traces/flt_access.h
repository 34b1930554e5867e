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
