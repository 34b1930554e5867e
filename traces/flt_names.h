/* flt_names.h: the tables of names of a trace (enum event_names); in memory and as a column of TABL and FOOT.
 *
 *   column 8 names   per entry: table, text
 * An entry's number is its place among those of its table, from 1, over the whole file; field 4 of TABL says how many names of
 * all tables came before.
 */
#ifndef FAULTLINE_TRACES_FLT_NAMES_H
#define FAULTLINE_TRACES_FLT_NAMES_H

#include "traces/event.h"
#include "traces/flt_entry.h"

#include <stddef.h>
#include <stdint.h>

#define FLT_NAMES_COLUMN 8
#define FLT_NAMES_BEFORE 4 /* field of TABL */

struct flt_name_entry;

struct flt_names {
	const char **name[EVENT_NAMES]; /* number n is name[table][n - 1] */
	uint32_t names[EVENT_NAMES];
	size_t capacity[EVENT_NAMES];
	struct flt_name_entry *index; /* table and text to number */
	struct flt_bytes pending;     /* the writer's: new entries */
	uint32_t written;
};

void flt_names_free(struct flt_names *names);

/* The number of this text in the table, a new one where there is none. TRACE_BAD_INPUT for an empty text, TRACE_UNSUPPORTED
 * when there are too many. */
enum trace_status flt_names_add(struct flt_names *names, enum event_names table, const char *text,
				uint32_t *number, struct trace_error *error) TRACE_MUST_USE;

/* Names of all tables. */
uint32_t flt_names_count(const struct flt_names *names);

/* Adds field 4 and what is pending to the TABL section in `writer`, which has fields 0 to 3. */
enum trace_status flt_names_write_pending(struct flt_names *names, struct flt_section_writer *writer,
					  struct trace_error *error) TRACE_MUST_USE;

/* Adds column 8 with all names to the section in `writer`. */
enum trace_status flt_names_write(const struct flt_names *names, struct flt_section_writer *writer,
				  struct trace_error *error) TRACE_MUST_USE;

/* Takes the names of a section over. */
enum trace_status flt_names_read(struct flt_names *names, struct flt_column_reader *reader,
				 const struct flt_section *section, struct trace_error *error) TRACE_MUST_USE;

#endif
