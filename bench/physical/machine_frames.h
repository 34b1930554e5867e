/* machine_frames.h: what every frame of a recorded machine was at one event, the *start*, early in its recording.
 *
 *   snapshot of the frames         events until the start         events after it
 *   free, slab, file, other ... ─▶ the last one of a frame     ─▶ the first one of a frame tells what the snapshot could not:
 *                                  is what it was                  whether it was in use, or lay in the page set of which processor
 *
 * The snapshot takes a while to read, and its frames of the kind "other" are the kernel's own or lie in page sets. Both are settled
 * by events: of a frame that an event names before the start, the last such event says what it is then; of one that nothing is known
 * of at the start, the first event after it. Nothing else of the events after the start is looked at, but for the types of pageblocks
 * (machine_blocks.h).
 *
 * Invariants, proved by machine_frames_check():
 *   I1: a block lies within the frames, is aligned to its order, and its other frames are tails in its state
 *   I2: a frame that is a tail lies behind the first one of a block
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_MACHINE_FRAMES_H
#define FAULTLINE_BENCH_PHYSICAL_MACHINE_FRAMES_H

#include "traces/event.h"
#include "traces/frame_kinds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACHINE_FRAMES_MAX (UINT64_C(1) << 32)
#define MACHINE_ORDER_MAX 10u

enum machine_state_of_frame {
	MACHINE_UNKNOWN,  /* in use, but by whom, or in a page set: nothing tells */
	MACHINE_ABSENT,	  /* no memory */
	MACHINE_RESERVED, /* since boot */
	MACHINE_LISTED,	  /* in a zone's free lists */
	MACHINE_SET,	  /* in a processor's page set */
	MACHINE_FREED,	  /* in a set, or listed: it was freed last */
	MACHINE_USED,
};

#define MACHINE_FRAME_TAIL 0x1u /* not the first frame of its block */
#define MACHINE_FRAME_TOLD 0x2u /* an event after the start named it */
#define MACHINE_FRAME_BLOCK                                                                                  \
	0x4u /* its block is known, with its order: by its tails in the snapshot or by an event */

struct machine_frame {
	uint8_t state; /* enum machine_state_of_frame */
	uint8_t kind;  /* enum frame_kind, of the snapshot */
	uint8_t flags; /* MACHINE_FRAME_... */
	uint8_t order : 4;
	uint8_t type : 4; /* of a frame in a set: the list's migrate type; MIGRATE_TYPES: not known */
	uint16_t cpu;	  /* whose set; of one that was freed: the processor that freed it */
};

/* A block in a set, in the order in which events told of it. */
struct machine_set_block {
	uint32_t frame;
	bool was_drained; /* it left from the end where blocks lie longest; else it was handed out */
};

struct machine_frames {
	uint64_t frames;
	struct machine_frame *frame;
	struct machine_set_block *set; /* those that events after the start told of */
	size_t sets, capacity;
};

/* Frames 0 .. frames-1, of which nothing is known. TRACE_NO_MEMORY, TRACE_BAD_INPUT for more than MACHINE_FRAMES_MAX. */
enum trace_status machine_frames_create(struct machine_frames *frames, uint64_t count,
					struct trace_error *error) TRACE_MUST_USE;
void machine_frames_destroy(struct machine_frames *frames);

/* Takes a part of the snapshot in; frames beyond the last are left out. TRACE_BAD_INPUT when it makes no sense. */
enum trace_status machine_frames_snapshot(struct machine_frames *frames,
					  const struct event_snapshot *snapshot,
					  struct trace_error *error) TRACE_MUST_USE;

/* Takes an event before the start in, which happened on the processor `cpu`. TRACE_BAD_INPUT when its block is no block of these
 * frames. */
enum trace_status machine_frames_before(struct machine_frames *frames, const struct event *event,
					unsigned cpu, struct trace_error *error) TRACE_MUST_USE;

/* Takes an event after it in. TRACE_NO_MEMORY, too. */
enum trace_status machine_frames_after(struct machine_frames *frames, const struct event *event, unsigned cpu,
				       struct trace_error *error) TRACE_MUST_USE;

/* After the last event: blocks that are still MACHINE_FREED are in the set of who freed them, if sets hold their order, else listed. */
void machine_frames_finish(struct machine_frames *frames);

/* NULL, or the text of the first invariant that does not hold. O(frames). */
const char *machine_frames_check(const struct machine_frames *frames);

#endif
