#include "config.h"

#include "traces/record/kernel_merge.h"

#include "traces/memory_call.h"
#include "traces/record/kernel_events.h"
#include "traces/grown_array.h"

#include <stdlib.h>
#include <string.h>

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to follow the program's system calls");
}

void kernel_merge_start(struct kernel_merge *kernel, struct heap_merge *merge, bool follow)
{
	*kernel = (struct kernel_merge){.merge = merge, .follow = follow};
	merge->followed = true;
}

void kernel_merge_end(struct kernel_merge *kernel)
{
	for (size_t i = 0; i < kernel->threads; i++)
		free(kernel->thread[i].enter.text);
	for (uint64_t n = kernel->queue.first; n != kernel->queue.next; n++)
		free(kernel->queue.entry[n % kernel->queue.capacity].record.text);
	free(kernel->queue.entry);
	free(kernel->thread);
	number_map_clear(&kernel->thread_states);
	number_map_clear(&kernel->thread_numbers);
	number_map_clear(&kernel->process_numbers);
	number_map_clear(&kernel->muted);
	number_map_clear(&kernel->programs);
	*kernel = (struct kernel_merge){0};
}

/* --- The queue ---------------------------------------------------------------------------------------------------------------- */

static struct kernel_entry *entry_of(const struct kernel_merge *kernel, uint64_t number)
{
	return &kernel->queue.entry[number % kernel->queue.capacity];
}

static bool queue_grow(struct kernel_queue_entries *queue)
{
	size_t wanted = queue->capacity ? 2 * queue->capacity : 1024;
	struct kernel_entry *larger = malloc(wanted * sizeof(*larger));

	if (!larger)
		return false;
	for (uint64_t n = queue->first; n != queue->next; n++)
		larger[n % wanted] = queue->entry[n % queue->capacity];
	free(queue->entry);
	queue->entry = larger;
	queue->capacity = wanted;
	return true;
}

/* Appends the record, whose text it takes over, and stores the entry's number. */
static bool queue_append(struct kernel_merge *kernel, struct kernel_record *record, bool open,
			 uint64_t *number)
{
	struct kernel_queue_entries *queue = &kernel->queue;

	if (queue->next - queue->first == queue->capacity && !queue_grow(queue))
		return false;
	*number = queue->next++;
	*entry_of(kernel, *number) = (struct kernel_entry){.record = *record, .open = open};
	record->text = NULL;
	return true;
}

static void queue_close(struct kernel_merge *kernel, uint64_t *number, bool cancelled)
{
	struct kernel_entry *entry;

	if (*number == KERNEL_NO_ENTRY)
		return;
	entry = entry_of(kernel, *number);
	entry->open = false;
	entry->cancelled = cancelled;
	*number = KERNEL_NO_ENTRY;
}

/* --- Pairing ------------------------------------------------------------------------------------------------------------------ */

static struct kernel_thread *thread_of(struct kernel_merge *kernel, uint32_t thread_id)
{
	uint64_t index = number_map_get(&kernel->thread_states, (uint64_t)thread_id + 1), previous;
	struct kernel_thread *larger;

	if (index != 0)
		return &kernel->thread[index - 1];
	larger = grown_array(kernel->thread, kernel->threads, &kernel->thread_capacity, sizeof(*larger));
	if (!larger)
		return NULL;
	kernel->thread = larger;
	if (!number_map_put(&kernel->thread_states, (uint64_t)thread_id + 1, kernel->threads + 1, &previous))
		return NULL;
	kernel->thread[kernel->threads] =
	    (struct kernel_thread){.call_entry = KERNEL_NO_ENTRY, .fault_entry = KERNEL_NO_ENTRY};
	return &kernel->thread[kernel->threads++];
}

/* The thread's call will not be seen to end. */
static void abandon_call(struct kernel_merge *kernel, struct kernel_thread *thread)
{
	if (!thread->in_call)
		return;
	kernel->unpaired++;
	thread->in_call = false;
	free(thread->enter.text);
	thread->enter.text = NULL;
	queue_close(kernel, &thread->call_entry, true);
}

static bool put_enter(struct kernel_merge *kernel, struct kernel_thread *thread, struct kernel_record *record)
{
	const struct memory_call *call = memory_call_by_number(record->call);

	abandon_call(kernel, thread);
	if (!call || !memory_call_concerns(call, record->argument))
		return true;
	thread->in_call = true;
	thread->enter = *record;
	record->text = NULL;
	return !memory_call_releases(call) || queue_append(kernel, &thread->enter, true, &thread->call_entry);
}

static bool put_exit(struct kernel_merge *kernel, struct kernel_thread *thread,
		     const struct kernel_record *record)
{
	struct kernel_record whole = thread->enter;
	uint64_t number;

	if (!thread->in_call || thread->enter.call != record->call) {
		const struct memory_call *call = memory_call_by_number(record->call);
		kernel->unpaired += kernel->begun && call && call->kind != EVENT_PRCTL;
		abandon_call(kernel, thread);
		return true;
	}
	thread->in_call = false;
	if (thread->call_entry != KERNEL_NO_ENTRY) {
		entry_of(kernel, thread->call_entry)->record.result = record->result;
		queue_close(kernel, &thread->call_entry, false);
		return true;
	}
	whole.ticks = record->ticks;
	whole.result = record->result;
	thread->enter.text = NULL;
	return queue_append(kernel, &whole, false, &number);
}

static void put_mapped(struct kernel_thread *thread, struct kernel_record *record)
{
	const struct memory_call *call = thread->in_call ? memory_call_by_number(thread->enter.call) : NULL;

	if (!call || call->kind != EVENT_MMAP || thread->enter.text ||
	    memory_call_descriptor(call, thread->enter.argument) < 0)
		return;
	thread->enter.text = record->text;
	thread->enter.file = record->file;
	record->text = NULL;
}

static bool put_fault(struct kernel_merge *kernel, struct kernel_thread *thread, struct kernel_record *record)
{
	record->argument[2] |= EVENT_FAULT_FROM_SOFTWARE;
	if (thread->has_cause && thread->cause_address == record->argument[0])
		record->argument[2] |= thread->cause_flags;
	else
		record->argument[2] |= EVENT_FAULT_ACCESS_UNKNOWN;
	thread->has_cause = false;
	return queue_append(kernel, record, true, &thread->fault_entry);
}

static void put_served(struct kernel_merge *kernel, struct kernel_thread *thread,
		       const struct kernel_record *record)
{
	struct kernel_record *fault;

	if (thread->fault_entry == KERNEL_NO_ENTRY)
		return;
	fault = &entry_of(kernel, thread->fault_entry)->record;
	if (fault->argument[0] == record->argument[0])
		fault->argument[2] |= record->argument[2] & (EVENT_FAULT_MINOR | EVENT_FAULT_MAJOR);
	queue_close(kernel, &thread->fault_entry, false);
}

/* The thread is no more; its number may come again. */
static void forget_thread(struct kernel_merge *kernel, struct kernel_thread *thread, uint32_t thread_id)
{
	abandon_call(kernel, thread);
	(void)number_map_take(&kernel->thread_states, (uint64_t)thread_id + 1);
}

static bool pair(struct kernel_merge *kernel, struct kernel_thread *thread, struct kernel_record *record)
{
	uint64_t number;

	if (record->kind != KERNEL_FAULT_SERVED && record->kind != KERNEL_MAPPED)
		queue_close(kernel, &thread->fault_entry, false);
	switch (record->kind) {
	case KERNEL_CALL_ENTER:
		return put_enter(kernel, thread, record);
	case KERNEL_CALL_EXIT:
		return put_exit(kernel, thread, record);
	case KERNEL_MAPPED:
		put_mapped(thread, record);
		return true;
	case KERNEL_FAULT_CAUSE:
		thread->has_cause = true;
		thread->cause_address = record->argument[0];
		thread->cause_flags = record->argument[2];
		return true;
	case KERNEL_FAULT:
		return put_fault(kernel, thread, record);
	case KERNEL_FAULT_SERVED:
		put_served(kernel, thread, record);
		return true;
	case KERNEL_THREAD_END:
		forget_thread(kernel, thread, record->thread_id);
		break;
	default:
		break;
	}
	return queue_append(kernel, record, false, &number);
}

enum trace_status kernel_merge_put(struct kernel_merge *kernel, struct kernel_record *record,
				   struct trace_error *error)
{
	struct kernel_thread *thread = thread_of(kernel, record->thread_id);
	bool done = thread && pair(kernel, thread, record);

	free(record->text);
	record->text = NULL;
	return done ? TRACE_OK : no_memory(error);
}

void kernel_merge_settle(struct kernel_merge *kernel, uint64_t ticks)
{
	for (size_t i = 0; i < kernel->threads; i++) {
		struct kernel_thread *thread = &kernel->thread[i];
		if (thread->fault_entry != KERNEL_NO_ENTRY &&
		    entry_of(kernel, thread->fault_entry)->record.ticks < ticks)
			queue_close(kernel, &thread->fault_entry, false);
		if (ticks == UINT64_MAX)
			abandon_call(kernel, thread);
	}
}

uint64_t kernel_merge_first(const struct kernel_merge *kernel, bool *complete)
{
	const struct kernel_entry *entry;

	*complete = false;
	if (kernel->queue.first == kernel->queue.next)
		return UINT64_MAX;
	entry = entry_of(kernel, kernel->queue.first);
	*complete = !entry->open;
	return entry->record.ticks;
}

enum trace_status kernel_merge_emit(struct kernel_merge *kernel, struct trace_error *error)
{
	struct kernel_entry *entry = entry_of(kernel, kernel->queue.first);
	enum trace_status status = TRACE_OK;

	if (!entry->cancelled)
		status = kernel_event_put(kernel, &entry->record, error);
	free(entry->record.text);
	entry->record.text = NULL;
	kernel->queue.first++;
	return status;
}

/* --- Invariants --------------------------------------------------------------------------------------------------------------- */

static bool is_open(const struct kernel_merge *kernel, uint64_t number)
{
	return number == KERNEL_NO_ENTRY || (number >= kernel->queue.first && number < kernel->queue.next &&
					     entry_of(kernel, number)->open);
}

const char *kernel_merge_check(const struct kernel_merge *kernel)
{
	const struct kernel_queue_entries *queue = &kernel->queue;
	uint64_t open = 0, named = 0;

	if (queue->first > queue->next || queue->next - queue->first > queue->capacity)
		return "I1: the queue holds more entries than it has room for";
	for (size_t i = 0; i < kernel->threads; i++) {
		const struct kernel_thread *thread = &kernel->thread[i];
		if (!is_open(kernel, thread->call_entry) || !is_open(kernel, thread->fault_entry))
			return "I2: a thread waits for an entry that is not open";
		named += (thread->call_entry != KERNEL_NO_ENTRY) + (thread->fault_entry != KERNEL_NO_ENTRY);
	}
	for (uint64_t n = queue->first; n != queue->next; n++)
		open += entry_of(kernel, n)->open;
	if (open != named)
		return "I2: a thread waits for an entry that is not open";
	for (uint64_t n = queue->first; n + 1 < queue->next; n++) {
		if (entry_of(kernel, n)->record.ticks > entry_of(kernel, n + 1)->record.ticks)
			return "I3: an entry of the queue is later than the next";
	}
	return NULL;
}
