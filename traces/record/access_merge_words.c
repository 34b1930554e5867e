#include "config.h"

#include "traces/record/access_merge_state.h"

#include "traces/record/access_word.h"
#include "traces/record/heap_merge_parties.h"

/* Counters of the batch's kinds, side by side in one word: a batch is too short for one to run over. */
#define KIND_BITS 16u
_Static_assert(ACCESS_MERGE_BATCH < 1u << KIND_BITS && ACCESS_KINDS * KIND_BITS <= 64,
	       "kinds are counted in one word");

struct words {
	uint64_t kinds;
	struct access_merge *accesses;
	const struct merged_thread *merged;
	struct access_thread *thread;
	struct access_process *process;
};

static enum trace_status flush(struct words *words, struct trace_error *error)
{
	struct access_merge *accesses = words->accesses;
	size_t filled = accesses->filled;

	if (filled == 0)
		return TRACE_OK;
	accesses->filled = 0;
	accesses->counts.references += filled;
	for (unsigned kind = 0; kind < ACCESS_KINDS; kind++)
		accesses->counts.kinds[kind] += words->kinds >> KIND_BITS * kind & ((1u << KIND_BITS) - 1);
	words->kinds = 0;
	return accesses->output.sink->accesses(accesses->output.sink, words->merged->number, accesses->batch,
					       filled, error);
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

static inline void put_reference(struct words *words, uint64_t word)
{
	struct access_merge *accesses = words->accesses;
	struct access_thread *thread = words->thread;
	struct access *access = &accesses->batch[accesses->filled++];
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
	if (__builtin_expect(thread->kernel, 0)) {
		thread->kernel = false;
		access->kind |= ACCESS_KERNEL;
		accesses->counts.kernel++;
	}
}

enum trace_status access_merge_words(struct access_merge *accesses, const struct merged_thread *thread,
				     const uint64_t *word, size_t count, struct trace_error *error)
{
	struct words words = {.accesses = accesses, .merged = thread};

	words.process = access_merge_process(accesses, accesses->merge->process[thread->process].number);
	words.thread = access_merge_thread(accesses, thread->number);
	if (!words.process || !words.thread)
		return access_merge_no_memory(error);
	for (size_t i = 0; i < count; i++) {
		/* Once: the program that wrote it can change it. */
		const uint64_t value = __atomic_load_n(&word[i], __ATOMIC_RELAXED);
		enum trace_status status = TRACE_OK;
		if (access_word_bytes(value) == 0) {
			status = put_sign(&words, value, error);
		} else {
			if (__builtin_expect(!words.process->has_stack, 0) &&
			    access_word_kind(value) != ACCESS_WORD_FETCH)
				status = find_stack(&words, access_word_address(value), error);
			put_reference(&words, value);
			if (accesses->filled == ACCESS_MERGE_BATCH && status == TRACE_OK)
				status = flush(&words, error);
		}
		if (status != TRACE_OK)
			return status;
	}
	return flush(&words, error);
}
