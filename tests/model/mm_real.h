/* mm_real.h: runs sequences in real processes.
 *
 * The test program starts itself again as a *server*, without address randomisation; the server fills its whole address
 * space but for three windows with one inaccessible file mapping, and forks a process for each sequence. That
 * process makes the calls itself, by syscall(2) alone (no malloc, no stdio), looks at /proc/self/maps,
 * /proc/self/status and mincore after each, and writes what it sees into memory shared with the test. A forked
 * process 1 is driven through pipes.
 *
 * Transparent huge pages are switched off for the server (prctl), so that the pages a touch brings do not depend on
 * free blocks and on khugepaged; where mappings go is not changed by that.
 */
#ifndef FAULTLINE_TESTS_MODEL_MM_REAL_H
#define FAULTLINE_TESTS_MODEL_MM_REAL_H

#include "tests/model/mm_report.h"

#include <sys/types.h>

/* Shared between test, server and its processes. */
struct exchange {
	struct surroundings around;
	char trouble[128]; /* why the server cannot work; empty: it does */
	struct sequence sequence;
	struct report reports[STEPS_MAX]
			     [2]; /* by step; [1]: of process 1, after its own steps and after a fork */
};

struct real {
	struct exchange *exchange;
	pid_t server;
	int to_server, from_server;
};

/* Starts the server; NULL, or why this machine does not let us. */
const char *real_start(struct real *real);
void real_stop(struct real *real);

/* Runs a sequence: the reports are then in exchange->reports. NULL, or what went wrong. */
const char *real_run(struct real *real, const struct sequence *sequence);

/* To be called first in main: when this is the server's process, serves and does not return. */
void real_serve(int argc, char **argv);

#endif
