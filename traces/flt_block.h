/* flt_block.h: a block: up to FLT_BLOCK_MAX_EVENTS consecutive events as arrays, and as the columns of an EVNT section.
 *
 * The section's fields say where it stands, so that a block is decoded without any other:
 *   0 position of the first event   1 events   2 objects that exist before it   3 time_ns of the first event
 *   4 divisor of the time differences
 * Its columns hold values only for the events that have them (event_kind_carries), in the order of the events:
 *
 *   1 kind        a byte per event
 *   2 flags       a byte per event: EVENT_FAILED, EVENT_FOREIGN, and FLT_NO_OBJECT
 *   3 ended       per event that releases and is not foreign: which object, see below
 *   4 size        per event with a size
 *   5 count       per event with a count
 *   6 alignment   per event with an alignment
 *   7 thread      runs: number of the thread, events in the run - 1
 *   8 stack       per event
 *   9 time        per event: difference from the event before, divided by field 4
 *   10 time       the same as zigzag, instead of 9, where time steps back
 *   16 to 24      arguments of system calls and faults, see flt_call.h
 *   32 to 51      what the kernel's allocators did, see flt_kernel.h; field 5 belongs to them
 * Columns from 3 on are varints. A column whose values are all 0 (of 5, 6 and 8: or absent) is left out. New objects
 * take no bytes: their ids are the next ones. The process is that of the thread.
 *
 * An ended object is 0 for NULL, else 1 + the smaller of
 *   2 x (objects so far - id)                          its age
 *   2 x zigzag(id - the id ended before it) + 1        its distance from the last one in this column
 */
#ifndef FAULTLINE_TRACES_FLT_BLOCK_H
#define FAULTLINE_TRACES_FLT_BLOCK_H

#include "traces/event.h"
#include "traces/flt.h"
#include "traces/flt_column.h"
#include "traces/flt_section.h"
#include "traces/flt_tables.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLT_TAG_BLOCK "EVNT"

/* What a reader accepts, and what the writer makes. */
#define FLT_BLOCK_MAX_EVENTS (1u << 18)
#define FLT_BLOCK_EVENTS (1u << 15)

/* In column 2: an allocation of 0 bytes that returned NULL without failing. */
#define FLT_NO_OBJECT 0x80u

struct flt_block {
	uint64_t first;		/* position of its first event */
	uint64_t objects;	/* objects that exist before its first event */
	uint64_t objects_after; /* and after its last; set when FLT_OBJECT is decoded */
	size_t events;
	size_t capacity; /* events that the arrays have room for */
	uint8_t *kind, *flags;
	uint64_t *time_ns, *object, *old_object, *size, *count, *alignment;
	uint32_t *stack, *thread, *process;
	struct event_call *call;     /* NULL as long as no event has any of its fields */
	bool has_call;		     /* an event of the block has */
	struct event_kernel *kernel; /* NULL as long as no event has any of its fields */
	bool has_kernel;
	uint64_t *values; /* scratch: unpacked varints, two per event */
	uint8_t *class;	  /* scratch of the decoder: what an event means for the columns */
	uint8_t *bytes;	  /* scratch of the encoder */
};

/* Makes room for `capacity` events (at most FLT_BLOCK_MAX_EVENTS), dropping those it has. A zeroed block has none. */
enum trace_status flt_block_reserve(struct flt_block *block, size_t capacity,
				    struct trace_error *error) TRACE_MUST_USE;
void flt_block_free(struct flt_block *block);

/* Makes room for the arguments, and for what the kernel did, of as many events. */
enum trace_status flt_block_reserve_calls(struct flt_block *block, struct trace_error *error) TRACE_MUST_USE;
enum trace_status flt_block_reserve_kernels(struct flt_block *block,
					    struct trace_error *error) TRACE_MUST_USE;

/* Appends an event; there must be room, and census_add must have accepted it. Fails only with TRACE_NO_MEMORY. */
enum trace_status flt_block_append(struct flt_block *block, const struct event *event,
				   struct trace_error *error) TRACE_MUST_USE;

/* Event `index` of the block. */
void flt_block_event(const struct flt_block *block, size_t index, struct event *event);

/* Begins the section of this block in `writer` and fills it. */
enum trace_status flt_block_encode(struct flt_block *block, struct flt_section_writer *writer,
				   struct trace_error *error) TRACE_MUST_USE;

/* Decodes the columns in `columns` (enum flt_column; FLT_KIND is implied) of a section. Arrays of other columns keep
 * what they had. TRACE_BAD_INPUT when the columns do not fit together, or a thread,
 * process or file is not among the known. */
enum trace_status flt_block_decode(struct flt_block *block, struct flt_column_reader *reader,
				   const struct flt_section *section, unsigned columns,
				   const struct flt_known *known, struct trace_error *error) TRACE_MUST_USE;

#endif
