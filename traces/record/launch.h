/* launch.h: the recorded command as a child process that knows nothing of it.
 *
 * It gets the recorder's own standard streams, working directory, signal mask and limits, and two more variables in its
 * environment. Signals that somebody sends to the recorder are passed on to it; those that a terminal sends reach the
 * whole foreground group and are not passed on a second time.
 */
#ifndef FAULTLINE_TRACES_RECORD_LAUNCH_H
#define FAULTLINE_TRACES_RECORD_LAUNCH_H

#include "traces/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The environment variable that says where the emulator is in which recorded programs start again (guest/restart.h). */
#define LAUNCH_EMULATOR "FAULTLINE_EMULATOR"

struct follower;

struct launch_options {
	char **command;		   /* argument vector, NULL at its end */
	const char *library;	   /* absolute path of the library to preload; NULL = none */
	const char *assignment;	   /* value of the environment variable ARENA_ENVIRONMENT */
	const char *emulator;	   /* of LAUNCH_EMULATOR; NULL = not set */
	const char *plugin;	   /* of the emulator, to be started in it at once; NULL = started as it is */
	struct follower *follower; /* follows the command from its exec on, and collects it; NULL = nobody */
	int start_signal;	   /* when the recorder gets it, launch_control.active becomes 1; 0 = none */
	int stop_signal;	   /* ... 0; the same as start_signal: it toggles */
	_Atomic uint32_t *active;
};

struct launched {
	struct follower *follower; /* of the options */
	pid_t child;
	bool ended;
	int exec_errno;	 /* not 0: the command could not be started, and why */
	bool unprepared; /* exec_errno says why it could not be made to be followed */
	int status;	 /* once ended: exit status, or 128 + signal */
};

/* Starts the command and waits until it runs or cannot (exec_errno). One at a time in a process: it installs signal
 * handlers. */
enum trace_status launch_start(struct launched *launched, const struct launch_options *options,
			       struct trace_error *error) TRACE_MUST_USE;

/* Collects the child if it has ended. */
void launch_poll(struct launched *launched);

/* Has somebody asked, by SIGINT or SIGTERM after the command's end, not to wait for its descendants any longer? */
bool launch_asked_to_finish(void);

/* Restores the signal handlers. */
void launch_end(void);

#endif
