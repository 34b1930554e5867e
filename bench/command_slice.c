#include "config.h"

#include "bench/command_trace.h"
#include "traces/flt.h"
#include "traces/slice.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

static const char help[] =
    "Usage: faultline slice [OPTION]... TRACE -o FILE\n"
    "Writes a part of a trace as a trace of its own. TRACE `-` is standard input, FILE `-` standard output.\n"
    "\n"
    "  -e, --events A:B    only events A to B-1 (the first is 0; either may be left out)\n"
    "  -p, --process P     only events of process P\n"
    "  -t, --thread T      only events of thread T\n"
    "  -l, --with-live     begin with one malloc per object that is alive at event A, so that a replay of "
    "the slice\n"
    "                      starts with the same live set\n"
    "  -o, --output FILE   where to write; nothing appears there before the slice is complete\n"
    "  -h, --help          this text\n"
    "\n"
    "Order and times stay. Objects, threads, processes and stacks are numbered anew in order of appearance. "
    "An object\n"
    "that was born outside the part is foreign in the slice: its size is unknown, and it gets its number "
    "from the event\n"
    "that first names it.\n";

struct slice_command {
	struct slice_options options;
	const char *output;
};

static int take_number(uint64_t *number, const char *name)
{
	if (parse_number(optarg, number) && *number != SLICE_ALL)
		return PARSED;
	complain("slice", "--%s takes a number, not '%s'", name, optarg);
	return EXIT_USAGE;
}

static int parse_option(struct slice_command *command, int option)
{
	switch (option) {
	case 'e':
		if (parse_range(optarg, &command->options.first, &command->options.end))
			return PARSED;
		complain("slice", "--events takes A:B with A <= B, not '%s'", optarg);
		return EXIT_USAGE;
	case 'p':
		return take_number(&command->options.process, "process");
	case 't':
		return take_number(&command->options.thread, "thread");
	case 'l':
		command->options.with_live = true;
		return PARSED;
	case 'o':
		command->output = optarg;
		return PARSED;
	case 'h':
		(void)fputs(help, stdout);
		return finish_output("slice", EXIT_DONE);
	default:
		return usage_error("slice");
	}
}

static int parse(struct slice_command *command, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"events", required_argument, NULL, 'e'},
	    {"process", required_argument, NULL, 'p'},
	    {"thread", required_argument, NULL, 't'},
	    {"with-live", no_argument, NULL, 'l'},
	    {"output", required_argument, NULL, 'o'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "e:p:t:lo:h", longs, NULL)) != -1) {
		const int result = parse_option(command, option);

		if (result != PARSED)
			return result;
	}
	if (optind == argc - 1 && command->output)
		return PARSED;
	complain("slice", "takes one trace and -o FILE; `faultline slice --help` explains");
	return EXIT_USAGE;
}

static enum trace_status copy(struct flt_reader *reader, const struct slice_command *command,
			      struct trace_error *error)
{
	const struct flt_description *from = &flt_reader_summary(reader)->description;
	const struct flt_description description = {"slice",	    from->command,    from->host,
						    from->has_time, from->has_stacks, from->recorder};
	struct flt_writer *writer;
	enum trace_status status = flt_writer_create(&writer, command->output, &description, error);

	if (status != TRACE_OK)
		return status;
	status = slice_copy(reader, writer, &command->options, error);
	if (status == TRACE_OK)
		return flt_writer_finish(writer, error);
	flt_writer_abandon(writer);
	return status;
}

int command_slice(int argc, char **argv)
{
	struct slice_command command = {
	    .options = {.end = UINT64_MAX, .process = SLICE_ALL, .thread = SLICE_ALL}};
	struct trace_error error;
	struct flt_reader *reader;
	int result = parse(&command, argc, argv);

	if (result != PARSED)
		return result;
	if (!trace_open("slice", argv[optind], &reader))
		return EXIT_FAILED;
	result = copy(reader, &command, &error) == TRACE_OK ? EXIT_DONE : trace_failed("slice", &error);
	flt_reader_close(reader);
	return result;
}
