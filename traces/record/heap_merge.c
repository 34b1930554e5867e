#include "config.h"

#include "traces/record/heap_merge.h"

#include "traces/record/heap_merge_parties.h"

#include <string.h>

void heap_merge_start(struct heap_merge *merge, const struct arena *arena, const struct merge_output *output,
		      const struct tick_clock *clock)
{
	*merge = (struct heap_merge){.arena = *arena, .output = *output, .clock = *clock, .cached = SIZE_MAX};
}

enum trace_status merge_emit(struct heap_merge *merge, struct event *event, uint64_t tsc,
			     struct trace_error *error)
{
	uint64_t time_ns = tick_clock_ns(&merge->clock, tsc);

	if (time_ns > merge->time_ns)
		merge->time_ns = time_ns;
	event->time_ns = merge->time_ns;
	merge->events++;
	return merge->output.sink->put(merge->output.sink, event, error);
}

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to follow the program's blocks");
}

static uint64_t address_of(const struct ordered_record *record)
{
	return record->address & ARENA_ADDRESS_MASK;
}

static uint64_t info_of(const struct ordered_record *record)
{
	return record->address >> ARENA_INFO_SHIFT & ~(uint64_t)ARENA_INFO_STACK;
}

/* The value in the info bits, or the one that went ahead. */
static uint64_t value_of(struct heap_merge *merge, struct merged_thread *thread,
			 const struct ordered_record *record)
{
	if (info_of(record) != ARENA_INFO_DETAIL)
		return info_of(record);
	if (thread->details == 0) {
		merge->faults.damaged++;
		return 0;
	}
	return thread->detail[--thread->details];
}

static uint32_t stack_of(struct heap_merge *merge, struct merged_thread *thread,
			 const struct ordered_record *record)
{
	if (!(record->address >> ARENA_INFO_SHIFT & ARENA_INFO_STACK))
		return 0;
	if (thread->stacks == 0) {
		merge->faults.damaged++;
		return 0;
	}
	return thread->stack[--thread->stacks];
}

/* The alignment that an allocator makes of what it was given: the next power of two. */
static uint64_t alignment_of(uint64_t value)
{
	uint64_t asked = value & ~(UINT64_C(1) << 63);

	if (value < 62)
		return UINT64_C(1) << value;
	if (asked <= 1 || asked > UINT64_C(1) << 61)
		return 1;
	return UINT64_C(1) << (64 - __builtin_clzll(asked - 1));
}

/* The block comes alive at `address`; NULL creates nothing. */
static enum trace_status create(struct heap_merge *merge, struct merged_process *process, uint64_t address,
				struct event *event, struct trace_error *error)
{
	uint64_t previous;

	if (address == 0) {
		event->object = 0;
		event->flags |= event->size != 0 ? EVENT_FAILED : 0;
		return TRACE_OK;
	}
	if (event->size > UINT64_C(1) << 47) { /* no address space holds it: a damaged record */
		merge->faults.damaged++;
		event->size = 0;
	}
	event->object = merge->objects + 1;
	if (!number_map_put(&process->live, address, event->object, &previous))
		return no_memory(error);
	merge->faults.reissued += previous != 0;
	merge->objects = event->object;
	return TRACE_OK;
}

static enum trace_status allocation(struct heap_merge *merge, struct merged_thread *thread,
				    const struct ordered_record *record, struct event *event,
				    struct trace_error *error)
{
	event->size = record->size;
	if (record->kind == ARENA_CALLOC) {
		event->kind = EVENT_CALLOC;
		event->count = value_of(merge, thread, record);
	} else if (record->kind == ARENA_MEMALIGN) {
		event->kind = EVENT_MEMALIGN;
		event->alignment = alignment_of(value_of(merge, thread, record));
	} else {
		event->kind = EVENT_MALLOC;
	}
	return create(merge, &merge->process[thread->process], address_of(record), event, error);
}

static void release(struct heap_merge *merge, struct merged_thread *thread,
		    const struct ordered_record *record, struct event *event)
{
	uint64_t address = address_of(record), value;

	event->kind = EVENT_FREE;
	if (record->kind == ARENA_FREE_SIZED) {
		event->kind = EVENT_FREE_SIZED;
		event->size = record->size;
		value = value_of(merge, thread, record);
		event->alignment = value > 0 && value <= 62 ? UINT64_C(1) << (value - 1) : 0;
	}
	if (address == 0)
		return;
	event->object = number_map_take(&merge->process[thread->process].live, address);
	if (event->object == 0) {
		event->object = ++merge->objects;
		event->flags |= EVENT_FOREIGN;
		merge->faults.foreign++;
	}
}

static void realloc_begin(struct heap_merge *merge, struct merged_thread *thread,
			  const struct ordered_record *record)
{
	uint64_t address = address_of(record);

	if (thread->reallocs == MERGE_NESTING) {
		merge->faults.damaged++;
		return;
	}
	thread->realloc[thread->reallocs++] = (struct merged_realloc){
	    .address = address,
	    .object = address ? number_map_take(&merge->process[thread->process].live, address) : 0,
	    .stack = stack_of(merge, thread, record),
	};
}

static enum trace_status realloc_end(struct heap_merge *merge, struct merged_thread *thread,
				     const struct ordered_record *record, struct event *event,
				     struct trace_error *error)
{
	struct merged_process *process = &merge->process[thread->process];
	struct merged_realloc begun = {0};
	enum trace_status status;
	uint64_t previous;

	if (thread->reallocs > 0)
		begun = thread->realloc[--thread->reallocs];
	else
		merge->faults.damaged++;
	event->kind = EVENT_REALLOC;
	event->size = record->size;
	event->stack = begun.stack;
	event->old_object = begun.object;
	if (begun.address != 0 && begun.object == 0) {
		event->old_object = ++merge->objects;
		event->flags |= EVENT_FOREIGN;
		merge->faults.foreign++;
	}
	status = create(merge, process, address_of(record), event, error);
	if (status == TRACE_OK && event->flags & EVENT_FAILED && event->old_object != 0 &&
	    !number_map_put(&process->live, begun.address, event->old_object, &previous))
		status = no_memory(error);
	return status;
}

static enum trace_status heap_event(struct heap_merge *merge, struct merged_thread *thread,
				    const struct ordered_record *record, struct trace_error *error)
{
	struct merged_process *process = &merge->process[thread->process];
	struct event event = {.thread = thread->number, .process = process->number};
	enum trace_status status = TRACE_OK;

	if (record->kind == ARENA_REALLOC_END)
		status = realloc_end(merge, thread, record, &event, error);
	else if (record->kind == ARENA_FREE || record->kind == ARENA_FREE_SIZED)
		release(merge, thread, record, &event);
	else
		status = allocation(merge, thread, record, &event, error);
	if (status != TRACE_OK)
		return status;
	if (record->kind != ARENA_REALLOC_END)
		event.stack = stack_of(merge, thread, record);
	process->events++;
	merge->heap_events++;
	return merge_emit(merge, &event, record->tsc, error);
}

/* --- Call stacks and details ---------------------------------------------------------------------------------------------- */

static enum trace_status add_frames(struct merged_thread *thread, const struct ordered_record *record,
				    struct trace_error *error)
{
	const uint64_t word[3] = {record->tsc, record->address, record->size};

	if (!merge_thread_has_frames(thread))
		return no_memory(error);
	for (size_t i = 0; i < 3 && thread->frames < MERGE_STACK_DEPTH; i++)
		thread->frame[thread->frames++] = word[i];
	return TRACE_OK;
}

static enum trace_status define_stack(struct heap_merge *merge, struct merged_thread *thread,
				      const struct ordered_record *record, struct trace_error *error)
{
	uint64_t depth = address_of(record), previous;
	enum trace_status status;
	uint32_t id = 0;

	if (depth == 0 || depth > thread->frames || !merge->output.stack || record->size == 0) {
		merge->faults.damaged++;
		thread->frames = 0;
		return TRACE_OK;
	}
	status = merge->output.stack(merge->output.context, thread->frame, depth, &id, error);
	thread->frames = 0;
	if (status == TRACE_OK && !number_map_put(&thread->stack_ids, record->size, id, &previous))
		return no_memory(error);
	return status;
}

static void push_detail(struct heap_merge *merge, struct merged_thread *thread,
			const struct ordered_record *record)
{
	if (thread->details < MERGE_NESTING)
		thread->detail[thread->details++] = record->size;
	else
		merge->faults.damaged++;
}

static void push_stack(struct heap_merge *merge, struct merged_thread *thread,
		       const struct ordered_record *record)
{
	if (thread->stacks < MERGE_NESTING && record->size != 0)
		thread->stack[thread->stacks++] = (uint32_t)number_map_get(&thread->stack_ids, record->size);
	else
		merge->faults.damaged++;
}

bool heap_merge_ready(const struct heap_merge *merge, const struct ordered_record *record)
{
	return record->kind != ARENA_FORK || merge_fork_resolved(merge, record);
}

enum trace_status heap_merge_put(struct heap_merge *merge, const struct ordered_record *record,
				 struct trace_error *error)
{
	struct merged_thread *thread;
	enum trace_status status;

	if (record->kind == ARENA_PROCESS_START)
		return merge_process_start(merge, record, error);
	status = merge_thread_of(merge, record, &thread, error);
	if (status != TRACE_OK)
		return status;
	switch (record->kind) {
	case ARENA_MALLOC:
	case ARENA_CALLOC:
	case ARENA_MEMALIGN:
	case ARENA_FREE:
	case ARENA_FREE_SIZED:
	case ARENA_REALLOC_END:
		return heap_event(merge, thread, record, error);
	case ARENA_REALLOC_BEGIN:
		realloc_begin(merge, thread, record);
		return TRACE_OK;
	case ARENA_DETAIL:
		push_detail(merge, thread, record);
		return TRACE_OK;
	case ARENA_STACK:
		push_stack(merge, thread, record);
		return TRACE_OK;
	case ARENA_FRAMES:
		return add_frames(thread, record, error);
	case ARENA_STACK_DEFINE:
		return define_stack(merge, thread, record, error);
	case ARENA_THREAD_START:
		return TRACE_OK;
	case ARENA_THREAD_NAME:
		return merge_thread_name(merge, thread, record, error);
	case ARENA_THREAD_END:
		return merge_thread_ending(merge, thread, record, error);
	case ARENA_FORK:
		return merge_fork(merge, thread, record, error);
	default:
		if (merge->output.other && record->kind < ARENA_KINDS)
			return merge->output.other(merge->output.accesses, thread, record, error);
		merge->faults.damaged++;
		return TRACE_OK;
	}
}
