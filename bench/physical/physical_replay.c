#include "config.h"

#include "bench/physical/physical_replay.h"

#include "bench/command.h"
#include "bench/physical/forced_pass.h"
#include "bench/physical/free_replay.h"
#include "bench/physical/physical_directory.h"
#include "bench/physical/recorded_series.h"

#include <stdio.h>

static enum trace_status print_json(const json_t *json, struct trace_error *error)
{
	if (json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) == 0 && putchar('\n') != EOF &&
	    fflush(stdout) == 0)
		return TRACE_OK;
	return trace_fail(error, TRACE_IO, "cannot write to standard output");
}

/* --- Where the kernel put them ------------------------------------------------------------------------------------------ */

/* What is told of the machine. */
struct recorded {
	struct memory_series series;
	struct memory_outcome outcome;
	json_t *json;
};

static bool write_outcome(const void *context, FILE *file)
{
	memory_outcome_write(context, file);
	return true;
}

/* What the machine's own snapshots say, for pictures of it. */
static enum trace_status add_series(const struct physical_directory *directory,
				    const struct recorded *recorded, struct trace_error *error)
{
	const struct physical_rows rows = {"outcome.tsv", write_outcome, &recorded->outcome};
	enum trace_status status = physical_directory_series(directory, &recorded->series, error);

	return status == TRACE_OK ? physical_directory_add(directory, &rows, error) : status;
}

static enum trace_status write_recorded(const struct physical_run *run, const char *path,
					const struct recorded *recorded, struct trace_error *error)
{
	struct physical_directory directory;
	enum trace_status status = physical_directory_begin(&directory, run, path, error);

	if (status != TRACE_OK)
		return status;
	status = add_series(&directory, recorded, error);
	if (status == TRACE_OK)
		return physical_directory_end(&directory, recorded->json, error);
	physical_directory_abandon(&directory);
	return status;
}

static json_t *recorded_json(const struct physical_run *run, const struct forced_pass *pass,
			     const struct memory_outcome *outcome)
{
	json_t *physical = forced_pass_json(pass);

	if (physical)
		(void)json_object_set_new(physical, "outcome", memory_outcome_json(outcome));
	return physical_run_json(run, NULL, NULL, physical);
}

static enum trace_status tell(const struct physical_job *job, const struct physical_run *run,
			      const struct forced_pass *pass, struct recorded *recorded,
			      struct trace_error *error)
{
	recorded->outcome.load = pass->load;
	recorded_series_outcome(&recorded->series, &recorded->outcome);
	recorded->json = recorded_json(run, pass, &recorded->outcome);
	if (!recorded->json)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for run.json");
	return job->directory ? write_recorded(run, job->directory, recorded, error) : TRACE_OK;
}

static enum trace_status force(const struct physical_job *job, struct flt_reader *reader, json_t **json,
			       struct trace_error *error)
{
	const struct physical_run run = {
	    .trace = flt_reader_summary(reader), .path = job->path, .target = "recorded", .mode = "forced"};
	struct forced_pass pass = {0};
	struct recorded recorded = {0};
	enum trace_status status = forced_pass_run(&pass, reader, job->checks, error);

	if (status == TRACE_OK)
		status = recorded_series_read(&recorded.series, reader, error);
	if (status == TRACE_OK)
		status = tell(job, &run, &pass, &recorded, error);
	*json = recorded.json;
	if (status == TRACE_OK && job->print)
		forced_pass_print(&pass, job->print);
	memory_series_destroy(&recorded.series);
	forced_pass_destroy(&pass);
	return status;
}

/* The run of a reader that is there for it alone. */
static enum trace_status end_run(enum trace_status status, struct flt_reader *reader, json_t **json)
{
	if (reader)
		flt_reader_close(reader);
	if (status != TRACE_OK) {
		json_decref(*json);
		*json = NULL;
	}
	return status;
}

enum trace_status physical_forced(const struct physical_job *job, json_t **json, struct trace_error *error)
{
	struct flt_reader *reader = NULL;

	*json = NULL;
	enum trace_status status = flt_reader_open(&reader, job->path, error);

	if (status == TRACE_OK)
		status = force(job, reader, json, error);
	return end_run(status, reader, json);
}

/* --- Where a policy puts them ------------------------------------------------------------------------------------------- */

enum trace_status physical_free(const struct physical_job *job, const struct target *target, json_t **json,
				struct trace_error *error)
{
	struct policy policy;
	char name[256];
	struct flt_reader *reader = NULL;
	const struct free_replay_options how = {.path = job->path,
						.target = target->name,
						.policy = &policy,
						.policy_name = name,
						.directory = job->directory,
						.print = job->print,
						.samples = job->samples,
						.checks = job->checks,
						.slabs_alone = job->slabs_alone};

	*json = NULL;
	target_policy(target, name, sizeof(name));
	if (policy_parse(&policy, target->options) != STATUS_OK)
		return trace_fail(error, TRACE_BAD_INPUT, "'%s' is no policy", target->options);
	enum trace_status status = flt_reader_open(&reader, job->path, error);

	if (status == TRACE_OK)
		status = free_replay(reader, &how, json, error);
	return end_run(status, reader, json);
}

/* --- The command -------------------------------------------------------------------------------------------------------- */

static int hand_out(const struct replay_options *options, enum trace_status status, json_t *json,
		    struct trace_error *error)
{
	if (status == TRACE_OK && options->json)
		status = print_json(json, error);
	if (status == TRACE_OK && (fflush(stdout) != 0 || ferror(stdout)))
		status = trace_fail(error, TRACE_IO, "cannot write to standard output");
	json_decref(json);
	if (status == TRACE_OK)
		return EXIT_DONE;
	complain(options->command, "%s", error->message);
	return EXIT_FAILED;
}

/* The policy is a target's, as a heap's is. */
static int place_freely(const struct replay_options *options, const struct physical_job *job)
{
	const char *text = options->target_count > 0 ? options->targets[0] : "engine:linux";
	struct target target;
	struct target_error refused;
	struct trace_error error;
	json_t *json;

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
	enum trace_status status = physical_free(job, &target, &json, &error);

	target_destroy(&target);
	return hand_out(options, status, json, &error);
}

int physical_replay(const struct replay_options *options, const char *path)
{
	const struct physical_job job = {.path = path,
					 .directory = options->output,
					 .print = options->json ? NULL : stdout,
					 .samples = options->measurement.samples,
					 .checks = options->check,
					 .slabs_alone = !options->output};
	struct trace_error error;
	json_t *json;

	if (options->physical == PHYSICAL_FREE)
		return place_freely(options, &job);
	enum trace_status status = physical_forced(&job, &json, &error);

	return hand_out(options, status, json, &error);
}
