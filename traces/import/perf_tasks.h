/* perf_tasks.h: what perf notes of threads, programs and mappings besides its samples, as events.
 *
 *   PERF_RECORD_FORK    a process: fork, vfork or clone; a thread: nothing, it appears with its first event
 *   PERF_RECORD_COMM    with "exec": exec, of the file that is mapped first
 *   PERF_RECORD_MMAP    within a call: its file. While a program is started: a region that the exec made
 *   PERF_RECORD_EXIT    exit with the last thread that is known, else thread_exit
 *
 * A FORK does not say whether memory is shared: the call does, where calls were recorded; else it is a fork. A mapping outside of
 * calls and starts is left out: perf tells what is mapped then (also after mprotect, with its neighbours), not what was asked for.
 */
#ifndef FAULTLINE_TRACES_IMPORT_PERF_TASKS_H
#define FAULTLINE_TRACES_IMPORT_PERF_TASKS_H

#include "traces/import/importer.h"
#include "traces/memory_call.h"

enum perf_task_kind {
	PERF_TASK_FORK,
	PERF_TASK_EXEC,
	PERF_TASK_MAP,
	PERF_TASK_EXIT,
};

struct perf_task {
	enum perf_task_kind kind;
	uint32_t process_id, thread_id;
	uint32_t parent_process_id, parent_thread_id; /* of FORK */
	uint64_t time_ns;
	/* of MAP */
	uint64_t address, length, offset; /* bytes */
	uint32_t protection, flags;	  /* PROT_*, MAP_SHARED or MAP_PRIVATE */
	struct scan path;		  /* "/usr/bin/ls", "[vdso]", "//anon" */
};

struct perf_thread;
struct perf_process;

struct perf_tasks {
	struct importer *importer;
	struct perf_thread *threads;	/* that have begun a call, or a program */
	struct perf_process *processes; /* whose threads are known from their birth on */
};

void perf_tasks_start(struct perf_tasks *tasks, struct importer *importer);
void perf_tasks_end(struct perf_tasks *tasks);

enum trace_status perf_tasks_take(struct perf_tasks *tasks, const struct perf_task *task) TRACE_MUST_USE;

/* Whose sample or call it is. */
struct perf_moment {
	uint32_t process_id, thread_id;
	uint64_t time_ns;
};

/* The thread runs instructions, so its program has been started. */
enum trace_status perf_tasks_run(struct perf_tasks *tasks, struct perf_moment moment) TRACE_MUST_USE;

/* The thread has entered a system call, whatever it is. */
enum trace_status perf_tasks_enter(struct perf_tasks *tasks, struct perf_moment moment, uint64_t number,
				   const uint64_t argument[MEMORY_CALL_ARGUMENTS]) TRACE_MUST_USE;

/* It has returned: puts the call's event, if it is one. */
enum trace_status perf_tasks_leave(struct perf_tasks *tasks, struct perf_moment moment, uint64_t number,
				   int64_t result) TRACE_MUST_USE;

#endif
