#include "config.h"

#include "traces/record/access_merge_state.h"

#include "traces/flt_access.h"
#include "traces/record/access_word.h"
#include "traces/record/heap_merge_parties.h"

/* Counters of kinds, side by side in one word: there are too few words at a time for one to run over. */
#define KIND_BITS 16u
_Static_assert(ARENA_CHUNK_WORDS_MAX < 1u << KIND_BITS && ACCESS_KINDS * KIND_BITS <= 64,
	       "kinds are counted in one word");

struct words {
	uint64_t kinds;
	struct access_merge *accesses;
	const struct merged_thread *merged;
	struct access_thread *thread;
	struct access_process *process;
	struct flt_access_room room; /* open when it has references */
	size_t filled;		     /* of the room */
};

static enum trace_status flush_batch(struct words *words, struct trace_error *error)
{
	struct access_merge *accesses = words->accesses;
	size_t filled = accesses->filled;

	if (filled == 0)
		return TRACE_OK;
	accesses->filled = 0;
	accesses->counts.references += filled;
	return accesses->output.sink->accesses(accesses->output.sink, words->merged->number, accesses->batch,
					       filled, error);
}

static enum trace_status close_room(struct words *words, struct trace_error *error)
{
	size_t filled = words->filled;

	if (words->room.references == 0)
		return TRACE_OK;
	words->accesses->counts.references += filled;
	words->room.references = words->filled = 0;
	return flt_access_close(&words->room, filled, error);
}

/* What was put comes before what follows. */
static enum trace_status flush(struct words *words, struct trace_error *error)
{
	return words->accesses->output.room ? close_room(words, error) : flush_batch(words, error);
}

/* Makes room for a reference. */
static enum trace_status have_room(struct words *words, struct trace_error *error)
{
	const struct access_output *output = &words->accesses->output;
	enum trace_status status = TRACE_OK;

	if (words->room.references > words->filled)
		return TRACE_OK;
	status = close_room(words, error);
	return status == TRACE_OK ? output->room(output->context, words->merged->number, &words->room, error)
				  : status;
}

static void count_kinds(struct words *words)
{
	for (unsigned kind = 0; kind < ACCESS_KINDS; kind++)
		words->accesses->counts.kinds[kind] +=
		    words->kinds >> KIND_BITS * kind & ((1u << KIND_BITS) - 1);
	words->kinds = 0;
}

static enum trace_status emit_sign(struct words *words, bool enters, struct trace_error *error)
{
	struct access_merge *accesses = words->accesses;
	struct event event = {.kind = enters ? EVENT_ALLOCATOR_ENTER : EVENT_ALLOCATOR_EXIT,
			      .thread = words->merged->number,
			      .process = accesses->merge->process[words->merged->process].number};

	if (words->thread->in_allocator == enters)
		return TRACE_OK;
	words->thread->in_allocator = enters;
	return merge_emit(accesses->merge, &event, accesses->record ? accesses->record->tsc : 0, error);
}

/* A word that is no reference. */
static enum trace_status put_sign(struct words *words, uint64_t word, struct trace_error *error)
{
	struct access_merge *accesses = words->accesses;
	enum trace_status status;

	if (access_word_kind(word) == ACCESS_WORD_KERNEL) {
		words->thread->kernel = true;
		return TRACE_OK;
	}
	status = flush(words, error);
	if (status != TRACE_OK)
		return status;
	if (access_word_kind(word) != ACCESS_WORD_SKIPPED)
		return emit_sign(words, access_word_kind(word) == ACCESS_WORD_ENTER, error);
	words->thread->kernel = false; /* what it was about was left out */
	accesses->counts.skipped += access_word_address(word);
	return accesses->output.skipped(accesses->output.context, words->merged->number,
					access_word_address(word), error);
}

/* The first thing that a program does is to use its stack. */
static enum trace_status find_stack(struct words *words, uint64_t address, struct trace_error *error)
{
	struct access_merge *accesses = words->accesses;
	struct access_process *process = words->process;
	const struct space_segment *segment = space_segment_at(process->space, address);
	struct space_segment stack;
	struct event_region region;

	process->has_stack = true;
	if (!segment)
		return TRACE_OK;
	stack = *segment;
	stack.place = ACCESS_STACK;
	stack.base = words->merged->number;
	stack.origin = stack.end;
	region = (struct event_region){.address = stack.start,
				       .length = stack.end - stack.start,
				       .event = process->executed - 1,
				       .process = accesses->merge->process[words->merged->process].number,
				       .thread = words->merged->number};
	if (!space_map(process->space, &stack))
		return access_merge_no_memory(error);
	return access_merge_stack_region(accesses, &region, error);
}

/* Says of a reference what there is to say. */
static void find(struct words *words, uint64_t word, struct access *access)
{
	struct access_merge *accesses = words->accesses;
	struct access_thread *thread = words->thread;
	uint64_t address = access_word_address(word);
	enum space_finding finding;

	access->size = (uint16_t)access_word_bytes(word);
	access->kind = (uint8_t)access_word_kind(word);
	words->kinds += UINT64_C(1) << KIND_BITS * access->kind;
	finding = space_find(words->process->space, address, access);
	if (thread->in_allocator && access->place != ACCESS_STACK) {
		access->place = ACCESS_ALLOCATOR;
		access->base = 0;
		access->offset = address;
	} else if (finding != SPACE_FOUND) {
		accesses->counts.freed += finding == SPACE_FREED;
		accesses->counts.beyond += finding == SPACE_BEYOND;
	}
	accesses->counts.wild += access->place == ACCESS_WILD;
	if (thread->kernel) {
		thread->kernel = false;
		access->kind |= ACCESS_KERNEL;
		accesses->counts.kernel++;
	}
}

/* Keeps the context's number for the references that are alike. */
static void remember(struct words *words, uint64_t address, const struct access *access, uint16_t context)
{
	const uint32_t serial = words->room.serial;
	struct space *space = words->process->space;
	struct space_line *line = &space->line[address / SPACE_PAGE_BYTES % SPACE_CACHE];
	struct space_block *block = &space->block[space_block_at(line, address)];

	if (access->place == ACCESS_ALLOCATOR) {
		line->own_context = context;
		line->own_serial = line->is_own ? serial : 0;
	} else if (space_describe(space, line, address)) {
		line->context = context;
		line->serial = serial;
	} else if (access->place == ACCESS_OBJECT && block->object == access->base && !block->freed &&
		   access->offset < ACCESS_WINDOW_BYTES) {
		block->context = context;
		block->serial = serial;
	}
}

/* A reference that is unlike those before. */
static enum trace_status put_first(struct words *words, uint64_t word, struct trace_error *error)
{
	struct flt_access_numbers numbers;
	struct access access;
	enum trace_status status = have_room(words, error);

	find(words, word, &access);
	if (status == TRACE_OK)
		status = flt_access_number(&words->room, &access, &numbers, error);
	if (status == TRACE_END) {
		status = close_room(words, error);
		if (status == TRACE_OK)
			status = have_room(words, error);
		if (status == TRACE_OK)
			status = flt_access_number(&words->room, &access, &numbers, error);
	}
	if (status != TRACE_OK)
		return status;
	words->room.context[words->filled] = numbers.context;
	words->room.offset[words->filled] = (uint16_t)access.offset;
	words->room.shape[words->filled++] = numbers.shape;
	remember(words, access_word_address(word), &access, numbers.context);
	return TRACE_OK;
}

/* A batch has room for one. */
static enum trace_status put_in_batch(struct words *words, uint64_t word, struct trace_error *error)
{
	struct access_merge *accesses = words->accesses;

	find(words, word, &accesses->batch[accesses->filled++]);
	return accesses->filled == ACCESS_MERGE_BATCH ? flush_batch(words, error) : TRACE_OK;
}

/* Puts the references that are like others before, up to the first that is not; their number. */
static size_t put_alike(struct words *words, const uint64_t *word, size_t count)
{
	const struct flt_access_room *room = &words->room;
	struct space *const space = words->process->space;
	uint16_t *restrict const contexts = room->context + words->filled;
	uint16_t *restrict const offsets = room->offset + words->filled;
	uint8_t *restrict const shapes = room->shape + words->filled;
	const bool in_allocator = words->thread->in_allocator, has_stack = words->process->has_stack;
	const size_t left = room->references - words->filled, limit = left < count ? left : count;
	const uint64_t age = space->age;
	uint64_t kinds = 0;
	size_t done;

	for (done = 0; done < limit; done++) {
		const uint64_t value = __atomic_load_n(&word[done], __ATOMIC_RELAXED);
		const uint64_t address = access_word_address(value), page = address / SPACE_PAGE_BYTES;
		const struct space_line *line = &space->line[page % SPACE_CACHE];
		const unsigned size = access_word_bytes(value), kind = access_word_kind(value);
		uint64_t offset = address - line->origin;
		uint16_t context = line->context, shape;

		if (__builtin_expect(line->page != page + age || size >= FLT_ACCESS_SMALL, 0) ||
		    __builtin_expect(!has_stack && kind != ACCESS_WORD_FETCH, 0))
			break;
		if (in_allocator && !(line->is_stack && space_is_described(line, address))) {
			context = line->own_context;
			offset = address;
			if (line->own_serial != room->serial)
				break;
		} else if (line->serial != room->serial || !space_is_described(line, address)) {
			const struct space_block *block = &space->block[space_block_at(line, address)];

			context = block->context;
			offset = address - block->address;
			if (block->serial != room->serial || offset >= ACCESS_WINDOW_BYTES ||
			    offset + size > block->bytes)
				break;
		}
		shape = room->shapes[flt_access_shape_at(size, kind)];
		if (__builtin_expect(shape == 0, 0)) /* signs, too: they have no bytes */
			break;
		contexts[done] = context;
		offsets[done] = (uint16_t)offset;
		shapes[done] = (uint8_t)(shape - 1);
		kinds += UINT64_C(1) << KIND_BITS * kind;
	}
	words->kinds += kinds;
	words->filled += done;
	return done;
}

/* Puts the word, which is a sign or a reference. */
static enum trace_status put_word(struct words *words, uint64_t word, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	if (access_word_bytes(word) == 0)
		return put_sign(words, word, error);
	if (!words->process->has_stack && access_word_kind(word) != ACCESS_WORD_FETCH) {
		status = flush(words, error);
		if (status == TRACE_OK)
			status = find_stack(words, access_word_address(word), error);
	}
	if (status != TRACE_OK)
		return status;
	return words->accesses->output.room ? put_first(words, word, error)
					    : put_in_batch(words, word, error);
}

enum trace_status access_merge_words(struct access_merge *accesses, const struct merged_thread *thread,
				     const uint64_t *word, size_t count, struct trace_error *error)
{
	struct words words = {.accesses = accesses, .merged = thread};
	enum trace_status status = TRACE_OK;

	words.process = access_merge_process(accesses, accesses->merge->process[thread->process].number);
	words.thread = access_merge_thread(accesses, thread->number);
	if (!words.process || !words.thread)
		return access_merge_no_memory(error);
	for (size_t i = 0; i < count && status == TRACE_OK;) {
		if (words.room.references != 0 && !words.thread->kernel)
			i += put_alike(&words, word + i, count - i);
		/* Once: the program that wrote it can change it. */
		if (i < count)
			status = put_word(&words, __atomic_load_n(&word[i++], __ATOMIC_RELAXED), error);
	}
	count_kinds(&words);
	return status == TRACE_OK ? flush(&words, error) : status;
}
