#include "config.h"

#include "bench/command.h"
#include "bench/command_import.h"
#include "bench/command_trace.h"

#include "traces/flt.h"
#include "traces/generate/workloads.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "Usage: faultline generate WORKLOAD [OPTION]... -o TRACE\n"
    "Makes a trace of a synthetic program. The same workload, settings and seed give the same events "
    "everywhere.\n"
    "\n"
    "  -s, --set=KEY=VALUE  set a key of the workload; may be repeated; numbers may end in K, M or G (2^10, "
    "2^20, 2^30)\n"
    "      --seed=N         the seed of everything that is random (default 1)\n"
    "  -o, --output=TRACE   the trace to write, `-` = standard output; it appears only when it is complete\n"
    "  -l, --list           list the workloads with their keys; after WORKLOAD, this one alone\n"
    "  -q, --quiet          show no summary\n"
    "  -h, --help           this text\n";

struct generate_options {
	const char *output;
	const char *seed;
	bool list;
	bool quiet;
	int sets; /* values in `set` */
	const char *set[64];
};

static void list_workload(const struct workload *workload)
{
	(void)printf("%s: %s\n", workload->name, workload->summary);
	for (const struct workload_key *key = workload->key; key->name; key++) {
		if (key->is_text)
			(void)printf("  %-18s %12s  %s\n", key->name, "", key->help);
		else
			(void)printf("  %-18s %12" PRIu64 "  %s\n", key->name, key->initial, key->help);
	}
}

static int list_workloads(const struct workload *chosen)
{
	const struct workload *workload;

	for (size_t index = 0; (workload = workload_at(index)); index++) {
		if (!chosen || chosen == workload)
			list_workload(workload);
	}
	return finish_output("generate", EXIT_DONE);
}

static int parse(struct generate_options *options, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"set", required_argument, NULL, 's'},
	    {"seed", required_argument, NULL, 'S'},
	    {"output", required_argument, NULL, 'o'},
	    {"list", no_argument, NULL, 'l'},
	    {"quiet", no_argument, NULL, 'q'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "s:o:lqh", longs, NULL)) != -1) {
		switch (option) {
		case 's':
			if (options->sets == sizeof(options->set) / sizeof(options->set[0])) {
				complain("generate", "--set may be given %d times at most", options->sets);
				return EXIT_USAGE;
			}
			options->set[options->sets++] = optarg;
			break;
		case 'S':
			options->seed = optarg;
			break;
		case 'o':
			options->output = optarg;
			break;
		case 'l':
			options->list = true;
			break;
		case 'q':
			options->quiet = true;
			break;
		case 'h':
			(void)fputs(help, stdout);
			return finish_output("generate", EXIT_DONE);
		default:
			return usage_error("generate");
		}
	}
	return PARSED;
}

static int usage(const struct trace_error *error)
{
	complain("generate", "%s", error->message);
	return EXIT_USAGE;
}

static int configure(struct settings *settings, const struct generate_options *options)
{
	struct trace_error error;

	for (int index = 0; index < options->sets; index++) {
		if (settings_set(settings, options->set[index], &error) != TRACE_OK)
			return usage(&error);
	}
	if (options->seed && !parse_number(options->seed, &settings->seed)) {
		complain("generate", "--seed=%s: must be a number of 0 to 18446744073709551615",
			 options->seed);
		return EXIT_USAGE;
	}
	return settings_check(settings, &error) == TRACE_OK ? PARSED : usage(&error);
}

static enum trace_status write_trace(const struct settings *settings, const char *path, char *note,
				     struct trace_error *error)
{
	char source[64], command[WORKLOAD_TEXT_BYTES + 512];
	struct flt_description description = {
	    .source = source,
	    .command = command,
	    .has_time = settings->workload->has_time,
	};
	struct flt_writer *writer;
	enum trace_status status;

	(void)snprintf(source, sizeof(source), "generate %s", settings->workload->name);
	settings_describe(settings, command, sizeof(command));
	status = flt_writer_create(&writer, path, &description, error);
	if (status != TRACE_OK)
		return status;
	status = settings_play(settings, flt_writer_sink(writer), error, note);
	if (status == TRACE_OK)
		return flt_writer_finish(writer, error);
	flt_writer_abandon(writer);
	return status;
}

static int generate(const struct settings *settings, const struct generate_options *options)
{
	char note[GENERATION_NOTE_BYTES], command[WORKLOAD_TEXT_BYTES + 512];
	struct trace_error error;

	if (!options->output) {
		complain("generate", "no trace to write given: add -o TRACE.flt");
		return EXIT_USAGE;
	}
	if (write_trace(settings, options->output, note, &error) != TRACE_OK)
		return trace_failed("generate", &error);
	settings_describe(settings, command, sizeof(command));
	if (note[0] && !options->quiet)
		complain("generate", "%s", note);
	if (!options->quiet)
		complain("generate", "%s: %s",
			 strcmp(options->output, "-") == 0 ? "standard output" : options->output, command);
	return EXIT_DONE;
}

int command_generate(int argc, char **argv)
{
	struct generate_options options = {0};
	int result = parse(&options, argc, argv);
	const struct workload *workload = NULL;
	struct settings settings;

	if (result != PARSED)
		return result;
	if (optind < argc) {
		workload = workload_find(argv[optind]);
		if (!workload) {
			complain("generate",
				 "there is no workload '%s'; `faultline generate --list` names them",
				 argv[optind]);
			return EXIT_USAGE;
		}
	}
	if (options.list)
		return list_workloads(workload);
	if (optind + 1 != argc) {
		complain("generate", "%s; `faultline generate --list` names the workloads",
			 workload ? "one workload at a time can be generated" : "no workload given");
		return EXIT_USAGE;
	}
	settings_create(&settings, workload);
	result = configure(&settings, &options);
	return result == PARSED ? generate(&settings, &options) : result;
}
