#include "config.h"

#include "traces/record/access_merge_state.h"

#include "traces/record/access_word.h"
#include "traces/record/heap_merge_parties.h"
#include "traces/grown_array.h"

#include <stdlib.h>
#include <string.h>

enum trace_status access_merge_no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY,
			  "not enough memory to follow what the program's accesses refer to");
}

struct access_process *access_merge_process(struct access_merge *accesses, uint32_t number)
{
	void *room = grown_array(accesses->process, number, &accesses->processes, sizeof(*accesses->process));

	if (!room)
		return NULL;
	accesses->process = room;
	if (!accesses->process[number].space)
		accesses->process[number].space = space_create();
	return accesses->process[number].space ? &accesses->process[number] : NULL;
}

struct access_thread *access_merge_thread(struct access_merge *accesses, uint32_t number)
{
	void *room = grown_array(accesses->thread, number, &accesses->threads, sizeof(*accesses->thread));

	if (!room)
		return NULL;
	accesses->thread = room;
	return &accesses->thread[number];
}

/* --- Events on their way out ------------------------------------------------------------------------------------------------- */

static enum trace_status fork_space(struct access_merge *accesses, const struct event *event,
				    struct trace_error *error)
{
	const uint32_t number = (uint32_t)event->count;
	const bool known =
	    access_merge_process(accesses, number) && access_merge_process(accesses, event->process);
	struct access_process *child = known ? &accesses->process[number] : NULL;
	const struct access_process *parent = known ? &accesses->process[event->process] : NULL;
	struct space *copy;

	copy = known ? space_copy(parent->space) : NULL;
	if (!copy)
		return access_merge_no_memory(error);
	space_destroy(child->space);
	*child = *parent;
	child->space = copy;
	child->forked_thread = event->thread;
	child->forked = true;
	return TRACE_OK;
}

static void forget_process(struct access_merge *accesses, uint32_t number)
{
	if (number >= accesses->processes)
		return;
	space_destroy(accesses->process[number].space);
	accesses->process[number] = (struct access_process){0};
}

/* The child's first thread goes on with the stack of the thread that forked. */
static void take_over_stack(struct access_merge *accesses, const struct event *event)
{
	struct access_process *process = access_merge_process(accesses, event->process);

	if (!process || !process->forked)
		return;
	process->forked = false;
	space_rename_stack(process->space, process->forked_thread, event->thread);
}

static enum trace_status follow_block(struct access_merge *accesses, const struct event *event,
				      struct trace_error *error)
{
	struct access_process *process = access_merge_process(accesses, event->process);
	struct access_thread *thread = access_merge_thread(accesses, event->thread);
	uint64_t address = accesses->record->address & ARENA_ADDRESS_MASK;

	if (!process || !thread)
		return access_merge_no_memory(error);
	if (accesses->output.as_placed)
		return TRACE_OK;
	if (event->kind == EVENT_FREE || event->kind == EVENT_FREE_SIZED) {
		space_release(process->space, address);
		return TRACE_OK;
	}
	if (event->kind == EVENT_REALLOC && thread->reallocs > 0) {
		uint64_t old = thread->realloc[--thread->reallocs];
		if (!(event->flags & EVENT_FAILED))
			space_release(process->space, old);
	}
	if (event->object == 0 || space_allocate(process->space, address, event->size, event->object))
		return TRACE_OK;
	return access_merge_no_memory(error);
}

static enum trace_status put_piece(struct access_merge *accesses, struct trace_error *error)
{
	struct interleaving_piece piece;

	if (!interleaving_next(&accesses->interleaving, &piece))
		return TRACE_OK;
	return access_merge_words(accesses, &accesses->merge->thread[piece.thread], piece.word, piece.count,
				  error);
}

/* All that waits comes before what follows. */
static enum trace_status put_waiting(struct access_merge *accesses, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	while (status == TRACE_OK && accesses->interleaving.words != 0)
		status = put_piece(accesses, error);
	return status;
}

static enum trace_status own_put(struct event_sink *sink, const struct event *event,
				 struct trace_error *error)
{
	struct access_merge *accesses = (struct access_merge *)sink;
	bool ends = event->kind == EVENT_THREAD_EXIT || event->kind == EVENT_EXIT;
	enum trace_status status = ends ? put_waiting(accesses, error) : TRACE_OK;

	if (status == TRACE_OK)
		status = accesses->output.sink->put(accesses->output.sink, event, error);
	if (status != TRACE_OK)
		return status;
	switch (event->kind) {
	case EVENT_MALLOC:
	case EVENT_CALLOC:
	case EVENT_REALLOC:
	case EVENT_MEMALIGN:
	case EVENT_FREE:
	case EVENT_FREE_SIZED:
		return follow_block(accesses, event, error);
	case EVENT_FORK:
		return fork_space(accesses, event, error);
	case EVENT_THREAD_START:
		take_over_stack(accesses, event);
		return TRACE_OK;
	case EVENT_EXEC:
		forget_process(accesses, event->process);
		if (event->process < accesses->processes)
			accesses->process[event->process].executed = accesses->merge->events;
		return TRACE_OK;
	case EVENT_EXIT:
		forget_process(accesses, event->process);
		return TRACE_OK;
	default:
		return TRACE_OK;
	}
}

static enum trace_status own_thread(struct event_sink *sink, uint32_t thread, uint32_t process,
				    uint64_t os_id, const char *name, struct trace_error *error)
{
	struct event_sink *next = ((struct access_merge *)sink)->output.sink;

	return next->thread(next, thread, process, os_id, name, error);
}

static enum trace_status own_process(struct event_sink *sink, uint32_t process, uint32_t parent,
				     uint64_t os_id, const char *command, struct trace_error *error)
{
	struct event_sink *next = ((struct access_merge *)sink)->output.sink;

	return next->process(next, process, parent, os_id, command, error);
}

/* --- Records ------------------------------------------------------------------------------------------------------------------ */

static const uint64_t *words_of(const struct access_merge *accesses, uint32_t chunk)
{
	return (const uint64_t *)(accesses->merge->arena.records + (uint64_t)chunk * ARENA_CHUNK_RECORDS);
}

static void give_back(struct access_merge *accesses, uint32_t chunk)
{
	accesses->consumed[chunk] = 0;
	ordering_free_chunk(&accesses->merge->arena, chunk);
}

/* Words were handed over now: they wait for others to come between them, and what came wholly before them waits no more. */
static enum trace_status interleave(struct access_merge *accesses, const struct interleaving_piece *words,
				    struct trace_error *error)
{
	uint32_t number = accesses->merge->thread[words->thread].number;
	struct access_thread *thread = access_merge_thread(accesses, number);
	enum trace_status status = TRACE_OK;

	if (!thread)
		return access_merge_no_memory(error);
	while (status == TRACE_OK && (interleaving_precedes(&accesses->interleaving, thread->handed_over) ||
				      accesses->interleaving.words + words->count > INTERLEAVING_WORDS_MAX))
		status = put_piece(accesses, error);
	thread->handed_over = accesses->record->order;
	if (status != TRACE_OK)
		return status;
	return interleaving_add(&accesses->interleaving, words, accesses->record->order)
		   ? TRACE_OK
		   : access_merge_no_memory(error);
}

static enum trace_status put_words(struct access_merge *accesses, struct merged_thread *thread,
				   struct trace_error *error)
{
	const struct ordered_record *record = accesses->record;
	uint64_t chunk = record->address & ARENA_ADDRESS_MASK, to = record->size;
	struct interleaving_piece words;
	const struct arena_chunk *header;
	enum trace_status status;
	uint32_t from;

	if (chunk >= accesses->merge->arena.chunk_count || to > ARENA_CHUNK_WORDS_MAX) {
		accesses->merge->faults.damaged++;
		return TRACE_OK;
	}
	header = &accesses->merge->arena.chunks[chunk];
	from = accesses->consumed[chunk];
	if (atomic_load_explicit(&header->state, memory_order_acquire) != ARENA_CHUNK_WORDS ||
	    header->thread_serial != record->thread_serial || to < from) {
		accesses->merge->faults.damaged++;
		return TRACE_OK;
	}
	accesses->consumed[chunk] = (uint32_t)to;
	words = (struct interleaving_piece){.word = words_of(accesses, (uint32_t)chunk) + from,
					    .count = (size_t)to - from,
					    .thread = (uint32_t)(thread - accesses->merge->thread)};
	status = accesses->interleaves ? interleave(accesses, &words, error)
				       : access_merge_words(accesses, thread, words.word, words.count, error);
	if (record->address >> ARENA_INFO_SHIFT != 0)
		give_back(accesses, (uint32_t)chunk);
	return status;
}

static enum trace_status other(void *context, struct merged_thread *thread,
			       const struct ordered_record *record, struct trace_error *error)
{
	struct access_merge *accesses = context;

	if (record->kind == ARENA_ACCESSES)
		return put_words(accesses, thread, error);
	return access_merge_call(accesses, thread, error);
}

enum trace_status access_merge_put(struct access_merge *accesses, const struct ordered_record *record,
				   struct trace_error *error)
{
	struct merged_thread *merged;
	enum trace_status status;

	accesses->record = record;
	if (record->kind != ARENA_ACCESSES) {
		status = put_waiting(accesses, error);
		if (status != TRACE_OK)
			return status;
	}
	if (record->kind == ARENA_REALLOC_BEGIN) {
		struct access_thread *thread;
		status = merge_thread_of(accesses->merge, record, &merged, error);
		if (status != TRACE_OK)
			return status;
		thread = access_merge_thread(accesses, merged->number);
		if (!thread)
			return access_merge_no_memory(error);
		if (thread->reallocs < MERGE_NESTING)
			thread->realloc[thread->reallocs++] = record->address & ARENA_ADDRESS_MASK;
	}
	status = heap_merge_put(accesses->merge, record, error);
	accesses->record = NULL;
	return status;
}

/* Words that were written and not handed over end where the chunk is still zero. */
static enum trace_status put_rest(struct access_merge *accesses, uint32_t chunk, struct trace_error *error)
{
	const struct arena_chunk *header = &accesses->merge->arena.chunks[chunk];
	const uint64_t *words = words_of(accesses, chunk);
	uint64_t index = number_map_get(&accesses->merge->thread_index, header->thread_serial + 1);
	size_t from = accesses->consumed[chunk], to = from;
	const struct merged_thread *thread;

	if (index == 0 || index > accesses->merge->threads)
		return TRACE_OK;
	thread = &accesses->merge->thread[index - 1];
	if (thread->ended || accesses->merge->process[thread->process].ended ||
	    accesses->merge->process[thread->process].serial != header->process_serial)
		return TRACE_OK;
	while (to < ARENA_CHUNK_WORDS_MAX && __atomic_load_n(&words[to], __ATOMIC_RELAXED) != 0)
		to++;
	accesses->consumed[chunk] = (uint32_t)to;
	return access_merge_words(accesses, thread, words + from, to - from, error);
}

enum trace_status access_merge_process_gone(struct access_merge *accesses, uint64_t serial, uint32_t limit,
					    struct trace_error *error)
{
	enum trace_status status = put_waiting(accesses, error);

	for (uint32_t i = 0; i < limit && status == TRACE_OK; i++) {
		const struct arena_chunk *chunk = &accesses->merge->arena.chunks[i];
		if (atomic_load_explicit(&chunk->state, memory_order_acquire) != ARENA_CHUNK_WORDS ||
		    chunk->process_serial != serial)
			continue;
		status = put_rest(accesses, i, error);
		give_back(accesses, i);
	}
	return status;
}

enum trace_status access_merge_finish(struct access_merge *accesses, uint32_t limit,
				      struct trace_error *error)
{
	enum trace_status status = put_waiting(accesses, error);

	for (uint32_t i = 0; i < limit && status == TRACE_OK; i++) {
		if (atomic_load_explicit(&accesses->merge->arena.chunks[i].state, memory_order_acquire) ==
		    ARENA_CHUNK_WORDS)
			status = put_rest(accesses, i, error);
	}
	return status;
}

/* --- Start and end ------------------------------------------------------------------------------------------------------------- */

enum trace_status access_merge_start(struct access_merge *accesses, struct heap_merge *merge, uint32_t chunks,
				     const struct access_output *output, struct trace_error *error)
{
	*accesses = (struct access_merge){
	    .own = {.put = own_put, .thread = own_thread, .process = own_process},
	    .output = *output,
	    .merge = merge,
	    .consumed = calloc(chunks, sizeof(*accesses->consumed)),
	    .batch = malloc(ACCESS_MERGE_BATCH * sizeof(*accesses->batch)),
	};
	if (accesses->consumed && accesses->batch)
		return TRACE_OK;
	access_merge_end(accesses);
	return access_merge_no_memory(error);
}

void access_merge_seed(struct access_merge *accesses, uint64_t seed)
{
	accesses->interleaves = true;
	interleaving_start(&accesses->interleaving, seed);
}

void access_merge_output(struct access_merge *accesses, struct merge_output *output)
{
	output->sink = &accesses->own;
	output->other = other;
	output->accesses = accesses;
}

void access_merge_end(struct access_merge *accesses)
{
	for (size_t i = 0; i < accesses->processes; i++)
		space_destroy(accesses->process[i].space);
	free(accesses->process);
	free(accesses->thread);
	free(accesses->consumed);
	free(accesses->batch);
	interleaving_end(&accesses->interleaving);
	*accesses = (struct access_merge){0};
}
