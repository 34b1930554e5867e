/* live.h: the program itself under each allocator, to show whether the replay ranks as reality does.
 *
 * In each round the command runs once under every target (preloaded, with the target's environment), starting with another target
 * than the round before. Its standard output is thrown away, its standard error is not. Measured are wall clock, user and system
 * time, and the peak resident set, as the kernel accounts them to the process and its waited-for children.
 */
#ifndef FAULTLINE_BENCH_LIVE_H
#define FAULTLINE_BENCH_LIVE_H

#include "bench/replay_options.h"

/* Runs `command` (NULL-terminated) and prints a table and the verdicts, or JSON. False after one message: a target that does not exist,
 * a command that cannot be started or ends with another status than 0. */
bool live_compare(const struct replay_options *options, char *const *command);

#endif
