#include "config.h"

#include "traces/record/launch.h"

#include "traces/record/arena.h"
#include "traces/record/emulation.h"
#include "traces/record/follower.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
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

/* Adds the recorder's two variables to the environment. */
static bool preload_library(const struct launch_options *options)
{
	const char *preloaded = getenv(ARENA_PRELOAD);
	char *preload = NULL;
	bool set;

	if (asprintf(&preload, "%s%s%s", options->library, preloaded && *preloaded ? ":" : "",
		     preloaded ? preloaded : "") < 0)
		return false;
	set =
	    setenv(ARENA_PRELOAD, preload, 1) == 0 && setenv(ARENA_ENVIRONMENT, options->assignment, 1) == 0;
	if (options->emulator)
		set = set && setenv(LAUNCH_EMULATOR, options->emulator, 1) == 0;
	free(preload);
	return set;
}

/* What the child tells the recorder when it does not become the command. */
struct launch_report {
	int reason; /* errno */
	bool unprepared;
};

/* In the child. Returns only when the command cannot be executed. */
static struct launch_report become_command(const struct launch_options *options, const sigset_t *mask)
{
	struct launch_report report = {.unprepared = true};

	if (options->library && !preload_library(options))
		return (struct launch_report){.reason = ENOMEM};
	if (options->follower)
		report.reason = follower_prepare(options->follower);
	if (report.reason != 0)
		return report;
	if (options->plugin && setenv(ARENA_ENVIRONMENT, options->assignment, 1) != 0)
		return (struct launch_report){.reason = ENOMEM};
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	if (options->plugin) {
		const struct emulation emulation = {.emulator = options->emulator, .plugin = options->plugin};
		return (struct launch_report){.reason = emulation_execute(&emulation, options->command)};
	}
	(void)execvp(options->command[0], options->command);
	return (struct launch_report){.reason = errno};
}

/* `go` is readable, or closed, once the recorder is ready for the command. */
static _Noreturn void run_child(const struct launch_options *options, const sigset_t *mask, int go,
				int report)
{
	struct launch_report told;
	char ready;

	if (read(go, &ready, 1) != 1)
		_exit(126);

	for (size_t i = 0; i < FORWARDED; i++) {
		struct sigaction action;
		if (sigaction(forwarded[i], NULL, &action) == 0 && action.sa_sigaction == on_signal)
			(void)signal(forwarded[i], SIG_DFL);
	}
	told = become_command(options, mask);
	if (write(report, &told, sizeof(told)) != (ssize_t)sizeof(told))
		_exit(126);
	_exit(127);
}

/* Collects the child, which ends at once. */
static void collect(struct launched *launched)
{
	if (!launched->follower) {
		(void)waitpid(launched->child, &launched->status, 0);
		launched->ended = true;
	}
	while (!launched->ended) {
		const struct timespec pause = {.tv_nsec = 1000000};
		(void)nanosleep(&pause, NULL);
		launch_poll(launched);
	}
	handler_child = 0;
}

/* Lets the waiting child become the command and waits until it has or cannot. */
static enum trace_status release_child(struct launched *launched, int go, int report,
				       struct trace_error *error)
{
	struct launch_report told = {0};
	enum trace_status status = TRACE_OK;

	if (launched->follower)
		status = follower_attach(launched->follower, launched->child, error);
	if (status != TRACE_OK)
		launched->follower = NULL; /* it collects nobody */
	else if (write(go, "", 1) != 1)
		status = trace_fail(error, TRACE_IO, "cannot start the command: %s", strerror(errno));
	(void)close(go);
	if (read(report, &told, sizeof(told)) != (ssize_t)sizeof(told))
		told.reason = 0;
	(void)close(report);
	launched->exec_errno = told.reason;
	launched->unprepared = told.reason != 0 && told.unprepared;
	if (status != TRACE_OK || told.reason != 0)
		collect(launched);
	return status;
}

enum trace_status launch_start(struct launched *launched, const struct launch_options *options,
			       struct trace_error *error)
{
	sigset_t all, mask;
	int report[2], go[2];

	*launched = (struct launched){.follower = options->follower};
	if (pipe2(report, O_CLOEXEC) != 0)
		return trace_fail(error, TRACE_IO, "cannot make a pipe: %s", strerror(errno));
	if (pipe2(go, O_CLOEXEC) != 0) {
		(void)close(report[0]);
		(void)close(report[1]);
		return trace_fail(error, TRACE_IO, "cannot make a pipe: %s", strerror(errno));
	}
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &mask);
	install_handlers(options);
	(void)fflush(NULL);
	launched->child = fork();
	if (launched->child == 0) {
		(void)close(go[1]);
		run_child(options, &mask, go[0], report[1]);
	}
	handler_child = launched->child;
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	(void)close(report[1]);
	(void)close(go[0]);
	if (launched->child < 0) {
		(void)close(report[0]);
		(void)close(go[1]);
		return trace_fail(error, TRACE_IO, "cannot start a process: %s", strerror(errno));
	}
	return release_child(launched, go[1], report[0], error);
}

static bool has_ended(const struct launched *launched, int *status)
{
	if (launched->follower)
		return follower_command_ended(launched->follower, status);
	return waitpid(launched->child, status, WNOHANG) == launched->child;
}

void launch_poll(struct launched *launched)
{
	int status;

	if (launched->ended || !has_ended(launched, &status))
		return;
	launched->ended = true;
	handler_child = 0;
	launched->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
