#include "config.h"

#include "traces/census.h"
#include "traces/grown_array.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MEMALIGN_MAX_ALIGNMENT (UINT64_C(1) << 62)

void census_start(struct census *census)
{
	*census = (struct census){0};
}

void census_end(struct census *census)
{
	for (uint32_t i = 0; i < census->processes; i++)
		live_set_clear(&census->process[i].live);
	free(census->process);
	free(census->thread);
	kernel_tally_end(&census->kernel);
	*census = (struct census){0};
}

unsigned census_size_class(uint64_t bytes)
{
	return bytes ? 64u - (unsigned)__builtin_clzll(bytes) : 0;
}

static enum trace_status no_memory(struct trace_error *error)
{
	return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the trace's live set");
}

enum trace_status census_process(struct census *census, uint32_t process, struct trace_error *error)
{
	if (process < census->processes)
		return TRACE_OK;
	if (process > census->processes || process >= EVENT_MAX_PROCESSES)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "event %" PRIu64 ": process %" PRIu32
				  " appears, the next new one must be %" PRIu32 " (and at most %u)",
				  census->events, process, census->processes, EVENT_MAX_PROCESSES - 1);
	void *larger =
	    grown_array(census->process, process, &census->process_capacity, sizeof(*census->process));

	if (!larger)
		return no_memory(error);
	census->process = larger;
	census->process[census->processes++] = (struct census_process){0};
	return TRACE_OK;
}

enum trace_status census_thread(struct census *census, uint32_t thread, uint32_t process,
				struct trace_error *error)
{
	enum trace_status status;

	if (thread < census->threads) {
		if (census->thread[thread].process == process)
			return TRACE_OK;
		return trace_fail(error, TRACE_BAD_INPUT,
				  "event %" PRIu64 ": thread %" PRIu32 " belongs to process %" PRIu32
				  ", not to %" PRIu32,
				  census->events, thread, census->thread[thread].process, process);
	}
	if (thread > census->threads || thread >= EVENT_MAX_THREADS)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "event %" PRIu64 ": thread %" PRIu32
				  " appears, the next new one must be %" PRIu32 " (and at most %u)",
				  census->events, thread, census->threads, EVENT_MAX_THREADS - 1);
	status = census_process(census, process, error);
	if (status != TRACE_OK)
		return status;
	void *larger = grown_array(census->thread, thread, &census->thread_capacity, sizeof(*census->thread));

	if (!larger)
		return no_memory(error);
	census->thread = larger;
	census->thread[census->threads++] = (struct census_thread){.process = process};
	return TRACE_OK;
}

/* What is wrong with an event of a kind that makes processes or has arguments, or NULL. */
static const char *call_fault(const struct event *event)
{
	const bool failed = event->flags & EVENT_FAILED;

	if (!event_call_fits(event))
		return "carries an argument that its kind does not have";
	if (event->call.file >= EVENT_MAX_FILES)
		return "has a file number that is too high";
	if (failed && (event->call.result == 0 || event->call.result > EVENT_MAX_ERRNO))
		return "is marked as failed, but its result is no errno";
	if (event->kind == EVENT_CLONE && failed && event->count)
		return "is marked as failed, but has a child";
	return NULL;
}

/* What is wrong with the fields of an event taken by itself, or NULL. */
static const char *fields_fault(const struct event *event)
{
	const unsigned carries = event_kind_carries(event->kind);
	const bool failed = event->flags & EVENT_FAILED;

	if (!event_kind_is_known(event->kind))
		return "has an unknown kind";
	if (event->flags & ~(EVENT_FAILED | EVENT_FOREIGN))
		return "has an unknown flag";
	if (!(carries & EVENT_HAS_SIZE) && event->size)
		return "carries a size, which its kind does not have";
	if (!(carries & EVENT_HAS_COUNT) && event->count)
		return "carries a count, which its kind does not have";
	if (!(carries & EVENT_HAS_ALIGNMENT) && event->alignment)
		return "carries an alignment, which its kind does not have";
	if (event->kind != EVENT_REALLOC && event->old_object)
		return "carries an old object, which only realloc has";
	if (!(carries & (EVENT_CREATES | EVENT_RELEASES)) && event->object)
		return "carries an object, which its kind does not have";
	if (failed && !(carries & (EVENT_CREATES | EVENT_HAS_RESULT)) &&
	    !(event_kernel_carries(event->kind) & EVENT_KERNEL_MAY_FAIL))
		return "is marked as failed, but is no allocation and no system call";
	if ((event->flags & EVENT_FOREIGN) && !(carries & EVENT_RELEASES))
		return "is marked as foreign, but ends no object";
	if (failed && event->object)
		return "is marked as failed, but has an object";
	if ((carries & EVENT_CREATES) && !failed && !event->object && event->size)
		return "created no object from a size that is not 0, but is not marked as failed";
	if (event->kind == EVENT_SWITCH && event->count >= EVENT_MAX_CPUS)
		return "has a cpu number that is too high";
	if (event->kind == EVENT_SNAPSHOT && (event->count == 0 || event->count >= EVENT_MAX_SNAPSHOTS))
		return "has a snapshot number that is none";
	if (event->kind == EVENT_MEMALIGN && !failed &&
	    (event->alignment == 0 || event->alignment & (event->alignment - 1) ||
	     event->alignment > MEMALIGN_MAX_ALIGNMENT))
		return "has an alignment that is no power of two";
	return NULL;
}

static const char *event_fault(const struct event *event)
{
	const unsigned carries = event_kind_carries(event->kind);
	const char *fault = fields_fault(event);

	if (!fault && ((carries & (EVENT_HAS_CALL | EVENT_HAS_CHILD)) || event_has_call(event)))
		fault = call_fault(event);
	if (!fault && ((carries & EVENT_HAS_KERNEL) || event_has_kernel(event)))
		fault = event_kernel_fault(event);
	return fault;
}

static enum trace_status refuse(const struct census *census, const struct event *event, const char *fault,
				struct trace_error *error)
{
	return trace_fail(error, TRACE_BAD_INPUT, "event %" PRIu64 " (%s) %s", census->events,
			  event_kind_name(event->kind), fault);
}

/* One event as it is about to be counted: what it ends, what it creates. */
struct change {
	struct census_process *process;
	uint64_t ends;	  /* id, 0 = nothing known */
	uint64_t creates; /* id, 0 = nothing */
	uint64_t names;	  /* foreign id that a failed realloc leaves alive, 0 = none */
	uint64_t objects; /* census.objects after the event */
	uint64_t ends_bytes;
	bool cross_thread;
};

static enum trace_status plan_end(const struct census *census, const struct event *event,
				  struct change *change, struct trace_error *error)
{
	const bool failed = event->flags & EVENT_FAILED;
	const uint64_t id = event->kind == EVENT_REALLOC ? event->old_object : event->object;

	if (event->flags & EVENT_FOREIGN) {
		if (id != change->objects + 1)
			return refuse(census, event, "names a foreign object by another id than the next one",
				      error);
		change->objects = id;
		change->names = failed ? id : 0;
		return TRACE_OK;
	}
	if (!id)
		return TRACE_OK;
	const struct live_object *object = live_set_find(&change->process->live, id);

	if (!object)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "event %" PRIu64 " (%s) ends object %" PRIu64
				  ", which is not alive in process %" PRIu32,
				  census->events, event_kind_name(event->kind), id, event->process);
	if (failed)
		return TRACE_OK;
	change->ends = id;
	change->ends_bytes = object->size_bytes;
	change->cross_thread = object->thread != event->thread && object->thread < census->threads &&
			       census->thread[object->thread].process == event->process;
	return TRACE_OK;
}

static enum trace_status plan_objects(const struct census *census, const struct event *event,
				      struct change *change, struct trace_error *error)
{
	const unsigned carries = event_kind_carries(event->kind);

	if (carries & EVENT_RELEASES) {
		enum trace_status status = plan_end(census, event, change, error);

		if (status != TRACE_OK)
			return status;
	}
	if ((carries & EVENT_CREATES) && event->object) {
		if (event->object != change->objects + 1)
			return trace_fail(
			    error, TRACE_BAD_INPUT,
			    "event %" PRIu64 " (%s) creates object %" PRIu64 ", the next id is %" PRIu64,
			    census->events, event_kind_name(event->kind), event->object, change->objects + 1);
		change->creates = change->objects = event->object;
	}
	if (change->objects >= EVENT_MAX_OBJECTS)
		return refuse(census, event, "creates more objects than a trace may have (2^40)", error);
	if (change->creates &&
	    (event->size > CENSUS_MAX_LIVE_BYTES || census->live_bytes + event->size > CENSUS_MAX_LIVE_BYTES))
		return refuse(census, event, "brings more than 2^62 bytes alive at once", error);
	return TRACE_OK;
}

static bool apply_objects(struct census *census, const struct event *event, const struct change *change)
{
	struct live_set *live = &change->process->live;
	const struct live_object born = {.size_bytes = event->size, .thread = event->thread};
	const struct live_object named = {.thread = event->thread};

	/* What can run out of memory without undo comes first; a removal after an insertion owns its path already or
	 * is undone by taking the insertion back, which does. */
	if (change->creates && !live_set_insert(live, change->creates, &born))
		return false;
	if (change->names && !live_set_insert(live, change->names, &named))
		return false;
	if (change->ends && !live_set_remove(live, change->ends)) {
		if (change->creates)
			(void)live_set_remove(live, change->creates);
		return false;
	}
	census->live_objects += (change->creates != 0) + (uint64_t)(change->names != 0) - (change->ends != 0);
	census->live_bytes += (change->creates ? event->size : 0) - change->ends_bytes;
	return true;
}

static void count_objects(struct census *census, const struct event *event, const struct change *change)
{
	const unsigned carries = event_kind_carries(event->kind);

	if (change->creates) {
		const unsigned class = census_size_class(event->size);

		census->sizes[class]++;
		census->sizes_bytes[class] += event->size;
		census->requested_bytes += event->size;
	}
	if (census->live_bytes > census->live_peak_bytes)
		census->live_peak_bytes = census->live_bytes;
	if (census->live_objects > census->live_peak_objects)
		census->live_peak_objects = census->live_objects;
	census->objects = change->objects;
	if (carries & EVENT_CREATES)
		census->cross_thread_reallocs += change->cross_thread;
	else
		census->cross_thread_frees += change->cross_thread;
	census->null_frees += carries & EVENT_RELEASES && !(carries & EVENT_CREATES) && !event->object;
}

static void drop_live(struct census *census, struct census_process *process)
{
	census->live_bytes -= process->live.bytes;
	census->live_objects -= process->live.objects;
	census->left_at_exit_bytes += process->live.bytes;
	census->left_at_exit_objects += process->live.objects;
	live_set_clear(&process->live);
}

static enum trace_status fork_process(struct census *census, const struct event *event,
				      struct trace_error *error)
{
	if (event->count >= EVENT_MAX_PROCESSES || event->count == event->process)
		return refuse(census, event, "has a child number out of bounds", error);
	const uint32_t child = (uint32_t)event->count;
	enum trace_status status = census_process(census, child, error);

	if (status != TRACE_OK)
		return status;
	const struct live_set *parent = &census->process[event->process].live;
	struct census_process *process = &census->process[child];

	if (process->state != CENSUS_EXPECTED || process->live.objects)
		return refuse(census, event, "creates a process that exists already", error);
	if (parent->bytes > CENSUS_MAX_LIVE_BYTES - census->live_bytes)
		return refuse(census, event, "brings more than 2^62 bytes alive at once", error);
	process->state = CENSUS_RUNNING;
	if (!event_copies_memory(event))
		return TRACE_OK;
	live_set_share(&process->live, parent);
	census->live_bytes += parent->bytes;
	census->live_objects += parent->objects;
	return TRACE_OK;
}

static enum trace_status apply_life(struct census *census, const struct event *event,
				    struct trace_error *error)
{
	struct census_process *process = &census->process[event->process];
	struct census_thread *thread = &census->thread[event->thread];
	enum trace_status status = TRACE_OK;

	switch (event->kind) {
	case EVENT_THREAD_START:
		if (thread->state != CENSUS_THREAD_EXPECTED)
			return refuse(census, event, "is not the first event of its thread", error);
		break;
	case EVENT_THREAD_EXIT:
		thread->state = CENSUS_THREAD_GONE;
		return TRACE_OK;
	case EVENT_FORK:
	case EVENT_VFORK:
	case EVENT_CLONE:
		if (event_makes_child(event))
			status = fork_process(census, event, error);
		break;
	case EVENT_EXEC:
		if (!(event->flags & EVENT_FAILED))
			drop_live(census, process);
		break;
	case EVENT_EXIT:
		drop_live(census, process);
		process->state = CENSUS_GONE;
		break;
	default:
		break;
	}
	if (status == TRACE_OK)
		thread->state = CENSUS_THREAD_RUNNING;
	return status;
}

static enum trace_status admit(struct census *census, const struct event *event, struct trace_error *error)
{
	const char *fault = event_fault(event);
	enum trace_status status;

	if (fault)
		return refuse(census, event, fault, error);
	status = census_thread(census, event->thread, event->process, error);
	if (status != TRACE_OK)
		return status;
	if (census->process[event->process].state == CENSUS_GONE)
		return refuse(census, event, "follows the exit of its process", error);
	if (census->thread[event->thread].state == CENSUS_THREAD_GONE)
		return refuse(census, event, "follows the exit of its thread", error);
	return TRACE_OK;
}

enum trace_status census_add(struct census *census, const struct event *event, struct trace_error *error)
{
	enum trace_status status = admit(census, event, error);

	if (status != TRACE_OK)
		return status;
	struct change change = {.process = &census->process[event->process], .objects = census->objects};

	status = plan_objects(census, event, &change, error);
	if (status != TRACE_OK)
		return status;
	if ((change.ends || change.creates || change.names) && !apply_objects(census, event, &change))
		return no_memory(error);
	if ((event_kind_carries(event->kind) & EVENT_HAS_KERNEL) && !kernel_tally_add(&census->kernel, event))
		return no_memory(error);
	status = apply_life(census, event, error);
	if (status != TRACE_OK)
		return status;
	if (census->process[event->process].state == CENSUS_EXPECTED)
		census->process[event->process].state = CENSUS_RUNNING;
	count_objects(census, event, &change);
	census->failed += (event->flags & EVENT_FAILED) != 0;
	census->foreign += (event->flags & EVENT_FOREIGN) != 0;
	census->duration_ns = event->time_ns > census->duration_ns ? event->time_ns : census->duration_ns;
	census->kinds[event->kind]++;
	census->events++;
	return TRACE_OK;
}

const char *census_check(const struct census *census)
{
	uint64_t events = 0, objects = 0, bytes = 0;

	for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
		events += census->kinds[kind];
	if (events != census->events)
		return "I1: events = the sum of kinds";
	for (uint32_t i = 0; i < census->processes; i++) {
		const char *broken = live_set_check(&census->process[i].live);

		if (broken)
			return broken;
		objects += census->process[i].live.objects;
		bytes += census->process[i].live.bytes;
	}
	if (objects != census->live_objects || bytes != census->live_bytes)
		return "I2: live_objects, live_bytes = the sums over the processes' live sets";
	if (census->live_objects > census->live_peak_objects || census->live_bytes > census->live_peak_bytes)
		return "I3: live_objects <= live_peak_objects and live_bytes <= live_peak_bytes";
	return kernel_tally_check(&census->kernel);
}
