/* physical_replay.h: `faultline replay --physical`: a kernel recording on physical memory. */
#ifndef FAULTLINE_BENCH_PHYSICAL_PHYSICAL_REPLAY_H
#define FAULTLINE_BENCH_PHYSICAL_PHYSICAL_REPLAY_H

#include "bench/replay_options.h"

/* Replays the trace as the options say and prints the table, or with --json run.json; with -o a directory with run.json.
 * Returns the exit status, after one message when it is not EXIT_DONE. */
int physical_replay(const struct replay_options *options, const char *path);

#endif
