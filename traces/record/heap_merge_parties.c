#include "config.h"

#include "traces/record/heap_merge_parties.h"
#include "traces/grown_array.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_PROCESS SIZE_MAX

void heap_merge_end(struct heap_merge *merge)
{
	for (size_t i = 0; i < merge->processes; i++)
		number_map_clear(&merge->process[i].live);
	for (size_t i = 0; i < merge->threads; i++) {
		number_map_clear(&merge->thread[i].stack_ids);
		free(merge->thread[i].frame);
	}
	free(merge->process);
	free(merge->thread);
	free(merge->ending);
	number_map_clear(&merge->process_index);
	number_map_clear(&merge->thread_index);
	*merge = (struct heap_merge){0};
}

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY,
			  "not enough memory to follow the program's processes and threads");
}

/* --- Processes -------------------------------------------------------------------------------------------------------------- */

/* The slot of a process, if it still says that it is this one's. */
static const struct arena_process *slot_of(const struct heap_merge *merge, uint32_t slot, uint64_t serial)
{
	const struct arena_process *process = &merge->arena.processes[slot % ARENA_PROCESSES];

	if (atomic_load_explicit(&process->state, memory_order_acquire) != ARENA_PROCESS_LIVE ||
	    process->serial != serial)
		return NULL;
	return process;
}

static size_t find_process(const struct heap_merge *merge, uint64_t serial)
{
	return serial ? (size_t)number_map_get(&merge->process_index, serial) - 1 : NO_PROCESS;
}

/* The process that lives under the system's number `process_id`; NO_PROCESS if none does. */
static size_t find_living(const struct heap_merge *merge, uint32_t process_id)
{
	for (size_t i = merge->processes; i-- > 0;) {
		if (process_id != 0 && merge->process[i].process_id == process_id && !merge->process[i].ended)
			return i;
	}
	return NO_PROCESS;
}

static enum trace_status index_process(struct heap_merge *merge, uint64_t serial, size_t index,
				       struct trace_error *error)
{
	uint64_t previous;

	merge->process[index].serial = serial;
	if (serial != 0 && !number_map_put(&merge->process_index, serial, index + 1, &previous))
		return no_memory(error);
	return TRACE_OK;
}

static enum trace_status add_process(struct heap_merge *merge, uint64_t serial, size_t *index,
				     struct trace_error *error)
{
	void *room =
	    grown_array(merge->process, merge->processes, &merge->process_capacity, sizeof(*merge->process));

	if (!room)
		return no_memory(error);
	merge->process = room;
	if (merge->processes >= EVENT_MAX_PROCESSES)
		return trace_fail(error, TRACE_BAD_INPUT, "the recording has more than %u processes",
				  EVENT_MAX_PROCESSES);
	*index = merge->processes++;
	merge->process[*index] = (struct merged_process){
	    .number = (uint32_t)*index, .parent = (uint32_t)*index, .first_thread = UINT32_MAX};
	return index_process(merge, serial, *index, error);
}

/* Takes over what the slot says and tells the sink. */
static enum trace_status describe_process(struct heap_merge *merge, size_t index, uint32_t slot,
					  struct trace_error *error)
{
	struct merged_process *process = &merge->process[index];
	const struct arena_process *source = slot_of(merge, slot, process->serial);

	if (source) {
		process->slot = slot;
		process->process_id = source->process_id;
		memcpy(process->command, source->command, sizeof(process->command));
		process->command[sizeof(process->command) - 1] = '\0';
	}
	return merge->output.sink->process(merge->output.sink, process->number, process->parent,
					   process->process_id, process->command, error);
}

/* Forks `child`, new, from the process of `thread`. */
static enum trace_status emit_fork(struct heap_merge *merge, const struct merged_thread *thread, size_t child,
				   uint64_t tsc, struct trace_error *error)
{
	const struct merged_process *parent = &merge->process[thread->process];
	struct event event = {
	    .kind = EVENT_FORK, .count = child, .thread = thread->number, .process = parent->number};

	merge->process[child].parent = parent->number;
	if (!number_map_copy(&merge->process[child].live, &parent->live))
		return no_memory(error);
	return merge_emit(merge, &event, tsc, error);
}

/* The slot index of the child that carries `token`; ARENA_PROCESSES if none does (yet). */
static uint32_t child_slot(const struct heap_merge *merge, uint64_t token)
{
	for (uint32_t i = 0; i < ARENA_PROCESSES; i++) {
		const struct arena_process *process = &merge->arena.processes[i];
		if (atomic_load_explicit(&process->state, memory_order_acquire) == ARENA_PROCESS_LIVE &&
		    process->fork_token == token)
			return i;
	}
	return ARENA_PROCESSES;
}

bool merge_fork_resolved(const struct heap_merge *merge, const struct ordered_record *record)
{
	const struct arena_process *parent = &merge->arena.processes[record->process_slot];

	return merge->followed || record->size == 0 || atomic_load(&parent->fork_failed) == record->size ||
	       child_slot(merge, record->size) != ARENA_PROCESSES;
}

enum trace_status merge_fork(struct heap_merge *merge, struct merged_thread *thread,
			     const struct ordered_record *record, struct trace_error *error)
{
	uint32_t slot = record->size ? child_slot(merge, record->size) : ARENA_PROCESSES;
	enum trace_status status;
	uint64_t serial;
	size_t child = 0;

	if (merge->followed || slot == ARENA_PROCESSES)
		return TRACE_OK;
	serial = merge->arena.processes[slot].serial;
	if (serial == 0 || find_process(merge, serial) != NO_PROCESS) {
		merge->faults.damaged++;
		return TRACE_OK;
	}
	status = add_process(merge, serial, &child, error);
	if (status == TRACE_OK)
		status = emit_fork(merge, thread, child, record->tsc, error);
	return status == TRACE_OK ? describe_process(merge, child, slot, error) : status;
}

/* A new program in a process that we know: what it held is gone. */
static enum trace_status emit_exec(struct heap_merge *merge, size_t index,
				   const struct ordered_record *record, struct trace_error *error)
{
	struct merged_process *process = &merge->process[index];
	struct event event = {.kind = EVENT_EXEC, .process = process->number};

	number_map_clear(&process->live);
	event.thread = merge->thread[process->first_thread].number;
	process->first_thread = UINT32_MAX;
	return merge_emit(merge, &event, record->tsc, error);
}

/* A process that comes from nowhere: the first, one that was spawned, or one cloned behind the C library's back. */
static enum trace_status adopt(struct heap_merge *merge, const struct arena_process *slot,
			       const struct ordered_record *record, struct trace_error *error)
{
	size_t forked_from = find_process(merge, slot ? slot->parent_serial : 0);
	size_t parent =
	    forked_from != NO_PROCESS ? forked_from : find_living(merge, slot ? slot->parent_id : 0);
	enum trace_status status;
	size_t index = 0;

	status = add_process(merge, record->size, &index, error);
	if (status != TRACE_OK)
		return status;
	if (parent != NO_PROCESS)
		merge->process[index].parent = merge->process[parent].number;
	if (forked_from != NO_PROCESS && !merge->process[forked_from].ended &&
	    merge->process[forked_from].first_thread != UINT32_MAX)
		status = emit_fork(merge, &merge->thread[merge->process[forked_from].first_thread], index,
				   record->tsc, error);
	if (status == TRACE_OK)
		status = describe_process(merge, index, record->process_slot, error);
	merge->process[index].started = true;
	return status;
}

/* The kernel has told of the process before its own first record. */
static enum trace_status bind_process(struct heap_merge *merge, const struct ordered_record *record,
				      size_t index, struct trace_error *error)
{
	merge->process[index].started = true;
	merge->process[index].slot = record->process_slot;
	return index_process(merge, record->size, index, error);
}

enum trace_status merge_process_start(struct heap_merge *merge, const struct ordered_record *record,
				      struct trace_error *error)
{
	const struct arena_process *slot = slot_of(merge, record->process_slot, record->size);
	size_t index = find_process(merge, record->size);
	enum trace_status status;

	if (record->size == 0 || record->size != record->process_serial ||
	    (index != NO_PROCESS && merge->process[index].started)) {
		merge->faults.damaged++;
		return TRACE_OK;
	}
	if (index != NO_PROCESS) {
		merge->process[index].started = true;
		return TRACE_OK;
	}
	index = slot && merge->followed ? find_living(merge, slot->process_id) : NO_PROCESS;
	if (index != NO_PROCESS)
		return bind_process(merge, record, index, error);
	index = slot && slot->parent_serial == 0 ? find_living(merge, slot->process_id) : NO_PROCESS;
	if (index == NO_PROCESS || merge->process[index].first_thread == UINT32_MAX)
		return adopt(merge, slot, record, error);
	status = emit_exec(merge, index, record, error);
	if (status == TRACE_OK)
		status = index_process(merge, record->size, index, error);
	return status == TRACE_OK ? describe_process(merge, index, record->process_slot, error) : status;
}

enum trace_status heap_merge_process_exit(struct heap_merge *merge, size_t index, uint32_t status_code,
					  uint64_t tsc, struct trace_error *error)
{
	struct merged_process *process = &merge->process[index];
	struct event event = {.kind = EVENT_EXIT, .size = status_code, .process = process->number};

	if (process->ended || process->first_thread == UINT32_MAX)
		return TRACE_OK;
	process->ended = true;
	merge->cached = SIZE_MAX;
	number_map_clear(&process->live);
	event.thread = merge->thread[process->first_thread].number;
	return merge_emit(merge, &event, tsc, error);
}

/* --- Threads ------------------------------------------------------------------------------------------------------------------- */

static enum trace_status start_thread(struct heap_merge *merge, const struct ordered_record *record,
				      size_t process, struct trace_error *error)
{
	size_t index = merge->threads;
	void *room = grown_array(merge->thread, index, &merge->thread_capacity, sizeof(*merge->thread));
	struct event event = {
	    .kind = EVENT_THREAD_START, .thread = (uint32_t)index, .process = merge->process[process].number};
	enum trace_status status;

	if (!room)
		return no_memory(error);
	merge->thread = room;
	if (index >= EVENT_MAX_THREADS)
		return trace_fail(error, TRACE_BAD_INPUT, "the recording has more than %u threads",
				  EVENT_MAX_THREADS);
	if (merge->process[process].first_thread == UINT32_MAX)
		merge->process[process].first_thread = (uint32_t)index;
	merge->thread[index] = (struct merged_thread){
	    .serial = record->thread_serial,
	    .number = (uint32_t)index,
	    .process = (uint32_t)process,
	    .thread_id = record->thread_id,
	};
	merge->threads++;
	status = merge_emit(merge, &event, record->tsc, error);
	if (status != TRACE_OK)
		return status;
	return merge->output.sink->thread(merge->output.sink, event.thread, event.process, record->thread_id,
					  NULL, error);
}

/* The process's thread of that number that has made no heap call yet; merge->threads if there is none. */
static size_t find_unbound(const struct heap_merge *merge, size_t process, uint32_t thread_id)
{
	for (size_t i = merge->threads; i-- > 0;) {
		const struct merged_thread *thread = &merge->thread[i];
		if (thread->thread_id == thread_id && thread->process == process && !thread->ended)
			return thread->serial == MERGE_NO_SERIAL ? i : merge->threads;
	}
	return merge->threads;
}

static enum trace_status add_thread(struct heap_merge *merge, const struct ordered_record *record,
				    struct trace_error *error)
{
	size_t process = find_process(merge, record->process_serial);
	enum trace_status status = TRACE_OK;
	uint64_t previous;
	size_t index;

	if (process == NO_PROCESS || merge->process[process].ended) {
		merge->faults.damaged++;
		status =
		    add_process(merge, process == NO_PROCESS ? record->process_serial : 0, &process, error);
	}
	if (status != TRACE_OK)
		return status;
	index = merge->followed ? find_unbound(merge, process, record->thread_id) : merge->threads;
	if (!number_map_put(&merge->thread_index, record->thread_serial + 1, index + 1, &previous))
		return no_memory(error);
	if (index < merge->threads) {
		merge->thread[index].serial = record->thread_serial;
		return TRACE_OK;
	}
	return start_thread(merge, record, process, error);
}

enum trace_status merge_thread_of(struct heap_merge *merge, const struct ordered_record *record,
				  struct merged_thread **thread, struct trace_error *error)
{
	enum trace_status status = TRACE_OK;
	uint64_t index;

	if (merge->cached < merge->threads && merge->thread[merge->cached].serial == record->thread_serial &&
	    !merge->thread[merge->cached].ended) {
		*thread = &merge->thread[merge->cached];
		return TRACE_OK;
	}
	if (record->thread_serial == UINT64_MAX)
		return trace_fail(error, TRACE_BAD_INPUT, "a thread has the impossible serial %" PRIu64,
				  record->thread_serial);
	index = number_map_get(&merge->thread_index, record->thread_serial + 1);
	if (index == 0 || merge->thread[index - 1].ended ||
	    merge->process[merge->thread[index - 1].process].ended) {
		status = add_thread(merge, record, error);
		index = number_map_get(&merge->thread_index, record->thread_serial + 1);
	}
	if (status != TRACE_OK)
		return status;
	merge->cached = (size_t)index - 1;
	*thread = &merge->thread[merge->cached];
	return TRACE_OK;
}

enum trace_status merge_thread_name(struct heap_merge *merge, struct merged_thread *thread,
				    const struct ordered_record *record, struct trace_error *error)
{
	char name[17] = {0};

	memcpy(name, &record->address, 8);
	memcpy(name + 8, &record->size, 8);
	return merge_thread_rename(merge, thread, name, error);
}

enum trace_status merge_thread_rename(struct heap_merge *merge, struct merged_thread *thread,
				      const char *name, struct trace_error *error)
{
	if (strcmp(name, thread->name) == 0)
		return TRACE_OK;
	(void)snprintf(thread->name, sizeof(thread->name), "%s", name);
	return merge->output.sink->thread(merge->output.sink, thread->number,
					  merge->process[thread->process].number, thread->thread_id,
					  thread->name, error);
}

enum trace_status merge_thread_ending(struct heap_merge *merge, struct merged_thread *thread,
				      const struct ordered_record *record, struct trace_error *error)
{
	void *room;

	if (thread->ending || merge->followed)
		return TRACE_OK;
	room = grown_array(merge->ending, merge->endings, &merge->ending_capacity, sizeof(*merge->ending));
	if (!room)
		return no_memory(error);
	merge->ending = room;
	merge->ending[merge->endings++] = thread->number;
	thread->ending = true;
	thread->end_tsc = record->tsc;
	return TRACE_OK;
}

static void forget_ending(struct heap_merge *merge, uint32_t thread)
{
	for (size_t i = 0; i < merge->endings; i++) {
		if (merge->ending[i] == thread) {
			merge->ending[i] = merge->ending[--merge->endings];
			return;
		}
	}
}

enum trace_status heap_merge_thread_exit(struct heap_merge *merge, size_t index, struct trace_error *error)
{
	struct merged_thread *thread = &merge->thread[index];
	const struct merged_process *process = &merge->process[thread->process];
	struct event event = {
	    .kind = EVENT_THREAD_EXIT, .thread = thread->number, .process = process->number};

	if (thread->ended)
		return TRACE_OK;
	if (thread->ending)
		forget_ending(merge, thread->number);
	thread->ended = true;
	number_map_clear(&thread->stack_ids);
	free(thread->frame);
	thread->frame = NULL;
	if (process->ended || process->first_thread == thread->number)
		return TRACE_OK;
	return merge_emit(merge, &event, thread->end_tsc, error);
}

/* --- Births that the kernel told of ----------------------------------------------------------------------------------------- */

enum trace_status merge_process_follow(struct heap_merge *merge, uint32_t process_id, size_t *index,
				       struct trace_error *error)
{
	enum trace_status status = add_process(merge, 0, index, error);

	if (status == TRACE_OK) {
		merge->process[*index].process_id = process_id;
		merge->process[*index].started = true;
	}
	return status;
}

enum trace_status merge_process_announce(struct heap_merge *merge, size_t index, struct trace_error *error)
{
	const struct merged_process *process = &merge->process[index];

	return merge->output.sink->process(merge->output.sink, process->number, process->parent,
					   process->process_id, process->command, error);
}

void merge_process_name(struct heap_merge *merge, size_t index, const char *command)
{
	char *name = merge->process[index].command;

	if (command)
		(void)snprintf(name, sizeof(merge->process[index].command), "%s", command);
}

enum trace_status merge_thread_follow(struct heap_merge *merge, size_t process, uint32_t thread_id,
				      uint64_t tsc, struct trace_error *error)
{
	const struct ordered_record record = {
	    .thread_serial = MERGE_NO_SERIAL, .thread_id = thread_id, .tsc = tsc};

	return start_thread(merge, &record, process, error);
}

bool merge_thread_has_frames(struct merged_thread *thread)
{
	if (!thread->frame)
		thread->frame = malloc(MERGE_STACK_DEPTH * sizeof(*thread->frame));
	return thread->frame != NULL;
}
