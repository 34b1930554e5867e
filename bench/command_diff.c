#include "config.h"

#include "bench/command_replay.h"

#include "bench/command.h"
#include "bench/limit.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_LIMITS 64

static const struct option long_options[] = {
    {"fail-if", required_argument, NULL, 'f'},
    {"all", no_argument, NULL, 'a'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "Usage: faultline diff RUN RUN [--fail-if 'METRIC>LIMIT']...\n"
    "Shows how the figures of two run directories (or run.json files) differ.\n\n"
    "  -f, --fail-if LIMIT   end with status 1 when the change exceeds LIMIT: METRIC>N% (rose by more than N "
    "per cent),\n"
    "                        METRIC<N% (fell), without % a difference in the figure's unit; may be repeated\n"
    "  -a, --all             also the figures that are equal\n"
    "  -h, --help\n\n"
    "METRIC is p50 p90 p99 p999 p9999 max (of malloc), OPERATION.p99 and so on, net, gross, rate, "
    "footprint,\n"
    "footprint_end, footprint_over_live, frames, fragmentation, or a path in run.json such as "
    "host.memory.lazyfree_bytes.\n";

struct difference {
	struct limit limits[MAX_LIMITS];
	size_t limit_count;
	bool all;
};

static json_t *read_run(const char *path)
{
	char file[PATH_MAX];
	struct stat status;
	json_error_t error;
	bool directory = stat(path, &status) == 0 && S_ISDIR(status.st_mode);

	(void)snprintf(file, sizeof(file), "%s%s", path, directory ? "/run.json" : "");
	FILE *in = fopen(file, "re");

	if (!in) {
		complain("diff", "%s: cannot be opened: %s; a run directory or its run.json is wanted", file,
			 strerror(errno));
		return NULL;
	}
	json_t *run = json_loadf(in, 0, &error);

	(void)fclose(in);
	if (!run) {
		complain("diff", "%s:%d: %s; a run directory or its run.json is wanted", file, error.line,
			 error.text);
		return NULL;
	}
	if (json_integer_value(json_object_get(run, "schema")) != 1) {
		complain("diff", "%s: not a run of schema 1", file);
		json_decref(run);
		return NULL;
	}
	return run;
}

static void print_difference(void *context, const char *path, double before, double after)
{
	const struct difference *difference = context;

	if (before == after && !difference->all)
		return;
	if (isnan(before) || isnan(after))
		(void)printf("%-48s %14.6g %14.6g\n", path, before, after);
	else if (before == 0)
		(void)printf("%-48s %14.6g %14.6g   %+.6g\n", path, before, after, after - before);
	else
		(void)printf("%-48s %14.6g %14.6g   %+.1f %%\n", path, before, after,
			     (after - before) / fabs(before) * 100);
}

static bool judge(const struct difference *difference, const json_t *before, const json_t *after)
{
	bool within = true;

	for (size_t i = 0; i < difference->limit_count; i++) {
		const struct limit *limit = &difference->limits[i];
		double was = limit_figure(before, limit->metric), is = limit_figure(after, limit->metric);
		enum limit_result result = limit_judge(limit, was, is);

		if (result == LIMIT_UNKNOWN)
			complain("diff",
				 "%s cannot be judged: %g and %g (a missing figure, or relative to 0)",
				 limit->metric, was, is);
		else if (result == LIMIT_EXCEEDED)
			complain("diff", "%s went from %g to %g, beyond the limit %c %g%s", limit->metric,
				 was, is, limit->above ? '>' : '<', limit->limit,
				 limit->relative ? " %" : "");
		within = within && result == LIMIT_WITHIN;
	}
	return within;
}

static const char *trace_hash(const json_t *run)
{
	const char *hash = json_string_value(json_object_get(json_object_get(run, "trace"), "hash"));

	return hash ? hash : "";
}

static int diff_runs(struct difference *difference, char *const *paths)
{
	json_t *before = read_run(paths[0]);
	json_t *after = before ? read_run(paths[1]) : NULL;
	bool ok = before && after;

	if (ok) {
		if (strcmp(trace_hash(before), trace_hash(after)) != 0)
			(void)fprintf(stderr, "faultline diff: the runs are of different traces\n");
		(void)printf("%-48s %14s %14s   change\n", "figure", "first", "second");
		limit_each_figure(before, after, print_difference, difference);
		ok = judge(difference, before, after) && fflush(stdout) == 0;
	}
	json_decref(before);
	json_decref(after);
	return ok ? EXIT_DONE : EXIT_FAILED;
}

int command_diff(int argc, char **argv)
{
	struct difference difference = {.limit_count = 0};
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "f:ah", long_options, NULL)) != -1) {
		switch (option) {
		case 'h':
			(void)fputs(usage, stdout);
			return EXIT_DONE;
		case 'a':
			difference.all = true;
			break;
		case 'f':
			if (difference.limit_count == MAX_LIMITS ||
			    !limit_parse(&difference.limits[difference.limit_count++], optarg)) {
				complain("diff",
					 "--fail-if takes METRIC>NUMBER%% or METRIC<NUMBER%%, not '%s'",
					 optarg);
				return EXIT_USAGE;
			}
			break;
		default:
			(void)fputs("Try 'faultline diff --help'.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (argc - optind != 2) {
		complain("diff", "takes two run directories");
		return EXIT_USAGE;
	}
	return diff_runs(&difference, argv + optind);
}
