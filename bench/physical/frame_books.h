/* frame_books.h: the books of a recorded machine: what became of each page frame, event by event, and what does not fit.
 *
 *                  zone_locked              page_alloc
 *      ┌────────┐ ───────────▶ ┌────────┐ ───────────▶ ┌────────┐
 *      │ listed │              │  set   │              │ in use │
 *      └────────┘ ◀─────────── └────────┘ ◀─────────── └────────┘
 *                  pcpu_drain      freed     page_free
 *
 * A frame is in a zone's free lists, in the page set of a processor, or in use; after a page_free it is in one of the first
 * two. The snapshot of the frames says where each begins; what it calls neither free nor used may be the kernel's own or in a
 * set: that is *unknown*, and fits whatever happens first. The snapshot takes a while to read: the first event of a frame
 * before its part was read is not judged, but taken as it is.
 *
 * The kernel does not tell everything. Each event that does not fit the books is assigned to the path that it takes past the
 * recording, and the books are set right:
 *
 *   split       a free of a part of a block: split_page, a huge page that was divided
 *   joined      a free of more than was allocated in one: blocks of a contiguous range
 *   bulk        a free of a single frame that lay in a page set: alloc_pages_bulk handed it out
 *   growth      a frame that the kernel did not manage before: memory that is initialised late
 *   isolation   a free of a listed block after compaction has run: it takes free blocks out of the lists without a word
 *   withheld    anything else, when a process whose events the kernel withholds (withheld.h) ran since the last event of the
 *               frame: what interrupts did meanwhile is not seen. Not a page_free_batched: it follows its page_free at once
 *   lost        anything else, where events were lost
 *   unexplained anything else
 *
 * Invariants, proved by frame_books_check():
 *   I1: a tail lies behind a block that is in use, within its order
 *   I2: in_use = frames that are in use, or were in the snapshot
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_FRAME_BOOKS_H
#define FAULTLINE_BENCH_PHYSICAL_FRAME_BOOKS_H

#include "traces/event.h"
#include "traces/frame_kinds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOOKS_ORDER_MAX 13u		     /* arm64 with pages of 64 KiB */
#define BOOKS_FRAMES_MAX (UINT64_C(1) << 32) /* 16 TiB */
#define BOOKS_CHUNK_SHIFT 16
#define BOOKS_CHUNKS (BOOKS_FRAMES_MAX >> BOOKS_CHUNK_SHIFT)
#define BOOKS_SPANS 64u /* of FRAME_KINDS_SPAN frames: 1 TiB */

enum books_cause {
	BOOKS_FITS,
	BOOKS_UNJUDGED, /* before the snapshot was there */
	BOOKS_SPLIT,
	BOOKS_JOINED,
	BOOKS_BULK,
	BOOKS_GROWTH,
	BOOKS_ISOLATION,
	BOOKS_WITHHELD,
	BOOKS_LOST,
	BOOKS_UNEXPLAINED,
	BOOKS_CAUSES,
};

/* "fits", "split", ... */
const char *books_cause_name(enum books_cause cause);

enum books_event {
	BOOKS_PAGE_ALLOC,
	BOOKS_PAGE_FREE,
	BOOKS_PAGE_FREE_BATCHED, /* says again what a page_free said */
	BOOKS_ZONE_LOCKED,
	BOOKS_PCPU_DRAIN,
	BOOKS_EVENTS,
};

/* A part of a snapshot of the frames. */
struct books_span {
	uint64_t first, frames;
	uint64_t begin_ns, end_ns; /* read between these */
};

/* What the snapshot at the end says, of the frames that nothing happened to since its reading began. */
struct books_agreement {
	uint64_t frames;       /* that were compared: unknown ones are not */
	uint64_t only_books;   /* in use in the books alone */
	uint64_t only_machine; /* in use on the machine alone */
};

struct frame_books {
	uint32_t *chunk[BOOKS_CHUNKS]; /* an entry per frame; NULL: nothing is known of these */
	struct books_span span[BOOKS_SPANS];
	size_t spans;
	uint64_t late_ns;   /* from here on frames are marked as changed after the last snapshot began */
	uint64_t in_use;    /* frames */
	uint64_t locked;    /* zone_locked events so far: page sets can be told from the zone */
	uint64_t compacted; /* events of compaction and migration so far */
	uint64_t withheld;  /* changes of withheld.h so far: the caller keeps it */
	bool has_losses;
	uint64_t count[BOOKS_EVENTS][BOOKS_CAUSES];
};

/* Empty books, or NULL without memory. `has_losses`: the recording lost events; `late_ns`: when the reading of the snapshot at the
 * end began, UINT64_MAX without one. Memory: 4 bytes per frame, for those near a frame that something is known of. */
struct frame_books *frame_books_create(bool has_losses, uint64_t late_ns);
void frame_books_destroy(struct frame_books *books);

/* Takes a part of the first snapshot in, before any event. TRACE_BAD_INPUT when it makes no sense, TRACE_NO_MEMORY. */
enum trace_status frame_books_begin(struct frame_books *books, const struct event_snapshot *snapshot,
				    struct trace_error *error) TRACE_MUST_USE;

/* Takes an event in; those of other kinds change nothing. TRACE_BAD_INPUT when an order or a frame is out of bounds, or the frame
 * is none that a block of that order begins at; TRACE_NO_MEMORY. */
enum trace_status frame_books_event(struct frame_books *books, const struct event *event,
				    struct trace_error *error) TRACE_MUST_USE;

/* Compares with a part of the last snapshot, after all events. TRACE_BAD_INPUT when it makes no sense. */
enum trace_status frame_books_compare(const struct frame_books *books, const struct event_snapshot *snapshot,
				      struct books_agreement *agreement,
				      struct trace_error *error) TRACE_MUST_USE;

/* Events that were judged, and of them those that only BOOKS_UNEXPLAINED names. */
uint64_t frame_books_judged(const struct frame_books *books);
uint64_t frame_books_unexplained(const struct frame_books *books);

/* NULL, or the text of the first invariant that does not hold. O(frames). */
const char *frame_books_check(const struct frame_books *books);

#endif
