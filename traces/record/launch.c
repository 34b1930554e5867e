#include "config.h"

#include "traces/record/launch.h"

#include "traces/record/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const int forwarded[] = {SIGHUP,	 SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
				SIGUSR2, SIGALRM, SIGCONT, SIGWINCH};
#define FORWARDED (sizeof(forwarded) / sizeof(forwarded[0]))

/* What the signal handler needs. */
static volatile pid_t handler_child;
static volatile sig_atomic_t handler_finish;
static volatile sig_atomic_t handler_start_signal, handler_stop_signal;
static _Atomic uint32_t *volatile handler_active;
static struct sigaction previous[FORWARDED + 2];

static bool switch_recording(int signal)
{
	if (!handler_active || (signal != handler_start_signal && signal != handler_stop_signal))
		return false;
	if (handler_start_signal == handler_stop_signal)
		atomic_fetch_xor(handler_active, 1);
	else
		atomic_store(handler_active, signal == handler_start_signal);
	return true;
}

static void on_signal(int signal, siginfo_t *information, void *context)
{
	int saved_errno = errno;

	(void)context;
	if (switch_recording(signal)) {
		errno = saved_errno;
		return;
	}
	if (handler_child > 0 && information->si_code <= 0)
		(void)kill(handler_child, signal);
	else if (handler_child == 0 &&
		 (signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT))
		handler_finish = 1;
	errno = saved_errno;
}

static void install(int signal, struct sigaction *before)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(signal, NULL, before);
	/* nohup's SIGHUP and a background job's SIGINT stay ignored, in the child too. */
	if (before->sa_handler != SIG_IGN)
		(void)sigaction(signal, &action, NULL);
}

static void install_handlers(const struct launch_options *options)
{
	handler_start_signal = options->start_signal;
	handler_stop_signal = options->stop_signal;
	handler_active = options->active;
	for (size_t i = 0; i < FORWARDED; i++)
		install(forwarded[i], &previous[i]);
	if (options->start_signal)
		install(options->start_signal, &previous[FORWARDED]);
	if (options->stop_signal && options->stop_signal != options->start_signal)
		install(options->stop_signal, &previous[FORWARDED + 1]);
}

void launch_end(void)
{
	handler_active = NULL;
	for (size_t i = 0; i < FORWARDED; i++)
		(void)sigaction(forwarded[i], &previous[i], NULL);
}

bool launch_asked_to_finish(void)
{
	return handler_finish != 0;
}

/* In the child. Returns only when the command cannot be executed. */
static int become_command(const struct launch_options *options, const sigset_t *mask)
{
	const char *preloaded = getenv(ARENA_PRELOAD);
	char *preload = NULL;
	int reason;

	if (asprintf(&preload, "%s%s%s", options->library, preloaded && *preloaded ? ":" : "",
		     preloaded ? preloaded : "") < 0 ||
	    setenv(ARENA_PRELOAD, preload, 1) != 0 ||
	    setenv(ARENA_ENVIRONMENT, options->assignment, 1) != 0) {
		free(preload);
		return ENOMEM;
	}
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	(void)execvp(options->command[0], options->command);
	reason = errno;
	free(preload);
	return reason;
}

static _Noreturn void run_child(const struct launch_options *options, const sigset_t *mask, int report)
{
	int reason;

	for (size_t i = 0; i < FORWARDED; i++) {
		struct sigaction action;
		if (sigaction(forwarded[i], NULL, &action) == 0 && action.sa_sigaction == on_signal)
			(void)signal(forwarded[i], SIG_DFL);
	}
	reason = become_command(options, mask);
	if (write(report, &reason, sizeof(reason)) != (ssize_t)sizeof(reason))
		_exit(126);
	_exit(127);
}

enum trace_status launch_start(struct launched *launched, const struct launch_options *options,
			       struct trace_error *error)
{
	sigset_t all, mask;
	int report[2];

	*launched = (struct launched){0};
	if (pipe2(report, O_CLOEXEC) != 0)
		return trace_fail(error, TRACE_IO, "cannot make a pipe: %s", strerror(errno));
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &mask);
	install_handlers(options);
	(void)fflush(NULL);
	launched->child = fork();
	if (launched->child == 0)
		run_child(options, &mask, report[1]);
	handler_child = launched->child;
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	(void)close(report[1]);
	if (launched->child < 0) {
		(void)close(report[0]);
		return trace_fail(error, TRACE_IO, "cannot start a process: %s", strerror(errno));
	}
	if (read(report[0], &launched->exec_errno, sizeof(launched->exec_errno)) != (ssize_t)sizeof(int))
		launched->exec_errno = 0;
	(void)close(report[0]);
	if (launched->exec_errno != 0)
		(void)waitpid(launched->child, &launched->status, 0);
	launched->ended = launched->exec_errno != 0;
	return TRACE_OK;
}

void launch_poll(struct launched *launched)
{
	int status;

	if (launched->ended || waitpid(launched->child, &status, WNOHANG) != launched->child)
		return;
	launched->ended = true;
	handler_child = 0;
	launched->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
