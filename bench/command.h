/* command.h: the subcommands of `faultline`, one line each.
 *
 * A command gets its own argv (argv[0] is the subcommand's name), parses it with getopt_long and returns the exit status:
 * 0 done, 1 the work failed (one message on stderr says why), 2 wrong usage.
 */
#ifndef FAULTLINE_BENCH_COMMAND_H
#define FAULTLINE_BENCH_COMMAND_H

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

struct command {
	const char *name;
	const char *summary; /* one line for --help */
	int (*run)(int argc, char **argv);
};

/* Prints "faultline COMMAND: " and the printf-formatted sentence on stderr. */
void complain(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The commands, one file command_NAME.c each; every one explains itself with --help. */
int command_report(int argc, char **argv);
int command_policies(int argc, char **argv);

#endif
