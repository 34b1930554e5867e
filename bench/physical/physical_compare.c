#include "config.h"

#include "bench/physical/physical_compare.h"

#include "bench/command.h"
#include "bench/physical/physical_replay.h"
#include "bench/physical/physical_verdict.h"
#include "bench/run_directory.h"
#include "traces/flt.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

/* --- The table ---------------------------------------------------------------------------------------------------------- */

static const json_t *outcome_of(const json_t *run, const char *key)
{
	const json_t *physical = json_object_get(json_object_get(run, "model"), "physical");

	return json_object_get(json_object_get(physical, "outcome"), key);
}

static void print_count(const json_t *count, int width)
{
	if (json_is_integer(count))
		(void)printf("  %*" JSON_INTEGER_FORMAT, width, json_integer_value(count));
	else
		(void)printf("  %*s", width, "-");
}

static void print_share(const json_t *share)
{
	if (json_is_real(share))
		(void)printf("  %11.1f %%", 100 * json_real_value(share));
	else
		(void)printf("  %13s", "-");
}

static void print_run(int width, const json_t *run)
{
	const json_t *physical = json_object_get(json_object_get(run, "model"), "physical");
	const json_t *nearer = json_object_get(json_object_get(physical, "prediction"), "nearer");

	(void)printf("%-*s", width, json_string_value(json_object_get(run, "target")));
	print_count(outcome_of(run, "blocks"), 11);
	print_count(outcome_of(run, "huge_blocks"), 10);
	print_share(outcome_of(run, "free_huge_over_optimal"));
	print_count(outcome_of(run, "kernel_huge_blocks"), 11);
	print_count(outcome_of(run, "refused"), 9);
	if (json_is_real(nearer))
		(void)printf("  %8.1f\n", json_real_value(nearer));
	else
		(void)printf("  %8s\n", "-");
}

#define FIRST_COLUMN "free memory at the end"

/* Of the first column: what all targets have room in. */
static int name_width(const struct replay_options *options)
{
	size_t width = strlen(FIRST_COLUMN);

	for (size_t i = 0; i < options->target_count; i++)
		width = strlen(options->targets[i]) > width ? strlen(options->targets[i]) : width;
	return width < NAME_MAX ? (int)width : NAME_MAX;
}

static void print_head(int width)
{
	(void)printf("%-*s  %11s  %10s  %13s  %11s  %9s  %8s\n", width, FIRST_COLUMN, "blocks", "2 MiB free",
		     "of the most", "with kernel", "refused", "nearer");
}

/* --- Runs --------------------------------------------------------------------------------------------------------------- */

static bool make_path(const char *directory, const char *target, char path[PATH_MAX])
{
	char name[NAME_MAX + 1];

	run_directory_name(target, name, 200);
	if (snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX)
		return true;
	complain("compare", "the path of the run directory %s is too long", name);
	return false;
}

/* One run, of the policy of a target or, without one, the machine's own. */
static json_t *run(const struct replay_options *options, const char *path, const char *directory,
		   const struct target *target)
{
	char place[PATH_MAX];
	struct physical_job job = {
	    .path = path, .samples = options->measurement.samples, .checks = options->check};
	struct trace_error error;
	json_t *json;

	if (directory) {
		if (!make_path(directory, target ? target->name : "recorded", place))
			return NULL;
		job.directory = place;
	}
	if ((target ? physical_free(&job, target, &json, &error) : physical_forced(&job, &json, &error)) ==
	    TRACE_OK)
		return json;
	complain("compare", "%s", error.message);
	return NULL;
}

static bool parse(const struct replay_options *options, const char *text, struct target *target)
{
	struct target_error refused;

	if (!target_parse(target, text, options->settings, options->setting_count, &refused)) {
		complain("compare", "%s", refused.message);
		return false;
	}
	if (target->kind == TARGET_ENGINE)
		return true;
	complain("compare",
		 "a kernel recording is compared under policies: --on takes engine[:POLICY], not '%s'", text);
	target_destroy(target);
	return false;
}

static bool add(json_t *runs, json_t *json)
{
	if (json && json_array_append_new(runs, json) == 0)
		return true;
	if (json)
		complain("compare", "not enough memory for compare.json");
	return false;
}

/* Adds the run, with its row of the table. */
static bool tell(const struct replay_options *options, json_t *runs, json_t *json)
{
	const bool is_added = add(runs, json);

	if (is_added && !options->json)
		print_run(name_width(options), json);
	return is_added;
}

static bool replay_targets(const struct replay_options *options, const char *path, const char *directory,
			   json_t *runs)
{
	json_t *recorded = run(options, path, directory, NULL);

	if (recorded && !options->json)
		print_head(name_width(options));
	bool ok = tell(options, runs, recorded);

	for (size_t i = 0; ok && i < options->target_count; i++) {
		struct target target;

		if (strcmp(options->targets[i], "recorded") == 0)
			continue; /* it is there */
		if (!parse(options, options->targets[i], &target))
			return false;
		ok = tell(options, runs, run(options, path, directory, &target));
		target_destroy(&target);
	}
	return ok;
}

bool physical_compare(const struct replay_options *options, const char *path, const char *directory,
		      const struct physical_outcomes *outcomes)
{
	const struct physical_verdicts verdicts = {.runs = outcomes->runs,
						   .first = json_array_size(outcomes->runs),
						   .trace = path,
						   .against = options->against};

	if (!replay_targets(options, path, directory, outcomes->runs))
		return false;
	if (physical_verdicts_make(&verdicts, outcomes->verdicts, options->json ? NULL : stdout))
		return true;
	complain("compare", "not enough memory for the verdicts");
	return false;
}
