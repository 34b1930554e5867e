#include "config.h"

#include "traces/record/session_state.h"

#include "traces/record/program.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

__attribute__((format(printf, 2, 3))) static void add_note(struct session_result *result, const char *format,
							   ...)
{
	va_list arguments;

	if (result->notes == SESSION_NOTES)
		return;
	va_start(arguments, format);
	(void)vsnprintf(result->note[result->notes++], SESSION_NOTE_BYTES, format, arguments);
	va_end(arguments);
}

void session_collect_counts(struct session *session, uint32_t slot)
{
	struct arena_process *process = &session->file.arena.processes[slot];

	session->sampled_ticks += atomic_load(&process->sampled_ticks);
	session->sampled_events += atomic_load(&process->sampled_events);
	session->waited_ticks += atomic_load(&process->waited_ticks);
	session->lost_events += atomic_load(&process->lost_events);
	session->result->nested_calls += atomic_load(&process->nested_calls);
	session->result->usable_calls += atomic_load(&process->usable_calls);
}

/* The process went on as another program that did not register. */
void session_note_unrecorded(struct session *session, uint32_t slot)
{
	struct arena_process *process = &session->file.arena.processes[slot];
	char path[ARENA_TEXT_BYTES], found[4096], reason[512];

	if (!atomic_load(&process->exec_pending) || !session->options->follow)
		return;
	memcpy(path, process->exec_path, sizeof(path));
	path[sizeof(path) - 1] = '\0';
	if (path[0] != '\0' && program_find(path, found, sizeof(found)) &&
	    program_obstacle(found, reason, sizeof(reason)))
		add_note(session->result, "process %u went on unrecorded: %s", process->process_id, reason);
	else
		add_note(session->result,
			 "process %u went on unrecorded as %s, which did not load the recorder",
			 process->process_id, path[0] != '\0' ? path : "another program");
}

enum trace_status session_write_warnings(struct session *session, struct trace_error *error)
{
	const struct session_result *result = session->result;
	const struct {
		const char *what;
		uint64_t count;
	} warnings[] = {
	    {"frees of blocks whose allocation was not recorded", result->foreign},
	    {"blocks handed out at an address that was not free", result->reissued},
	    {"records that made no sense", result->damaged},
	    {EVENT_LOST_WARNING, result->lost},
	    {"system calls and faults that were lost", result->kernel.lost},
	    {"system calls of which only one half was seen", result->kernel.unpaired},
	    {"references to blocks that had been freed", result->accesses.freed},
	    {"references past the bytes that were asked for", result->accesses.beyond},
	    {"references to nothing that is known", result->accesses.wild},
	    {"programs of another kind of machine code, whose system calls were not recorded",
	     result->kernel.foreign_programs},
	};
	enum trace_status status = TRACE_OK;

	if (!session->writer)
		return TRACE_OK;
	for (size_t i = 0; status == TRACE_OK && i < sizeof(warnings) / sizeof(warnings[0]); i++)
		status = flt_writer_warn(session->writer, warnings[i].what, warnings[i].count, error);
	for (unsigned i = 0; status == TRACE_OK && i < result->notes; i++)
		status = flt_writer_warn(session->writer, result->note[i], 1, error);
	return status;
}

static void explain_nothing(struct session *session)
{
	const char *name = session->options->command[0];
	char path[4096], reason[512];

	if (session->result->accesses.references + session->result->heap_events +
		session->result->kernel.calls + session->result->kernel.faults !=
	    0)
		return;
	if (session->options->paused || session->options->start_signal)
		add_note(session->result, "nothing was recorded: the recording was not started by a signal");
	else if (!session->options->heap)
		add_note(session->result,
			 "nothing was recorded: the kernel told of no memory call or fault of %s", name);
	else if (program_find(name, path, sizeof(path)) && program_obstacle(path, reason, sizeof(reason)))
		add_note(session->result, "nothing was recorded: %s", reason);
	else if (atomic_load(&session->file.arena.control->cramped) != 0)
		add_note(session->result,
			 "nothing was recorded: the address-space limit (ulimit -v) leaves no room for the "
			 "buffer; --buffer makes it smaller");
	else if (session->merge.processes == 0)
		add_note(session->result,
			 "nothing was recorded: %s did not load the recorder (another user, container or "
			 "C library)",
			 name);
	else
		add_note(session->result,
			 "nothing was recorded: %s called no heap function of a shared library", name);
}

void session_fill_result(struct session *session)
{
	struct session_result *result = session->result;
	struct rusage usage;

	for (uint32_t i = 0; i < ARENA_PROCESSES; i++) {
		if (session->watch.slot[i].serial != 0)
			session_collect_counts(session, i);
	}
	result->events = session->merge.events;
	result->heap_events = session->merge.heap_events;
	if (session->follower)
		follower_count(session->follower, &result->kernel);
	result->accesses = session->accesses.counts;
	result->processes = session->merge.processes;
	result->threads = session->merge.threads;
	result->foreign = session->merge.faults.foreign;
	result->reissued = session->merge.faults.reissued;
	result->damaged = session->merge.faults.damaged + session->ordering.damaged;
	result->lost = session->ordering.lost + session->lost_events;
	result->waiting_s = (double)session->waited_ticks * session->clock.ns_per_tick / 1e9;
	if (session->sampled_events >= 8)
		result->event_ns = (double)session->sampled_ticks / (double)session->sampled_events *
				       session->clock.ns_per_tick -
				   session->clock.read_ns;
	if (result->event_ns < 0)
		result->event_ns = 0;
	result->recording_s = result->event_ns * (double)result->heap_events / 1e9;
	if (getrusage(RUSAGE_CHILDREN, &usage) == 0)
		result->cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
				(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	if (atomic_load(&session->file.arena.control->refused) != 0)
		add_note(result, "%u processes were not recorded: more than %u at once",
			 atomic_load(&session->file.arena.control->refused), ARENA_PROCESSES);
	explain_nothing(session);
}
