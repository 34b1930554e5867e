#include "config.h"

#include "traces/record/kernel_events.h"

#include "traces/memory_call.h"
#include "traces/record/heap_merge_parties.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to follow the program's processes");
}

static bool map_set(struct number_map *map, uint32_t key, uint64_t value)
{
	uint64_t previous;

	return number_map_put(map, (uint64_t)key + 1, value, &previous);
}

static uint64_t map_get(const struct number_map *map, uint32_t key)
{
	return number_map_get(map, (uint64_t)key + 1);
}

static struct merged_process *process_of(const struct kernel_merge *kernel, uint32_t process_id)
{
	uint64_t index = map_get(&kernel->process_numbers, process_id);
	struct merged_process *process = index ? &kernel->merge->process[index - 1] : NULL;

	return process && !process->ended ? process : NULL;
}

static struct merged_thread *thread_of(const struct kernel_merge *kernel, uint32_t thread_id)
{
	uint64_t index = map_get(&kernel->thread_numbers, thread_id);

	return index ? &kernel->merge->thread[index - 1] : NULL;
}

/* The thread of a record, if it is recorded. Numbers come again: a thread of another process that has this one, and whose end was
 * not seen, is not it. */
static bool find_thread(const struct kernel_merge *kernel, const struct kernel_record *record,
			struct event *event)
{
	const struct merged_process *process = process_of(kernel, record->process_id);
	const struct merged_thread *thread = thread_of(kernel, record->thread_id);

	if (!process || !thread || thread->ended || thread->process != process->number ||
	    map_get(&kernel->muted, record->process_id) != 0)
		return false;
	event->thread = thread->number;
	event->process = process->number;
	return true;
}

/* Names the file; bytes is what it has now where the record does not know. */
static enum trace_status number_file(struct kernel_merge *kernel, const struct kernel_record *record,
				     uint32_t *number, struct trace_error *error)
{
	struct event_sink *sink = kernel->merge->output.sink;
	struct event_file file = {.path = record->text,
				  .device = record->file.device,
				  .inode = record->file.inode,
				  .bytes = record->file.bytes};
	struct stat status;

	*number = 0;
	if (!sink->file || !record->text)
		return TRACE_OK;
	if (file.bytes == 0 && stat(file.path, &status) == 0 && S_ISREG(status.st_mode) &&
	    status.st_ino == file.inode)
		file.bytes = (uint64_t)status.st_size;
	return sink->file(sink, &file, number, error);
}

/* --- Births and ends --------------------------------------------------------------------------------------------------------- */

static enum trace_status start_thread(struct kernel_merge *kernel, size_t process, uint32_t thread_id,
				      uint64_t ticks, struct trace_error *error)
{
	size_t index;
	enum trace_status status = merge_thread_follow(kernel->merge, process, thread_id, ticks, error);

	if (status != TRACE_OK)
		return status;
	index = kernel->merge->threads - 1;
	return map_set(&kernel->thread_numbers, thread_id, index + 1) ? TRACE_OK : no_memory(error);
}

static enum trace_status put_thread(struct kernel_merge *kernel, const struct kernel_record *record,
				    struct trace_error *error)
{
	uint64_t index = map_get(&kernel->process_numbers, record->process_id);
	struct event parent;

	if (!find_thread(kernel, record, &parent))
		return TRACE_OK;
	return start_thread(kernel, (size_t)index - 1, (uint32_t)record->argument[0], record->ticks, error);
}

static enum trace_status start_process(struct kernel_merge *kernel, const struct kernel_record *record,
				       uint32_t process_id, size_t *index, struct trace_error *error)
{
	enum trace_status status = merge_process_follow(kernel->merge, process_id, index, error);

	if (status == TRACE_OK && !map_set(&kernel->process_numbers, process_id, *index + 1))
		return no_memory(error);
	if (status == TRACE_OK)
		merge_process_name(kernel->merge, *index, record->text);
	return status;
}

static enum trace_status put_fork(struct kernel_merge *kernel, const struct kernel_record *record,
				  struct trace_error *error)
{
	uint32_t child_id = (uint32_t)record->argument[0];
	bool shares = (record->argument[1] & CLONE_VM) != 0;
	struct event event = {.kind = EVENT_FORK};
	enum trace_status status;
	size_t child;

	if (!find_thread(kernel, record, &event) || !kernel->follow)
		return map_set(&kernel->muted, child_id, 1) ? TRACE_OK : no_memory(error);
	(void)number_map_take(&kernel->muted, (uint64_t)child_id + 1);
	status = start_process(kernel, record, child_id, &child, error);
	if (status != TRACE_OK)
		return status;
	if (shares)
		event.kind = record->argument[1] & CLONE_VFORK ? EVENT_VFORK : EVENT_CLONE;
	if (event.kind == EVENT_CLONE)
		event.call.flags = (uint32_t)record->argument[1];
	event.count = kernel->merge->process[child].number;
	kernel->merge->process[child].parent = event.process;
	if (!shares && !number_map_copy(&kernel->merge->process[child].live,
					&kernel->merge->process[event.process].live))
		return no_memory(error);
	status = merge_emit(kernel->merge, &event, record->ticks, error);
	if (status == TRACE_OK)
		status = merge_process_announce(kernel->merge, child, error);
	if (status == TRACE_OK)
		status = start_thread(kernel, child, child_id, record->ticks, error);
	return status;
}

/* The command has become the program. */
static enum trace_status begin(struct kernel_merge *kernel, const struct kernel_record *record,
			       struct trace_error *error)
{
	size_t index;
	enum trace_status status = start_process(kernel, record, record->process_id, &index, error);

	kernel->begun = true;
	if (status == TRACE_OK)
		status = merge_process_announce(kernel->merge, index, error);
	if (status == TRACE_OK)
		status = start_thread(kernel, index, record->process_id, record->ticks, error);
	return status;
}

/* All threads but the first end; the first goes on as the new program's. */
static enum trace_status replace_program(struct kernel_merge *kernel, const struct kernel_record *record,
					 struct merged_process *process, struct trace_error *error)
{
	struct heap_merge *merge = kernel->merge;
	size_t index = process->number;
	enum trace_status status = TRACE_OK;

	number_map_clear(&process->live);
	for (size_t i = 0; status == TRACE_OK && i < merge->threads; i++) {
		struct merged_thread *thread = &merge->thread[i];
		if (thread->process != index || thread->ended)
			continue;
		thread->serial = MERGE_NO_SERIAL;
		thread->end_tsc = record->ticks;
		if (process->first_thread != i)
			status = heap_merge_thread_exit(merge, i, error);
	}
	merge->cached = SIZE_MAX;
	merge_process_name(merge, index, record->text);
	return status == TRACE_OK ? merge_process_announce(merge, index, error) : status;
}

static enum trace_status put_exec(struct kernel_merge *kernel, const struct kernel_record *record,
				  struct trace_error *error)
{
	struct merged_process *process = process_of(kernel, record->process_id);
	struct event event = {.kind = EVENT_EXEC};
	enum trace_status status = TRACE_OK;

	if (kernel->begun && (!process || map_get(&kernel->muted, record->process_id) != 0))
		return TRACE_OK;
	if (!kernel->begun)
		status = begin(kernel, record, error);
	else if (!kernel->follow)
		return map_set(&kernel->muted, record->process_id, 1) ? TRACE_OK : no_memory(error);
	else
		status = replace_program(kernel, record, process, error);
	if (status != TRACE_OK || !find_thread(kernel, record, &event))
		return status;
	event.call.file = (uint32_t)map_get(&kernel->programs, record->process_id);
	return merge_emit(kernel->merge, &event, record->ticks, error);
}

static enum trace_status put_exec_file(struct kernel_merge *kernel, const struct kernel_record *record,
				       struct trace_error *error)
{
	uint32_t number = 0;
	enum trace_status status = TRACE_OK;

	if (!kernel->begun || process_of(kernel, record->process_id))
		status = number_file(kernel, record, &number, error);
	if (status == TRACE_OK && number != 0 && !map_set(&kernel->programs, record->process_id, number))
		return no_memory(error);
	return status;
}

static enum trace_status put_thread_end(struct kernel_merge *kernel, const struct kernel_record *record,
					struct trace_error *error)
{
	struct merged_thread *thread = thread_of(kernel, record->thread_id);
	struct merged_process *process = process_of(kernel, record->process_id);
	enum trace_status status = TRACE_OK;

	if (!thread || thread->ended || !process || thread->process != process->number)
		return TRACE_OK;
	if (record->text)
		status = merge_thread_rename(kernel->merge, thread, record->text, error);
	if (process->first_thread == thread->number || status != TRACE_OK)
		return status;
	(void)number_map_take(&kernel->thread_numbers, (uint64_t)record->thread_id + 1);
	thread->end_tsc = record->ticks;
	return heap_merge_thread_exit(kernel->merge, thread->number, error);
}

static enum trace_status put_process_end(struct kernel_merge *kernel, const struct kernel_record *record,
					 struct trace_error *error)
{
	struct merged_process *process = process_of(kernel, record->process_id);
	int status = (int)record->result;
	uint32_t code =
	    WIFSIGNALED(status) ? 128u + (uint32_t)WTERMSIG(status) : (uint32_t)WEXITSTATUS(status);
	uint32_t first;
	enum trace_status done;

	(void)number_map_take(&kernel->muted, (uint64_t)record->process_id + 1);
	if (!process)
		return TRACE_OK;
	first = process->first_thread;
	done = heap_merge_process_exit(kernel->merge, process->number, code, record->ticks, error);
	if (done == TRACE_OK && first != UINT32_MAX)
		(void)number_map_take(&kernel->thread_numbers,
				      (uint64_t)kernel->merge->thread[first].thread_id + 1);
	(void)number_map_take(&kernel->process_numbers, (uint64_t)record->process_id + 1);
	return done;
}

/* --- Calls, faults, snapshots ------------------------------------------------------------------------------------------------ */

static enum trace_status put_call(struct kernel_merge *kernel, const struct kernel_record *record,
				  struct trace_error *error)
{
	const struct memory_call *call = memory_call_by_number(record->call);
	enum trace_status status;
	struct event event;

	if (!call)
		return TRACE_OK;
	memory_call_event(call, record->argument, record->result, &event);
	if (!find_thread(kernel, record, &event))
		return TRACE_OK;
	status = number_file(kernel, record, &event.call.file, error);
	if (status != TRACE_OK)
		return status;
	kernel->calls++;
	return merge_emit(kernel->merge, &event, record->ticks, error);
}

static enum trace_status put_fault(struct kernel_merge *kernel, const struct kernel_record *record,
				   struct trace_error *error)
{
	const struct merge_output *output = &kernel->merge->output;
	struct event event = {
	    .kind = EVENT_FAULT,
	    .call = {.address = record->argument[0], .flags = (uint32_t)record->argument[2]}};
	enum trace_status status = TRACE_OK;

	if (!find_thread(kernel, record, &event))
		return TRACE_OK;
	if (output->stack)
		status = output->stack(output->context, &record->argument[1], 1, &event.stack, error);
	if (status != TRACE_OK)
		return status;
	kernel->faults++;
	return merge_emit(kernel->merge, &event, record->ticks, error);
}

static enum trace_status put_snapshot(struct kernel_merge *kernel, const struct kernel_record *record,
				      struct trace_error *error)
{
	struct event_sink *sink = kernel->merge->output.sink;
	struct event event = {.kind = EVENT_SNAPSHOT};
	struct event_snapshot snapshot = {.name = record->name, .bytes = record->text};
	enum trace_status status;
	uint32_t number;

	if (!find_thread(kernel, record, &event) || !sink->snapshot || !record->text ||
	    kernel->snapshots + 1 >= EVENT_MAX_SNAPSHOTS)
		return TRACE_OK;
	snapshot.length = strlen(record->text);
	if (snapshot.length > EVENT_MAX_SNAPSHOT_BYTES)
		return TRACE_OK;
	status = sink->snapshot(sink, &snapshot, &number, error);
	if (status != TRACE_OK)
		return status;
	event.count = number;
	kernel->snapshots++;
	return merge_emit(kernel->merge, &event, record->ticks, error);
}

enum trace_status kernel_event_put(struct kernel_merge *kernel, const struct kernel_record *record,
				   struct trace_error *error)
{
	switch (record->kind) {
	case KERNEL_CALL_ENTER:
		return put_call(kernel, record, error);
	case KERNEL_FAULT:
		return put_fault(kernel, record, error);
	case KERNEL_THREAD:
		return put_thread(kernel, record, error);
	case KERNEL_FORK:
		return put_fork(kernel, record, error);
	case KERNEL_EXEC_FILE:
		return put_exec_file(kernel, record, error);
	case KERNEL_EXEC:
		return put_exec(kernel, record, error);
	case KERNEL_SNAPSHOT:
		return put_snapshot(kernel, record, error);
	case KERNEL_THREAD_END:
		return put_thread_end(kernel, record, error);
	case KERNEL_PROCESS_END:
		return put_process_end(kernel, record, error);
	default:
		return TRACE_OK;
	}
}
