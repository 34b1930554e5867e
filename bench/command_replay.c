#include "config.h"

#include "bench/command_replay.h"

#include "bench/command.h"
#include "bench/mmu_table.h"
#include "bench/physical/kernel_recording.h"
#include "bench/physical/physical_replay.h"
#include "bench/trial.h"
#include "bench/run_directory.h"
#include "bench/scoreboard.h"

#include <getopt.h>
#include <stdio.h>

static bool report(const struct trial *trial, const struct replay_options *options)
{
	const struct run *run = &trial->run[0];
	struct trace_error error;

	if (options->output && !run_directory_write(run, options->output, &error)) {
		complain("replay", "%s", error.message);
		return false;
	}
	if (!options->json) {
		if (trial->memory_plan)
			scoreboard_print(run, 1, stdout);
		mmu_table_print(run, 1, stdout);
		if (run->measurement->verified)
			(void)puts("verified: every block kept its contents, its alignment and its zeroes");
	} else {
		json_t *json = run_json(run);

		if (!json || json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) != 0) {
			complain("replay", "not enough memory for run.json");
			json_decref(json);
			return false;
		}
		(void)putchar('\n');
		json_decref(json);
	}
	if (fflush(stdout) != 0) {
		complain("replay", "cannot write to standard output");
		return false;
	}
	return true;
}

/* What cannot be written is said before the work is done. */
static bool can_write(const struct replay_options *options)
{
	struct trace_error error;

	if (!options->output || whole_directory_is_possible(options->output, &error))
		return true;
	complain("replay", "%s", error.message);
	return false;
}

/* What the options and the trace ask of each other. */
static bool goes_together(const struct replay_options *options, const char *trace)
{
	if (options->physical == PHYSICAL_NONE) {
		if (!kernel_recording_is_at(trace))
			return true;
		complain("replay",
			 "%s: a kernel recording: --physical=free lets the policy of --on place its pages, "
			 "--physical=forced puts them where the kernel did",
			 trace);
		return false;
	}
	if (options->physical == PHYSICAL_FORCED &&
	    (options->target_count > 0 || options->setting_count > 0)) {
		complain("replay", "--physical=forced goes without %s: the pages' places are recorded",
			 options->target_count > 0 ? "--on" : "--set");
		return false;
	}
	return replay_options_go_with_pages(options, trace);
}

int command_replay(int argc, char **argv)
{
	struct replay_options options;
	struct trial trial;
	int status;

	if (!replay_options_parse(&options, argc, argv, &status)) {
		replay_options_destroy(&options);
		return status;
	}
	if (optind < argc && !goes_together(&options, argv[optind])) {
		replay_options_destroy(&options);
		return EXIT_USAGE;
	}
	if (options.physical != PHYSICAL_NONE && optind + 1 == argc && options.target_count <= 1) {
		status = physical_replay(&options, argv[optind]);
		replay_options_destroy(&options);
		return status;
	}
	if (options.target_count == 0 && options.mmu.count > 0)
		options.targets[options.target_count++] = "recorded";
	if (optind + 1 != argc || options.target_count != 1) {
		complain("replay", "takes one trace and one --on TARGET, or one and --physical; `faultline "
				   "compare` takes several");
		replay_options_destroy(&options);
		return EXIT_USAGE;
	}
	bool ok = can_write(&options);

	if (ok) {
		ok = trial_prepare(&trial, &options, argv[optind]) && trial_measure(&trial, &options) &&
		     report(&trial, &options);
		trial_destroy(&trial);
	}
	replay_options_destroy(&options);
	return ok ? EXIT_DONE : EXIT_FAILED;
}
