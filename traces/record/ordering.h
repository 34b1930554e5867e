/* ordering.h: the records of an arena, one after the other in the order of their numbers.
 *
 * A window of WINDOW consecutive order numbers moves over the recording. Scanning enters every record whose number lies
 * in the window at its place; taking hands out the record at the window's start and moves it on by one.
 *
 *   window    | base | base+1 |  -   | base+3 | ...      '-' = not yet written: wait, or lost (see ordering_scan)
 *                |        \________        \____
 *   chunks    [ r r r r ]    [ r r . . ]    [ r . . . ]   '.' = reserved or free places
 *
 * Entries are places in chunks; the record itself is copied when it is taken, so the program that wrote it can do no harm
 * by changing it later. Nothing in the arena is believed: a number outside the window stays unread, one that is taken
 * already or has a twin is counted as damaged, sizes are bounded by the arena's own.
 *
 *   I1  reader.read <= ARENA_CHUNK_RECORDS; reader.pending = its records in the window
 *   I2  a window entry belongs to an open reader, and its place is below that reader's `read`
 *   I3  a chunk whose reader is not open has nothing in the window
 */
#ifndef FAULTLINE_TRACES_RECORD_ORDERING_H
#define FAULTLINE_TRACES_RECORD_ORDERING_H

#include "traces/error.h"
#include "traces/record/arena.h"

#include <stdbool.h>
#include <stdint.h>

#define ORDERING_WINDOW (1u << 16)

/* One record with its owner, as of the time it was taken. */
struct ordered_record {
	uint64_t order;
	uint64_t tsc;
	uint64_t address; /* low 48 bits address, high 16 bits info */
	uint64_t size;
	uint64_t process_serial;
	uint64_t thread_serial;
	uint32_t process_slot; /* below ARENA_PROCESSES */
	uint32_t thread_id;
	uint8_t kind; /* enum arena_kind, or beyond it when damaged */
};

struct chunk_reader {
	uint64_t process_serial; /* copies of the chunk's header, made when the reader was opened */
	uint64_t thread_serial;
	uint64_t first_order;
	uint32_t process_slot;
	uint32_t thread_id;
	uint32_t read;	  /* places entered or skipped */
	uint32_t pending; /* entered, not yet taken */
	bool open;
	bool gone; /* its owner is dead: what is not written never will be */
};

struct ordering {
	struct arena arena;
	struct chunk_reader *reader; /* arena.chunk_count of them */
	uint32_t *window; /* place + 1 in the arena's records, 0 = nothing; ORDERING_WINDOW of them */
	uint64_t base;	  /* order number of the window's start */
	uint64_t lost;	  /* numbers that no record came for */
	uint64_t damaged; /* records that could not be right */
	bool unwritten;	  /* the last scan met a reserved place without its record */
	uint32_t
	    chunk_limit; /* chunks at or beyond it were never on the free stack; at most arena.chunk_count */
};

enum trace_status ordering_create(struct ordering *ordering, const struct arena *arena,
				  struct trace_error *error) TRACE_MUST_USE;
void ordering_destroy(struct ordering *ordering);

/* Enters all records that are there. Cost: the chunks in use plus the records entered.
 * Afterwards, a number at the window's start that was below control.order before the scan and has no record is lost
 * if `unwritten` is false. */
void ordering_scan(struct ordering *ordering);

/* The record at the window's start, without taking it. False: it is not there. */
bool ordering_peek(const struct ordering *ordering, struct ordered_record *record);

/* Takes the record at the window's start, which ordering_peek has shown. A chunk that is thereby done goes back to the
 * free stack. */
void ordering_take(struct ordering *ordering);

/* Gives up the missing numbers at the window's start: moves on to the next record that exists, or to `limit`. */
void ordering_skip(struct ordering *ordering, uint64_t limit);

/* The owner is dead: its unwritten places are skipped from now on, its chunks go back when they are read. */
void ordering_process_gone(struct ordering *ordering, uint64_t process_serial);
void ordering_thread_gone(struct ordering *ordering, uint64_t thread_serial);

/* Has this owner a chunk that is not back on the free stack? */
bool ordering_process_busy(const struct ordering *ordering, uint64_t process_serial);
bool ordering_thread_busy(const struct ordering *ordering, uint64_t thread_serial);

/* NULL, or the text of the first invariant that does not hold. */
const char *ordering_check(const struct ordering *ordering);

/* Pushes chunk `index` on the arena's free stack and wakes who waits for one. */
void ordering_free_chunk(const struct arena *arena, uint32_t index);

#endif
