/* placement.h: where each block of a trace lies under a live allocator, and what the allocator asks the kernel for meanwhile.
 *
 * A placement is recorded by a pass of its own (bench/replay/child_placement.c), kept in a file, and read by whoever wants to
 * know at which addresses the trace's references fall on that allocator:
 *
 *      trace ──▶ placement pass on jemalloc ──▶ placement.bin ──▶ cursor.h ──▶ simulated address space
 *
 * An allocator that places blocks otherwise in every run has several *takes* in one file: the same trace, recorded again.
 *
 * A take is a stream of records in the order of the trace. A record belongs to event e when it was made while e was replayed; the
 * allocator's calls come before the address that they were made for:
 *
 *      event 7 malloc   ──▶  call mmap(...) = 0x7ffff7400000    block object 5 at 0x7ffff7400040
 *      event 8 free     ──▶  call munmap(...) = 0
 *
 * What the allocator had mapped before the first event is told as calls, too: an mmap of the piece, right before the first record
 * that names an address of it (pieces that nothing lies in are left out); a brk whose `address` is 0 says where the heap of
 * brk begins. Calls that failed are not in a take, nor are mappings of files.
 *
 * The file. Integers of fixed width are little-endian; the others are varints (traces/flt_varint.h).
 *
 *      "FLPLACE\n"   version u32   bytes of the head u32
 *      head          process, mode, huge pages, events, takes, trace hash, target, title; per take: blocks, calls
 *      per take      chunks: raw bytes u32, stored bytes u32, a zstd frame; a chunk of 0 and 0 ends the take
 *      XXH3-64 of all before
 *
 *      record        (events since the record before) x 2 + (0 a block, 1 a call)
 *        block       object less the one expected (the one after the last), address less the block's before: zigzag; usable bytes
 *        call        kind, then the fields that the kind carries (event.h) in the order of struct event_call
 *
 * A reader believes nothing; what it demands of a file is
 *   I1  it begins with the magic and a known version, and ends with the checksum of the rest
 *   I2  the head is whole, its numbers are within bounds, its texts are printable
 *   I3  takes are 1 ... PLACEMENT_TAKES_MAX, and each has as many blocks and calls as the head says
 *   I4  events never fall, and are below the trace's
 *   I5  objects are 1 ... EVENT_MAX_OBJECTS
 *   I6  calls are mmap, munmap, mremap, brk, mprotect or madvise, did not fail, and lie in [1, 2^47) in whole pages
 *   I7  a call that changes a mapping names one that is there, and each block lies in one with all its bytes
 */
#ifndef FAULTLINE_BENCH_PLACEMENT_PLACEMENT_H
#define FAULTLINE_BENCH_PLACEMENT_PLACEMENT_H

#include "bench/placement/range_set.h"
#include "bench/replay/session.h"
#include "traces/event.h"

#define PLACEMENT_VERSION 1u
#define PLACEMENT_TAKES_MAX 64u
#define PLACEMENT_TEXT_BYTES 1024u

enum placement_kind {
	PLACEMENT_BLOCK,
	PLACEMENT_CALL,
};

struct placement_record {
	uint64_t event;		/* position in the trace */
	uint64_t object;	/* block: its id */
	uint64_t address;	/* block: of its first byte */
	uint64_t bytes;		/* block: that may be used of it, as the allocator says */
	struct event_call call; /* call: as event.h has it; file is 0 */
	enum placement_kind kind;
	uint8_t call_kind; /* call: EVENT_MMAP ... */
};

/* What was placed, by whom, and how. */
struct placement_description {
	char trace_hash[33];
	char target[PLACEMENT_TEXT_BYTES]; /* as the command line names it */
	char title[PLACEMENT_TEXT_BYTES];  /* the allocator with its version */
	uint64_t events;		   /* of the trace */
	uint32_t process;		   /* of the trace, that was replayed */
	uint32_t mode;			   /* MODE_SINGLE or MODE_BATON */
	bool thp_disable;		   /* the pass ran without transparent huge pages */
};

/* --- Writing ------------------------------------------------------------------------------------------------------------ */

struct placement_writer;

/* NULL without memory. */
struct placement_writer *placement_writer_create(const struct placement_description *description);

/* The allocator with its version, when it has become known. */
void placement_writer_title(struct placement_writer *writer, const char *title);

/* Begins the next take; the one before is over. TRACE_UNSUPPORTED beyond PLACEMENT_TAKES_MAX. */
enum trace_status placement_writer_begin(struct placement_writer *writer,
					 struct trace_error *error) TRACE_MUST_USE;

/* Appends a record to the take. TRACE_BAD_INPUT when it breaks I4 to I7. */
enum trace_status placement_writer_add(struct placement_writer *writer, const struct placement_record *record,
				       struct trace_error *error) TRACE_MUST_USE;

/* The last take is over. False without memory. */
bool placement_writer_end(struct placement_writer *writer);

/* Are takes `one` and `other`, both over, the same to the byte? */
bool placement_writer_is_same(const struct placement_writer *writer, unsigned one, unsigned other);

/* Drops the last take. */
void placement_writer_drop(struct placement_writer *writer);

/* Ends the last take, and gives the whole file in memory, *bytes of it, to be freed; NULL without memory. There is a take. */
void *placement_writer_finish(struct placement_writer *writer, size_t *bytes);

void placement_writer_destroy(struct placement_writer *writer);

/* --- Reading ------------------------------------------------------------------------------------------------------------ */

struct placement_take {
	uint64_t blocks, calls;
	struct range_set extent; /* every address that the allocator ever had mapped */
	size_t first, end;	 /* of its chunks in the file */
};

struct placement {
	struct placement_description description;
	char hash[17]; /* the checksum, hexadecimal: equal for equal files */
	unsigned takes;
	struct placement_take take[PLACEMENT_TAKES_MAX];
	size_t bytes;
	uint8_t *file; /* owned */
};

/* Reads a file's contents, of which a copy is kept, once from the first record to the last, and checks I1 to I7. TRACE_BAD_INPUT
 * says which. `name` is for messages. */
enum trace_status placement_read(struct placement **placement, const void *file, size_t bytes,
				 const char *name, struct trace_error *error) TRACE_MUST_USE;

/* The same from the file at `path`. */
enum trace_status placement_open(struct placement **placement, const char *path,
				 struct trace_error *error) TRACE_MUST_USE;

/* Writes the file to `path`: beside it, then renamed. */
enum trace_status placement_save(const struct placement *placement, const char *path,
				 struct trace_error *error) TRACE_MUST_USE;

void placement_close(struct placement *placement);

/* Reads the records of a take one after the other. */
struct placement_reader {
	const struct placement *placement;
	uint8_t *raw; /* the chunk, decompressed; owned */
	size_t raw_bytes, at;
	size_t next, end; /* chunks not yet decompressed, in the file */
	uint64_t event, object, address;
};

/* False without memory. `take` is below placement->takes. */
bool placement_reader_create(struct placement_reader *reader, const struct placement *placement,
			     unsigned take);

/* TRACE_END after the last; nothing else can go wrong in a placement that has been read, but for memory. */
enum trace_status placement_reader_next(struct placement_reader *reader, struct placement_record *record,
					struct trace_error *error) TRACE_MUST_USE;

void placement_reader_destroy(struct placement_reader *reader);

#endif
