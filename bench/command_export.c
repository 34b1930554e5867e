#include "config.h"

#include "bench/command_trace.h"
#include "traces/export/aosp.h"
#include "traces/flt.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "Usage: faultline export --to FORMAT [OPTION]... TRACE\n"
    "Writes a trace in a foreign format. TRACE `-` is standard input.\n"
    "\n"
    "  -f, --to FORMAT       aosp: the text of Android's memory_replay, one call per line\n"
    "  -o, --output FILE     where to write; nothing appears there before it is complete (default: standard "
    "output)\n"
    "  -p, --process P       which process; needed when the trace has several\n"
    "      --skip-foreign    leave out frees of objects that were allocated before the recording began, and "
    "make\n"
    "                        reallocs of them mallocs; memory_replay stops at pointers that it does not "
    "know\n"
    "  -h, --help            this text\n"
    "\n"
    "Addresses are invented, rising, aligned as the program asked, and the same for the same trace. Lines "
    "carry time\n"
    "stamps when the trace has time. What the format cannot say is counted on standard error: starts of "
    "threads, fork,\n"
    "exec, exit, markers, the size given to a sized free. What a process inherited at its fork is written as "
    "mallocs\n"
    "before its first event. Importing the text again gives the same events, but for these.\n";

struct export_command {
	struct aosp_export_options options;
	const char *output, *format;
	bool process_given;
};

enum long_option {
	OPTION_SKIP_FOREIGN = 256,
};

static int parse_option(struct export_command *command, int option)
{
	switch (option) {
	case 'f':
		command->format = optarg;
		return PARSED;
	case 'o':
		command->output = optarg;
		return PARSED;
	case 'p':
		command->process_given = true;
		if (parse_number(optarg, &command->options.process))
			return PARSED;
		complain("export", "--process takes a number, not '%s'", optarg);
		return EXIT_USAGE;
	case OPTION_SKIP_FOREIGN:
		command->options.skip_foreign = true;
		return PARSED;
	case 'h':
		(void)fputs(help, stdout);
		return finish_output("export", EXIT_DONE);
	default:
		return usage_error("export");
	}
}

static int parse(struct export_command *command, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"to", required_argument, NULL, 'f'},
	    {"output", required_argument, NULL, 'o'},
	    {"process", required_argument, NULL, 'p'},
	    {"skip-foreign", no_argument, NULL, OPTION_SKIP_FOREIGN},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "f:o:p:h", longs, NULL)) != -1) {
		const int result = parse_option(command, option);

		if (result != PARSED)
			return result;
	}
	if (optind != argc - 1 || !command->format) {
		complain("export", "takes --to FORMAT and one trace; `faultline export --help` explains");
		return EXIT_USAGE;
	}
	if (strcmp(command->format, "aosp") == 0)
		return PARSED;
	complain("export", "there is no format '%s' to export to; the formats are: aosp", command->format);
	return EXIT_USAGE;
}

static void print_loss(uint64_t count, const char *what)
{
	if (count)
		complain("export", "note: %" PRIu64 " %s", count, what);
}

static void print_losses(const struct aosp_export_losses *losses, bool skip_foreign)
{
	print_loss(losses->events_without_line,
		   "events have no line in this format (thread_start, fork, exec, exit, marker)");
	print_loss(losses->sized_frees, "sized frees are written as free");
	print_loss(losses->inherited, "objects inherited at the fork are written as malloc");
	print_loss(losses->foreign,
		   skip_foreign ? "frees or reallocs of foreign objects are left out"
				: "frees or reallocs of foreign objects name pointers without a malloc "
				  "(--skip-foreign leaves them out)");
}

static enum trace_status write_text(struct flt_reader *reader, const struct export_command *command,
				    struct trace_error *error)
{
	struct aosp_export_losses losses;
	struct flt_output output;
	enum trace_status status = flt_output_open(&output, command->output, error);

	if (status != TRACE_OK)
		return status;
	status = aosp_export(reader, &output, &command->options, &losses, error);
	if (status != TRACE_OK) {
		flt_output_abandon(&output);
		return status;
	}
	status = flt_output_commit(&output, error);
	if (status == TRACE_OK)
		print_losses(&losses, command->options.skip_foreign);
	return status;
}

int command_export(int argc, char **argv)
{
	struct export_command command = {.output = "-"};
	struct trace_error error;
	struct flt_reader *reader;
	int result = parse(&command, argc, argv);

	if (result != PARSED)
		return result;
	if (!trace_open("export", argv[optind], &reader))
		return EXIT_FAILED;
	if (flt_reader_summary(reader)->processes > 1 && !command.process_given) {
		complain("export",
			 "%s has %" PRIu32 " processes and the format has one: choose with --process P",
			 argv[optind], flt_reader_summary(reader)->processes);
		result = EXIT_USAGE;
	} else {
		result = write_text(reader, &command, &error) == TRACE_OK ? EXIT_DONE
									  : trace_failed("export", &error);
	}
	flt_reader_close(reader);
	return result;
}
