#include "config.h"

#include "bench/trial_mmu.h"

#include "bench/command.h"
#include "bench/placement/placement_pass.h"
#include "bench/placement/placement_placer.h"
#include "bench/run_directory.h"
#include "bench/spaces/engine_placer.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One of the placements of a target. */
struct placed_take {
	const struct placement *placement;
	unsigned take;
	size_t target;
};

/* --- What goes together --------------------------------------------------------------------------------------------- */

bool trial_mmu_may_run(const struct trial *trial, const struct replay_options *options,
		       const struct flt_summary *trace)
{
	for (size_t i = 0; i < trial->count && options->mmu.count == 0; i++) {
		if (trial->target[i].kind == TARGET_RECORDED) {
			complain(options->command,
				 "target recorded is over and cannot be measured; it is for --mmu");
			return false;
		}
	}
	if (options->mmu.count == 0 || trace->accesses > 0)
		return true;
	complain(options->command,
		 "%s has no references, which --mmu needs; record them with `faultline record --accesses`, "
		 "or import "
		 "a stream of them (lackey, champsim, pinatrace)",
		 trial->trace_path);
	return false;
}

/* --- The simulated system --------------------------------------------------------------------------------------------- */

/* Linux with the keys that were set, the same for every target. */
static bool choose_system(const struct replay_options *options, struct policy *policy)
{
	char text[64];

	*policy = *policy_find("linux");
	for (size_t i = 0; i < options->setting_count; i++) {
		if (policy_set(policy, options->settings[i]) != STATUS_OK) {
			complain(options->command,
				 "--set %s: no such policy key or value; `faultline policies` lists them",
				 options->settings[i]);
			return false;
		}
	}
	if (!options->huge_pages)
		return true;
	(void)snprintf(text, sizeof(text), "thp=%s", options->huge_pages);
	if (policy_set(policy, text) == STATUS_OK)
		return true;
	complain(options->command, "--thp %s: no such mode", options->huge_pages);
	return false;
}

static uint32_t process_of(const struct trial *trial, const struct replay_options *options)
{
	if (trial->memory_plan)
		return plan_totals(trial->memory_plan)->process;
	return options->process == PLAN_PROCESS_LARGEST ? SPACES_ALL_PROCESSES : options->process;
}

static void show_progress(const struct trial *trial, size_t target)
{
	if (trial->options.progress)
		(void)fprintf(stderr, "\r\033[KMMUs: %s", trial->target[target].name);
}

/* --- Passes ------------------------------------------------------------------------------------------------------------- */

static enum trace_status run_pass(struct trial *trial, const struct replay_options *options,
				  const struct policy *system, size_t target, struct placer *placer,
				  struct trace_error *error)
{
	struct mmu_pass_options pass = {
	    .trace = trial->trace_path,
	    .policy = system,
	    .addresses = options->addresses_forced ? SPACES_FORCED : SPACES_FREE,
	    .names = (const char *const *)options->mmu.name,
	    .geometries = options->mmu.geometry,
	    .mmus = options->mmu.count,
	    .has_sizes = options->output != NULL,
	    .process = process_of(trial, options),
	    .placer = placer,
	    .without_allocator = options->without_allocator,
	    .memory_bytes = options->memory_bytes,
	    .processors = options->processors,
	    .samples = trial->options.samples,
	    .check = options->check,
	};

	return mmu_pass_run(&trial->pass[target], &pass, error);
}

static enum trace_status run_engine(struct trial *trial, const struct replay_options *options,
				    const struct policy *system, size_t target, struct trace_error *error)
{
	struct policy heap;
	struct engine_placer_options engine = {.policy = &heap,
					       .memory_bytes = options->memory_bytes,
					       .seed = trial->options.seed,
					       .is_single = trial->options.memory_mode == MODE_SINGLE};

	if (policy_parse(&heap, trial->target[target].options) != STATUS_OK)
		return trace_fail(error, TRACE_UNSUPPORTED,
				  "%s: no such policy, key or value; `faultline policies` lists them",
				  trial->target[target].name);
	struct placer *placer = engine_placer_create(&engine);

	if (!placer)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the engine's placement");
	enum trace_status status = run_pass(trial, options, system, target, placer, error);

	engine_placer_destroy(placer);
	return status;
}

/* --- Live allocators ---------------------------------------------------------------------------------------------------- */

/* Where the target's placement of this trace is kept. False: the path is too long. */
static bool placement_path(const struct trial *trial, const struct replay_options *options, size_t target,
			   char path[PATH_MAX])
{
	char name[160];

	run_directory_name(trial->target[target].name, name, sizeof(name));
	return snprintf(path, PATH_MAX, "%s/%s-%s.placement", options->placements, name,
			plan_trace(trial->memory_plan)->hash) < PATH_MAX;
}

/* The kept placement, or a new one, which is kept if it is to be. */
static enum trace_status find_placement(struct placement **placement, const struct trial *trial,
					const struct replay_options *options, size_t target,
					struct trace_error *error)
{
	struct placement_request request = {.target = &trial->target[target],
					    .plan = trial->memory_plan,
					    .mode = trial->options.memory_mode,
					    .pace = trial->options.pace,
					    .thp_disable = trial->options.thp_disable,
					    .watchdog_s = trial->options.watchdog_s};
	char path[PATH_MAX];
	enum trace_status status;

	if (!options->placements)
		return placement_make(placement, &request, error);
	if (!placement_path(trial, options, target, path))
		return trace_fail(error, TRACE_IO, "--placements: the path is too long");
	if (access(path, F_OK) == 0) {
		status = placement_open(placement, path, error);
		return status == TRACE_OK ? placement_fits(*placement, &request, path, error) : status;
	}
	status = placement_make(placement, &request, error);
	return status == TRACE_OK ? placement_save(*placement, path, error) : status;
}

static enum trace_status run_take(struct trial *trial, const struct replay_options *options,
				  const struct policy *system, const struct placed_take *placed,
				  struct trace_error *error)
{
	struct placer *placer;
	enum trace_status status = placement_placer_create(&placer, placed->placement, placed->take,
							   plan_trace(trial->memory_plan), error);

	if (status != TRACE_OK)
		return status;
	status = run_pass(trial, options, system, placed->target, placer, error);
	placement_placer_destroy(placer);
	return status;
}

static enum trace_status run_takes(struct trial *trial, const struct replay_options *options,
				   const struct policy *system, struct placed_take placed,
				   struct trace_error *error)
{
	struct mmu_pass *passes[PLACEMENT_TAKES_MAX], **pass = &trial->pass[placed.target];
	enum trace_status status = TRACE_OK;

	for (placed.take = 0; placed.take < placed.placement->takes && status == TRACE_OK;) {
		status = run_take(trial, options, system, &placed, error);
		if (status == TRACE_OK)
			passes[placed.take++] = *pass;
		*pass = NULL;
	}
	if (placed.take > 0)
		*pass = mmu_pass_choose(passes, placed.take, placed.placement->hash);
	return status;
}

static enum trace_status run_live(struct trial *trial, const struct replay_options *options,
				  const struct policy *system, size_t target, struct trace_error *error)
{
	struct placement *placement = NULL;

	if (trial->options.memory_mode == MODE_PARALLEL)
		return trace_fail(
		    error, TRACE_UNSUPPORTED,
		    "--mmu of a live allocator needs --mode single or baton: with parallel threads "
		    "blocks lie otherwise every time");
	enum trace_status status = find_placement(&placement, trial, options, target, error);

	if (status == TRACE_OK && placement)
		status = run_takes(trial, options, system,
				   (struct placed_take){.placement = placement, .target = target}, error);
	trial->placement[target] = placement;
	return status;
}

static enum trace_status run_target(struct trial *trial, const struct replay_options *options,
				    const struct policy *system, size_t target, struct trace_error *error)
{
	switch (trial->target[target].kind) {
	case TARGET_NULL:
		return TRACE_OK;
	case TARGET_RECORDED:
		return run_pass(trial, options, system, target, NULL, error);
	case TARGET_ENGINE:
		return run_engine(trial, options, system, target, error);
	default:
		return run_live(trial, options, system, target, error);
	}
}

bool trial_mmu_run(struct trial *trial, const struct replay_options *options)
{
	struct trace_error error = {""};
	struct policy system;
	bool ok = choose_system(options, &system);

	for (size_t i = 0; ok && i < trial->count; i++) {
		show_progress(trial, i);
		ok = run_target(trial, options, &system, i, &error) == TRACE_OK;
		if (trial->options.progress)
			(void)fputs("\r\033[K", stderr);
		if (!ok)
			complain(options->command, "%s: %s", trial->trace_path, error.message);
	}
	return ok;
}
