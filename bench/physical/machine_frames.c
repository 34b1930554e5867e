#include "config.h"

#include "bench/physical/machine_frames.h"

#include "engine/phys/pcp.h"

#include <inttypes.h>
#include <stdlib.h>

enum trace_status machine_frames_create(struct machine_frames *frames, uint64_t count,
					struct trace_error *error)
{
	*frames = (struct machine_frames){.frames = count};
	if (count == 0 || count > MACHINE_FRAMES_MAX)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "a machine of %" PRIu64 " frames: there are 1 to %" PRIu64, count,
				  MACHINE_FRAMES_MAX);
	frames->frame = calloc(count, sizeof(*frames->frame));
	return frames->frame
		   ? TRACE_OK
		   : trace_fail(error, TRACE_NO_MEMORY, "not enough memory for %" PRIu64 " frames", count);
}

void machine_frames_destroy(struct machine_frames *frames)
{
	free(frames->frame);
	free(frames->set);
	frames->frame = NULL;
	frames->set = NULL;
}

/* --- The snapshot ---------------------------------------------------------------------------------------------------- */

static enum machine_state_of_frame state_of_kind(unsigned kind)
{
	switch ((enum frame_kind)kind) {
	case FRAME_HOLE:
		return MACHINE_ABSENT;
	case FRAME_FREE:
		return MACHINE_LISTED;
	case FRAME_OTHER:
		return MACHINE_UNKNOWN;
	case FRAME_UNMOVABLE:
		return MACHINE_RESERVED;
	default:
		return MACHINE_USED;
	}
}

static void set_run(struct machine_frames *frames, const struct frame_run *run)
{
	unsigned kind = run->value & 0xf;
	struct machine_frame frame = {.state = (uint8_t)state_of_kind(kind), .kind = (uint8_t)kind};

	for (uint64_t i = run->first; i < run->first + run->frames && i < frames->frames; i++) {
		frames->frame[i] = frame;
		if (run->value & FRAME_TAIL)
			frames->frame[i].flags = MACHINE_FRAME_TAIL;
	}
}

/* A first frame with tails behind it is that of a compound block, whose order its length tells. */
static void find_blocks(struct machine_frames *frames, uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i < end;) {
		struct machine_frame *head = &frames->frame[i];
		uint64_t next = i + 1;
		unsigned order = 0;

		while (next < end && (frames->frame[next].flags & MACHINE_FRAME_TAIL))
			next++;
		while (order < MACHINE_ORDER_MAX && UINT64_C(2) << order <= next - i)
			order++;
		if (next > i + 1 && UINT64_C(1) << order == next - i && i % (next - i) == 0) {
			head->order = order & 0xf;
			head->flags |= MACHINE_FRAME_BLOCK;
		} else {
			for (uint64_t tail = i; tail < next; tail++)
				frames->frame[tail].flags = 0;
		}
		i = next;
	}
}

enum trace_status machine_frames_snapshot(struct machine_frames *frames,
					  const struct event_snapshot *snapshot, struct trace_error *error)
{
	struct frame_reader reader;
	struct frame_run run;

	if (!frame_reader_start(&reader, snapshot->bytes, snapshot->length) ||
	    reader.first > MACHINE_FRAMES_MAX || reader.frames > MACHINE_FRAMES_MAX)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "snapshot 'frames': it does not begin with FIRST FRAMES BEGIN_NS END_NS of "
				  "frames below %" PRIu64,
				  MACHINE_FRAMES_MAX);
	while (frame_reader_next(&reader, &run))
		set_run(frames, &run);
	if (reader.told != reader.frames)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "snapshot 'frames': its runs tell %" PRIu64
				  " frames, its first line says %" PRIu64,
				  reader.told, reader.frames);
	if (reader.first < frames->frames)
		find_blocks(frames, reader.first,
			    reader.frames < frames->frames - reader.first ? reader.first + reader.frames
									  : frames->frames);
	return TRACE_OK;
}

/* --- Events ------------------------------------------------------------------------------------------------------------ */

/* A block that an event names. */
struct block {
	uint64_t first, frames;
	unsigned order;
	enum machine_state_of_frame before, after; /* that the event makes known */
};

/* False: the event says nothing of a block, or of one that is none of these frames. */
static bool block_of(const struct machine_frames *frames, const struct event *event, struct block *block,
		     bool *is_bad)
{
	*block = (struct block){.first = event->kernel.frame, .order = event->kernel.order};
	*is_bad = false;
	switch (event->kind) {
	case EVENT_PAGE_ALLOC:
		block->before = MACHINE_SET;
		block->after = MACHINE_USED;
		break;
	case EVENT_PAGE_FREE:
		block->before = MACHINE_USED;
		block->after = MACHINE_FREED;
		break;
	case EVENT_ZONE_LOCKED:
		block->before = MACHINE_LISTED;
		block->after = MACHINE_SET;
		break;
	case EVENT_PCPU_DRAIN:
		block->before = MACHINE_SET;
		block->after = MACHINE_LISTED;
		break;
	default:
		return false;
	}
	if (event->flags & EVENT_FAILED)
		return false;
	block->frames = UINT64_C(1) << (block->order & 63);
	*is_bad = block->order > MACHINE_ORDER_MAX || block->first >= frames->frames ||
		  block->frames > frames->frames - block->first || block->first % block->frames != 0;
	return !*is_bad;
}

static enum trace_status bad_block(const struct machine_frames *frames, const struct event *event,
				   struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT,
			  "a block of order %u at frame %" PRIu64 ": blocks have orders to %u, are aligned "
			  "to their size, and the machine has %" PRIu64 " frames",
			  event->kernel.order, event->kernel.frame, MACHINE_ORDER_MAX, frames->frames);
}

/* The block that holds a frame goes to pieces: each of its frames is one of its own. */
static void loosen(struct machine_frames *frames, uint64_t at)
{
	for (unsigned order = 0; order <= MACHINE_ORDER_MAX; order++) {
		uint64_t first = at >> order << order;
		struct machine_frame *head = &frames->frame[first];

		if ((head->flags & MACHINE_FRAME_TAIL) || head->order < order)
			continue;
		for (uint64_t i = first; i < first + (UINT64_C(1) << head->order); i++) {
			uint8_t told = frames->frame[i].flags & MACHINE_FRAME_TOLD;

			frames->frame[i].flags = told;
			if (i > first)
				frames->frame[i].order = 0;
		}
		head->order = 0;
		return;
	}
}

static void set_block(struct machine_frames *frames, const struct block *block, unsigned state)
{
	bool is_kept = state != MACHINE_LISTED;

	for (uint64_t i = block->first; i < block->first + block->frames; i++) {
		struct machine_frame *frame = &frames->frame[i];

		if (frame->order > 0 || (frame->flags & MACHINE_FRAME_TAIL))
			loosen(frames, i);
	}
	for (uint64_t i = block->first; i < block->first + block->frames; i++) {
		struct machine_frame *frame = &frames->frame[i];

		frame->state = (uint8_t)state;
		frame->flags = (frame->flags & MACHINE_FRAME_TOLD) |
			       (is_kept && i > block->first ? MACHINE_FRAME_TAIL : 0);
	}
	if (is_kept) {
		frames->frame[block->first].order = block->order & 0xf;
		frames->frame[block->first].flags |= MACHINE_FRAME_BLOCK;
	}
}

static void set_owner(struct machine_frame *frame, const struct event *event, unsigned cpu)
{
	unsigned type = event->kernel.migrate_type;

	frame->cpu = (uint16_t)cpu;
	frame->type = event->kind != EVENT_PAGE_FREE && type < MIGRATE_PCPTYPES ? type & 0xf : MIGRATE_TYPES;
}

/* What a frame is used for is known from the snapshot; of one allocated since, its mobility. */
static unsigned kind_since(const struct event *event)
{
	return event->kind == EVENT_PAGE_ALLOC && event->kernel.migrate_type == MIGRATE_MOVABLE
		   ? FRAME_ANONYMOUS
		   : FRAME_OTHER;
}

enum trace_status machine_frames_before(struct machine_frames *frames, const struct event *event,
					unsigned cpu, struct trace_error *error)
{
	struct block block;
	bool is_bad;

	if (!block_of(frames, event, &block, &is_bad))
		return is_bad ? bad_block(frames, event, error) : TRACE_OK;
	set_block(frames, &block, block.after);
	set_owner(&frames->frame[block.first], event, cpu);
	for (uint64_t i = block.first; i < block.first + block.frames; i++)
		frames->frame[i].kind = (uint8_t)kind_since(event);
	return TRACE_OK;
}

static bool remember_set(struct machine_frames *frames, uint64_t frame, bool was_drained)
{
	if (frames->sets == frames->capacity) {
		size_t capacity = frames->capacity ? 2 * frames->capacity : 4096;
		struct machine_set_block *set = realloc(frames->set, capacity * sizeof(*set));

		if (!set)
			return false;
		frames->set = set;
		frames->capacity = capacity;
	}
	frames->set[frames->sets++] = (struct machine_set_block){(uint32_t)frame, was_drained};
	return true;
}

/* Does the event say something new of the block: is no frame of it told, and is what it says possible? */
static bool is_news(const struct machine_frames *frames, const struct block *block)
{
	for (uint64_t i = block->first; i < block->first + block->frames; i++) {
		const struct machine_frame *frame = &frames->frame[i];
		bool is_open = frame->state == MACHINE_UNKNOWN || frame->state == MACHINE_FREED ||
			       frame->state == MACHINE_SET;

		if (frame->flags & MACHINE_FRAME_TOLD)
			return false;
		if (frame->state != block->before && !is_open)
			return false;
	}
	return true;
}

enum trace_status machine_frames_after(struct machine_frames *frames, const struct event *event, unsigned cpu,
				       struct trace_error *error)
{
	struct block block;
	bool is_bad;

	if (!block_of(frames, event, &block, &is_bad))
		return is_bad ? bad_block(frames, event, error) : TRACE_OK;
	bool is_news_of_it = is_news(frames, &block);
	struct machine_frame *head = &frames->frame[block.first];
	bool is_known = head->state == block.before && head->state != MACHINE_SET &&
			(head->state == MACHINE_LISTED || (head->flags & MACHINE_FRAME_BLOCK));

	if (is_news_of_it && !is_known) {
		set_block(frames, &block, block.before);
		if (block.before == MACHINE_SET)
			set_owner(head, event, cpu);
		if (block.before == MACHINE_SET &&
		    !remember_set(frames, block.first, event->kind == EVENT_PCPU_DRAIN))
			return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the page sets");
	}
	for (uint64_t i = block.first; i < block.first + block.frames; i++)
		frames->frame[i].flags |= MACHINE_FRAME_TOLD;
	return TRACE_OK;
}

void machine_frames_finish(struct machine_frames *frames)
{
	for (uint64_t i = 0; i < frames->frames; i++) {
		struct machine_frame *frame = &frames->frame[i];
		struct block block = {.first = i, .order = frame->order};

		if (frame->state != MACHINE_FREED || (frame->flags & MACHINE_FRAME_TAIL))
			continue;
		block.frames = UINT64_C(1) << block.order;
		set_block(frames, &block,
			  block.order <= PCP_ORDER_MAX || block.order == HUGE_ORDER ? MACHINE_SET
										    : MACHINE_LISTED);
	}
}

const char *machine_frames_check(const struct machine_frames *frames)
{
	for (uint64_t i = 0; i < frames->frames;) {
		const struct machine_frame *head = &frames->frame[i];
		uint64_t pages = UINT64_C(1) << head->order;

		if (head->flags & MACHINE_FRAME_TAIL)
			return "I2: a frame that is a tail lies behind the first one of a block";
		if (i % pages != 0 || pages > frames->frames - i)
			return "I1: a block lies within the frames, is aligned to its order, and its other "
			       "frames "
			       "are tails in its state";
		for (uint64_t tail = 1; tail < pages; tail++) {
			if (!(head[tail].flags & MACHINE_FRAME_TAIL) || head[tail].state != head->state)
				return "I1: a block lies within the frames, is aligned to its order, and its "
				       "other frames are tails in its state";
		}
		i += pages;
	}
	return NULL;
}
