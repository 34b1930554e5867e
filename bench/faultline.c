#include "config.h"

#include "bench/command.h"
#include "bench/command_import.h"
#include "bench/command_proc.h"
#include "bench/command_replay.h"
#include "bench/command_record.h"
#include "bench/command_trace.h"
#include "bench/command_translate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One line per subcommand; the functions live in bench/command_NAME.c. */
static const struct command commands[] = {
    {"import", "makes a trace from another tool's recording", command_import},
    {"generate", "makes a trace of a synthetic program", command_generate},
    {"record", "runs a program and records its heap calls", command_record},
    {"report", "makes a page of tables and charts from what compare or replay left", command_report},
    {"info", "says what a trace holds", command_info},
    {"cat", "prints the events of a trace as text", command_cat},
    {"slice", "writes a part of a trace as a trace of its own", command_slice},
    {"export", "writes a trace in a foreign format", command_export},
    {"replay", "replays a trace on an allocator and measures time, latency and memory", command_replay},
    {"place", "records where an allocator puts the blocks of a trace", command_place},
    {"policies", "lists the policies of the engine and their keys", command_policies},
    {"compare", "replays traces on several allocators, interleaved, and says who wins", command_compare},
    {"diff", "shows how two runs differ, and fails beyond a limit", command_diff},
    {"proc", "shows the machine of a trace at an event as files of /proc", command_proc},
    {"translate", "shows how an address becomes a physical one, step by step", command_translate},
    {"doctor", "says what works on this machine", command_doctor},
    {NULL, NULL, NULL},
};

void complain(const char *command, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)fprintf(stderr, "faultline%s%s: ", command ? " " : "", command ? command : "");
	(void)vfprintf(stderr, format, arguments);
	(void)fputc('\n', stderr);
	va_end(arguments);
}

static void print_help(FILE *out)
{
	(void)fputs("Usage: faultline COMMAND [OPTION]... [ARGUMENT]...\n"
		    "Records how programs use memory and replays the recording on allocators and on a model "
		    "of the memory "
		    "system.\n\nCommands:\n",
		    out);
	for (const struct command *command = commands; command->name; command++)
		(void)fprintf(out, "  %-10s %s\n", command->name, command->summary);
	(void)fputs("\n`faultline COMMAND --help` explains a command; faultline(1) is the manual.\n", out);
}

static int run(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)puts(PACKAGE_STRING);
		return EXIT_DONE;
	}
	for (const struct command *command = commands; command->name; command++) {
		if (strcmp(argv[1], command->name) == 0)
			return command->run(argc - 1, argv + 1);
	}
	complain(NULL, "there is no command '%s'; `faultline --help` lists them", argv[1]);
	return EXIT_USAGE;
}

/* Whatever a command printed is there, or it failed; one that says so itself has. */
int main(int argc, char **argv)
{
	const int status = run(argc, argv);

	if (status != EXIT_DONE || (fflush(stdout) == 0 && !ferror(stdout)))
		return status;
	complain(NULL, "cannot write to standard output");
	return EXIT_FAILED;
}
