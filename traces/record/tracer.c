#include "config.h"

#include "traces/record/tracer.h"

#include "traces/record/page_map.h"
#include "traces/record/process_files.h"
#include "traces/record/residency.h"
#include "traces/record/syscall_filter.h"
#include "traces/memory_call.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uthash.h>

#define OPTIONS                                                                                              \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |            \
	 PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT)
#define CALL_STOP (SIGTRAP | 0x80)

/* One traced thread. */
struct tracee {
	pid_t thread_id;
	pid_t process_id; /* 0 = not known yet: it is held */
	bool ending;	  /* has told its end */
	bool in_call;	  /* between the stops of a call that is recorded */
	uint64_t call;
	UT_hash_handle hh;
};

struct traced_process {
	pid_t process_id;
	uint32_t threads; /* that have not told their end */
	UT_hash_handle hh;
};

struct tracer {
	struct tracer_options options;
	struct kernel_queue queue;
	pthread_t thread;
	bool started;	   /* the thread runs */
	sem_t attached;	   /* posted once `attach_errno` is known */
	int attach_errno;  /* why it could not be traced, 0 = it is */
	pid_t command;	   /* process id */
	bool executed;	   /* the command has become the program */
	atomic_int status; /* of the command */
	atomic_bool ended; /* the command is collected */
	_Atomic uint32_t living;
	_Atomic uint32_t foreign_programs;
	struct tracee *tracees;
	struct traced_process *processes;
};

/* --- Who is traced --------------------------------------------------------------------------------------------------------- */

static struct tracee *find_tracee(struct tracer *tracer, pid_t thread_id)
{
	struct tracee *tracee;

	HASH_FIND(hh, tracer->tracees, &thread_id, sizeof(thread_id), tracee);
	return tracee;
}

static struct tracee *add_tracee(struct tracer *tracer, pid_t thread_id)
{
	struct tracee *tracee = calloc(1, sizeof(*tracee));

	if (!tracee)
		return NULL;
	tracee->thread_id = thread_id;
	HASH_ADD(hh, tracer->tracees, thread_id, sizeof(tracee->thread_id), tracee);
	return tracee;
}

static void remove_tracee(struct tracer *tracer, struct tracee *tracee)
{
	HASH_DEL(tracer->tracees, tracee);
	free(tracee);
}

static struct traced_process *find_process(struct tracer *tracer, pid_t process_id)
{
	struct traced_process *process;

	HASH_FIND(hh, tracer->processes, &process_id, sizeof(process_id), process);
	return process;
}

/* The thread belongs to the process from now on. */
static void join_process(struct tracer *tracer, struct tracee *tracee, pid_t process_id)
{
	struct traced_process *process = find_process(tracer, process_id);

	tracee->process_id = process_id;
	if (!process) {
		process = calloc(1, sizeof(*process));
		if (!process)
			return;
		process->process_id = process_id;
		HASH_ADD(hh, tracer->processes, process_id, sizeof(process->process_id), process);
		atomic_fetch_add(&tracer->living, 1);
	}
	process->threads++;
}

static void put(struct tracer *tracer, const struct tracee *tracee, struct kernel_record record)
{
	record.process_id = (uint32_t)tracee->process_id;
	record.thread_id = (uint32_t)tracee->thread_id;
	if (tracer->executed)
		kernel_queue_put(&tracer->queue, &record);
	else
		free(record.text);
}

static void resume(enum __ptrace_request how, pid_t thread_id, int signal)
{
	(void)ptrace(how, thread_id, NULL, (void *)(intptr_t)signal);
}

/* What is said of a process at the start of a program, and at its end: files of /proc, and texts that are gathered. Maps are
 * read through a thread that lives: a process whose first thread has ended shows none. */
struct snapshot {
	const char *name;
	char *(*text)(uint32_t thread_id); /* NULL: the file of that name */
};

static const struct snapshot first_snapshots[] = {
    {"maps", NULL},
    {"stat", NULL},
    {"status", NULL},
    {"limits", NULL},
    {"pages", page_map_text},
    {"residency", residency_text},
    {"settings", residency_settings},
    {NULL, NULL},
};
static const struct snapshot last_snapshots[] = {
    {"maps", NULL},
    {"stat", NULL},
    {"status", NULL},
    {"smaps_rollup", NULL},
    {"pages", page_map_text},
    {"residency", residency_text},
    {"settings", residency_settings},
    {NULL, NULL},
};

static void put_snapshots(struct tracer *tracer, const struct tracee *tracee, const struct snapshot *snapshot)
{
	for (; tracer->options.snapshots && snapshot->name; snapshot++) {
		struct kernel_record record = {.kind = KERNEL_SNAPSHOT, .name = snapshot->name};
		uint32_t thread_id = (uint32_t)tracee->thread_id;
		record.text =
		    snapshot->text ? snapshot->text(thread_id) : process_text(thread_id, snapshot->name);
		if (record.text)
			put(tracer, tracee, record);
	}
}

static void put_exec_file(struct tracer *tracer, const struct tracee *tracee)
{
	struct kernel_record record = {.kind = KERNEL_EXEC_FILE};

	record.text = process_file((uint32_t)tracee->process_id, -1, &record.file);
	if (record.text)
		put(tracer, tracee, record);
}

/* --- Births ---------------------------------------------------------------------------------------------------------------- */

/* Of the flags of clone those that can be seen from outside. */
static uint64_t clone_flags(const struct tracee *parent, const struct tracee *child, int event)
{
	uint64_t flags = event == PTRACE_EVENT_VFORK ? CLONE_VFORK : 0;

	if (syscall(SYS_kcmp, parent->thread_id, child->thread_id, KCMP_VM, 0, 0) == 0)
		flags |= CLONE_VM;
	return flags;
}

/* `parent` made the thread `tracee`, which may be the first of a process. Both stand still, or the parent is gone. */
static void settle_birth(struct tracer *tracer, const struct tracee *parent, struct tracee *tracee, int event)
{
	struct kernel_record record = {.kind = KERNEL_THREAD, .argument[0] = (uint64_t)tracee->thread_id};
	pid_t process_id = (pid_t)process_of_thread((uint32_t)tracee->thread_id);

	if (process_id == 0)
		process_id = tracee->thread_id;
	if (process_id != parent->process_id) {
		record.kind = KERNEL_FORK;
		record.argument[0] = (uint64_t)process_id;
		record.argument[1] = clone_flags(parent, tracee, event);
		record.text = process_arguments((uint32_t)process_id);
	}
	put(tracer, parent, record);
	join_process(tracer, tracee, process_id);
}

static void on_birth(struct tracer *tracer, struct tracee *parent, int event)
{
	unsigned long message = 0;
	struct tracee *child;
	bool held;

	if (ptrace(PTRACE_GETEVENTMSG, parent->thread_id, NULL, &message) == 0 && message != 0) {
		child = find_tracee(tracer, (pid_t)message);
		held = child != NULL;
		if (!child)
			child = add_tracee(tracer, (pid_t)message);
		if (child && child->process_id == 0)
			settle_birth(tracer, parent, child, event);
		if (held)
			resume(PTRACE_CONT, child->thread_id, 0);
	}
	resume(PTRACE_CONT, parent->thread_id, 0);
}

/* Will another process that lives still name the held thread? */
static bool is_awaited(struct tracer *tracer, const struct tracee *held, pid_t dying)
{
	pid_t maker = (pid_t)process_of_thread((uint32_t)held->thread_id);

	if (maker == held->thread_id)
		maker = (pid_t)process_parent((uint32_t)held->thread_id);
	return maker != dying && find_process(tracer, maker);
}

/* The parent of held children died before it could name them. */
static void release_held(struct tracer *tracer, const struct tracee *parent)
{
	struct tracee *tracee, *next;

	HASH_ITER(hh, tracer->tracees, tracee, next)
	{
		if (tracee->process_id == 0 && !is_awaited(tracer, tracee, parent->process_id)) {
			settle_birth(tracer, parent, tracee, PTRACE_EVENT_FORK);
			resume(PTRACE_CONT, tracee->thread_id, 0);
		}
	}
}

/* --- Exec and ends --------------------------------------------------------------------------------------------------------- */

/* Of the threads before the exec only this one is left, and has the process's number as its own. */
static void on_exec(struct tracer *tracer, struct tracee *tracee)
{
	struct kernel_record record = {.kind = KERNEL_EXEC};
	struct traced_process *process;
	unsigned long former = 0;
	struct tracee *other;

	if (ptrace(PTRACE_GETEVENTMSG, tracee->thread_id, NULL, &former) == 0 &&
	    former != (unsigned long)tracee->thread_id && (other = find_tracee(tracer, (pid_t)former)))
		remove_tracee(tracer, other);
	process = find_process(tracer, tracee->process_id);
	if (process)
		process->threads = 1;
	tracee->ending = tracee->in_call = false;
	tracer->executed = true;
	record.text = process_arguments((uint32_t)tracee->process_id);
	if (tracer->options.snapshots && !process_is_native((uint32_t)tracee->process_id))
		atomic_fetch_add(&tracer->foreign_programs, 1);
	put_exec_file(tracer, tracee);
	put(tracer, tracee, record);
	put_snapshots(tracer, tracee, first_snapshots);
	resume(PTRACE_CONT, tracee->thread_id, 0);
}

/* The thread ends, with its memory still there (`readable`) or not. */
static void tell_end(struct tracer *tracer, struct tracee *tracee, unsigned long status, bool readable)
{
	struct traced_process *process = find_process(tracer, tracee->process_id);
	struct kernel_record record = {.kind = KERNEL_THREAD_END, .result = (int64_t)status};
	bool last = process && --process->threads == 0;

	tracee->ending = true;
	if (tracee->process_id == 0)
		return;
	if (last && readable)
		put_snapshots(tracer, tracee, last_snapshots);
	if (readable)
		record.text = process_thread_name((uint32_t)tracee->thread_id);
	put(tracer, tracee, record);
	record = (struct kernel_record){.kind = KERNEL_PROCESS_END, .result = (int64_t)status};
	if (!last)
		return;
	put(tracer, tracee, record);
	release_held(tracer, tracee);
	HASH_DEL(tracer->processes, process);
	free(process);
	atomic_fetch_sub(&tracer->living, 1);
}

static void on_exit_stop(struct tracer *tracer, struct tracee *tracee)
{
	unsigned long status = 0;

	(void)ptrace(PTRACE_GETEVENTMSG, tracee->thread_id, NULL, &status);
	if (!tracee->ending)
		tell_end(tracer, tracee, status, true);
	resume(PTRACE_CONT, tracee->thread_id, 0);
}

static void on_gone(struct tracer *tracer, pid_t thread_id, int status)
{
	struct tracee *tracee = find_tracee(tracer, thread_id);

	if (tracee && !tracee->ending)
		tell_end(tracer, tracee, (unsigned long)status, false);
	if (tracee)
		remove_tracee(tracer, tracee);
	if (thread_id == tracer->command) {
		atomic_store(&tracer->status, status);
		atomic_store(&tracer->ended, true);
	}
}

/* --- Calls ----------------------------------------------------------------------------------------------------------------- */

static void on_call(struct tracer *tracer, struct tracee *tracee)
{
	struct kernel_record record = {.kind = KERNEL_CALL_ENTER};
	struct __ptrace_syscall_info call = {0};
	const struct memory_call *known;
	int descriptor;

	tracee->in_call = tracer->executed &&
			  atomic_load_explicit(tracer->options.active, memory_order_relaxed) != 0 &&
			  ptrace(PTRACE_GET_SYSCALL_INFO, tracee->thread_id, sizeof(call), &call) > 0 &&
			  call.op == PTRACE_SYSCALL_INFO_SECCOMP;
	if (!tracee->in_call) {
		resume(PTRACE_CONT, tracee->thread_id, 0);
		return;
	}
	record.call = tracee->call = call.seccomp.nr;
	for (size_t i = 0; i < MEMORY_CALL_ARGUMENTS; i++)
		record.argument[i] = call.seccomp.args[i];
	known = memory_call_by_number(record.call);
	if (!known || !memory_call_concerns(known, record.argument)) {
		tracee->in_call = false;
		resume(PTRACE_CONT, tracee->thread_id, 0);
		return;
	}
	descriptor = memory_call_descriptor(known, record.argument);
	if (descriptor >= 0 && (int)record.argument[descriptor] >= 0)
		record.text = process_file((uint32_t)tracee->process_id, (int)record.argument[descriptor],
					   &record.file);
	put(tracer, tracee, record);
	resume(PTRACE_SYSCALL, tracee->thread_id, 0);
}

static void on_call_exit(struct tracer *tracer, struct tracee *tracee)
{
	struct kernel_record record = {.kind = KERNEL_CALL_EXIT, .call = tracee->call};
	struct __ptrace_syscall_info call = {0};

	if (tracee->in_call && ptrace(PTRACE_GET_SYSCALL_INFO, tracee->thread_id, sizeof(call), &call) > 0 &&
	    call.op == PTRACE_SYSCALL_INFO_EXIT) {
		record.result = call.exit.rval;
		put(tracer, tracee, record);
	}
	tracee->in_call = false;
	resume(PTRACE_CONT, tracee->thread_id, 0);
}

/* --- Stops ----------------------------------------------------------------------------------------------------------------- */

/* A stop that a signal or the birth of the thread caused. */
static void on_other_stop(struct tracee *tracee, int event, int signal)
{
	bool group = event == PTRACE_EVENT_STOP &&
		     (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU);

	if (group)
		resume(PTRACE_LISTEN, tracee->thread_id, 0);
	else
		resume(PTRACE_CONT, tracee->thread_id, event == 0 ? signal : 0);
}

static void on_stop(struct tracer *tracer, pid_t thread_id, int status)
{
	int event = status >> 16, signal = WSTOPSIG(status);
	struct tracee *tracee = find_tracee(tracer, thread_id);

	if (!tracee)
		tracee = add_tracee(tracer, thread_id);
	if (!tracee) {
		resume(PTRACE_CONT, thread_id, 0);
		return;
	}
	if (tracee->process_id == 0 && event == PTRACE_EVENT_STOP)
		return;
	if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE)
		on_birth(tracer, tracee, event);
	else if (event == PTRACE_EVENT_EXEC)
		on_exec(tracer, tracee);
	else if (event == PTRACE_EVENT_EXIT)
		on_exit_stop(tracer, tracee);
	else if (event == PTRACE_EVENT_SECCOMP)
		on_call(tracer, tracee);
	else if (event == 0 && signal == CALL_STOP)
		on_call_exit(tracer, tracee);
	else
		on_other_stop(tracee, event, signal);
}

static int seize(const struct tracer *tracer)
{
	unsigned long options = OPTIONS;

	if (tracer->options.calls)
		options |= PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL;
	return ptrace(PTRACE_SEIZE, tracer->command, NULL, (void *)options) == 0 ? 0 : errno;
}

static void *trace(void *context)
{
	struct tracer *tracer = context;
	struct tracee *first = add_tracee(tracer, tracer->command);

	tracer->attach_errno = first ? seize(tracer) : ENOMEM;
	if (tracer->attach_errno == 0)
		join_process(tracer, first, tracer->command);
	(void)sem_post(&tracer->attached);
	while (tracer->attach_errno == 0) {
		int status, cancellable;
		pid_t thread_id = waitpid(-1, &status, __WALL);
		if (thread_id < 0 && errno != EINTR)
			break;
		(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
		if (thread_id > 0 && WIFSTOPPED(status))
			on_stop(tracer, thread_id, status);
		else if (thread_id > 0)
			on_gone(tracer, thread_id, status);
		(void)pthread_setcancelstate(cancellable, NULL);
	}
	return NULL;
}

/* --- The recorder's side --------------------------------------------------------------------------------------------------- */

enum trace_status tracer_create(struct tracer **created, const struct tracer_options *options,
				struct trace_error *error)
{
	struct tracer *tracer = calloc(1, sizeof(*tracer));

	*created = tracer;
	if (!tracer)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory to start");
	tracer->options = *options;
	kernel_queue_create(&tracer->queue);
	(void)sem_init(&tracer->attached, 0, 0);
	return TRACE_OK;
}

int tracer_prepare(const struct tracer *tracer)
{
	return tracer->options.calls ? syscall_filter_install() : 0;
}

enum trace_status tracer_attach(struct tracer *tracer, pid_t child, struct trace_error *error)
{
	sigset_t all, mask;
	int reason;

	tracer->command = child;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &mask);
	reason = pthread_create(&tracer->thread, NULL, trace, tracer);
	(void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
	if (reason != 0)
		return trace_fail(error, TRACE_NO_MEMORY, "cannot start a thread: %s", strerror(reason));
	tracer->started = true;
	while (sem_wait(&tracer->attached) != 0)
		continue;
	if (tracer->attach_errno != 0)
		return trace_fail(error, TRACE_UNSUPPORTED, "the program cannot be traced (ptrace): %s",
				  strerror(tracer->attach_errno));
	return TRACE_OK;
}

struct kernel_queue *tracer_queue(struct tracer *tracer)
{
	return &tracer->queue;
}

bool tracer_command_ended(const struct tracer *tracer, int *status)
{
	*status = atomic_load(&tracer->status);
	return atomic_load(&tracer->ended);
}

uint32_t tracer_living(const struct tracer *tracer)
{
	return atomic_load(&tracer->living);
}

uint32_t tracer_foreign_programs(const struct tracer *tracer)
{
	return atomic_load(&tracer->foreign_programs);
}

void tracer_destroy(struct tracer *tracer)
{
	struct tracee *tracee, *next_tracee;
	struct traced_process *process, *next_process;

	if (!tracer)
		return;
	if (tracer->started) {
		(void)pthread_cancel(tracer->thread);
		(void)pthread_join(tracer->thread, NULL);
	}
	tracee = tracer->tracees;
	process = tracer->processes;
	HASH_CLEAR(hh, tracer->tracees);
	for (; tracee; tracee = next_tracee) {
		next_tracee = tracee->hh.next;
		free(tracee);
	}
	HASH_CLEAR(hh, tracer->processes);
	for (; process; process = next_process) {
		next_process = process->hh.next;
		free(process);
	}
	kernel_queue_destroy(&tracer->queue);
	(void)sem_destroy(&tracer->attached);
	free(tracer);
}
