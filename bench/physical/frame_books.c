#include "config.h"

#include "bench/physical/frame_books.h"

#include <inttypes.h>
#include <stdlib.h>

/* An entry: what the frame is, and the order of the block that it is the first frame of. */
enum entry {
	ENTRY_UNKNOWN, /* nothing was said, or the kernel's own or in a set */
	ENTRY_HOLE,
	ENTRY_LISTED,
	ENTRY_SET,
	ENTRY_FREED,
	ENTRY_USED,    /* by an event: as a block */
	ENTRY_PRESENT, /* in use in the snapshot: of a block that is not known */
	ENTRY_STATE = 0x7,
	ENTRY_ORDER_SHIFT = 3,
	ENTRY_ORDER = 0xf << ENTRY_ORDER_SHIFT,
	ENTRY_TAIL = 0x80,
	ENTRY_TOUCHED = 0x100,	   /* an event named it */
	ENTRY_LATE = 0x200,	   /* one after the last snapshot began did */
	ENTRY_WITHHELD_SHIFT = 10, /* and above: books->withheld at that event, as far as it has room */
};

#define CHUNK_FRAMES (UINT64_C(1) << BOOKS_CHUNK_SHIFT)

const char *books_cause_name(enum books_cause cause)
{
	static const char *const names[BOOKS_CAUSES] = {
	    "fits",   "unjudged",  "split",    "joined", "bulk",
	    "growth", "isolation", "withheld", "lost",	 "unexplained",
	};

	return names[cause];
}

struct frame_books *frame_books_create(bool has_losses, uint64_t late_ns)
{
	struct frame_books *books = calloc(1, sizeof(*books));

	if (books) {
		books->has_losses = has_losses;
		books->late_ns = late_ns;
	}
	return books;
}

void frame_books_destroy(struct frame_books *books)
{
	if (!books)
		return;
	for (size_t i = 0; i < BOOKS_CHUNKS; i++)
		free(books->chunk[i]);
	free(books);
}

static uint32_t entry_of(const struct frame_books *books, uint64_t frame)
{
	const uint32_t *chunk = books->chunk[frame >> BOOKS_CHUNK_SHIFT];

	return chunk ? chunk[frame % CHUNK_FRAMES] : ENTRY_UNKNOWN;
}

static unsigned withheld_mark(const struct frame_books *books)
{
	const uint64_t most = UINT32_MAX >> ENTRY_WITHHELD_SHIFT;

	return (unsigned)(books->withheld < most ? books->withheld : most) << ENTRY_WITHHELD_SHIFT;
}

static bool is_used(unsigned entry)
{
	return (entry & ENTRY_STATE) == ENTRY_USED || (entry & ENTRY_STATE) == ENTRY_PRESENT;
}

static bool entries_set(struct frame_books *books, uint64_t first, uint64_t frames, unsigned entry)
{
	for (uint64_t frame = first; frame < first + frames; frame++) {
		uint32_t **chunk = &books->chunk[frame >> BOOKS_CHUNK_SHIFT];

		if (!*chunk)
			*chunk = calloc(CHUNK_FRAMES, sizeof(**chunk));
		if (!*chunk)
			return false;
		uint32_t *at = &(*chunk)[frame % CHUNK_FRAMES];

		books->in_use += is_used(entry);
		books->in_use -= is_used(*at);
		*at = entry;
	}
	return true;
}

/* --- Snapshots -------------------------------------------------------------------------------------------------------------- */

static unsigned entry_of_kind(unsigned value)
{
	switch ((enum frame_kind)(value & 0xf)) {
	case FRAME_HOLE:
		return ENTRY_HOLE;
	case FRAME_FREE:
		return ENTRY_LISTED;
	case FRAME_OTHER:
		return ENTRY_UNKNOWN;
	default:
		return ENTRY_PRESENT;
	}
}

static enum trace_status span_of(const struct event_snapshot *snapshot, struct frame_reader *reader,
				 struct trace_error *error)
{
	if (!frame_reader_start(reader, snapshot->bytes, snapshot->length) ||
	    reader->first > BOOKS_FRAMES_MAX || reader->frames > BOOKS_FRAMES_MAX - reader->first)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "snapshot 'frames': it does not begin with FIRST FRAMES BEGIN_NS END_NS of "
				  "frames below %" PRIu64,
				  BOOKS_FRAMES_MAX);
	return TRACE_OK;
}

static enum trace_status runs_end(const struct frame_reader *reader, struct trace_error *error)
{
	if (reader->told == reader->frames)
		return TRACE_OK;
	return trace_fail(error, TRACE_BAD_INPUT,
			  "snapshot 'frames': its runs tell %" PRIu64 " frames, its first line says %" PRIu64,
			  reader->told, reader->frames);
}

enum trace_status frame_books_begin(struct frame_books *books, const struct event_snapshot *snapshot,
				    struct trace_error *error)
{
	struct frame_reader reader;
	struct frame_run run;
	enum trace_status status = span_of(snapshot, &reader, error);

	if (status != TRACE_OK)
		return status;
	if (books->spans == BOOKS_SPANS)
		return trace_fail(error, TRACE_BAD_INPUT, "more than %u snapshots 'frames' of one moment",
				  BOOKS_SPANS);
	books->span[books->spans++] =
	    (struct books_span){reader.first, reader.frames, reader.begin_ns, reader.end_ns};
	while (frame_reader_next(&reader, &run)) {
		if (!entries_set(books, run.first, run.frames, entry_of_kind(run.value)))
			return trace_fail(error, TRACE_NO_MEMORY,
					  "not enough memory for the books of %" PRIu64 " frames",
					  reader.frames);
	}
	return runs_end(&reader, error);
}

/* What happened to a frame while the last snapshot was read may be in the books and not in it. */
static void compare_run(const struct frame_books *books, const struct frame_run *run,
			struct books_agreement *agreement)
{
	unsigned machine = entry_of_kind(run->value);

	if (machine == ENTRY_UNKNOWN || machine == ENTRY_HOLE)
		return;
	for (uint64_t frame = run->first; frame < run->first + run->frames; frame++) {
		unsigned entry = entry_of(books, frame);
		unsigned state = entry & ENTRY_STATE;

		if (state == ENTRY_UNKNOWN || state == ENTRY_HOLE || (entry & ENTRY_LATE))
			continue;
		agreement->frames++;
		agreement->only_books += is_used(entry) && !is_used(machine);
		agreement->only_machine += !is_used(entry) && is_used(machine);
	}
}

enum trace_status frame_books_compare(const struct frame_books *books, const struct event_snapshot *snapshot,
				      struct books_agreement *agreement, struct trace_error *error)
{
	struct frame_reader reader;
	struct frame_run run;
	enum trace_status status = span_of(snapshot, &reader, error);

	if (status != TRACE_OK)
		return status;
	while (frame_reader_next(&reader, &run))
		compare_run(books, &run, agreement);
	return runs_end(&reader, error);
}

/* --- Events ----------------------------------------------------------------------------------------------------------------- */

/* A block that an event names, and what the books say of its frames. */
struct block {
	enum books_event event;
	uint64_t first, frames;
	unsigned order;
	uint64_t time_ns;
	unsigned states;   /* bit s: a frame is in state s */
	unsigned withheld; /* the lowest mark of its frames */
	bool is_untouched; /* no event named any of its frames before */
	bool is_whole;	   /* the first one is that of a block in use of this very order */
	bool is_part;	   /* all of them lie in one larger block in use */
};

static bool only(const struct block *block, unsigned allowed)
{
	return (block->states & ~allowed) == 0;
}

#define STATE(name) (1u << ENTRY_##name)

/* The block in use that holds the frame has a higher order and holds all of `block`. */
static bool lies_in_larger(const struct frame_books *books, const struct block *block)
{
	for (unsigned order = block->order + 1; order <= BOOKS_ORDER_MAX; order++) {
		unsigned entry = entry_of(books, block->first >> order << order);

		if ((entry & ENTRY_STATE) == ENTRY_USED && !(entry & ENTRY_TAIL) &&
		    (entry & ENTRY_ORDER) >> ENTRY_ORDER_SHIFT >= order)
			return true;
	}
	return false;
}

static void look(const struct frame_books *books, struct block *block)
{
	unsigned first = entry_of(books, block->first);

	block->is_untouched = true;
	block->withheld = UINT32_MAX;
	for (uint64_t frame = block->first; frame < block->first + block->frames; frame++) {
		unsigned entry = entry_of(books, frame);

		block->states |= 1u << (entry & ENTRY_STATE);
		block->is_untouched = block->is_untouched && !(entry & ENTRY_TOUCHED);
		if (entry >> ENTRY_WITHHELD_SHIFT < block->withheld)
			block->withheld = entry >> ENTRY_WITHHELD_SHIFT;
	}
	block->is_whole = (first & ENTRY_STATE) == ENTRY_USED && !(first & ENTRY_TAIL) &&
			  (first & ENTRY_ORDER) >> ENTRY_ORDER_SHIFT == block->order;
	block->is_part = !block->is_whole && lies_in_larger(books, block);
}

/* Is the snapshot of these frames not complete yet? */
static bool is_before_snapshot(const struct frame_books *books, const struct block *block)
{
	for (size_t i = 0; i < books->spans; i++) {
		const struct books_span *span = &books->span[i];

		if (block->first - span->first < span->frames)
			return block->time_ns <= span->end_ns;
	}
	return false;
}

static enum books_cause misfit(const struct frame_books *books, const struct block *block)
{
	/* A batched free follows its page_free at once: nobody runs between. */
	if (block->event != BOOKS_PAGE_FREE_BATCHED &&
	    block->withheld < withheld_mark(books) >> ENTRY_WITHHELD_SHIFT)
		return BOOKS_WITHHELD;
	return books->has_losses ? BOOKS_LOST : BOOKS_UNEXPLAINED;
}

/* A free of a block that is not in use. */
static enum books_cause judge_free_again(const struct frame_books *books, const struct block *block)
{
	bool may_be_in_set = (block->states & STATE(LISTED)) == 0 || books->locked == 0;

	if (block->states & STATE(HOLE))
		return BOOKS_GROWTH;
	if (block->order == 0 && may_be_in_set)
		return BOOKS_BULK;
	return books->compacted > 0 ? BOOKS_ISOLATION : misfit(books, block);
}

static enum books_cause judge_free(const struct frame_books *books, const struct block *block)
{
	if (block->is_whole || only(block, STATE(UNKNOWN) | STATE(PRESENT)))
		return BOOKS_FITS;
	if (block->is_part)
		return BOOKS_SPLIT;
	if (only(block, STATE(UNKNOWN) | STATE(PRESENT) | STATE(USED)))
		return BOOKS_JOINED;
	return judge_free_again(books, block);
}

static enum books_cause judge(const struct frame_books *books, const struct block *block)
{
	static const unsigned fitting[BOOKS_EVENTS] = {
	    [BOOKS_PAGE_ALLOC] = STATE(LISTED) | STATE(SET) | STATE(FREED) | STATE(UNKNOWN),
	    [BOOKS_PAGE_FREE_BATCHED] = STATE(LISTED) | STATE(SET) | STATE(FREED) | STATE(UNKNOWN),
	    [BOOKS_ZONE_LOCKED] = STATE(LISTED) | STATE(FREED) | STATE(UNKNOWN),
	    [BOOKS_PCPU_DRAIN] = STATE(SET) | STATE(FREED) | STATE(UNKNOWN),
	};

	if (block->is_untouched && is_before_snapshot(books, block))
		return BOOKS_UNJUDGED;
	if (block->event == BOOKS_PAGE_FREE)
		return judge_free(books, block);
	if (only(block, fitting[block->event]))
		return BOOKS_FITS;
	if (block->states & STATE(HOLE))
		return BOOKS_GROWTH;
	return misfit(books, block);
}

/* The rest of a larger block, part of which goes, is in use as blocks of this order. */
static bool divide(struct frame_books *books, const struct block *block)
{
	for (unsigned order = BOOKS_ORDER_MAX; order > block->order; order--) {
		uint64_t head = block->first >> order << order;
		unsigned entry = entry_of(books, head);
		unsigned found = (entry & ENTRY_ORDER) >> ENTRY_ORDER_SHIFT;

		if ((entry & ENTRY_STATE) != ENTRY_USED || (entry & ENTRY_TAIL) || found < order)
			continue;
		for (uint64_t frame = head; frame < head + (UINT64_C(1) << found); frame += block->frames) {
			unsigned marks = entry & ~(unsigned)(ENTRY_STATE | ENTRY_ORDER | ENTRY_TAIL);

			if (!entries_set(books, frame, 1,
					 ENTRY_USED | block->order << ENTRY_ORDER_SHIFT | marks))
				return false;
		}
	}
	return true;
}

/* Frames of a block that goes only in part, or as part of a joined one, are blocks of their own from now on. */
static bool loosen(struct frame_books *books, const struct block *block)
{
	for (uint64_t frame = block->first; frame < block->first + block->frames; frame++) {
		const struct block single = {.first = frame, .frames = 1, .order = 0};

		if (!divide(books, &single))
			return false;
	}
	return true;
}

static bool enter(struct frame_books *books, const struct block *block)
{
	static const unsigned becomes[BOOKS_EVENTS] = {
	    [BOOKS_PAGE_ALLOC] = ENTRY_USED,	     [BOOKS_PAGE_FREE] = ENTRY_FREED,
	    [BOOKS_PAGE_FREE_BATCHED] = ENTRY_FREED, [BOOKS_ZONE_LOCKED] = ENTRY_SET,
	    [BOOKS_PCPU_DRAIN] = ENTRY_LISTED,
	};
	unsigned marks =
	    ENTRY_TOUCHED | (block->time_ns >= books->late_ns ? ENTRY_LATE : 0) | withheld_mark(books);
	unsigned entry = becomes[block->event] | marks;

	if (block->states & STATE(USED)) {
		bool is_freed_whole = block->is_whole && block->event == BOOKS_PAGE_FREE;

		if (!is_freed_whole && !(block->is_part ? divide(books, block) : loosen(books, block)))
			return false;
	}
	if (block->event != BOOKS_PAGE_ALLOC)
		return entries_set(books, block->first, block->frames, entry);
	return entries_set(books, block->first, 1, entry | block->order << ENTRY_ORDER_SHIFT) &&
	       entries_set(books, block->first + 1, block->frames - 1, entry | ENTRY_TAIL);
}

static bool event_of(const struct event *event, enum books_event *kind)
{
	switch (event->kind) {
	case EVENT_PAGE_ALLOC:
		*kind = BOOKS_PAGE_ALLOC;
		return !(event->flags & EVENT_FAILED);
	case EVENT_PAGE_FREE:
		*kind = BOOKS_PAGE_FREE;
		return true;
	case EVENT_PAGE_FREE_BATCHED:
		*kind = BOOKS_PAGE_FREE_BATCHED;
		return true;
	case EVENT_ZONE_LOCKED:
		*kind = BOOKS_ZONE_LOCKED;
		return true;
	case EVENT_PCPU_DRAIN:
		*kind = BOOKS_PCPU_DRAIN;
		return true;
	default:
		return false;
	}
}

enum trace_status frame_books_event(struct frame_books *books, const struct event *event,
				    struct trace_error *error)
{
	struct block block = {.first = event->kernel.frame,
			      .frames = UINT64_C(1) << (event->kernel.order & 63),
			      .order = event->kernel.order,
			      .time_ns = event->time_ns};

	books->compacted += event->kind == EVENT_COMPACT_BEGIN || event->kind == EVENT_MIGRATE;
	if (!event_of(event, &block.event))
		return TRACE_OK;
	if (block.order > BOOKS_ORDER_MAX)
		return trace_fail(error, TRACE_BAD_INPUT, "a block of order %u: the largest is %u",
				  block.order, BOOKS_ORDER_MAX);
	if (block.first >= BOOKS_FRAMES_MAX - block.frames)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "frame %" PRIu64 ": the books have frames below %" PRIu64, block.first,
				  BOOKS_FRAMES_MAX);
	if (block.first % block.frames != 0)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "frame %" PRIu64 " with order %u: a block begins at a multiple of %" PRIu64,
				  block.first, block.order, block.frames);
	look(books, &block);
	books->locked += block.event == BOOKS_ZONE_LOCKED;
	books->count[block.event][judge(books, &block)]++;
	if (block.event == BOOKS_PAGE_FREE_BATCHED && !(block.states & STATE(USED)))
		return TRACE_OK;
	return enter(books, &block) ? TRACE_OK
				    : trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the books");
}

/* --- What came out ------------------------------------------------------------------------------------------------------------ */

uint64_t frame_books_judged(const struct frame_books *books)
{
	uint64_t judged = 0;

	for (unsigned event = 0; event < BOOKS_EVENTS; event++) {
		for (unsigned cause = 0; cause < BOOKS_CAUSES; cause++)
			judged += cause == BOOKS_UNJUDGED ? 0 : books->count[event][cause];
	}
	return judged;
}

uint64_t frame_books_unexplained(const struct frame_books *books)
{
	uint64_t unexplained = 0;

	for (unsigned event = 0; event < BOOKS_EVENTS; event++)
		unexplained += books->count[event][BOOKS_UNEXPLAINED];
	return unexplained;
}

const char *frame_books_check(const struct frame_books *books)
{
	uint64_t in_use = 0, covered = 0; /* frames before this one belong to the last head seen */

	for (uint64_t number = 0; number < BOOKS_CHUNKS; number++) {
		if (!books->chunk[number])
			continue;
		for (uint64_t i = 0; i < CHUNK_FRAMES; i++) {
			uint64_t frame = number << BOOKS_CHUNK_SHIFT | i;
			unsigned entry = books->chunk[number][i];

			in_use += is_used(entry);
			if ((entry & ENTRY_STATE) != ENTRY_USED)
				continue;
			if (!(entry & ENTRY_TAIL))
				covered =
				    frame + (UINT64_C(1) << ((entry & ENTRY_ORDER) >> ENTRY_ORDER_SHIFT));
			else if (frame >= covered)
				return "I1: a tail lies behind no block that is in use";
		}
	}
	return in_use == books->in_use ? NULL : "I2: in_use is not the frames that are in use";
}
