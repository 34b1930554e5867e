#include "config.h"

#include "bench/comparison.h"

#include "bench/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool prepare_targets(struct comparison *comparison, const struct replay_options *options)
{
	for (size_t i = 0; i < options->target_count; i++) {
		struct target_error error;

		if (!target_parse(&comparison->target[i], options->targets[i], options->settings, options->setting_count, &error)) {
			complain(options->command, "%s", error.message);
			return false;
		}
		comparison->count = i + 1;
		comparison->command[i] = replay_options_command(options, comparison->trace_path, options->targets[i]);
		if (!comparison->command[i]) {
			complain(options->command, "not enough memory");
			return false;
		}
	}
	return true;
}

static bool plan_for(struct plan **plan, enum replay_mode mode, const struct comparison *comparison,
		     const struct replay_options *options)
{
	struct plan_options plan_options = {.path = comparison->trace_path, .mode = mode, .process = options->process};
	struct trace_error error;

	if (plan_create(plan, &plan_options, &error) == TRACE_OK)
		return true;
	complain(options->command, "%s: %s", comparison->trace_path, error.message);
	return false;
}

/* Speed is measured single and memory baton unless a mode was asked for; with one thread they are the same. */
static bool prepare_plans(struct comparison *comparison, const struct replay_options *options)
{
	struct measurement_options *measurement = &comparison->options;

	measurement->speed_mode = options->mode_given ? options->mode : MODE_SINGLE;
	measurement->memory_mode = measurement->speed_mode;
	if (!plan_for(&comparison->speed_plan, measurement->speed_mode, comparison, options))
		return false;
	comparison->memory_plan = comparison->speed_plan;
	if (!options->mode_given && plan_totals(comparison->speed_plan)->threads > 1) {
		measurement->memory_mode = MODE_BATON;
		if (!plan_for(&comparison->memory_plan, MODE_BATON, comparison, options))
			return false;
	}
	measurement->speed_plan = comparison->speed_plan;
	measurement->memory_plan = comparison->memory_plan;
	return true;
}

static void tell(const struct comparison *comparison)
{
	const struct plan_totals *totals = plan_totals(comparison->memory_plan);
	const char *trace = comparison->trace_path;

	if (totals->processes > 1)
		(void)fprintf(stderr, "%s: replaying process %u of %u, %" PRIu64 " heap calls\n", trace, totals->process,
			      totals->processes, totals->calls);
	if (totals->inherited)
		(void)fprintf(stderr, "%s: %" PRIu64 " blocks inherited by fork are allocated first\n", trace, totals->inherited);
	if (totals->exec_frees)
		(void)fprintf(stderr, "%s: %" PRIu64 " blocks are freed where the process called exec\n", trace, totals->exec_frees);
	if (totals->foreign_frees + totals->foreign_reallocs)
		(void)fprintf(stderr,
			      "%s: %" PRIu64 " frees of blocks from before the recording left out, %" PRIu64
			      " reallocs of such replayed as malloc\n",
			      trace, totals->foreign_frees, totals->foreign_reallocs);
	if (totals->failed_calls)
		(void)fprintf(stderr, "%s: %" PRIu64 " calls that failed when recorded left out\n", trace, totals->failed_calls);
}

bool comparison_prepare(struct comparison *comparison, const struct replay_options *options, const char *trace)
{
	memset(comparison, 0, sizeof(*comparison));
	comparison->trace_path = trace;
	comparison->options = options->measurement;
	if (!prepare_targets(comparison, options) || !prepare_plans(comparison, options))
		return false;
	if (options->measurement.pace == PACE_RECORDED && !plan_trace(comparison->speed_plan)->description.has_time) {
		complain(options->command, "%s: the trace has no times, so --pace recorded cannot be kept; use --pace full", trace);
		return false;
	}
	if (!options->quiet)
		tell(comparison);
	return true;
}

/* --- Measuring ---------------------------------------------------------------------------------------------------------- */

static bool run_models(struct comparison *comparison, const struct replay_options *options)
{
	for (size_t i = 0; i < comparison->count; i++) {
		struct model_options model = {
			.policy = comparison->target[i].options,
			.plan = comparison->memory_plan,
			.backing_real = options->backing_real,
			.check = options->check,
			.memory_bytes = options->memory_bytes,
			.seed = comparison->options.seed,
			.samples = comparison->options.samples,
		};
		struct trace_error error;

		if (comparison->target[i].kind != TARGET_ENGINE || comparison->options.memory_mode == MODE_PARALLEL)
			continue;
		if (!model_run(&comparison->model[i], &model, &error)) {
			complain(options->command, "%s: %s", comparison->trace_path, error.message);
			return false;
		}
	}
	return true;
}

bool comparison_measure(struct comparison *comparison, const struct replay_options *options)
{
	const struct target *targets[MEASUREMENT_MAX_TARGETS];
	struct trace_error error = {""};

	comparison->measurement = calloc(comparison->count, sizeof(comparison->measurement[0]));
	if (!comparison->measurement) {
		complain(options->command, "not enough memory");
		return false;
	}
	for (size_t i = 0; i < comparison->count; i++)
		targets[i] = &comparison->target[i];
	if (comparison->options.what & MEASURE_MODEL && !run_models(comparison, options))
		return false;
	if (!measurement_run(comparison->measurement, targets, comparison->count, &comparison->options, &error)) {
		complain(options->command, "%s: %s", comparison->trace_path, error.message);
		return false;
	}
	for (size_t i = 0; i < comparison->count; i++)
		comparison->run[i] = (struct run){
			.trace_path = comparison->trace_path,
			.trace = plan_trace(comparison->memory_plan),
			.totals = plan_totals(comparison->memory_plan),
			.options = &comparison->options,
			.measurement = &comparison->measurement[i],
			.model = comparison->model[i],
			.command = comparison->command[i],
		};
	return true;
}

void comparison_destroy(struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->count; i++) {
		if (comparison->measurement)
			measurement_destroy(&comparison->measurement[i]);
		target_destroy(&comparison->target[i]);
		free(comparison->command[i]);
		model_destroy(comparison->model[i]);
	}
	free(comparison->measurement);
	if (comparison->memory_plan != comparison->speed_plan)
		plan_destroy(comparison->memory_plan);
	plan_destroy(comparison->speed_plan);
	memset(comparison, 0, sizeof(*comparison));
}
