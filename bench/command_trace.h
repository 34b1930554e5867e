/* command_trace.h: what the commands that look at or change traces share: info, cat, slice, export. */
#ifndef FAULTLINE_BENCH_COMMAND_TRACE_H
#define FAULTLINE_BENCH_COMMAND_TRACE_H

#include "bench/command.h"
#include "traces/error.h"

#include <stdbool.h>
#include <stdint.h>

/* An option parser's way to say that the command may run. */
#define PARSED (-1)

int command_info(int argc, char **argv);
int command_cat(int argc, char **argv);
int command_slice(int argc, char **argv);
int command_export(int argc, char **argv);

struct flt_reader;
struct flt_summary;

/* Opens the trace at `path`; false when it has said that this is not possible. */
bool trace_open(const char *command, const char *path, struct flt_reader **reader);

/* Says that there is more to a truncated trace than can be read. */
void note_truncated(const char *command, const char *path, const struct flt_summary *summary);

/* Prints the error's sentence; EXIT_FAILED. */
int trace_failed(const char *command, const struct trace_error *error);

/* After getopt_long's own message: where to find help; EXIT_USAGE. */
int usage_error(const char *command);

/* Flushes standard output; when that or an earlier write failed, says so (not after a closed pipe's SIGPIPE) and gives
 * EXIT_FAILED instead of EXIT_DONE. */
int finish_output(const char *command, int result);

/* A decimal number that fills `text`; false otherwise, also above 64 bits. */
bool parse_number(const char *text, uint64_t *number);

/* "A:B": events A to B - 1; either may be left out (0, the end). False unless A <= B. */
bool parse_range(const char *text, uint64_t *first, uint64_t *end);

#endif
