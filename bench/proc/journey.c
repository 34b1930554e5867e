#include "config.h"

#include "bench/proc/journey.h"

#include "bench/proc/life.h"
#include "bench/proc/recorded.h"
#include "bench/spaces/engine_placer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What events said of a process besides its memory. */
struct seen {
	const char *stat, *status;
	uint32_t threads;
};

struct proc_journey {
	struct flt_reader *reader;
	const struct flt_summary *trace;
	struct proc_journey_options options;
	struct placer *placer;
	struct spaces *spaces;
	struct seen *seen; /* by process */
	struct proc_users users;
};

/* --- On the way ------------------------------------------------------------------------------------------------------- */

static void read_snapshot(struct proc_journey *journey, const struct event *event)
{
	struct seen *seen = &journey->seen[event->process];
	struct event_snapshot snapshot;

	if (event->count == 0 || event->count > UINT32_MAX ||
	    flt_reader_snapshot(journey->reader, (uint32_t)event->count, &snapshot, NULL) != TRACE_OK)
		return;
	if (strcmp(snapshot.name, "stat") == 0)
		seen->stat = snapshot.bytes;
	if (strcmp(snapshot.name, "status") == 0)
		seen->status = snapshot.bytes;
}

static enum trace_status look_at_event(void *context, struct spaces *spaces, const struct event *event,
				       uint64_t position, struct trace_error *error)
{
	struct proc_journey *journey = context;
	struct seen *seen = &journey->seen[event->process];

	(void)spaces, (void)position, (void)error;
	switch (event->kind) {
	case EVENT_SNAPSHOT:
		read_snapshot(journey, event);
		break;
	case EVENT_THREAD_START:
		seen->threads++;
		break;
	case EVENT_THREAD_EXIT:
		seen->threads -= seen->threads > 0;
		break;
	case EVENT_EXEC:
		if (!(event->flags & EVENT_FAILED))
			*seen = (struct seen){.threads = 1};
		break;
	default:
		/* A child goes on with its parent's program. Its status names the parent's numbers. */
		if (event_makes_child(event) && event->count < journey->trace->processes)
			journey->seen[event->count].stat = seen->stat;
		break;
	}
	return TRACE_OK;
}

/* --- Before it -------------------------------------------------------------------------------------------------------- */

static bool has_calls(const struct flt_summary *trace)
{
	uint64_t calls = trace->accesses + trace->kinds[EVENT_FAULT];

	for (unsigned kind = EVENT_MMAP; kind < EVENT_FAULT; kind++)
		calls += trace->kinds[kind];
	return calls > 0;
}

static enum trace_status check_life(const struct proc_journey *journey, const struct proc_life *life,
				    struct trace_error *error)
{
	const uint32_t number = journey->options.process;
	const char *command = journey->trace->process[number].command;
	const uint64_t event = journey->options.event;

	if (!life->exists)
		return trace_fail(error, TRACE_BAD_INPUT, "no event of %s is of process %" PRIu32 " (%s)",
				  flt_reader_name(journey->reader), number, command ? command : "");
	if (event >= life->first && event <= life->last)
		return TRACE_OK;
	return trace_fail(error, TRACE_BAD_INPUT,
			  "process %" PRIu32 " (%s) is not alive at event %" PRIu64
			  " of %s: it lives from event %" PRIu64 " to event %" PRIu64 "%s",
			  number, command ? command : "", event, flt_reader_name(journey->reader),
			  life->first, life->last, life->ends ? ", its exit" : ", the end of the trace");
}

static enum trace_status check_process(struct proc_journey *journey, struct trace_error *error)
{
	const uint32_t number = journey->options.process;
	struct proc_life life;

	if (number >= journey->trace->processes)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "there is no process %" PRIu32 " in %s, which has %" PRIu32, number,
				  flt_reader_name(journey->reader), journey->trace->processes);
	enum trace_status status = proc_life_find(journey->reader, number, &life, error);

	if (status != TRACE_OK)
		return status;
	if (journey->options.event == PROC_EVENT_LAST)
		journey->options.event = life.last;
	return check_life(journey, &life, error);
}

static enum trace_status check(struct proc_journey *journey, struct trace_error *error)
{
	const struct flt_summary *trace = journey->trace;
	const char *name = flt_reader_name(journey->reader);

	if (!has_calls(trace))
		return trace_fail(
		    error, TRACE_UNSUPPORTED,
		    "%s says nothing of address spaces: it has no memory calls, no page faults and no "
		    "references; `faultline record --mm --faults` or `--accesses` makes a trace that has",
		    name);
	if (journey->options.event != PROC_EVENT_LAST && journey->options.event > trace->events)
		return trace_fail(error, TRACE_BAD_INPUT,
				  "there is no event %" PRIu64 " in %s, which has %" PRIu64
				  " events: --at takes a number from 0 to that",
				  journey->options.event, name, trace->events);
	if (journey->options.process != SPACES_ALL_PROCESSES)
		return check_process(journey, error);
	if (journey->options.event == PROC_EVENT_LAST)
		journey->options.event = trace->events;
	return TRACE_OK;
}

/* --- Going ------------------------------------------------------------------------------------------------------------ */

static enum trace_status go(struct proc_journey *journey, struct trace_error *error)
{
	const struct proc_journey_options *options = &journey->options;
	struct spaces_options spaces = {.reader = journey->reader,
					.platform = {.policy = options->policy,
						     .memory_bytes = options->memory_bytes,
						     .processors = options->processors},
					.addresses = options->addresses,
					.process = SPACES_ALL_PROCESSES,
					.placer = journey->placer,
					.faults_touch = journey->trace->accesses == 0};
	const struct spaces_watch watch = {.context = journey, .before = look_at_event};

	if (journey->placer)
		spaces.process = options->process;
	enum trace_status status = spaces_create(&journey->spaces, &spaces, error);

	if (status == TRACE_OK)
		status = spaces_run_until(journey->spaces, &watch, options->event, error);
	if (status != TRACE_OK || options->process == SPACES_ALL_PROCESSES ||
	    spaces_mm(journey->spaces, options->process))
		return status;
	return trace_fail(error, TRACE_BAD_INPUT,
			  "nothing is known of the address space of process %" PRIu32 " at event %" PRIu64
			  " of %s: no snapshot, memory call, fault or reference came before it",
			  options->process, options->event, flt_reader_name(journey->reader));
}

static enum trace_status prepare(struct proc_journey *journey, struct trace_error *error)
{
	const struct engine_placer_options heap = {.policy = journey->options.heap};

	journey->seen = calloc((size_t)journey->trace->processes + 1, sizeof(journey->seen[0]));
	if (journey->seen && heap.policy && journey->options.process != SPACES_ALL_PROCESSES)
		journey->placer = engine_placer_create(&heap);
	if (!journey->seen ||
	    (heap.policy && journey->options.process != SPACES_ALL_PROCESSES && !journey->placer))
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the processes of the trace");
	return TRACE_OK;
}

enum trace_status proc_journey_create(struct proc_journey **journey, struct flt_reader *reader,
				      const struct proc_journey_options *options, struct trace_error *error)
{
	struct proc_journey *made = calloc(1, sizeof(*made));

	*journey = NULL;
	if (!made)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to bring a trace to an event");
	made->reader = reader;
	made->trace = flt_reader_summary(reader);
	made->options = *options;
	enum trace_status status = check(made, error);

	if (status == TRACE_OK)
		status = prepare(made, error);
	if (status == TRACE_OK)
		status = go(made, error);
	if (status == TRACE_OK)
		*journey = made;
	else
		proc_journey_destroy(made);
	return status;
}

void proc_journey_destroy(struct proc_journey *journey)
{
	if (!journey)
		return;
	spaces_destroy(journey->spaces);
	if (journey->placer)
		engine_placer_destroy(journey->placer);
	free(journey->seen);
	free(journey);
}

/* --- There ------------------------------------------------------------------------------------------------------------ */

/* As exec makes it of a path: what is behind its last slash; of a command line, of its first word. */
static void take_name(const char *command, char name[PROC_NAME_BYTES])
{
	size_t length = strcspn(command, " \t\n"), first = length;

	while (first > 0 && command[first - 1] != '/')
		first--;
	length -= first;
	if (length >= PROC_NAME_BYTES)
		length = PROC_NAME_BYTES - 1;
	memcpy(name, command + first, length);
	name[length] = '\0';
}

struct proc_process proc_journey_process(const struct proc_journey *journey, const char *unknown)
{
	const uint32_t number = journey->options.process;
	const struct flt_process *of_trace = &journey->trace->process[number];
	const struct seen *seen = &journey->seen[number];
	struct proc_process process = {.mm = spaces_mm(journey->spaces, number),
				       .frames = &spaces_platform(journey->spaces)->frames,
				       .beginning = spaces_beginning(journey->spaces, number),
				       .faults = spaces_process(journey->spaces, number).faults,
				       .pid = of_trace->os_id,
				       .threads = seen->threads ? seen->threads : 1,
				       .stat = seen->stat,
				       .status = seen->status,
				       .unknown = unknown};

	if (of_trace->parent != number && of_trace->parent < journey->trace->processes)
		process.parent_pid = journey->trace->process[of_trace->parent].os_id;
	if (!recorded_stat_name(process.stat, process.name, sizeof(process.name)))
		take_name(of_trace->command ? of_trace->command : "", process.name);
	return process;
}

/* What all processes have. A space that several share is counted once: with the first of them. */
static void add_spaces(struct proc_journey *journey, struct proc_users *users)
{
	for (uint32_t i = 0; i < journey->trace->processes; i++) {
		const struct mm *mm = spaces_mm(journey->spaces, i);
		bool is_new = mm != NULL;

		for (uint32_t earlier = 0; is_new && mm->users > 1 && earlier < i; earlier++)
			is_new = spaces_mm(journey->spaces, earlier) != mm;
		if (!is_new)
			continue;
		users->table_pages += resident_table_pages(&fault_space_of(mm)->resident) + 1;
		users->locked_pages += mm->locked_pages;
	}
}

struct proc_machine proc_journey_machine(struct proc_journey *journey, const char *unknown)
{
	const struct platform *platform = spaces_platform(journey->spaces);
	const struct fault_counts faults = spaces_total(journey->spaces).faults;

	journey->users = (struct proc_users){.frames = &platform->frames,
					     .promised_pages = platform->promise.promised_pages,
					     .minor = faults.minor,
					     .major = faults.major,
					     .cow_reuse = faults.cow_reuse,
					     .thp = faults.thp,
					     .thp_fallback = faults.thp_fallback,
					     .thp_promoted = faults.thp_promoted,
					     .thp_split = faults.thp_split};
	add_spaces(journey, &journey->users);
	return (struct proc_machine){
	    .memory = &platform->memory, .users = &journey->users, .unknown = unknown};
}

struct spaces *proc_journey_spaces(const struct proc_journey *journey)
{
	return journey->spaces;
}

uint64_t proc_journey_event(const struct proc_journey *journey)
{
	return journey->options.event;
}
