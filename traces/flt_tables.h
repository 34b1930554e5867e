/* flt_tables.h: the tables of a trace: threads, processes, warnings, call stacks; in memory and as columns.
 *
 * A file has them twice. Before the block that first needs an entry stands a TABL section with the entries that are new
 * or changed, so that a truncated file keeps its names; the footer has threads, processes and warnings whole, so that
 * `info` reads one section. Stacks are only in TABL sections (field 0: how many came before).
 *
 *   column 1 threads     per entry: number, process, system's number, length of name, name
 *   column 2 processes   per entry: number, parent, system's number, length of command, command
 *   column 3 warnings    per entry: length of text, text, count
 *   column 4 stacks      per entry: depth, then per address zigzag(address - the one before it in this column)
 *   columns 5 to 7       files, regions, snapshots: flt_places.h
 *   column 8             names: flt_names.h
 * All numbers are varints. An entry replaces an earlier one with its number.
 */
#ifndef FAULTLINE_TRACES_FLT_TABLES_H
#define FAULTLINE_TRACES_FLT_TABLES_H

#include "traces/flt.h"
#include "traces/flt_column.h"
#include "traces/flt_entry.h"
#include "traces/flt_names.h"
#include "traces/flt_places.h"
#include "traces/flt_section.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLT_TAG_TABLES "TABL"

#define FLT_TABLES_MAX_TEXT_BYTES                                                                            \
	FLT_ENTRY_MAX_TEXT_BYTES /* longer names, commands and texts are cut by the writer */
#define FLT_TABLES_MAX_WARNINGS 1024u
#define FLT_TABLES_MAX_DEPTH 1024u /* addresses of one stack */

enum flt_tables_column {
	FLT_TABLES_THREADS = 1,
	FLT_TABLES_PROCESSES = 2,
	FLT_TABLES_WARNINGS = 3,
	FLT_TABLES_STACKS = 4,
};

struct flt_stack_entry;

struct flt_tables {
	struct flt_thread *thread;
	struct flt_process *process;
	struct flt_warning *warning;
	uint32_t threads;
	size_t thread_capacity;
	uint32_t processes;
	size_t process_capacity;
	uint32_t warnings;
	size_t warning_capacity;
	uint64_t *address; /* of all stacks, one after the other */
	size_t addresses, address_capacity;
	size_t *stack_end; /* stack s is address[stack_end[s - 2]] ... address[stack_end[s - 1] - 1] */
	uint32_t stacks;
	size_t stack_capacity;
	struct flt_stack_entry *stack_index; /* the writer's: content to number */
	struct flt_bytes pending[4];	     /* the writer's: new and changed entries, by column */
	uint32_t stacks_written;
	struct flt_places places;
	struct flt_names names;
};

void flt_tables_free(struct flt_tables *tables);

/* 1 + the first process that has the system's number `os_id`, 0 where none has or that is 0. */
uint32_t flt_tables_process_with(const struct flt_tables *tables, uint64_t os_id);

/* What the trace's tables know, to check events by. */
struct flt_known {
	const struct flt_thread *thread; /* the process of each is below `processes` */
	uint32_t threads, processes, files;
	uint32_t gfps, caches; /* names */
};

struct flt_known flt_tables_known(const struct flt_tables *tables);

/* Set entry `number`, which must exist or be the next one; strings are copied and may be NULL. */
enum trace_status flt_tables_thread(struct flt_tables *tables, uint32_t number,
				    const struct flt_thread *thread,
				    struct trace_error *error) TRACE_MUST_USE;
enum trace_status flt_tables_process(struct flt_tables *tables, uint32_t number,
				     const struct flt_process *process,
				     struct trace_error *error) TRACE_MUST_USE;

/* Adds to the count of the warning with this text. */
enum trace_status flt_tables_warn(struct flt_tables *tables, const char *what, uint64_t count,
				  struct trace_error *error) TRACE_MUST_USE;

struct flt_stack {
	const uint64_t *address;
	size_t depth; /* at most FLT_TABLES_MAX_DEPTH; deeper ones are cut at the outer end */
};

/* The number (from 1) of a stack with these addresses. */
enum trace_status flt_tables_stack(struct flt_tables *tables, const struct flt_stack *stack, uint32_t *number,
				   struct trace_error *error) TRACE_MUST_USE;

/* Whether something has been set since the last flt_tables_write_pending. */
bool flt_tables_have_pending(const struct flt_tables *tables);

/* Fills a TABL section in `writer` with what is pending. */
enum trace_status flt_tables_write_pending(struct flt_tables *tables, struct flt_section_writer *writer,
					   struct trace_error *error) TRACE_MUST_USE;

/* Adds columns 1 to 3, 5, 6 and 8 with the whole tables to the section in `writer`. */
enum trace_status flt_tables_write(const struct flt_tables *tables, struct flt_section_writer *writer,
				   struct trace_error *error) TRACE_MUST_USE;

/* Takes columns 1 to 3, 5, 6 and 8 of a section over into the tables. */
enum trace_status flt_tables_read(struct flt_tables *tables, struct flt_column_reader *reader,
				  const struct flt_section *section,
				  struct trace_error *error) TRACE_MUST_USE;

/* Takes column 4 over. */
enum trace_status flt_tables_read_stacks(struct flt_tables *tables, struct flt_column_reader *reader,
					 const struct flt_section *section,
					 struct trace_error *error) TRACE_MUST_USE;

#endif
