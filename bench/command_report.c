#include "config.h"

#include "bench/command.h"
#include "bench/installation.h"
#include "bench/report/comparison.h"
#include "bench/report/figure_files.h"
#include "bench/report/output.h"
#include "bench/report/page.h"
#include "bench/report/terminal.h"

#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char name[] = "report";

struct request {
	const char *directory;
	const char *output; /* NULL: DIR/report.html */
	bool on_terminal;
	bool tables_only;
	bool png, svg; /* the figures as files of their own, too */
};

static void print_help(void)
{
	(void)puts(
	    "Usage: faultline report DIR [OPTION]...\n"
	    "Makes one HTML page of tables and charts from a directory that `faultline compare -o` or\n"
	    "`faultline replay -o` has written. The page needs no other file.\n\n"
	    "  -o, --output FILE  the page (default: DIR/report.html; - is standard output)\n"
	    "      --png, --svg   also write each figure as DIR/figures/TRACE/FIGURE.png, .svg\n"
	    "      --term         instead print tables and charts on the terminal\n"
	    "      --table        instead print only the tables\n"
	    "      --help         this text");
}

static enum trace_status make_page(const struct request *request, const struct comparison *comparison,
				   const char *plots, struct trace_error *error)
{
	struct output output;
	char *path = NULL;

	if ((request->output ? asprintf(&path, "%s", request->output)
			     : asprintf(&path, "%s/report.html", request->directory)) < 0)
		return trace_fail(error, TRACE_NO_MEMORY, "out of memory");
	enum trace_status status = output_create(&output, path, error);

	if (status == TRACE_OK) {
		status = page_write(output.stream, comparison, plots, error);
		status = output_finish(&output, status, error);
	}
	if (status == TRACE_OK && strcmp(path, "-") != 0)
		(void)fprintf(stderr, "faultline report: wrote %s\n", path);
	free(path);
	return status;
}

static enum trace_status make(const struct request *request, const struct comparison *comparison,
			      struct trace_error *error)
{
	struct terminal terminal = terminal_of(stdout);
	char plots[PATH_MAX];
	enum trace_status status = TRACE_OK;

	if (request->tables_only) {
		terminal_tables(&terminal, comparison);
		return TRACE_OK;
	}
	if (!installation_find_plots(plots, sizeof(plots)))
		return trace_fail(error, TRACE_IO, "the figure scripts are missing; they should be in %s",
				  plots);
	if (request->on_terminal)
		return terminal_report(&terminal, comparison, plots, error);
	if (request->png)
		status = figure_files_write(comparison, plots, PICTURE_PNG, error);
	if (status == TRACE_OK && request->svg)
		status = figure_files_write(comparison, plots, PICTURE_SVG, error);
	return status == TRACE_OK ? make_page(request, comparison, plots, error) : status;
}

/* False, after a message, when the words make no request. *help is set when --help was among them. */
static bool parse(int argc, char **argv, struct request *request, bool *help)
{
	static const struct option options[] = {
	    {"output", required_argument, NULL, 'o'},
	    {"png", no_argument, NULL, 'p'},
	    {"svg", no_argument, NULL, 's'},
	    {"term", no_argument, NULL, 't'},
	    {"table", no_argument, NULL, 'T'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (option) {
		case 'o':
			request->output = optarg;
			break;
		case 'p':
			request->png = true;
			break;
		case 's':
			request->svg = true;
			break;
		case 't':
			request->on_terminal = true;
			break;
		case 'T':
			request->tables_only = true;
			break;
		case 'h':
			*help = true;
			return true;
		default:
			return false;
		}
	}
	if (argc - optind != 1) {
		complain(name, "one directory is expected; `faultline report --help` explains");
		return false;
	}
	request->directory = argv[optind];
	return true;
}

int command_report(int argc, char **argv)
{
	struct request request = {0};
	struct comparison *comparison;
	struct trace_error error;
	bool help = false;

	if (!parse(argc, argv, &request, &help))
		return EXIT_USAGE;
	if (help) {
		print_help();
		return EXIT_DONE;
	}
	enum trace_status status = comparison_read(&comparison, request.directory, &error);

	if (status == TRACE_OK) {
		status = make(&request, comparison, &error);
		comparison_destroy(comparison);
	}
	if (status == TRACE_OK && fflush(stdout) != 0)
		status = trace_fail(&error, TRACE_IO, "standard output cannot be written");
	if (status == TRACE_OK)
		return EXIT_DONE;
	complain(name, "%s", error.message);
	return EXIT_FAILED;
}
