#include "config.h"

#include "bench/physical/physical_replay.h"

#include "bench/command.h"
#include "bench/physical/forced_pass.h"
#include "bench/physical/free_replay.h"
#include "bench/physical/physical_directory.h"
#include "bench/physical/recorded_series.h"
#include "bench/targets/target.h"

#include <stdio.h>

static enum trace_status print_json(const json_t *json, struct trace_error *error)
{
	if (json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) != 0 || putchar('\n') == EOF)
		clearerr(stdout); /* flushing says it, too */
	return fflush(stdout) == 0 ? TRACE_OK
				   : trace_fail(error, TRACE_IO, "cannot write to standard output");
}

/* --- Where the kernel put them ------------------------------------------------------------------------------------------ */

/* The machine's own frames, for pictures of them. */
static enum trace_status write_recorded(const struct physical_run *run, struct flt_reader *reader,
					const char *directory, const json_t *json, struct trace_error *error)
{
	struct memory_series series;
	enum trace_status status = recorded_series_read(&series, reader, error);

	if (status != TRACE_OK)
		return status;
	status = physical_directory_write(run, directory, json, &series, error);
	memory_series_destroy(&series);
	return status;
}

static enum trace_status replay_forced(const struct replay_options *options, const char *path,
				       struct flt_reader *reader, struct trace_error *error)
{
	const struct physical_run run = {
	    .trace = flt_reader_summary(reader), .path = path, .target = "recorded", .mode = "forced"};
	struct forced_pass pass = {0};
	json_t *json = NULL;
	enum trace_status status = forced_pass_run(&pass, reader, error);

	if (status == TRACE_OK && !(json = physical_run_json(&run, NULL, NULL, forced_pass_json(&pass))))
		status = trace_fail(error, TRACE_NO_MEMORY, "not enough memory for run.json");
	if (status == TRACE_OK && options->output)
		status = write_recorded(&run, reader, options->output, json, error);
	if (status == TRACE_OK && options->json)
		status = print_json(json, error);
	else if (status == TRACE_OK)
		forced_pass_print(&pass, stdout);
	json_decref(json);
	forced_pass_destroy(&pass);
	return status;
}

/* --- Where a policy puts them ------------------------------------------------------------------------------------------- */

static enum trace_status replay_free(const struct replay_options *options, const char *path,
				     const struct target *target, struct trace_error *error)
{
	struct policy policy;
	char name[256];
	struct flt_reader *reader = NULL;
	const struct free_replay_options how = {.path = path,
						.target = target->name,
						.policy = &policy,
						.policy_name = name,
						.directory = options->output,
						.print = options->json ? NULL : stdout,
						.checks = options->check};
	json_t *json = NULL;

	target_policy(target, name, sizeof(name));
	if (policy_parse(&policy, target->options) != STATUS_OK)
		return trace_fail(error, TRACE_BAD_INPUT, "'%s' is no policy", target->options);
	enum trace_status status = flt_reader_open(&reader, path, error);

	if (status == TRACE_OK)
		status = free_replay(reader, &how, &json, error);
	if (status == TRACE_OK && options->json)
		status = print_json(json, error);
	json_decref(json);
	if (reader)
		flt_reader_close(reader);
	return status;
}

/* The policy is a target's, as a heap's is. */
static int place_freely(const struct replay_options *options, const char *path)
{
	const char *text = options->target_count > 0 ? options->targets[0] : "engine:linux";
	struct target target;
	struct target_error refused;
	struct trace_error error;

	if (!target_parse(&target, text, options->settings, options->setting_count, &refused)) {
		complain(options->command, "%s", refused.message);
		return EXIT_USAGE;
	}
	if (target.kind != TARGET_ENGINE) {
		complain(options->command,
			 "--physical=free places pages by a policy: --on takes engine[:POLICY], not '%s'",
			 text);
		target_destroy(&target);
		return EXIT_USAGE;
	}
	enum trace_status status = replay_free(options, path, &target, &error);

	target_destroy(&target);
	if (status == TRACE_OK && fflush(stdout) != 0)
		status = trace_fail(&error, TRACE_IO, "cannot write to standard output");
	if (status == TRACE_OK)
		return EXIT_DONE;
	complain(options->command, "%s", error.message);
	return EXIT_FAILED;
}

int physical_replay(const struct replay_options *options, const char *path)
{
	struct flt_reader *reader = NULL;
	struct trace_error error;

	if (options->physical == PHYSICAL_FREE)
		return place_freely(options, path);
	enum trace_status status = flt_reader_open(&reader, path, &error);

	if (status == TRACE_OK)
		status = replay_forced(options, path, reader, &error);
	if (reader)
		flt_reader_close(reader);
	if (status == TRACE_OK && fflush(stdout) != 0)
		status = trace_fail(&error, TRACE_IO, "cannot write to standard output");
	if (status == TRACE_OK)
		return EXIT_DONE;
	complain(options->command, "%s", error.message);
	return EXIT_FAILED;
}
