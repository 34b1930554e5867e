#include "config.h"

#include "traces/record/access_merge_state.h"

#include "traces/memory_call.h"
#include "traces/record/heap_merge_parties.h"

#include <string.h>
#include <sys/mman.h>

/* One record, and whose it is. */
struct call {
	struct access_merge *accesses;
	const struct ordered_record *record;
	const struct merged_thread *merged;
	struct access_thread *thread;
	struct access_process *process;
	uint32_t number; /* of the process in the trace */
};

static uint64_t address_of(const struct ordered_record *record)
{
	return record->address & ARENA_ADDRESS_MASK;
}

/* --- Files ------------------------------------------------------------------------------------------------------------------ */

static void add_text(struct access_merge *accesses, const struct ordered_record *record)
{
	const uint64_t words[3] = {record->tsc, record->address, record->size};

	if (accesses->path_bytes + sizeof(words) >= sizeof(accesses->path))
		return;
	memcpy(accesses->path + accesses->path_bytes, words, sizeof(words));
	accesses->path_bytes += sizeof(words);
}

static enum trace_status add_file(struct call *call, struct trace_error *error)
{
	struct access_merge *accesses = call->accesses;
	struct event_file file = {.path = accesses->path,
				  .device = call->record->tsc,
				  .inode = call->record->address,
				  .bytes = call->record->size};

	accesses->path[accesses->path_bytes] = '\0';
	accesses->path_bytes = 0;
	return accesses->output.sink->file(accesses->output.sink, &file, &call->thread->file, error);
}

/* --- Regions ---------------------------------------------------------------------------------------------------------------- */

static enum event_region_kind kind_of(const struct event_region *region)
{
	if (region->flags & MAP_SHARED)
		return region->file != 0 ? EVENT_REGION_FILE : EVENT_REGION_SHARED;
	if (region->file == 0)
		return EVENT_REGION_ANONYMOUS;
	return region->protection & PROT_WRITE ? EVENT_REGION_GLOBALS : EVENT_REGION_FILE;
}

/* A new region, in place of what was there. */
static enum trace_status add_region(struct call *call, struct event_region *region, struct trace_error *error)
{
	struct event_sink *sink = call->accesses->output.sink;
	struct space_segment segment = {.start = region->address,
					.end = region->address + region->length,
					.origin = region->address,
					.place = ACCESS_REGION};
	enum trace_status status;
	uint32_t number = 0;

	if (region->length == 0 || segment.end < segment.start)
		return TRACE_OK;
	region->process = call->number;
	status = sink->region(sink, region, &number, error);
	if (status != TRACE_OK)
		return status;
	segment.base = number;
	if (!space_unmap(call->process->space, segment.start, segment.end) ||
	    !space_map(call->process->space, &segment))
		return access_merge_no_memory(error);
	if (region->kind == EVENT_REGION_BREAK)
		call->process->break_region = number;
	return TRACE_OK;
}

static uint64_t whole_pages(uint64_t bytes)
{
	return bytes + (SPACE_PAGE_BYTES - bytes % SPACE_PAGE_BYTES) % SPACE_PAGE_BYTES;
}

static enum trace_status add_mapping(struct call *call, struct trace_error *error)
{
	const uint64_t *argument = call->thread->argument;
	struct event_region region = {.address = argument[0],
				      .length = argument[1],
				      .protection = (uint32_t)argument[2],
				      .offset = argument[3],
				      .flags = (uint32_t)argument[4],
				      .event = call->process->executed - 1,
				      .file = call->thread->file};

	region.kind = kind_of(&region);
	return add_region(call, &region, error);
}

/* --- Calls ------------------------------------------------------------------------------------------------------------------ */

static enum trace_status apply_mmap(struct call *call, const struct event *event, struct trace_error *error)
{
	struct event_region region = {.address = event->call.result,
				      .length = whole_pages(event->call.length),
				      .protection = event->call.protection,
				      .offset = event->call.offset,
				      .flags = event->call.flags &
					       (MAP_SHARED | MAP_PRIVATE | MAP_GROWSDOWN | MAP_HUGETLB),
				      .event = call->accesses->merge->events - 1,
				      .file = event->call.file};

	region.kind = kind_of(&region);
	return add_region(call, &region, error);
}

static enum trace_status apply_munmap(struct call *call, const struct event *event, struct trace_error *error)
{
	uint64_t end = event->call.address + whole_pages(event->call.length);

	return space_unmap(call->process->space, event->call.address, end) ? TRACE_OK
									   : access_merge_no_memory(error);
}

static enum trace_status apply_mremap(struct call *call, const struct event *event, struct trace_error *error)
{
	const struct space_segment *old = space_segment_at(call->process->space, event->call.address);
	uint64_t length = whole_pages(event->call.new_length), old_length = whole_pages(event->call.length);
	struct event_region region = {.address = event->call.result,
				      .length = length,
				      .protection = PROT_READ | PROT_WRITE,
				      .flags = MAP_PRIVATE,
				      .event = call->accesses->merge->events - 1,
				      .kind = EVENT_REGION_ANONYMOUS};
	struct space_segment segment;

	if (event->call.result != event->call.address) {
		if (!space_unmap(call->process->space, event->call.address, event->call.address + old_length))
			return access_merge_no_memory(error);
		return add_region(call, &region, error);
	}
	if (!old)
		return TRACE_OK;
	segment = *old;
	segment.start = event->call.address;
	segment.end = segment.start + length;
	if (length < old_length &&
	    !space_unmap(call->process->space, segment.end, segment.start + old_length))
		return access_merge_no_memory(error);
	return space_map(call->process->space, &segment) ? TRACE_OK : access_merge_no_memory(error);
}

static enum trace_status apply_brk(struct call *call, const struct event *event, struct trace_error *error)
{
	struct access_process *process = call->process;
	uint64_t end = whole_pages(event->call.result);
	struct event_region region = {.address = process->break_start,
				      .length = end - process->break_start,
				      .protection = PROT_READ | PROT_WRITE,
				      .flags = MAP_PRIVATE,
				      .event = call->accesses->merge->events - 1,
				      .kind = EVENT_REGION_BREAK};
	struct space_segment segment = {.start = process->break_end,
					.end = end,
					.origin = process->break_start,
					.base = process->break_region,
					.place = ACCESS_REGION};
	bool done = true;

	if (process->break_start == 0)
		process->break_start = process->break_end = end;
	else if (end < process->break_end)
		done = space_unmap(process->space, end, process->break_end);
	else if (end > process->break_end && process->break_region == 0) {
		enum trace_status status = add_region(call, &region, error);
		if (status != TRACE_OK)
			return status;
	} else if (end > process->break_end) {
		done = space_map(process->space, &segment);
	}
	process->break_end = end;
	return done ? TRACE_OK : access_merge_no_memory(error);
}

static enum trace_status put_call(struct call *call, struct trace_error *error)
{
	struct access_merge *accesses = call->accesses;
	const struct memory_call *known = memory_call_by_number(address_of(call->record));
	enum trace_status status;
	struct event event;

	if (!known || !memory_call_concerns(known, call->thread->argument))
		return TRACE_OK;
	memory_call_event(known, call->thread->argument, (int64_t)call->record->size, &event);
	event.thread = call->merged->number;
	event.process = call->number;
	if (memory_call_descriptor(known, call->thread->argument) >= 0)
		event.call.file = call->thread->file;
	accesses->counts.calls++;
	status = merge_emit(accesses->merge, &event, call->record->tsc, error);
	if (status != TRACE_OK || event.flags & EVENT_FAILED)
		return status;
	switch (event.kind) {
	case EVENT_MMAP:
		return apply_mmap(call, &event, error);
	case EVENT_MUNMAP:
		return apply_munmap(call, &event, error);
	case EVENT_MREMAP:
		return apply_mremap(call, &event, error);
	case EVENT_BRK:
		return apply_brk(call, &event, error);
	default:
		return TRACE_OK;
	}
}

enum trace_status access_merge_stack_region(struct access_merge *accesses, const struct event_region *stack,
					    struct trace_error *error)
{
	struct event_region region = *stack;
	uint32_t number;

	region.kind = EVENT_REGION_STACK;
	region.protection = PROT_READ | PROT_WRITE;
	region.flags = MAP_PRIVATE;
	return accesses->output.sink->region(accesses->output.sink, &region, &number, error);
}

/* From here down to the start of what is mapped there lies the thread's stack. */
static enum trace_status put_stack_top(struct call *call, struct trace_error *error)
{
	uint64_t top = address_of(call->record);
	const struct space_segment *segment = top ? space_segment_at(call->process->space, top - 1) : NULL;
	struct space_segment stack;
	struct event_region region;

	if (!segment)
		return TRACE_OK;
	stack = (struct space_segment){.start = segment->start,
				       .end = top,
				       .origin = top,
				       .base = call->merged->number,
				       .place = ACCESS_STACK};
	region = (struct event_region){.address = stack.start,
				       .length = top - stack.start,
				       .event = call->accesses->merge->events - 1,
				       .process = call->number,
				       .thread = call->merged->number};
	if (!space_map(call->process->space, &stack))
		return access_merge_no_memory(error);
	return access_merge_stack_region(call->accesses, &region, error);
}

static void add_arguments(struct access_thread *thread, const struct ordered_record *record)
{
	const uint64_t words[3] = {record->tsc, record->address, record->size};

	memcpy(thread->argument + thread->arguments, words, sizeof(words));
	thread->arguments = thread->arguments == 0 ? 3 : 0;
}

enum trace_status access_merge_call(struct access_merge *accesses, struct merged_thread *merged,
				    struct trace_error *error)
{
	struct call call = {.accesses = accesses,
			    .record = accesses->record,
			    .merged = merged,
			    .number = accesses->merge->process[merged->process].number};
	enum trace_status status = TRACE_OK;

	call.process = access_merge_process(accesses, call.number);
	call.thread = access_merge_thread(accesses, merged->number);
	if (!call.process || !call.thread)
		return access_merge_no_memory(error);
	switch (call.record->kind) {
	case ARENA_TEXT:
		add_text(accesses, call.record);
		return TRACE_OK;
	case ARENA_FILE:
		return add_file(&call, error);
	case ARENA_CALL_ARGUMENTS:
		add_arguments(call.thread, call.record);
		return TRACE_OK;
	case ARENA_CALL:
		status = put_call(&call, error);
		break;
	case ARENA_MAPPING:
		status = add_mapping(&call, error);
		break;
	default:
		return put_stack_top(&call, error);
	}
	call.thread->arguments = 0;
	call.thread->file = 0;
	return status;
}
