#include "config.h"

#include "bench/trial.h"

#include "bench/command_trace.h"
#include "bench/trial_mmu.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Most errors name the trace by themselves. */
static void complain_of_trace(const struct replay_options *options, const char *trace,
			      const struct trace_error *error)
{
	bool named = strncmp(error->message, trace, strlen(trace)) == 0;

	complain(options->command, "%s%s%s", named ? "" : trace, named ? "" : ": ", error->message);
}

static bool prepare_targets(struct trial *trial, const struct replay_options *options)
{
	for (size_t i = 0; i < options->target_count; i++) {
		struct target_error error;

		if (!target_parse(&trial->target[i], options->targets[i], options->settings,
				  options->setting_count, &error)) {
			complain(options->command, "%s", error.message);
			return false;
		}
		trial->count = i + 1;
		trial->command[i] = replay_options_command(options, trial->trace_path, options->targets[i]);
		if (!trial->command[i]) {
			complain(options->command, "not enough memory");
			return false;
		}
	}
	return true;
}

static bool plan_for(struct plan **plan, enum replay_mode mode, const struct trial *trial,
		     const struct replay_options *options)
{
	struct plan_options plan_options = {
	    .path = trial->trace_path, .mode = mode, .process = options->process};
	struct trace_error error;

	if (plan_create(plan, &plan_options, &error) == TRACE_OK)
		return true;
	complain_of_trace(options, trial->trace_path, &error);
	return false;
}

/* Speed is measured single and memory baton unless a mode was asked for; with one thread they are the same. */
static bool prepare_plans(struct trial *trial, const struct replay_options *options)
{
	struct measurement_options *measurement = &trial->options;

	measurement->speed_mode = options->mode_given ? options->mode : MODE_SINGLE;
	measurement->memory_mode = measurement->speed_mode;
	if (!plan_for(&trial->speed_plan, measurement->speed_mode, trial, options))
		return false;
	trial->memory_plan = trial->speed_plan;
	if (!options->mode_given && plan_totals(trial->speed_plan)->threads > 1) {
		measurement->memory_mode = MODE_BATON;
		if (!plan_for(&trial->memory_plan, MODE_BATON, trial, options))
			return false;
	}
	measurement->speed_plan = trial->speed_plan;
	measurement->memory_plan = trial->memory_plan;
	return true;
}

static bool is_measured(const struct trial *trial)
{
	for (size_t i = 0; i < trial->count; i++) {
		if (trial->target[i].kind != TARGET_RECORDED)
			return true;
	}
	return false;
}

static const struct flt_summary *trace_of(const struct trial *trial)
{
	return trial->memory_plan ? plan_trace(trial->memory_plan) : flt_reader_summary(trial->reader);
}

/* Without a target that is measured there is nothing to plan: the trace need not have a heap call. */
static bool prepare_reader(struct trial *trial, const struct replay_options *options)
{
	struct trace_error error;

	trial->options.what = 0;
	if (flt_reader_open(&trial->reader, trial->trace_path, &error) == TRACE_OK)
		return true;
	complain_of_trace(options, trial->trace_path, &error);
	return false;
}

static void tell(const struct trial *trial)
{
	const struct plan_totals *totals = plan_totals(trial->memory_plan);
	const char *trace = trial->trace_path;

	if (totals->processes > 1)
		(void)fprintf(stderr, "%s: replaying process %u of %u, %" PRIu64 " heap calls\n", trace,
			      totals->process, totals->processes, totals->calls);
	if (totals->inherited)
		(void)fprintf(stderr, "%s: %" PRIu64 " blocks inherited by fork are allocated first\n", trace,
			      totals->inherited);
	if (totals->exec_frees)
		(void)fprintf(stderr, "%s: %" PRIu64 " blocks are freed where the process called exec\n",
			      trace, totals->exec_frees);
	if (totals->foreign_frees + totals->foreign_reallocs)
		(void)fprintf(stderr,
			      "%s: %" PRIu64 " frees of blocks from before the recording left out, %" PRIu64
			      " reallocs of such replayed as malloc\n",
			      trace, totals->foreign_frees, totals->foreign_reallocs);
	if (totals->failed_calls)
		(void)fprintf(stderr, "%s: %" PRIu64 " calls that failed when recorded left out\n", trace,
			      totals->failed_calls);
}

bool trial_prepare(struct trial *trial, const struct replay_options *options, const char *trace)
{
	memset(trial, 0, sizeof(*trial));
	trial->trace_path = trace;
	trial->options = options->measurement;
	if (!prepare_targets(trial, options))
		return false;
	if (!(is_measured(trial) ? prepare_plans(trial, options) : prepare_reader(trial, options)))
		return false;
	if (!trial_mmu_may_run(trial, options, trace_of(trial)))
		return false;
	if (options->measurement.pace == PACE_RECORDED && !trace_of(trial)->description.has_time) {
		complain(options->command,
			 "%s: the trace has no times, so --pace recorded cannot be kept; use --pace full",
			 trace);
		return false;
	}
	for (size_t i = 0; i < trial->count; i++) {
		/* Among several targets it is passed over; alone there is nothing left to do. */
		if (trial->count == 1 && trial->target[i].kind == TARGET_NULL &&
		    trial->options.what & MEASURE_VERIFY) {
			complain(options->command, "target null cannot be verified: all its blocks overlap");
			return false;
		}
	}
	note_truncated(options->command, trace, trace_of(trial));
	if (!options->quiet && trial->memory_plan)
		tell(trial);
	return true;
}

/* --- Measuring ---------------------------------------------------------------------------------------------------------- */

static bool run_models(struct trial *trial, const struct replay_options *options)
{
	for (size_t i = 0; i < trial->count; i++) {
		struct model_options model = {
		    .policy = trial->target[i].options,
		    .plan = trial->memory_plan,
		    .backing_real = options->backing_real,
		    .check = options->check,
		    .memory_bytes = options->memory_bytes,
		    .seed = trial->options.seed,
		    .samples = trial->options.samples,
		};
		struct trace_error error;

		if (trial->target[i].kind != TARGET_ENGINE || trial->options.memory_mode == MODE_PARALLEL)
			continue;
		if (!model_run(&trial->model[i], &model, &error)) {
			complain_of_trace(options, trial->trace_path, &error);
			return false;
		}
	}
	return true;
}

bool trial_measure(struct trial *trial, const struct replay_options *options)
{
	const struct target *targets[MEASUREMENT_MAX_TARGETS];
	struct trace_error error = {""};

	trial->measurement = calloc(trial->count, sizeof(trial->measurement[0]));
	if (!trial->measurement) {
		complain(options->command, "not enough memory");
		return false;
	}
	for (size_t i = 0; i < trial->count; i++)
		targets[i] = &trial->target[i];
	if (trial->options.what & MEASURE_MODEL && !run_models(trial, options))
		return false;
	if (options->mmu.count > 0 && !trial_mmu_run(trial, options))
		return false;
	if (!measurement_run(trial->measurement, targets, trial->count, &trial->options, &error)) {
		complain_of_trace(options, trial->trace_path, &error);
		return false;
	}
	for (size_t i = 0; i < trial->count; i++)
		trial->run[i] = (struct run){
		    .trace_path = trial->trace_path,
		    .trace = trace_of(trial),
		    .totals = trial->memory_plan ? plan_totals(trial->memory_plan) : &trial->nothing,
		    .options = &trial->options,
		    .measurement = &trial->measurement[i],
		    .model = trial->model[i],
		    .pass = trial->pass[i],
		    .placement = trial->placement[i],
		    .mmu = trial->pass[i] ? trial->pass[i]->series : NULL,
		    .space = trial->pass[i] ? trial->pass[i]->map : NULL,
		    .command = trial->command[i],
		};
	return true;
}

void trial_destroy(struct trial *trial)
{
	for (size_t i = 0; i < trial->count; i++) {
		if (trial->measurement)
			measurement_destroy(&trial->measurement[i]);
		target_destroy(&trial->target[i]);
		free(trial->command[i]);
		model_destroy(trial->model[i]);
		mmu_pass_destroy(trial->pass[i]);
		placement_close(trial->placement[i]);
	}
	free(trial->measurement);
	if (trial->memory_plan != trial->speed_plan)
		plan_destroy(trial->memory_plan);
	plan_destroy(trial->speed_plan);
	if (trial->reader)
		flt_reader_close(trial->reader);
	memset(trial, 0, sizeof(*trial));
}
