#include "config.h"

#include "traces/import/perf_tasks.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(member) ((member)->id = UINT32_MAX)
#include <uthash.h>

struct perf_thread {
	uint32_t id;
	bool has_call;
	bool is_starting; /* a program: since exec, and before its first call */
	bool awaits_file; /* the exec has no event yet */
	uint32_t process_id;
	uint64_t executed_ns;
	uint64_t exec_position; /* of the exec's event */
	uint64_t number;	/* of the call */
	uint64_t argument[MEMORY_CALL_ARGUMENTS];
	uint64_t mapped; /* by the call, as perf says: an address; 0 = nothing */
	uint32_t file;	 /* behind it */
	UT_hash_handle hh;
};

struct perf_process {
	uint32_t id;
	uint64_t threads; /* that live */
	UT_hash_handle hh;
};

void perf_tasks_start(struct perf_tasks *tasks, struct importer *importer)
{
	*tasks = (struct perf_tasks){.importer = importer};
}

void perf_tasks_end(struct perf_tasks *tasks)
{
	struct perf_thread *thread = tasks->threads, *next_thread;
	struct perf_process *process = tasks->processes, *next_process;

	HASH_CLEAR(hh, tasks->threads);
	for (; thread; thread = next_thread) {
		next_thread = thread->hh.next;
		free(thread);
	}
	HASH_CLEAR(hh, tasks->processes);
	for (; process; process = next_process) {
		next_process = process->hh.next;
		free(process);
	}
}

static enum trace_status no_memory(const struct perf_tasks *tasks)
{
	return trace_fail(tasks->importer->error, TRACE_NO_MEMORY, "no memory for the file's threads");
}

/* --- Threads and processes ----------------------------------------------------------------------------------------------- */

static struct perf_thread *find_thread(const struct perf_tasks *tasks, uint32_t id)
{
	struct perf_thread *thread;

	HASH_FIND(hh, tasks->threads, &id, sizeof(id), thread);
	return thread;
}

static struct perf_thread *need_thread(struct perf_tasks *tasks, uint32_t id)
{
	struct perf_thread *thread = find_thread(tasks, id);

	if (thread)
		return thread;
	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return NULL;
	thread->id = id;
	HASH_ADD(hh, tasks->threads, id, sizeof(thread->id), thread);
	if (thread->id == id)
		return thread;
	free(thread);
	return NULL;
}

static void forget_thread(struct perf_tasks *tasks, uint32_t id)
{
	struct perf_thread *thread = find_thread(tasks, id);

	if (!thread)
		return;
	HASH_DEL(tasks->threads, thread);
	free(thread);
}

static struct perf_process *find_process(const struct perf_tasks *tasks, uint32_t id)
{
	struct perf_process *process;

	HASH_FIND(hh, tasks->processes, &id, sizeof(id), process);
	return process;
}

/* A process with one thread. False: no memory. */
static bool add_process(struct perf_tasks *tasks, uint32_t id)
{
	struct perf_process *process = find_process(tasks, id);

	if (!process) {
		process = calloc(1, sizeof(*process));
		if (!process)
			return false;
		process->id = id;
		HASH_ADD(hh, tasks->processes, id, sizeof(process->id), process);
		if (process->id != id) {
			free(process);
			return false;
		}
	}
	process->threads = 1;
	return true;
}

/* True when the thread was the last one. Of a process that was there before the recording, it is the one that the process is named
 * after. */
static bool end_thread(struct perf_tasks *tasks, const struct perf_task *task)
{
	struct perf_process *process = find_process(tasks, task->process_id);

	if (!process)
		return task->thread_id == task->process_id;
	if (--process->threads > 0)
		return false;
	HASH_DEL(tasks->processes, process);
	free(process);
	return true;
}

/* --- Births and ends --------------------------------------------------------------------------------------------------------- */

/* What the parent's call says; the glibc's clone3 keeps its flags where nobody saw them. */
static uint64_t birth_flags(const struct perf_tasks *tasks, uint32_t parent)
{
	const struct perf_thread *thread = find_thread(tasks, parent);

	if (!thread || !thread->has_call)
		return 0;
	if (thread->number == SYS_vfork)
		return CLONE_VM | CLONE_VFORK;
	return thread->number == SYS_clone ? thread->argument[0] : 0;
}

static enum trace_status take_fork(struct perf_tasks *tasks, const struct perf_task *task)
{
	const struct importer_birth birth = {
	    .process_id = task->parent_process_id,
	    .thread_id = task->parent_thread_id,
	    .child_id = task->process_id,
	    .flags = birth_flags(tasks, task->parent_thread_id),
	    .time_ns = task->time_ns,
	};
	struct perf_process *parent = find_process(tasks, task->parent_process_id);
	enum trace_status status;
	bool is_new;

	if (task->process_id == task->parent_process_id) {
		if (parent)
			parent->threads++;
		return TRACE_OK;
	}
	status = importer_birth(tasks->importer, &birth, &is_new);
	if (status == TRACE_OK && is_new && !add_process(tasks, task->process_id))
		status = no_memory(tasks);
	return status;
}

static enum trace_status take_exit(struct perf_tasks *tasks, const struct perf_task *task)
{
	struct importer *importer = tasks->importer;
	const bool is_last = end_thread(tasks, task);
	struct event event = {.kind = is_last ? EVENT_EXIT : EVENT_THREAD_EXIT, .time_ns = task->time_ns};
	struct roster_place place;
	enum trace_status status = importer_place(importer, task->process_id, task->thread_id, &place);

	if (status != TRACE_OK)
		return status;
	event.thread = place.thread;
	event.process = place.process;
	forget_thread(tasks, task->thread_id);
	roster_end_thread(&importer->roster, place.process, task->thread_id);
	if (is_last)
		roster_end_process(&importer->roster, task->process_id);
	return importer_put(importer, &event);
}

/* --- Programs ------------------------------------------------------------------------------------------------------------------ */

static enum trace_status put_exec(const struct perf_tasks *tasks, struct perf_thread *thread, uint32_t file)
{
	struct importer *importer = tasks->importer;
	struct event event = {.kind = EVENT_EXEC, .time_ns = thread->executed_ns, .call = {.file = file}};
	struct roster_place place;
	enum trace_status status = importer_place(importer, thread->process_id, thread->id, &place);

	thread->awaits_file = false;
	if (status != TRACE_OK)
		return status;
	event.thread = place.thread;
	event.process = place.process;
	thread->exec_position = importer->ledger.events;
	return importer_put(importer, &event);
}

static enum trace_status take_exec(struct perf_tasks *tasks, const struct perf_task *task)
{
	struct perf_thread *thread = need_thread(tasks, task->thread_id);

	if (!thread)
		return no_memory(tasks);
	thread->process_id = task->process_id;
	thread->executed_ns = task->time_ns;
	thread->is_starting = thread->awaits_file = true;
	return TRACE_OK;
}

/* An exec that waits for its file waits no longer. */
static enum trace_status end_start(const struct perf_tasks *tasks, struct perf_thread *thread)
{
	if (!thread)
		return TRACE_OK;
	thread->is_starting = false;
	return thread->awaits_file ? put_exec(tasks, thread, 0) : TRACE_OK;
}

enum trace_status perf_tasks_run(struct perf_tasks *tasks, struct perf_moment moment)
{
	return end_start(tasks, find_thread(tasks, moment.thread_id));
}

/* --- Mappings ------------------------------------------------------------------------------------------------------------------ */

static bool is_file(struct scan path)
{
	return path.end - path.at >= 2 && path.at[0] == '/' && path.at[1] != '/';
}

static bool is_kernel(struct scan path)
{
	return path.end - path.at >= 3 && path.at[0] == '[' && path.at[1] == 'v';
}

static enum trace_status put_region(const struct perf_tasks *tasks, const struct perf_thread *thread,
				    const struct perf_task *task, uint32_t file)
{
	struct importer *importer = tasks->importer;
	struct event_sink *sink = importer->ledger.sink;
	struct event_region region = {.address = task->address,
				      .length = task->length,
				      .offset = task->offset,
				      .event = thread->exec_position,
				      .file = file,
				      .protection = task->protection,
				      .flags = task->flags,
				      .kind = file ? EVENT_REGION_FILE : EVENT_REGION_KERNEL};
	struct roster_place place;
	enum trace_status status;
	uint32_t number;

	if (!sink->region)
		return TRACE_OK;
	status = importer_place(importer, thread->process_id, thread->id, &place);
	region.process = place.process;
	return status == TRACE_OK ? sink->region(sink, &region, &number, importer->error) : status;
}

static enum trace_status take_map(struct perf_tasks *tasks, const struct perf_task *task)
{
	struct perf_thread *thread = find_thread(tasks, task->thread_id);
	enum trace_status status = TRACE_OK;
	uint32_t file = 0;

	if (!thread || (!thread->has_call && !thread->is_starting))
		return TRACE_OK;
	if (is_file(task->path))
		status = importer_file(tasks->importer, task->path, &file);
	if (status != TRACE_OK)
		return status;
	if (!thread->is_starting) {
		thread->mapped = task->address;
		thread->file = file;
		return TRACE_OK;
	}
	if (thread->awaits_file && file)
		status = put_exec(tasks, thread, file);
	if (status != TRACE_OK || thread->awaits_file || (!file && !is_kernel(task->path)))
		return status;
	return put_region(tasks, thread, task, file);
}

enum trace_status perf_tasks_take(struct perf_tasks *tasks, const struct perf_task *task)
{
	enum trace_status status = TRACE_OK;

	if (task->kind != PERF_TASK_MAP)
		status = end_start(tasks, find_thread(tasks, task->thread_id));
	if (status != TRACE_OK)
		return status;
	switch (task->kind) {
	case PERF_TASK_FORK:
		return take_fork(tasks, task);
	case PERF_TASK_EXEC:
		return take_exec(tasks, task);
	case PERF_TASK_MAP:
		return take_map(tasks, task);
	default:
		return take_exit(tasks, task);
	}
}

/* --- Calls ---------------------------------------------------------------------------------------------------------------------- */

enum trace_status perf_tasks_enter(struct perf_tasks *tasks, struct perf_moment moment, uint64_t number,
				   const uint64_t argument[MEMORY_CALL_ARGUMENTS])
{
	struct perf_thread *thread = need_thread(tasks, moment.thread_id);
	enum trace_status status;

	if (!thread)
		return no_memory(tasks);
	status = end_start(tasks, thread);
	thread->has_call = true;
	thread->number = number;
	thread->mapped = 0;
	thread->file = 0;
	memcpy(thread->argument, argument, sizeof(thread->argument));
	return status;
}

static enum trace_status put_call(struct perf_tasks *tasks, struct perf_moment moment,
				  const struct perf_thread *thread, int64_t result)
{
	const struct memory_call *known = memory_call_by_number(thread->number);
	struct roster_place place;
	struct event event;
	enum trace_status status;

	if (!memory_call_concerns(known, thread->argument))
		return TRACE_OK;
	status = importer_place(tasks->importer, moment.process_id, moment.thread_id, &place);
	if (status != TRACE_OK)
		return status;
	memory_call_event(known, thread->argument, result, &event);
	/* Shared anonymous memory has a file that nobody can open. */
	if (result >= 0 && thread->mapped == (uint64_t)result &&
	    memory_call_descriptor(known, thread->argument) >= 0)
		event.call.file = thread->file;
	event.time_ns = moment.time_ns;
	event.thread = place.thread;
	event.process = place.process;
	return importer_put(tasks->importer, &event);
}

enum trace_status perf_tasks_leave(struct perf_tasks *tasks, struct perf_moment moment, uint64_t number,
				   int64_t result)
{
	struct perf_thread *thread = find_thread(tasks, moment.thread_id);
	const bool is_known = memory_call_by_number(number) != NULL;

	if (thread && thread->has_call && thread->number == number) {
		thread->has_call = false;
		return is_known ? put_call(tasks, moment, thread, result) : TRACE_OK;
	}
	return is_known
		   ? warnings_add(
			 &tasks->importer->warnings, "call without its beginning", tasks->importer->error,
			 "is the end of a memory call whose beginning is not in the file; it was skipped")
		   : TRACE_OK;
}
