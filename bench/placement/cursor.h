/* cursor.h: a placement as a simulation takes it in: event by event, at addresses that nothing else has.
 *
 * The allocator ran in a process of its own, so its addresses may be those of the recorded program's files, stacks and
 * mappings, which are placed first. The cursor moves what the allocator mapped into holes between them. Pieces that lie in
 * neighbouring GiB go together, by a multiple of 1 GiB: so distances within a piece, alignment, huge pages and the sets of
 * every TLB stay what they were.
 *
 *   as recorded   brk heap 0x5555...              mappings 0x7ff7...
 *                     |                                |
 *   moved         hole 0x100000000000 + n GiB     hole + m GiB          between the program's own ranges
 *
 *   I1  holes are disjoint from the program's ranges and from each other, with a GiB between
 *   I2  moved address = address modulo 1 GiB
 *
 * The calls come as they would have to be made there: addresses moved, mmap fixed, brk turned into mmap and munmap of what the
 * break passed over.
 */
#ifndef FAULTLINE_BENCH_PLACEMENT_CURSOR_H
#define FAULTLINE_BENCH_PLACEMENT_CURSOR_H

#include "bench/placement/placement.h"

#define CURSOR_UNIT_BYTES (UINT64_C(1) << 30)

/* The lowest hole: above what programs without position-independent code and QEMU's guests map, below executables. */
#define CURSOR_LOWEST UINT64_C(0x100000000000)

/* A piece of the allocator's addresses, and where it went. */
struct cursor_piece {
	uint64_t start, end; /* whole units */
	uint64_t moved;	     /* of start */
};

struct placement_cursor {
	struct placement_reader reader;
	struct cursor_piece *piece; /* in order of address */
	size_t pieces;
	uint64_t program_break;	      /* where the heap of brk ends now, as recorded; 0: not known yet */
	struct placement_record next; /* read, not yet handed out, not yet moved */
	bool has_next;
};

/* Starts before the first record of a take. `occupied`: what the program has or will have mapped at any time, may be NULL.
 * TRACE_UNSUPPORTED when there is no hole. */
enum trace_status placement_cursor_create(struct placement_cursor *cursor, const struct placement *placement,
					  unsigned take, const struct range_set *occupied,
					  struct trace_error *error) TRACE_MUST_USE;

/* The next record that belongs to event `event` or one before it; TRACE_END when there is none (a later event may have one).
 * Calls are EVENT_MMAP (anonymous, private, fixed), EVENT_MUNMAP, EVENT_MREMAP (fixed where it moved), EVENT_MPROTECT or
 * EVENT_MADVISE. */
enum trace_status placement_cursor_next(struct placement_cursor *cursor, uint64_t event,
					struct placement_record *record,
					struct trace_error *error) TRACE_MUST_USE;

/* Where an address of the allocator's went; 0 when it is in no piece. */
uint64_t placement_cursor_moved(const struct placement_cursor *cursor, uint64_t address);

void placement_cursor_destroy(struct placement_cursor *cursor);

/* NULL, or the text of the first broken invariant. `occupied` as for placement_cursor_create. */
const char *placement_cursor_check(const struct placement_cursor *cursor, const struct range_set *occupied);

#endif
