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

/* Starts `program` with one argument, the number of `descriptor`, which it inherits. -1 with a message on failure. */
pid_t child_process_start(const char *program, int descriptor, char **environment, struct trace_error *error);

/* The file of the replaying program for this target. */
const char *child_process_program(const struct target *target);

#endif
