/* flt.h: the native trace format, bytes <-> events. docs/trace-format.md is the specification.
 *
 * A trace is a header, blocks of events stored column by column (each column of a block compressed and checksummed by
 * itself, so that a reader pays only for the columns it asks for), a live-set checkpoint per block group, and a footer
 * with tables and counts. A file cut anywhere is readable up to its last whole block.
 *
 * Reading never trusts the bytes: every count, id and size is bounded before anything is allocated or indexed.
 */
#ifndef FAULTLINE_TRACES_FLT_H
#define FAULTLINE_TRACES_FLT_H

#include "traces/access.h"
#include "traces/error.h"
#include "traces/event.h"
#include "traces/kernel_tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a trace came from. Strings may be NULL; they are copied. */
struct flt_description {
	const char *source;  /* "record heap", "import aosp", "generate larson", ... */
	const char *command; /* the recorded command line, or the imported file's name */
	const char *host;    /* machine and system of the recording */
	bool has_time;	     /* events carry time_ns */
	bool has_stacks;     /* events carry stack ids */
	uint64_t
	    recorder; /* the system's number of the process that recorded, where it may be among those recorded; else 0 */
};

/* --- Writing -------------------------------------------------------------------------------------------------------- */
struct flt_writer;

/* Starts a trace beside `path` ("-" = standard output); nothing appears under `path` before flt_writer_finish. */
enum trace_status flt_writer_create(struct flt_writer **writer, const char *path,
				    const struct flt_description *description,
				    struct trace_error *error) TRACE_MUST_USE;

/* Sets how many events make a block (1 to 2^18, default 32,768); only before the first event, or TRACE_BAD_INPUT. Smaller
 * blocks lose less when the writer is killed and seek faster; larger ones compress better. */
enum trace_status flt_writer_block_events(struct flt_writer *writer, size_t events,
					  struct trace_error *error) TRACE_MUST_USE;

/* Appends one event. TRACE_BAD_INPUT when the event breaks event.h's rules (an id out of order, an unknown kind). */
enum trace_status flt_writer_add(struct flt_writer *writer, const struct event *event,
				 struct trace_error *error) TRACE_MUST_USE;

/* The writer as a sink, owned by the writer. */
struct event_sink *flt_writer_sink(struct flt_writer *writer);

/* Adds `count` to the trace's counter of warnings of this kind ("free of unknown pointer"); kept in the footer. */
enum trace_status flt_writer_warn(struct flt_writer *writer, const char *what, uint64_t count,
				  struct trace_error *error) TRACE_MUST_USE;

/* Registers a call stack (return addresses, innermost first) and gives the id for event.stack; equal stacks share one. */
enum trace_status flt_writer_stack(struct flt_writer *writer, const uint64_t *addresses, size_t depth,
				   uint32_t *stack, struct trace_error *error) TRACE_MUST_USE;

/* Registers a file, region or snapshot and gives its number for event.call.file, access.base and the snapshot event's count
 * (event.h). Equal files share a number. TRACE_BAD_INPUT when a process, thread or file that it names is not known. */
enum trace_status flt_writer_file(struct flt_writer *writer, const struct event_file *file, uint32_t *number,
				  struct trace_error *error) TRACE_MUST_USE;
enum trace_status flt_writer_region(struct flt_writer *writer, const struct event_region *region,
				    uint32_t *number, struct trace_error *error) TRACE_MUST_USE;
enum trace_status flt_writer_snapshot(struct flt_writer *writer, const struct event_snapshot *snapshot,
				      uint32_t *number, struct trace_error *error) TRACE_MUST_USE;

/* The number of a name for event.kernel.gfp or cache; equal names of a table share one. */
enum trace_status flt_writer_name(struct flt_writer *writer, enum event_names table, const char *text,
				  uint32_t *number, struct trace_error *error) TRACE_MUST_USE;

/* Appends `count` references of `thread`, which must be known, after the events so far and before the next one. Order
 * within the array, and from call to call, is kept. TRACE_BAD_INPUT when one breaks access.h's rules or names what does
 * not exist. Give many at a time. */
enum trace_status flt_writer_accesses(struct flt_writer *writer, uint32_t thread, const struct access *access,
				      size_t count, struct trace_error *error) TRACE_MUST_USE;

struct flt_access_room;

/* Opens the block of references for those of `thread`, which the caller puts there himself (flt_access.h). Nothing else may be done with
 * the writer until he closes it. */
enum trace_status flt_writer_access_room(struct flt_writer *writer, uint32_t thread,
					 struct flt_access_room *room,
					 struct trace_error *error) TRACE_MUST_USE;

/* Says that `count` references of `thread` were made here and not recorded. */
enum trace_status flt_writer_accesses_skipped(struct flt_writer *writer, uint32_t thread, uint64_t count,
					      struct trace_error *error) TRACE_MUST_USE;

/* What the file would be at most, in bytes, if it were finished now. For a recorder that must stop before a bound. */
uint64_t flt_writer_bytes(const struct flt_writer *writer);

/* Writes the footer, syncs, renames to `path`, and frees the writer whatever the result. */
enum trace_status flt_writer_finish(struct flt_writer *writer, struct trace_error *error) TRACE_MUST_USE;

/* Drops everything written and frees the writer. */
void flt_writer_abandon(struct flt_writer *writer);

/* --- Reading -------------------------------------------------------------------------------------------------------- */
struct flt_reader;

struct flt_thread {
	uint32_t process;
	uint64_t os_id;
	const char *name; /* "" when unknown */
};

struct flt_process {
	uint32_t parent; /* its own number for a process without a recorded parent */
	uint64_t os_id;
	const char *command;
};

/* The files, regions and snapshots have the numbers 1, 2 ...: number n is file[n - 1]. */
struct flt_warning {
	const char *what;
	uint64_t count;
};

#define FLT_SIZE_CLASSES 65

/* What the footer knows without reading a block; for a file without footer it is rebuilt by one pass at open. */
struct flt_summary {
	struct flt_description description;
	uint64_t events;
	uint64_t kinds[EVENT_KINDS]; /* events per kind */
	uint64_t objects;	     /* highest object id */
	uint64_t live_peak_bytes;    /* requested bytes live at once, over all processes */
	uint64_t live_peak_objects;
	uint64_t live_end_bytes; /* after the last event; a process that has exited holds nothing */
	uint64_t live_end_objects;
	uint64_t
	    cross_thread_frees; /* by another thread of the process than the one that created the block */
	uint64_t cross_thread_reallocs; /* the same of blocks that a realloc ended */
	uint64_t null_frees;
	uint64_t duration_ns;
	uint64_t failed;	     /* events with EVENT_FAILED */
	uint64_t foreign;	     /* events with EVENT_FOREIGN */
	uint64_t requested_bytes;    /* sum over all created objects, modulo 2^64 */
	uint64_t left_at_exit_bytes; /* what processes still held at their exec and exit, summed */
	uint64_t left_at_exit_objects;
	uint64_t sizes
	    [FLT_SIZE_CLASSES]; /* created objects by size: class 0 is 0 bytes, k is 2^(k-1) ... 2^k - 1 */
	uint64_t sizes_bytes[FLT_SIZE_CLASSES]; /* their requested bytes */
	uint64_t file_bytes;			/* length of the file */
	uint64_t accesses;			/* references */
	uint64_t accesses_skipped;
	uint64_t
	    access_kinds[2 * ACCESS_KINDS]; /* references per kind; with ACCESS_KERNEL those of the kernel */
	uint64_t access_places[ACCESS_PLACES];
	struct kernel_tally kernel; /* of events of the kernel's allocators */
	uint32_t threads, processes, warnings, files, regions, snapshots;
	uint32_t names[EVENT_NAMES];
	const char *const *name[EVENT_NAMES]; /* number n is name[table][n - 1] */
	const struct event_file *file;
	const struct event_region *region;
	const struct flt_thread *thread;
	const struct flt_process *process;
	const struct flt_warning *warning;
	bool truncated; /* the file ended before its footer */
	char hash[33];	/* XXH3-128 over the decoded events and tables, hexadecimal: equal for equal traces */
};

/* Opens the trace at `path` ("-" = standard input, which is copied to a temporary file when it is a pipe). */
enum trace_status flt_reader_open(struct flt_reader **reader, const char *path,
				  struct trace_error *error) TRACE_MUST_USE;

/* Opens a trace that lies in memory and stays there until flt_reader_close. */
enum trace_status flt_reader_open_memory(struct flt_reader **reader, const void *memory, size_t bytes,
					 struct trace_error *error) TRACE_MUST_USE;

/* The trace's name for messages: its path, "standard input" or "memory". */
const char *flt_reader_name(const struct flt_reader *reader);

const struct flt_summary *flt_reader_summary(const struct flt_reader *reader);

/* How often the trace's maker warned of this (EVENT_LOST_WARNING ...); 0: it did not. */
uint64_t flt_summary_warned(const struct flt_summary *summary, const char *what);

/* The next event in order; TRACE_END after the last. */
enum trace_status flt_reader_next(struct flt_reader *reader, struct event *event,
				  struct trace_error *error) TRACE_MUST_USE;

/* The columns of a batch; those not asked for are NULL. */
enum flt_column {
	FLT_KIND = 1u << 0, /* kind and flags */
	FLT_TIME = 1u << 1,
	FLT_OBJECT = 1u << 2, /* object and old_object */
	FLT_SIZE = 1u << 3,
	FLT_DETAIL = 1u << 4, /* count and alignment */
	FLT_STACK = 1u << 5,
	FLT_THREAD = 1u << 6, /* thread and process */
	FLT_CALL = 1u << 7,   /* arguments of system calls and faults */
	FLT_KERNEL = 1u << 8, /* what the kernel's allocators did */
	FLT_ALL = (1u << 9) - 1,
};

struct flt_batch {
	uint64_t first; /* position of the first event in the trace */
	size_t events;
	const uint8_t *kind, *flags;
	const uint64_t *time_ns, *object, *old_object, *size, *count, *alignment;
	const uint32_t *stack, *thread, *process;
	const struct event_call *call;	   /* NULL also where no event of the batch has any */
	const struct event_kernel *kernel; /* the same */
};

/* The next block, decoded into arrays that stay valid until the next call on this reader. */
enum trace_status flt_reader_batch(struct flt_reader *reader, unsigned columns, struct flt_batch *batch,
				   struct trace_error *error) TRACE_MUST_USE;

/* Goes to event `position` (0 = first); the next call reads it. Past the end is TRACE_BAD_INPUT. */
enum trace_status flt_reader_seek(struct flt_reader *reader, uint64_t position,
				  struct trace_error *error) TRACE_MUST_USE;

/* The return addresses of stack id `stack`, innermost first; *depth 0 for id 0 or an unknown id. */
const uint64_t *flt_reader_stack(struct flt_reader *reader, uint32_t stack, size_t *depth);

/* References have a cursor of their own, so that one who does not ask for them pays nothing. To go through both:
 *
 *	while ((status = flt_reader_accesses(reader, &batch, &error)) == TRACE_OK) {
 *		for (size_t r = 0; r < batch.runs; r++) {
 *			... flt_reader_next and replay events until batch.run[r].position of them are done
 *			... look up the contexts from the run before's to batch.run[r].contexts
 *			... access_addresses(...) and go through the run
 *		}
 *	}
 *	... replay the events that are left
 */

/* The next block of references, decoded into arrays that stay valid until the next call of this function; TRACE_END after
 * the last. */
enum trace_status flt_reader_accesses(struct flt_reader *reader, struct access_batch *batch,
				      struct trace_error *error) TRACE_MUST_USE;

/* Goes to the first block that has a reference at or after event position `position`; its first runs may be before it. */
enum trace_status flt_reader_seek_accesses(struct flt_reader *reader, uint64_t position,
					   struct trace_error *error) TRACE_MUST_USE;

/* Snapshot `number`, valid until the reader is closed; TRACE_BAD_INPUT when there is none. */
enum trace_status flt_reader_snapshot(struct flt_reader *reader, uint32_t number,
				      struct event_snapshot *snapshot,
				      struct trace_error *error) TRACE_MUST_USE;

struct live_sets;
struct flt_tables;

/* Goes to event `position` like flt_reader_seek and fills empty `sets` (live_sets.h) with what is alive before it. Cost:
 * the events since the checkpoint before it, at most about a million or 16 per live object. */
enum trace_status flt_reader_live(struct flt_reader *reader, uint64_t position, struct live_sets *sets,
				  struct trace_error *error) TRACE_MUST_USE;

/* The trace's tables with all its stacks (flt_tables.h); for those that look into the format itself. */
const struct flt_tables *flt_reader_tables(struct flt_reader *reader);

void flt_reader_close(struct flt_reader *reader);

#endif
