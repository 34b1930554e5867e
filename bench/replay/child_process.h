/* child_process.h: starting the replaying program, and saying what became of it. */
#ifndef FAULTLINE_BENCH_REPLAY_CHILD_PROCESS_H
#define FAULTLINE_BENCH_REPLAY_CHILD_PROCESS_H

#include "bench/targets/target.h"
#include "traces/error.h"

#include <sys/types.h>

/* The caller's environment without the variables that steer allocators, with the target's own, LD_PRELOAD and `padding_bytes` of
 * padding. NULL without memory; freed by environment_destroy. */
char **environment_create(const struct target *target, unsigned padding_bytes);
void environment_destroy(char **environment);

struct child_start {
	const char *program;
	int descriptor; /* the program inherits it and gets its number as its one argument */
	char **environment;
	bool fixed_addresses; /* the same in every run, where the system permits it */
};

/* -1 with a message on failure. */
pid_t child_process_start(const struct child_start *start, struct trace_error *error);

/* The file of the replaying program for this target. */
const char *child_process_program(const struct target *target);

#endif
