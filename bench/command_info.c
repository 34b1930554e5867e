#include "config.h"

#include "bench/command.h"
#include "bench/command_trace.h"
#include "bench/trace_summary.h"

#include "traces/census.h"
#include "traces/flt_verify.h"

#include <getopt.h>
#include <stdlib.h>

static const char help[] =
    "Usage: faultline info [OPTION]... TRACE...\n"
    "Says what a trace holds: where it came from, its events by kind, threads, processes, live bytes, sizes, "
    "warnings\n"
    "and its hash. It reads only the trace's footer; a trace without one (a killed recorder, a full disk) is "
    "read once\n"
    "up to its last whole block. TRACE `-` is standard input.\n"
    "\n"
    "  -j, --json     one JSON object (an array of them for several traces)\n"
    "      --verify   read every event, check it against the rules, and compare counts and hash with the "
    "footer\n"
    "  -h, --help     this text\n"
    "\n"
    "Live bytes are bytes requested and not freed, over all processes. A cross-thread free is one by another "
    "thread of\n"
    "the process than the one that allocated. Foreign objects were allocated before the recording began. The "
    "hash\n"
    "covers events and tables, not the bytes of the file: equal traces have equal hashes.\n"
    "\n"
    "Keys of --json: path source command host events threads processes kinds{} objects live_peak_bytes\n"
    "live_peak_objects live_end_bytes live_end_objects left_at_exit_bytes left_at_exit_objects "
    "requested_bytes\n"
    "cross_thread_frees cross_thread_reallocs null_frees failed foreign files regions accesses\n"
    "accesses_skipped access_kinds{} access_places{} kernel{} has_time has_stacks duration_ns sizes[]\n"
    "size_p50_bytes size_p90_bytes size_p99_bytes file_bytes bytes_per_event truncated warnings{} hash. What "
    "is not\n"
    "known is null.\n";

struct info_options {
	bool json;
	bool verify;
};

static int parse(struct info_options *options, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"json", no_argument, NULL, 'j'},
	    {"verify", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "jh", longs, NULL)) != -1) {
		switch (option) {
		case 'j':
			options->json = true;
			break;
		case 'v':
			options->verify = true;
			break;
		case 'h':
			(void)fputs(help, stdout);
			return finish_output("info", EXIT_DONE);
		default:
			return usage_error("info");
		}
	}
	if (optind < argc)
		return PARSED;
	complain("info", "no trace given; `faultline info --help` explains");
	return EXIT_USAGE;
}

static int show(const struct info_options *options, const char *path, json_t *array)
{
	struct trace_error error;
	struct flt_reader *reader;
	enum trace_status status = flt_reader_open(&reader, path, &error);

	if (status != TRACE_OK)
		return trace_failed("info", &error);
	if (options->verify)
		status = flt_verify(reader, &error);
	const struct flt_summary *summary = flt_reader_summary(reader);

	if (status == TRACE_OK && !array)
		trace_summary_print(stdout, path, summary);
	if (status == TRACE_OK && array &&
	    json_array_append_new(array, trace_summary_json(path, summary)) != 0)
		status = trace_fail(&error, TRACE_NO_MEMORY, "not enough memory to describe %s", path);
	flt_reader_close(reader);
	return status == TRACE_OK ? EXIT_DONE : trace_failed("info", &error);
}

static void dump(const json_t *array)
{
	const json_t *what = json_array_size(array) == 1 ? json_array_get(array, 0) : array;

	(void)json_dumpf(what, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	(void)fputc('\n', stdout);
}

int command_info(int argc, char **argv)
{
	struct info_options options = {0};
	int result = parse(&options, argc, argv);
	json_t *array = NULL;

	if (result != PARSED)
		return result;
	result = EXIT_DONE;
	if (options.json)
		array = json_array();
	for (int i = optind; i < argc && result == EXIT_DONE; i++) {
		if (i > optind && !options.json)
			(void)fputc('\n', stdout);
		result = show(&options, argv[i], array);
	}
	if (array && result == EXIT_DONE)
		dump(array);
	json_decref(array);
	return finish_output("info", result);
}
