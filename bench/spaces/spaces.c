#include "config.h"

#include "bench/spaces/exec_pages.h"
#include "bench/spaces/spaces_state.h"

#include <stdlib.h>
#include <string.h>

enum trace_status spaces_no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the address spaces of the trace");
}

/* --- Life ------------------------------------------------------------------------------------------------------------- */

enum trace_status spaces_create(struct spaces **spaces, const struct spaces_options *options,
				struct trace_error *error)
{
	const struct flt_summary *trace =
	    options->reader ? flt_reader_summary(options->reader) : options->trace;
	struct spaces *made = calloc(1, sizeof(*made));

	*spaces = NULL;
	if (!made)
		return spaces_no_memory(error);
	made->options = *options;
	made->trace = &made->tables;
	made->batch_first = UINT64_MAX;
	made->window = calloc(ACCESS_BATCH_CONTEXTS + 1, sizeof(made->window[0]));
	enum status status = platform_create(&made->platform, &options->platform);

	mapped_files_start(&made->files, &made->tables, &made->platform.frames);
	made->files.are_absent = options->files_are_absent;
	made->files.are_aligned = options->files_are_aligned;
	if (status == STATUS_OK && made->window && spaces_grow(made, trace, error) == TRACE_OK) {
		*spaces = made;
		return TRACE_OK;
	}
	enum trace_status refused =
	    status == STATUS_BAD_ARGUMENT ? spaces_no_machine(made, error) : spaces_no_memory(error);

	spaces_destroy(made);
	return refused;
}

static void leave(struct spaces *spaces, uint32_t number)
{
	struct process *process = &spaces->process[number];
	struct space *space = process->space;

	if (!space)
		return;
	spaces_sum_up(process, &process->past);
	process->space = NULL;
	process->since = (struct spaces_process){.is_known = false};
	if (!mm_leave(&space->mm))
		return;
	fault_space_destroy(&space->pages);
	relocation_clear(&space->moved);
	free(space);
}

void spaces_destroy(struct spaces *spaces)
{
	if (!spaces)
		return;
	for (uint32_t i = 0; spaces->process && i < spaces->trace->processes; i++)
		leave(spaces, i);
	spaces_forget_segments(spaces);
	mapped_files_destroy(&spaces->files);
	platform_destroy(&spaces->platform);
	free(spaces->process);
	free(spaces->thread);
	free(spaces->region);
	free(spaces->window);
	free(spaces->object);
	free(spaces);
}

/* --- Programs --------------------------------------------------------------------------------------------------------- */

static struct space *make_space(struct spaces *spaces)
{
	struct space *space = calloc(1, sizeof(*space));

	if (space && platform_space_create(&spaces->platform, &space->mm, &space->pages) == STATUS_OK)
		return space;
	free(space);
	return NULL;
}

static enum trace_status tell_start(struct spaces *spaces, uint32_t number, struct trace_error *error)
{
	const struct spaces_watch *watch = spaces->watch;
	struct placer *placer = spaces->options.placer;
	enum trace_status status = TRACE_OK;

	if (watch && watch->started)
		status = watch->started(watch->context, spaces, number, error);
	if (status == TRACE_OK && placer && number == spaces->options.process)
		status = placer->start(placer, spaces, number, error);
	return status;
}

/* The process's space, made if it has none. */
static struct space *have_space(struct spaces *spaces, uint32_t number)
{
	struct process *process = &spaces->process[number];

	process->past.is_known = true;
	if (!process->space)
		process->space = make_space(spaces);
	return process->space;
}

enum trace_status spaces_need(struct spaces *spaces, uint32_t number, struct space **found,
			      struct trace_error *error)
{
	struct space *space = have_space(spaces, number);
	enum trace_status status = TRACE_OK;

	*found = space;
	if (!space)
		return spaces_no_space(spaces, error);
	if (space->is_started)
		return TRACE_OK;
	spaces_catch_up(spaces);
	space->is_started = true;
	spaces->relocations++;
	if (space->mm.tree.count == 0)
		status = spaces_start_from_regions(spaces, number, error);
	return status == TRACE_OK ? tell_start(spaces, number, error) : status;
}

static enum trace_status execute(struct spaces *spaces, const struct event *event, uint64_t position,
				 struct trace_error *error)
{
	struct process *process = &spaces->process[event->process];

	if (event->flags & EVENT_FAILED)
		return TRACE_OK;
	leave(spaces, event->process);
	if (!have_space(spaces, event->process))
		return spaces_no_space(spaces, error);
	process->space->was_executed = true;
	process->space->executed = position;
	for (uint32_t i = process->last_thread; i != NO_THREAD; i = spaces->thread[i].sibling) {
		spaces->thread[i].top = 0;
		spaces->thread[i].in_allocator = false;
	}
	process->first_thread = event->thread;
	process->first_top = 0;
	return TRACE_OK;
}

static enum trace_status take_snapshot(struct spaces *spaces, const struct event *event,
				       struct trace_error *error)
{
	struct event_snapshot snapshot;
	struct space *space = have_space(spaces, event->process);

	if (!space)
		return spaces_no_space(spaces, error);
	if (event->count == 0 || event->count > UINT32_MAX || space->is_started || !spaces->options.reader)
		return TRACE_OK;
	if (flt_reader_snapshot(spaces->options.reader, (uint32_t)event->count, &snapshot, NULL) != TRACE_OK)
		return TRACE_OK;
	if (strcmp(snapshot.name, "limits") == 0)
		spaces_take_limits(space, &snapshot);
	if (strcmp(snapshot.name, "pages") == 0)
		space->first_pages = snapshot.bytes;
	if (strcmp(snapshot.name, "maps") != 0 || space->mm.tree.count > 0)
		return TRACE_OK;
	return spaces_start_from_maps(spaces, event->process, &snapshot, error);
}

/* --- Births ------------------------------------------------------------------------------------------------------------- */

static enum trace_status copy_space(struct spaces *spaces, struct process *child, struct space *parent,
				    struct trace_error *error)
{
	struct space *space = calloc(1, sizeof(*space));
	struct fault_space_options pages = {.resident = {.store = &spaces->platform.store,
							 .frames = &spaces->platform.frames,
							 .policy = &spaces->platform.policy},
					    .processors = &spaces->platform.processors,
					    .cpu = parent->pages.cpu};

	if (!space)
		return spaces_no_memory(error);
	*space = (struct space){.stack_top = parent->stack_top,
				.break_recorded = parent->break_recorded,
				.knows_break = parent->knows_break,
				.has_gate = parent->has_gate,
				.is_started = true,
				.is_touched = true};
	if (!relocation_copy(&space->moved, &parent->moved)) {
		free(space);
		return spaces_no_memory(error);
	}
	const enum status made = fault_space_create(&space->pages, &pages);
	const bool is_made = made == STATUS_OK;

	if (is_made && fault_fork(&space->mm, &parent->mm, &space->pages).error == 0) {
		space->pages.resident.huge_is_disabled = parent->pages.resident.huge_is_disabled;
		child->space = space;
		return TRACE_OK;
	}
	if (is_made)
		fault_space_destroy(&space->pages);
	relocation_clear(&space->moved);
	free(space);
	spaces->calls.failed_only_here++; /* the machine has no room for the copy */
	spaces->calls.forks_refused += made == STATUS_LIMIT;
	child->past.has_ended = made == STATUS_LIMIT;
	return TRACE_OK;
}

static enum trace_status bear(struct spaces *spaces, const struct event *event, struct trace_error *error)
{
	struct space *parent;

	if (!event_makes_child(event) || event->count >= spaces->trace->processes)
		return TRACE_OK;
	enum trace_status status = spaces_need(spaces, event->process, &parent, error);
	struct process *child = &spaces->process[event->count];

	if (status != TRACE_OK || child->space)
		return status;
	spaces_settle(spaces, parent, event->thread);
	spaces->relocations++;
	child->past.is_known = true;
	child->first_top = spaces_stack_top(spaces, parent, event->thread);
	if (child->first_thread != NO_THREAD)
		spaces->thread[child->first_thread].top = 0;
	if (event_copies_memory(event)) {
		status = copy_space(spaces, child, parent, error);
	} else {
		mm_share(&parent->mm);
		spaces_sum_up(&(struct process){.space = parent}, &child->since);
		child->since.is_known = true;
		child->space = parent;
	}
	if (status != TRACE_OK || !child->space || !spaces->options.placer ||
	    event->count != spaces->options.process)
		return status;
	return spaces->options.placer->start(spaces->options.placer, spaces, (uint32_t)event->count, error);
}

/* --- Heap ----------------------------------------------------------------------------------------------------------------- */

static bool has_room(struct spaces *spaces, uint64_t object)
{
	uint64_t room = spaces->objects ? spaces->objects : 1024;

	while (room <= object)
		room *= 2;
	if (room == spaces->objects)
		return true;
	struct placed *larger = realloc(spaces->object, room * sizeof(larger[0]));

	if (!larger)
		return false;
	memset(larger + spaces->objects, 0, (room - spaces->objects) * sizeof(larger[0]));
	spaces->object = larger;
	spaces->objects = room;
	return true;
}

enum trace_status spaces_put_block(struct spaces *spaces, uint64_t object, struct placed placed,
				   struct trace_error *error)
{
	if (object > EVENT_MAX_OBJECTS || !has_room(spaces, object))
		return spaces_no_memory(error);
	spaces->object[object] = placed;
	return TRACE_OK;
}

static enum trace_status place_block(struct spaces *spaces, const struct event *event, uint64_t position,
				     struct trace_error *error)
{
	struct placer *placer = spaces->options.placer;
	struct space *space;

	if (!placer || event->process != spaces->options.process)
		return TRACE_OK;
	enum trace_status status = spaces_need(spaces, event->process, &space, error);

	if (status != TRACE_OK)
		return status;
	spaces_settle(spaces, space, event->thread);
	return placer->place(placer, spaces, event, position, error);
}

/* --- Events --------------------------------------------------------------------------------------------------------------- */

void spaces_settle(struct spaces *spaces, struct space *space, uint32_t thread)
{
	unsigned cpu = thread < spaces->trace->threads ? spaces->thread[thread].cpu : 0;

	if (spaces->stream_space != space || spaces->stream_cpu != cpu)
		spaces_catch_up(spaces);
	spaces->stream_space = space;
	spaces->stream_cpu = cpu;
	space->pages.cpu = cpu;
	cpu_switch(&spaces->platform.processors, cpu, &space->pages.cpu_space);
}

static bool is_dropped(const struct spaces *spaces, const struct event *event)
{
	return spaces->options.placer && event->process == spaces->options.process &&
	       spaces->thread[event->thread].in_allocator;
}

static enum trace_status call_memory(struct spaces *spaces, const struct event *event,
				     struct trace_error *error)
{
	struct space *space;
	enum trace_status status = spaces_need(spaces, event->process, &space, error);

	if (status != TRACE_OK)
		return status;
	if (is_dropped(spaces, event)) {
		spaces->calls.dropped++;
		return TRACE_OK;
	}
	spaces_settle(spaces, space, event->thread);
	return spaces_carry_out(spaces, space, event, error);
}

/* What the program touched when it faulted: the page that it did not have then is made here as well. What exec touched itself comes
 * before the first of them. */
static enum trace_status touch(struct spaces *spaces, const struct event *event, struct trace_error *error)
{
	const uint32_t how = event->call.flags;
	unsigned access = how & EVENT_FAULT_WRITE     ? WALK_WRITE
			  : how & EVENT_FAULT_EXECUTE ? WALK_EXECUTE
						      : WALK_READ;
	struct space *space;
	enum trace_status status = spaces_need(spaces, event->process, &space, error);

	if (status != TRACE_OK)
		return status;
	spaces_settle(spaces, space, event->thread);
	if (!space->is_touched && space->first_pages)
		(void)exec_pages_touch(&space->mm, space->first_pages);
	space->is_touched = true;
	uint64_t address = relocation_find(&space->moved, event->call.address).ours;

	if (!spaces_reaches(spaces, address))
		return spaces_no_address(spaces, address, error);
	spaces->references.refused += fault_access(&space->mm, address, access | WALK_USER).end != FAULT_DONE;
	spaces->references.done++;
	return TRACE_OK;
}

static void end(struct spaces *spaces, uint32_t process)
{
	leave(spaces, process);
	spaces->process[process].past.is_known = true;
	spaces->process[process].past.has_ended = true;
}

/* What the placer may want to know besides the blocks that it places. */
static enum trace_status tell_placer(struct spaces *spaces, const struct event *event,
				     struct trace_error *error)
{
	struct placer *placer = spaces->options.placer;
	const bool is_of_heap = event_kind_carries(event->kind) & (EVENT_CREATES | EVENT_RELEASES);

	if (!placer || !placer->follow || event->kind > EVENT_CLONE ||
	    (is_of_heap && event->process == spaces->options.process) ||
	    (event_makes_child(event) && event->count >= spaces->trace->processes))
		return TRACE_OK;
	return placer->follow(placer, spaces, event, error);
}

static enum trace_status do_event(struct spaces *spaces, const struct event *event, uint64_t position,
				  struct trace_error *error)
{
	switch (event->kind) {
	case EVENT_MALLOC:
	case EVENT_CALLOC:
	case EVENT_REALLOC:
	case EVENT_MEMALIGN:
	case EVENT_FREE:
	case EVENT_FREE_SIZED:
	case EVENT_THREAD_EXIT:
		return place_block(spaces, event, position, error);
	case EVENT_FORK:
	case EVENT_VFORK:
	case EVENT_CLONE:
		return bear(spaces, event, error);
	case EVENT_EXEC:
		return execute(spaces, event, position, error);
	case EVENT_EXIT:
		end(spaces, event->process);
		return TRACE_OK;
	case EVENT_SNAPSHOT:
		return take_snapshot(spaces, event, error);
	case EVENT_ALLOCATOR_ENTER:
	case EVENT_ALLOCATOR_EXIT:
		spaces->thread[event->thread].in_allocator = event->kind == EVENT_ALLOCATOR_ENTER;
		return TRACE_OK;
	case EVENT_SWITCH:
		spaces->thread[event->thread].cpu =
		    (uint32_t)(event->count % spaces->platform.processors.processors);
		return TRACE_OK;
	case EVENT_FAULT:
		return spaces->options.faults_touch ? touch(spaces, event, error) : TRACE_OK;
	default:
		return event->kind >= EVENT_MMAP && event->kind < EVENT_FAULT
			   ? call_memory(spaces, event, error)
			   : TRACE_OK;
	}
}

enum trace_status spaces_event(struct spaces *spaces, const struct event *event, uint64_t position,
			       struct trace_error *error)
{
	spaces->position = position;
	if (event->process >= spaces->trace->processes || event->thread >= spaces->trace->threads ||
	    spaces->process[event->process].past.has_ended)
		return TRACE_OK;
	enum trace_status status = tell_placer(spaces, event, error);

	return status == TRACE_OK ? do_event(spaces, event, position, error) : status;
}
