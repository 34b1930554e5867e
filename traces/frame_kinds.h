/* frame_kinds.h: what each page frame of a machine was at one moment, as run lengths: the snapshot "frames" of a kernel recording.
 *
 *   text line    FIRST FRAMES BEGIN_NS END_NS\n      decimal; the frames FIRST to FIRST + FRAMES - 1, read between these two times of
 *                                                    the trace, in rising order and at an even pace
 *   then runs    varint: what it is + 64 x (frames - 1)                        until FRAMES are told
 *
 *   what it is   bits 0 to 3 enum frame_kind, bit 4 a page table maps it, bit 5 it is not the first frame of its block
 *
 * One snapshot has at most FRAME_KINDS_SPAN frames; a larger machine has several of them one after the other. The kernel does not tell
 * which frames of FRAME_OTHER are its own and which wait on a per-CPU list or are just being freed.
 */
#ifndef FAULTLINE_TRACES_FRAME_KINDS_H
#define FAULTLINE_TRACES_FRAME_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_KINDS_SNAPSHOT "frames"
#define FRAME_KINDS_SPAN (UINT64_C(1) << 22)

enum frame_kind {
	FRAME_HOLE, /* no memory there, or none that the kernel manages */
	FRAME_FREE, /* in a free list of a zone */
	FRAME_OTHER,
	FRAME_SLAB,
	FRAME_PAGE_TABLE,
	FRAME_ANONYMOUS,
	FRAME_FILE, /* page cache, shared memory */
	FRAME_HUGE, /* anonymous, part of a transparent huge page */
	FRAME_HUGETLB,
	FRAME_UNMOVABLE, /* offline, poisoned, or reserved at boot */
	FRAME_ZERO,	 /* the zero page, also the huge one */
	FRAME_MERGED,	 /* by KSM */
	FRAME_KINDS
};

#define FRAME_MAPPED 0x10u
#define FRAME_TAIL 0x20u
#define FRAME_VALUES 64u

/* "free", "slab" ...; "unknown" outside the enum. */
const char *frame_kind_name(unsigned kind);

/* What a frame is by its entry in /proc/kpageflags. */
unsigned frame_value(uint64_t flags);

/* --- Writing: one run after the other into memory that the caller gives ------------------------------------------------ */

struct frame_writer {
	uint8_t *bytes;
	size_t used, capacity;
	uint64_t run; /* frames of the run at hand */
	unsigned value;
	bool full; /* a run had no room; it and what follows are missing */
};

/* Begins with the text line. */
void frame_writer_start(struct frame_writer *writer, uint8_t *bytes, size_t capacity);
void frame_writer_header(struct frame_writer *writer, uint64_t first, uint64_t frames,
			 const uint64_t time_ns[2]);
void frame_writer_add(struct frame_writer *writer, unsigned value);

/* Ends the last run. */
void frame_writer_finish(struct frame_writer *writer);

/* --- Reading ------------------------------------------------------------------------------------------------------------- */

struct frame_reader {
	const uint8_t *in, *end;
	uint64_t first, frames; /* what the snapshot is of */
	uint64_t begin_ns, end_ns;
	uint64_t told; /* frames of the runs so far */
};

/* False: it is no such snapshot. */
bool frame_reader_start(struct frame_reader *reader, const void *bytes, size_t length);

struct frame_run {
	uint64_t first, frames;
	unsigned value; /* enum frame_kind | FRAME_MAPPED | FRAME_TAIL */
};

/* The next run; false after the last (then told = frames) or where the bytes make no sense (then it is less). */
bool frame_reader_next(struct frame_reader *reader, struct frame_run *run);

#endif
