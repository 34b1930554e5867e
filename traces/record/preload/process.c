#include "config.h"

#include "traces/record/preload/process.h"

#include "traces/record/preload/environment.h"
#include "traces/record/preload/real.h"
#include "traces/record/preload/recording.h"

#include <alloca.h>
#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_registered(const struct recording_thread *thread)
{
	return thread->serial == *recording.live_serial && recording.process;
}

static bool is_active(void)
{
	return recording.process &&
	       atomic_load_explicit(&recording.arena.control->active, memory_order_relaxed);
}

/* --- Fork and exit ---------------------------------------------------------------------------------------------------- */

static void fork_prepare(void)
{
	struct recording_thread *thread = &recording_thread;

	thread->fork_token = 0;
	if (!recording.follow || !is_active())
		return;
	/* A thread without a heap call of its own yet becomes known here. */
	if (!recording_may(thread) || !is_registered(thread))
		return;
	thread->fork_token = atomic_fetch_add(&recording.arena.control->fork_token, 1) + 1;
	recording_write(thread, ARENA_FORK, 0, thread->fork_token);
}

static void fork_child(void)
{
	if (recording.process)
		recording_forked(&recording_thread);
}

static void note_status(int status)
{
	if (recording_is_own_process())
		atomic_store(&recording.process->exit_status, 256u + ((unsigned)status & 255u));
}

static void note_exit(int status, void *unused)
{
	(void)unused;
	note_status(status);
}

void process_watch(void)
{
	(void)pthread_atfork(fork_prepare, NULL, fork_child);
	(void)on_exit(note_exit, NULL);
}

/* The C library's headers call the parameters __size and the like.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
EXPORT pid_t fork(void)
{
	struct recording_thread *thread = &recording_thread;
	pid_t child;

	if (!real.fork)
		real_resolve();
	child = real.fork();
	if (child < 0 && is_registered(thread))
		atomic_store(&recording.process->fork_failed, thread->fork_token);
	return child;
}

static _Noreturn void leave(int status)
{
	note_status(status);
	for (;;)
		(void)syscall(SYS_exit_group, status);
}

EXPORT _Noreturn void _exit(int status)
{
	leave(status);
}

EXPORT _Noreturn void _Exit(int status)
{
	leave(status);
}

EXPORT _Noreturn void quick_exit(int status)
{
	note_status(status);
	if (!real.quick_exit)
		real_resolve();
	real.quick_exit(status);
	leave(status);
}

/* --- Exec --------------------------------------------------------------------------------------------------------------- */

enum exec_form { EXEC_PATH, EXEC_SEARCHED, EXEC_DESCRIPTOR };

struct exec_call {
	enum exec_form form;
	const char *path;
	int fd;
	char *const *arguments;
	char *const *environment;
};

static int exec_really(const struct exec_call *call, char *const *environment)
{
	switch (call->form) {
	case EXEC_PATH:
		return real.execve(call->path, call->arguments, environment);
	case EXEC_SEARCHED:
		return real.execvpe(call->path, call->arguments, environment);
	case EXEC_DESCRIPTOR:
		break;
	}
	return real.fexecve(call->fd, call->arguments, environment);
}

/* Says in the slot what is being tried; a successful exec leaves it standing there. */
static bool note_exec(const struct exec_call *call)
{
	size_t length;

	if (!recording_is_own_process())
		return false;
	length = call->path ? strnlen(call->path, ARENA_TEXT_BYTES - 1) : 0;
	memcpy(recording.process->exec_path, call->path ? call->path : "", length);
	recording.process->exec_path[length] = '\0';
	atomic_store(&recording.process->exec_pending, 1);
	return true;
}

static int exec_followed(const struct exec_call *call)
{
	struct environment_plan plan;
	char *const *environment = call->environment;
	bool noted = note_exec(call);
	int result;

	if (!real.execve)
		real_resolve();
	if (environment_plan(&plan, environment)) {
		char **list = alloca((plan.entries + 1) * sizeof(*list));
		char *preload = alloca(plan.preload_bytes);
		environment_build(&plan, environment, list, preload);
		environment = list;
	}
	result = exec_really(call, environment);
	if (noted)
		atomic_store(&recording.process->exec_pending, 0);
	return result;
}

EXPORT int execve(const char *path, char *const arguments[], char *const environment[])
{
	return exec_followed(&(struct exec_call){EXEC_PATH, path, -1, arguments, environment});
}

EXPORT int execv(const char *path, char *const arguments[])
{
	return exec_followed(&(struct exec_call){EXEC_PATH, path, -1, arguments, environ});
}

EXPORT int execvp(const char *file, char *const arguments[])
{
	return exec_followed(&(struct exec_call){EXEC_SEARCHED, file, -1, arguments, environ});
}

EXPORT int execvpe(const char *file, char *const arguments[], char *const environment[])
{
	return exec_followed(&(struct exec_call){EXEC_SEARCHED, file, -1, arguments, environment});
}

EXPORT int fexecve(int fd, char *const arguments[], char *const environment[])
{
	return exec_followed(&(struct exec_call){EXEC_DESCRIPTOR, NULL, fd, arguments, environment});
}

/* The arguments of the execl functions as an array: how many, and (second pass) which. */
static size_t count_arguments(va_list rest)
{
	size_t count = 1;

	while (va_arg(rest, const char *))
		count++;
	return count;
}

static void collect_arguments(char **list, const char *first, va_list rest)
{
	*list = (char *)(uintptr_t)first;
	while (*list)
		*++list = va_arg(rest, char *);
}

EXPORT int execl(const char *path, const char *first, ...)
{
	va_list rest;
	char **list;

	va_start(rest, first);
	list = alloca((count_arguments(rest) + 1) * sizeof(*list));
	va_end(rest);
	va_start(rest, first);
	collect_arguments(list, first, rest);
	va_end(rest);
	return execv(path, list);
}

EXPORT int execlp(const char *file, const char *first, ...)
{
	va_list rest;
	char **list;

	va_start(rest, first);
	list = alloca((count_arguments(rest) + 1) * sizeof(*list));
	va_end(rest);
	va_start(rest, first);
	collect_arguments(list, first, rest);
	va_end(rest);
	return execvp(file, list);
}

EXPORT int execle(const char *path, const char *first, ...)
{
	va_list rest;
	char **list;
	char *const *environment;

	va_start(rest, first);
	list = alloca((count_arguments(rest) + 1) * sizeof(*list));
	va_end(rest);
	va_start(rest, first);
	collect_arguments(list, first, rest);
	environment = va_arg(rest, char *const *);
	va_end(rest);
	return execve(path, list, environment);
}

/* --- Programs started beside this one --------------------------------------------------------------------------------------- */

EXPORT int posix_spawn(pid_t *child, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const arguments[],
		       char *const environment[])
{
	struct environment_plan plan;

	if (!real.posix_spawn)
		real_resolve();
	if (environment_plan(&plan, environment)) {
		char **list = alloca((plan.entries + 1) * sizeof(*list));
		char *preload = alloca(plan.preload_bytes);
		environment_build(&plan, environment, list, preload);
		return real.posix_spawn(child, path, actions, attributes, arguments, list);
	}
	return real.posix_spawn(child, path, actions, attributes, arguments, environment);
}

EXPORT int posix_spawnp(pid_t *child, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attributes, char *const arguments[],
			char *const environment[])
{
	struct environment_plan plan;

	if (!real.posix_spawnp)
		real_resolve();
	if (environment_plan(&plan, environment)) {
		char **list = alloca((plan.entries + 1) * sizeof(*list));
		char *preload = alloca(plan.preload_bytes);
		environment_build(&plan, environment, list, preload);
		return real.posix_spawnp(child, file, actions, attributes, arguments, list);
	}
	return real.posix_spawnp(child, file, actions, attributes, arguments, environment);
}

/* system and popen take the environment from `environ` inside the C library: it is exchanged for the time of the call. */
EXPORT int system(const char *command)
{
	struct environment_plan plan;
	char **before = environ, **list = NULL;
	int result;

	if (!real.system)
		real_resolve();
	if (command && environment_plan(&plan, environ)) {
		char *preload = alloca(plan.preload_bytes);
		list = alloca((plan.entries + 1) * sizeof(*list));
		environment_build(&plan, environ, list, preload);
		environ = list;
	}
	result = real.system(command);
	if (list && environ == list)
		environ = before;
	return result;
}

EXPORT FILE *popen(const char *command, const char *mode)
{
	struct environment_plan plan;
	char **before = environ, **list = NULL;
	FILE *result;

	if (!real.popen)
		real_resolve();
	if (environment_plan(&plan, environ)) {
		char *preload = alloca(plan.preload_bytes);
		list = alloca((plan.entries + 1) * sizeof(*list));
		environment_build(&plan, environ, list, preload);
		environ = list;
	}
	result = real.popen(command, mode);
	if (list && environ == list)
		environ = before;
	return result;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
