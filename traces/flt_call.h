/* flt_call.h: the arguments of system calls and faults (struct event_call) as columns of an EVNT section.
 *
 *   16 address   per event with one: zigzag(address - the one before it in this column; 0 before the first)
 *   17 length, 18 new_length, 19 new_address, 20 offset, 21 protection, 22 flags, 23 file, 24 result: per event with one
 * All are varints; a column whose values would all be 0 is left out. A block of heap events has none of them, and
 * costs nothing here.
 */
#ifndef FAULTLINE_TRACES_FLT_CALL_H
#define FAULTLINE_TRACES_FLT_CALL_H

#include "traces/event.h"
#include "traces/flt_column.h"
#include "traces/flt_section.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The events whose arguments are coded. */
struct flt_calls {
	const uint8_t *kind; /* of each event */
	size_t events;
	struct event_call *call; /* of each event; those of kinds without arguments are all 0 */
	uint64_t *values;	 /* scratch: one per event */
	uint8_t *bytes;		 /* scratch: FLT_VARINT_BYTES per event */
};

/* Adds columns 16 to 24 to the section in `writer`. */
enum trace_status flt_calls_encode(const struct flt_calls *calls, struct flt_section_writer *writer,
				   struct trace_error *error) TRACE_MUST_USE;

/* Whether a section has any of them. */
bool flt_calls_present(const struct flt_section *section);

/* Fills calls->call. TRACE_BAD_INPUT when a column has another number of values than the kinds ask for, a number that
 * does not fit, or a file that is not below `files` + 1. */
enum trace_status flt_calls_decode(const struct flt_calls *calls, struct flt_column_reader *reader,
				   const struct flt_section *section, uint32_t files,
				   struct trace_error *error) TRACE_MUST_USE;

#endif
