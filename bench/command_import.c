#include "config.h"

#include "bench/command.h"
#include "bench/command_import.h"
#include "bench/command_trace.h"

#include "traces/flt.h"
#include "traces/import/formats.h"
#include "traces/import/importer.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "Usage: faultline import [OPTION]... FILE -o TRACE\n"
    "Makes a trace from another tool's recording of heap calls. FILE may be plain or compressed (gzip, "
    "bzip2, xz, zstd),\n"
    "or an archive (zip, tar), of which the first regular file is read; `-` is standard input.\n"
    "\n"
    "  -f, --from=FORMAT   the format of FILE; auto (default) tells it by the first lines\n"
    "  -o, --output=TRACE  the trace to write, `-` = standard output; it appears only when it is complete\n"
    "      --strict        end with status 1 at the first thing that is not understood\n"
    "  -l, --list          list the formats\n"
    "  -q, --quiet         show no single warnings and no summary\n"
    "  -h, --help          this text\n"
    "\n"
    "What is not understood is counted by kind: the first 3 of a kind are shown with file and line, all "
    "counts are shown\n"
    "at the end and kept in the trace. A free or realloc of a pointer that no line allocated is taken as a "
    "block born\n"
    "before the recording. An address handed out while still live gets the free that is missing.\n";

struct import_options {
	const char *from;
	const char *output;
	bool strict;
	bool quiet;
};

/* Who hears of warnings and progress. */
struct audience {
	struct import_listener listener;
	bool quiet;
	bool shows_progress; /* standard error is a terminal */
	bool line_is_open;   /* a progress line stands there */
};

static void close_line(struct audience *audience)
{
	if (audience->line_is_open)
		(void)fputs("\r\033[K", stderr);
	audience->line_is_open = false;
}

static void say(struct import_listener *listener, const char *sentence)
{
	struct audience *audience = (struct audience *)listener;

	close_line(audience);
	if (!audience->quiet)
		complain("import", "%s", sentence);
}

static void show_progress(struct import_listener *listener, uint64_t bytes, uint64_t events)
{
	struct audience *audience = (struct audience *)listener;

	if (!audience->shows_progress)
		return;
	(void)fprintf(stderr, "\r%" PRIu64 " MiB read, %" PRIu64 " events", bytes >> 20, events);
	audience->line_is_open = true;
}

static int list_formats(void)
{
	const struct import_format *format;

	for (size_t index = 0; (format = import_format_at(index)); index++)
		(void)printf("%-10s %s\n%-10s   %s\n", format->name, format->summary, "", format->sample);
	return finish_output("import", EXIT_DONE);
}

static int show_help(void)
{
	(void)fputs(help, stdout);
	return finish_output("import", EXIT_DONE);
}

static int check(const struct import_options *options, int argc)
{
	if (strcmp(options->from, "auto") != 0 && !import_format_find(options->from)) {
		complain("import", "there is no format '%s'; `faultline import --list` names them",
			 options->from);
		return EXIT_USAGE;
	}
	if (optind + 1 != argc) {
		complain("import", "%s; `faultline import --help` explains",
			 optind < argc ? "one file at a time can be imported" : "no file given");
		return EXIT_USAGE;
	}
	if (!options->output) {
		complain("import", "no trace to write given: add -o TRACE.flt");
		return EXIT_USAGE;
	}
	return PARSED;
}

static int parse(struct import_options *options, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"from", required_argument, NULL, 'f'},
	    {"output", required_argument, NULL, 'o'},
	    {"strict", no_argument, NULL, 's'},
	    {"list", no_argument, NULL, 'l'},
	    {"quiet", no_argument, NULL, 'q'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "f:o:lqh", longs, NULL)) != -1) {
		switch (option) {
		case 'f':
			options->from = optarg;
			break;
		case 'o':
			options->output = optarg;
			break;
		case 's':
			options->strict = true;
			break;
		case 'q':
			options->quiet = true;
			break;
		case 'l':
			return list_formats();
		case 'h':
			return show_help();
		default:
			return usage_error("import");
		}
	}
	return check(options, argc);
}

static enum trace_status open_importer(struct importer **importer, const struct import_options *options,
				       const char *path, struct audience *audience, struct trace_error *error)
{
	struct importer_options importer_options = {
	    .format = options->from,
	    .strict = options->strict,
	    .listener = &audience->listener,
	};
	struct input *input;
	enum trace_status status = input_open(&input, path, error);

	return status == TRACE_OK ? importer_create(importer, input, &importer_options, error) : status;
}

static enum trace_status keep_warnings(const struct warnings *warnings, struct flt_writer *writer,
				       struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	for (size_t index = 0; status == TRACE_OK && index < warnings->kinds; index++)
		status =
		    flt_writer_warn(writer, warnings->kind[index].what, warnings->kind[index].count, error);
	return status;
}

static enum trace_status write_trace(struct importer *importer, const char *path, struct trace_error *error)
{
	char source[64];
	struct flt_description description = {
	    .source = source,
	    .command = input_name(importer->input),
	    .has_time = importer->has_time,
	};
	struct flt_writer *writer;
	enum trace_status status;

	(void)snprintf(source, sizeof(source), "import %s", importer->format->name);
	status = flt_writer_create(&writer, path, &description, error);
	if (status != TRACE_OK)
		return status;
	status = importer_run(importer, flt_writer_sink(writer), error);
	if (status == TRACE_OK)
		status = keep_warnings(&importer->warnings, writer, error);
	if (status == TRACE_OK)
		return flt_writer_finish(writer, error);
	flt_writer_abandon(writer);
	return status;
}

static void summarise(const struct importer *importer, const char *output)
{
	const struct warnings *warnings = &importer->warnings;
	uint64_t others = input_other_members(importer->input);

	if (others > 0)
		complain("import", "%s is one of %" PRIu64 " files in the archive; the others were not read",
			 input_name(importer->input), others + 1);
	for (size_t index = 0; index < warnings->kinds; index++)
		complain("import", "%" PRIu64 " x %s", warnings->kind[index].count,
			 warnings->kind[index].what);
	complain("import", "%s: %" PRIu64 " events of %" PRIu32 " thread%s from %s (%s, %" PRIu64 " lines)",
		 strcmp(output, "-") == 0 ? "standard output" : output, importer->ledger.events,
		 importer->roster.threads, importer->roster.threads == 1 ? "" : "s",
		 input_name(importer->input), importer->format->name, importer->line.number);
}

int command_import(int argc, char **argv)
{
	struct import_options options = {.from = "auto"};
	int result = parse(&options, argc, argv);
	struct audience audience = {{say, show_progress}, options.quiet, false, false};
	struct importer *importer = NULL;
	struct trace_error error;
	enum trace_status status;

	if (result != PARSED)
		return result;
	audience.shows_progress = !options.quiet && isatty(STDERR_FILENO);
	status = open_importer(&importer, &options, argv[optind], &audience, &error);
	if (status != TRACE_OK || !importer)
		return trace_failed("import", &error);
	status = write_trace(importer, options.output, &error);
	close_line(&audience);
	if (status == TRACE_OK && !options.quiet && options.output)
		summarise(importer, options.output);
	importer_destroy(importer);
	return status == TRACE_OK ? EXIT_DONE : trace_failed("import", &error);
}
