#include "config.h"

#include "traces/import/strace.h"

#include "traces/import/constant.h"
#include "traces/import/strace_line.h"
#include "traces/import/system_call.h"
#include "traces/memory_call.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(member) ((member)->id = 0)
#include <uthash.h>

#define BEGINNING_BYTES 4096u
#define NS_PER_DAY UINT64_C(86400000000000)

/* A thread as the file names it. */
struct strace_thread {
	uint64_t id;	     /* what lines begin with, 0 = nothing */
	uint64_t roster_id;  /* what it was first known by */
	uint64_t process_id; /* the roster's; its own id unless a clone said otherwise */
	char *beginning;     /* of a call that is not finished; NULL = none */
	bool is_birth;	     /* that call makes a thread or process */
	uint64_t birth_flags;
	UT_hash_handle hh;
};

struct strace_state {
	struct strace_thread *threads;
	struct strace_thread *torn; /* whose call's end is the next line; NULL = nobody's */
	uint64_t first_ns, day_ns, last_ns;
	bool has_first;
};

/* --- Threads ------------------------------------------------------------------------------------------------------------------ */

static struct strace_thread *find_thread(struct strace_state *state, uint64_t id)
{
	struct strace_thread *thread;

	HASH_FIND(hh, state->threads, &id, sizeof(id), thread);
	if (thread)
		return thread;
	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return NULL;
	thread->id = thread->roster_id = thread->process_id = id;
	HASH_ADD(hh, state->threads, id, sizeof(thread->id), thread);
	if (thread->id != id) {
		free(thread);
		return NULL;
	}
	return thread;
}

static void forget_thread(struct strace_state *state, struct strace_thread *thread)
{
	if (state->torn == thread)
		state->torn = NULL;
	HASH_DEL(state->threads, thread);
	free(thread->beginning);
	free(thread);
}

static bool is_known(struct strace_state *state, uint64_t id)
{
	const struct strace_thread *thread;

	HASH_FIND(hh, state->threads, &id, sizeof(id), thread);
	return thread != NULL;
}

static enum trace_status no_memory(struct importer *importer)
{
	return trace_fail(importer->error, TRACE_NO_MEMORY, "no memory for the file's threads");
}

/* Time since the first line; never falls. The time of a day begins anew at midnight. */
static uint64_t time_of(struct strace_state *state, const struct strace_line *line)
{
	uint64_t ns = line->time_ns + state->day_ns;

	if (!line->has_time)
		return state->last_ns;
	if (line->is_relative)
		return state->last_ns += state->last_ns < UINT64_MAX / 2 ? line->time_ns : 0;
	if (!state->has_first) {
		state->has_first = true;
		state->first_ns = ns;
	}
	if (line->of_day && ns + NS_PER_DAY / 2 < state->first_ns + state->last_ns) {
		state->day_ns += NS_PER_DAY;
		ns += NS_PER_DAY;
	}
	if (ns > state->first_ns + state->last_ns)
		state->last_ns = ns - state->first_ns;
	return state->last_ns;
}

/* --- Births and ends ----------------------------------------------------------------------------------------------------------- */

static enum trace_status put_birth(struct importer *importer, struct strace_state *state,
				   const struct strace_thread *parent, uint64_t child_id, uint64_t flags)
{
	const struct importer_birth birth = {
	    .process_id = parent->process_id,
	    .thread_id = parent->roster_id,
	    .child_id = child_id,
	    .flags = flags,
	    .time_ns = state->last_ns,
	};
	struct strace_thread *child = find_thread(state, child_id);
	bool is_new;

	if (!child)
		return no_memory(importer);
	if (flags & CLONE_THREAD) {
		child->process_id = parent->process_id;
		return TRACE_OK;
	}
	return importer_birth(importer, &birth, &is_new);
}

/* While strace follows one thread only, lines may begin without an id. */
static struct strace_thread *unnamed_thread(struct strace_state *state)
{
	struct strace_thread *thread = state->threads;

	if (thread && HASH_COUNT(state->threads) == 1)
		return thread;
	return find_thread(state, 0);
}

/* An id that was not seen before: some unfinished call made it, or it is that of the thread without one. */
static enum trace_status adopt(struct importer *importer, struct strace_state *state, uint64_t id)
{
	const struct strace_thread *parent = NULL;
	struct strace_thread *thread, *next;

	HASH_ITER(hh, state->threads, thread, next)
	{
		if (thread->beginning && thread->is_birth)
			parent = thread;
	}
	if (parent)
		return put_birth(importer, state, parent, id, parent->birth_flags);
	if (is_known(state, 0)) {
		struct strace_thread *unnamed = find_thread(state, 0);
		HASH_DEL(state->threads, unnamed);
		unnamed->id = id;
		HASH_ADD(hh, state->threads, id, sizeof(unnamed->id), unnamed);
		if (unnamed->id != id)
			return no_memory(importer);
	}
	return TRACE_OK;
}

static enum trace_status put_end(struct importer *importer, struct strace_state *state,
				 struct strace_thread *thread, uint64_t code)
{
	bool whole = thread->roster_id == thread->process_id;
	struct event event = {.kind = whole ? EVENT_EXIT : EVENT_THREAD_EXIT, .time_ns = state->last_ns};
	struct roster_place place;
	enum trace_status status = importer_place(importer, thread->process_id, thread->roster_id, &place);

	if (status != TRACE_OK)
		return status;
	event.size = whole ? code : 0;
	event.thread = place.thread;
	event.process = place.process;
	roster_end_thread(&importer->roster, place.process, thread->roster_id);
	if (whole)
		roster_end_process(&importer->roster, thread->process_id);
	forget_thread(state, thread);
	return importer_put(importer, &event);
}

/* --- Calls ---------------------------------------------------------------------------------------------------------------------- */

static bool is_named(const struct system_call *call, const char *name)
{
	return scan_equal(call->name.at, (size_t)(call->name.end - call->name.at), name);
}

static uint64_t birth_flags(const struct system_call *call)
{
	uint64_t flags = 0;

	if (is_named(call, "vfork"))
		return CLONE_VM | CLONE_VFORK;
	(void)system_call_member(call, "flags", &flags);
	return flags;
}

static bool name_makes(const struct scan *name)
{
	static const char *const names[] = {"clone", "clone3", "fork", "vfork"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (scan_equal(name->at, (size_t)(name->end - name->at), names[i]))
			return true;
	}
	return false;
}

static enum trace_status put_exec(struct importer *importer, const struct strace_state *state,
				  const struct roster_place *place, const struct system_call *call)
{
	struct event event = {.kind = EVENT_EXEC,
			      .time_ns = state->last_ns,
			      .thread = place->thread,
			      .process = place->process};
	enum trace_status status = TRACE_OK;
	struct scan path;

	if (call->arguments > 0 && system_call_path(call->argument[0], &path))
		status = importer_file(importer, path, &event.call.file);
	if (call->result < 0) {
		event.flags = EVENT_FAILED;
		event.call.result = (uint64_t)-call->result;
	}
	return status == TRACE_OK ? importer_put(importer, &event) : status;
}

/* Stores the arguments as numbers. False: one is not understood. */
static bool read_arguments(const struct memory_call *known, const struct system_call *call,
			   uint64_t argument[MEMORY_CALL_ARGUMENTS])
{
	memset(argument, 0, MEMORY_CALL_ARGUMENTS * sizeof(*argument));
	for (size_t i = 0; i < known->arguments && i < call->arguments; i++) {
		if (!system_call_value(call->argument[i], &argument[i]) && known->field[i] != FIELD_NONE &&
		    known->kind != EVENT_PRCTL)
			return false;
	}
	return call->arguments >= known->arguments || known->kind == EVENT_MREMAP ||
	       known->kind == EVENT_PRCTL;
}

static enum trace_status put_call(struct importer *importer, const struct strace_state *state,
				  const struct roster_place *place, const struct system_call *call)
{
	const struct memory_call *known =
	    memory_call_by_name(call->name.at, (size_t)(call->name.end - call->name.at));
	uint64_t argument[MEMORY_CALL_ARGUMENTS];
	enum trace_status status = TRACE_OK;
	struct event event;
	struct scan path;
	int descriptor;

	if (!read_arguments(known, call, argument))
		return importer_warn(
		    importer, "argument not understood",
		    "has an argument that is neither a number nor known names; it was skipped");
	if (!memory_call_concerns(known, argument))
		return TRACE_OK;
	memory_call_event(known, argument, call->result, &event);
	descriptor = memory_call_descriptor(known, argument);
	if (descriptor >= 0 && (size_t)descriptor < call->arguments &&
	    system_call_path(call->argument[descriptor], &path))
		status = importer_file(importer, path, &event.call.file);
	event.time_ns = state->last_ns;
	event.thread = place->thread;
	event.process = place->process;
	return status == TRACE_OK ? importer_put(importer, &event) : status;
}

/* Calls that concern memory and have no event. */
static bool has_no_event(const struct system_call *call)
{
	static const char *const names[] = {"process_madvise", "mbind",		  "set_mempolicy",
					    "migrate_pages",   "move_pages",	  "userfaultfd",
					    "mseal",	       "map_shadow_stack"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (is_named(call, names[i]))
			return true;
	}
	return false;
}

static enum trace_status take_call(struct importer *importer, struct strace_state *state,
				   const struct strace_thread *thread, const struct system_call *call)
{
	bool makes = name_makes(&call->name), runs = is_named(call, "execve") || is_named(call, "execveat");
	bool known = memory_call_by_name(call->name.at, (size_t)(call->name.end - call->name.at)) != NULL;
	struct roster_place place;
	enum trace_status status;

	if (!call->returned || (!makes && !runs && !known && !has_no_event(call)))
		return TRACE_OK;
	if (has_no_event(call))
		return importer_warn(importer, "call without event",
				     "is a memory call that traces have no event for; it was skipped");
	status = importer_place(importer, thread->process_id, thread->roster_id, &place);
	if (status != TRACE_OK)
		return status;
	if (makes)
		return call->result > 0
			   ? put_birth(importer, state, thread, (uint64_t)call->result, birth_flags(call))
			   : TRACE_OK;
	return runs ? put_exec(importer, state, &place, call) : put_call(importer, state, &place, call);
}

/* A whole call, in one line or put together from two. */
static enum trace_status take_text(struct importer *importer, struct strace_state *state,
				   const struct strace_thread *thread, struct scan text)
{
	struct system_call call;

	if (!system_call_parse(text, &call))
		return importer_not_understood(importer);
	return take_call(importer, state, thread, &call);
}

/* --- Calls that others' output interrupts ------------------------------------------------------------------------------------ */

static bool begins_release(const struct strace_line *line)
{
	return scan_equal(line->name.at, (size_t)(line->name.end - line->name.at), "munmap") ||
	       scan_equal(line->name.at, (size_t)(line->name.end - line->name.at), "shmdt");
}

static enum trace_status take_beginning(struct importer *importer, struct strace_state *state,
					struct strace_thread *thread, const struct strace_line *line)
{
	const size_t length = (size_t)(line->rest.end - line->rest.at);
	char text[BEGINNING_BYTES];
	struct system_call call;

	free(thread->beginning);
	thread->beginning = NULL;
	if (length + 8 > BEGINNING_BYTES)
		return importer_warn(importer, "call too long",
				     "is too long a beginning of a call; it was skipped");
	memcpy(text, line->rest.at, length);
	memcpy(text + length, ") = 0", 6);
	thread->is_birth = name_makes(&line->name);
	thread->birth_flags = 0;
	if (thread->is_birth && system_call_parse(scan_text(text, length + 5), &call))
		thread->birth_flags = birth_flags(&call);
	if (begins_release(line))
		return take_text(importer, state, thread, scan_text(text, length + 5));
	thread->beginning = strndup(line->rest.at, length);
	return thread->beginning ? TRACE_OK : no_memory(importer);
}

/* A munmap was taken as done when it began; one that failed after all is said. */
static enum trace_status check_release(struct importer *importer, const struct strace_line *line)
{
	struct scan rest = line->rest;

	while (rest.at < rest.end && *rest.at != '=')
		rest.at++;
	if (scan_literal(&rest, "= 0"))
		return TRACE_OK;
	return importer_warn(importer, "release that failed",
			     "should end in `= 0`; the call was taken as done where it began");
}

static enum trace_status take_end(struct importer *importer, struct strace_state *state,
				  struct strace_thread *thread, const struct strace_line *line)
{
	const size_t first = thread->beginning ? strlen(thread->beginning) : 0;
	const size_t second = (size_t)(line->rest.end - line->rest.at);
	enum trace_status status;
	char *text;

	if (begins_release(line))
		return check_release(importer, line);
	if (!thread->beginning)
		return importer_warn(importer, "call without beginning",
				     "ends a call whose beginning is not in the file; it was skipped");
	text = malloc(first + second + 1);
	if (!text)
		return no_memory(importer);
	memcpy(text, thread->beginning, first);
	memcpy(text + first, line->rest.at, second);
	free(thread->beginning);
	thread->beginning = NULL;
	status = take_text(importer, state, thread, scan_text(text, first + second));
	free(text);
	return status;
}

/* --- The file ------------------------------------------------------------------------------------------------------------------ */

static enum trace_status take_line(struct importer *importer, struct strace_state *state,
				   const struct strace_line *line)
{
	struct strace_thread *thread;
	enum trace_status status = TRACE_OK;

	if (line->kind == STRACE_OTHER)
		return TRACE_OK;
	if (line->id != 0 && !is_known(state, line->id))
		status = adopt(importer, state, line->id);
	if (status != TRACE_OK)
		return status;
	thread = line->id ? find_thread(state, line->id) : unnamed_thread(state);
	if (!thread)
		return no_memory(importer);
	switch (line->kind) {
	case STRACE_TORN:
		state->torn = thread;
		return take_beginning(importer, state, thread, line);
	case STRACE_UNFINISHED:
		return take_beginning(importer, state, thread, line);
	case STRACE_RESUMED:
		return take_end(importer, state, thread, line);
	case STRACE_EXITED:
		return put_end(importer, state, thread, line->value);
	case STRACE_KILLED:
		return put_end(importer, state, thread, 128 + line->value);
	case STRACE_SUPERSEDED:
		forget_thread(state, thread);
		return TRACE_OK;
	default:
		return take_text(importer, state, thread, line->rest);
	}
}

/* A line without a name: the end of a call that strace tore apart, or nothing known. */
static enum trace_status take_torn(struct importer *importer, struct strace_state *state, struct scan text)
{
	struct strace_line line = {.kind = STRACE_RESUMED, .rest = text};
	struct strace_thread *thread = state->torn;
	struct scan rest = text;

	state->torn = NULL;
	if (!thread)
		return importer_not_understood(importer);
	scan_blanks(&rest);
	if (scan_literal(&rest, "<unfinished ...>"))
		return TRACE_OK;
	if (!thread->beginning)
		return TRACE_OK; /* a munmap, which was taken where it began */
	return take_end(importer, state, thread, &line);
}

static enum trace_status strace_run(struct importer *importer)
{
	struct strace_state state = {0};
	struct strace_thread *thread, *next;
	enum trace_status status;

	while ((status = importer_next(importer)) == TRACE_OK) {
		struct scan text = scan_text(importer->line.text, importer->line.length);
		struct strace_line line;

		if (scan_ended(&text))
			continue;
		if (!strace_line_parse(text, &line)) {
			status = take_torn(importer, &state, text);
		} else {
			(void)time_of(&state, &line);
			status = take_line(importer, &state, &line);
		}
		if (status != TRACE_OK)
			break;
	}
	HASH_ITER(hh, state.threads, thread, next)
	{
		forget_thread(&state, thread);
	}
	return status == TRACE_END ? TRACE_OK : status;
}

static bool strace_recognise(struct scan text)
{
	struct strace_line line;
	struct system_call call;

	if (!strace_line_parse(text, &line))
		return false;
	return line.kind == STRACE_CALL ? system_call_parse(line.rest, &call) : line.kind != STRACE_OTHER;
}

static size_t strace_detect(const char *bytes, size_t length)
{
	return importer_count_lines(bytes, length, strace_recognise);
}

static bool strace_is_timed(struct scan text)
{
	struct strace_line line;

	return strace_line_parse(text, &line) && line.has_time;
}

static bool strace_has_time(const char *bytes, size_t length)
{
	return importer_count_lines(bytes, length, strace_is_timed) != 0;
}

const struct import_format strace_format = {
    .name = "strace",
    .summary = "strace -f [-t|-tt|-ttt|-r] [-T] [-y] -e trace=%memory,%process",
    .sample = "22903 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f4544e63000",
    .detect = strace_detect,
    .has_time = strace_has_time,
    .run = strace_run,
};
