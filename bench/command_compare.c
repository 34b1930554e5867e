#include "config.h"

#include "bench/command_replay.h"

#include "bench/command.h"
#include "bench/live.h"
#include "bench/mmu_table.h"
#include "bench/physical/kernel_recording.h"
#include "bench/physical/physical_compare.h"
#include "bench/run_directory.h"
#include "bench/scoreboard.h"
#include "bench/trial.h"
#include "bench/verdict.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What compare.json is made of. */
struct outcome {
	json_t *runs;
	json_t *verdicts;
};

/* --- Verdicts ----------------------------------------------------------------------------------------------------------- */

static size_t line_up(const struct trial *trial, const char *measure, struct contender *contenders)
{
	bool time = strcmp(measure, "footprint peak") != 0, net = strcmp(measure, "net time") == 0;
	size_t count = 0;

	for (size_t i = 0; i < trial->count; i++) {
		const struct measurement *measurement = &trial->measurement[i];

		if (trial->target[i].kind == TARGET_NULL || trial->target[i].kind == TARGET_RECORDED)
			continue;
		contenders[count].name = trial->target[i].name;
		contenders[count++].rounds = !time ? measurement->footprint_peak
					     : net ? measurement->net_ns
						   : measurement->gross_ns;
	}
	return count;
}

static struct verdict judge_measure(const struct trial *trial, const char *measure, unsigned rounds)
{
	struct contender contenders[MEASUREMENT_MAX_TARGETS];
	size_t count = line_up(trial, measure, contenders);

	return verdict_of(measure, contenders, count, rounds);
}

/* Net time where the null target leaves one in enough rounds, else gross time. */
static struct verdict judge_time(const struct trial *trial)
{
	struct verdict net = judge_measure(trial, "net time", trial->measurement->rounds);

	return net.best && net.ratio.exists ? net
					    : judge_measure(trial, "gross time", trial->measurement->rounds);
}

static bool tell(const struct trial *trial, struct verdict verdict, const struct outcome *outcome, bool print)
{
	if (print)
		(void)printf("%s: %s.\n", trial->trace_path, verdict.sentence);
	if (json_array_append_new(outcome->verdicts, verdict_json(&verdict, trial->trace_path)) == 0)
		return true;
	complain("compare", "not enough memory for the verdicts");
	return false;
}

static bool tell_against(const struct trial *trial, const struct outcome *outcome,
			 const struct replay_options *options, const char *measure)
{
	struct contender contenders[MEASUREMENT_MAX_TARGETS];
	size_t count = line_up(trial, measure, contenders), baseline = 0;
	bool is_footprint = strcmp(measure, "footprint peak") == 0;
	unsigned rounds = is_footprint ? trial->measurement->memory_rounds : trial->measurement->rounds;

	while (baseline < count && strcmp(contenders[baseline].name, options->against) != 0)
		baseline++;
	for (size_t i = 0; rounds && baseline < count && i < count; i++) {
		if (i != baseline &&
		    !tell(trial, verdict_against(measure, &contenders[i], &contenders[baseline], rounds),
			  outcome, !options->json))
			return false;
	}
	return true;
}

static bool judge(const struct trial *trial, const struct outcome *outcome,
		  const struct replay_options *options)
{
	const struct measurement *first = trial->measurement;

	if (options->against && !(tell_against(trial, outcome, options, "net time") &&
				  tell_against(trial, outcome, options, "gross time") &&
				  tell_against(trial, outcome, options, "footprint peak")))
		return false;
	if (first->rounds && !tell(trial, judge_time(trial), outcome, !options->json))
		return false;
	if (first->memory_rounds && !tell(trial, judge_measure(trial, "footprint peak", first->memory_rounds),
					  outcome, !options->json))
		return false;
	for (unsigned i = 0; i < options->mmu.count; i++) {
		if (!tell(trial, mmu_table_verdict(trial->run, trial->count, i), outcome, !options->json))
			return false;
	}
	return true;
}

/* --- Directories -------------------------------------------------------------------------------------------------------- */

static bool make_directory(const char *path)
{
	struct stat status;
	const bool is_new = mkdir(path, 0777) == 0;
	const int reason = errno;

	if (is_new || (reason == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode)))
		return true;
	complain("compare", "cannot create the directory %s: %s", path, strerror(reason));
	return false;
}

static void trace_stem(const char *trace, char *stem, size_t bytes)
{
	const char *slash = strrchr(trace, '/');
	char name[NAME_MAX + 1];

	(void)snprintf(name, sizeof(name), "%.200s",
		       strcmp(trace, "-") == 0 ? "stdin"
		       : slash		       ? slash + 1
					       : trace);
	char *dot = strrchr(name, '.');

	if (dot && dot > name)
		*dot = '\0';
	run_directory_name(name, stem, bytes);
}

static bool write_runs(const struct trial *trial, const char *output)
{
	char stem[NAME_MAX + 1], target[NAME_MAX + 1], path[PATH_MAX];
	struct trace_error error;

	trace_stem(trial->trace_path, stem, sizeof(stem));
	(void)snprintf(path, sizeof(path), "%s/%s", output, stem);
	if (!make_directory(path))
		return false;
	for (size_t i = 0; i < trial->count; i++) {
		run_directory_name(trial->target[i].name, target, 200);
		if (snprintf(path, sizeof(path), "%s/%s/%s", output, stem, target) >= (int)sizeof(path)) {
			complain("compare", "the path of the run directory %s is too long", target);
			return false;
		}
		if (!run_directory_write(&trial->run[i], path, &error)) {
			complain("compare", "%s", error.message);
			return false;
		}
	}
	return true;
}

/* --- The command -------------------------------------------------------------------------------------------------------- */

static bool add_runs(const struct trial *trial, const struct outcome *outcome)
{
	for (size_t i = 0; i < trial->count; i++) {
		if (json_array_append_new(outcome->runs, run_json(&trial->run[i])) != 0) {
			complain("compare", "not enough memory for compare.json");
			return false;
		}
	}
	return true;
}

/* A kernel recording has pages instead of blocks. */
static bool compare_physical(const char *trace, const struct replay_options *options,
			     const struct outcome *outcome)
{
	char stem[NAME_MAX + 1], path[PATH_MAX];

	trace_stem(trace, stem, sizeof(stem));
	if (options->output &&
	    (snprintf(path, sizeof(path), "%s/%s", options->output, stem) >= (int)sizeof(path) ||
	     !make_directory(path)))
		return false;
	const struct physical_outcomes outcomes = {outcome->runs, outcome->verdicts};

	if (!physical_compare(options, trace, options->output ? path : NULL, &outcomes)) {
		if (options->output)
			(void)rmdir(path); /* unless there is a run in it */
		return false;
	}
	if (!options->json)
		(void)putchar('\n');
	return true;
}

static bool compare_trace(const char *trace, const struct replay_options *options,
			  const struct outcome *outcome)
{
	if (kernel_recording_is_at(trace))
		return compare_physical(trace, options, outcome);
	struct trial trial;
	bool ok = trial_prepare(&trial, options, trace) && trial_measure(&trial, options);

	if (ok && !options->json) {
		if (trial.memory_plan)
			scoreboard_print(trial.run, trial.count, stdout);
		mmu_table_print(trial.run, trial.count, stdout);
	}
	ok = ok && judge(&trial, outcome, options) && add_runs(&trial, outcome) &&
	     (!options->output || write_runs(&trial, options->output));
	if (ok && !options->json)
		(void)putchar('\n');
	trial_destroy(&trial);
	return ok;
}

static bool hand_out(json_t *whole, const struct replay_options *options)
{
	char path[PATH_MAX];
	struct trace_error error;

	if (options->output) {
		(void)snprintf(path, sizeof(path), "%s/compare.json", options->output);
		if (!run_directory_write_json(whole, path, &error)) {
			complain("compare", "%s", error.message);
			return false;
		}
	}
	if (options->json) {
		(void)json_dumpf(whole, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
		(void)putchar('\n');
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("compare", "cannot write to standard output");
		return false;
	}
	return true;
}

static bool compare_traces(char *const *traces, const struct replay_options *options)
{
	struct outcome outcome = {.runs = json_array(), .verdicts = json_array()};
	bool existed = options->output && access(options->output, F_OK) == 0;
	bool ok = outcome.runs && outcome.verdicts && (!options->output || make_directory(options->output));

	for (size_t i = 0; ok && traces[i]; i++)
		ok = compare_trace(traces[i], options, &outcome);
	json_t *whole =
	    json_pack("{s:i, s:o, s:o}", "schema", 1, "runs", outcome.runs, "verdicts", outcome.verdicts);

	ok = ok && hand_out(whole, options);
	json_decref(whole);
	if (!ok && options->output && !existed)
		(void)rmdir(options->output); /* unless there is something in it */
	return ok;
}

static bool same_stem(char *const *traces)
{
	char one[NAME_MAX + 1], other[NAME_MAX + 1];

	for (size_t i = 0; traces[i]; i++) {
		for (size_t j = 0; j < i; j++) {
			trace_stem(traces[i], one, sizeof(one));
			trace_stem(traces[j], other, sizeof(other));
			if (strcmp(one, other) == 0) {
				complain("compare",
					 "%s and %s would both be written to %s; give one another name",
					 traces[j], traces[i], one);
				return true;
			}
		}
	}
	return false;
}

static bool against_is_good(const struct replay_options *options)
{
	if (!options->against)
		return true;
	for (size_t i = 0; i < options->target_count; i++) {
		if (strcmp(options->targets[i], options->against) == 0 &&
		    strcmp(options->against, "null") != 0)
			return true;
	}
	complain("compare", "--against takes one of the targets of --on but null, not '%s'",
		 options->against);
	return false;
}

/* Whether the options can be meant for every trace. */
static bool go_with_traces(const struct replay_options *options, char *const *traces)
{
	for (; *traces; traces++) {
		if (kernel_recording_is_at(*traces) && !replay_options_go_with_pages(options, *traces))
			return false;
	}
	return true;
}

static int run(const struct replay_options *options, char *const *operands)
{
	if (options->target_count < 2) {
		complain("compare", "needs at least two --on TARGET");
		return EXIT_USAGE;
	}
	if (!operands[0]) {
		complain("compare",
			 options->live ? "--live needs a command after --" : "needs at least one trace");
		return EXIT_USAGE;
	}
	if (!against_is_good(options))
		return EXIT_USAGE;
	if (options->live && options->mmu.count > 0) {
		complain("compare",
			 "--mmu needs recorded references, and --live records none; record a trace with "
			 "`faultline record --accesses`");
		return EXIT_USAGE;
	}
	if (options->live)
		return live_compare(options, operands) ? EXIT_DONE : EXIT_FAILED;
	if (!go_with_traces(options, operands) || (options->output && same_stem(operands)))
		return EXIT_USAGE;
	return compare_traces(operands, options) ? EXIT_DONE : EXIT_FAILED;
}

int command_compare(int argc, char **argv)
{
	struct replay_options options;
	int status;

	if (replay_options_parse(&options, argc, argv, &status))
		status = run(&options, argv + optind);
	replay_options_destroy(&options);
	return status;
}
