#include "config.h"

#include "bench/trial_mmu.h"

#include "bench/command.h"
#include "bench/placement/placement_pass.h"
#include "bench/placement/placement_placer.h"
#include "bench/run_directory.h"
#include "bench/spaces/engine_placer.h"
#include "bench/workers.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One pass: of a target, by one of the takes of its placement if it has one. */
struct job {
	size_t target;
	unsigned take;
	struct mmu_pass *pass;
};

/* All that are to be made. */
struct jobs {
	struct trial *trial;
	const struct replay_options *options;
	struct policy system;
	struct job *job;
	size_t count;
};

/* --- The simulated system --------------------------------------------------------------------------------------------- */

/* Linux, or what --system says, with the keys that were set: the same for every target. */
static bool choose_system(const struct replay_options *options, struct policy *policy)
{
	char text[64];

	*policy = *policy_find(options->system ? options->system : "linux");
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

/* --- What goes together --------------------------------------------------------------------------------------------- */

static bool is_live(const struct target *target)
{
	return target->kind != TARGET_NULL && target->kind != TARGET_RECORDED &&
	       target->kind != TARGET_ENGINE;
}

/* Live allocators run on this machine, and what they map does not fit into a 32-bit one. */
static bool may_be_placed(const struct trial *trial, const struct replay_options *options)
{
	const struct address_layout *layout;
	struct policy system;

	if (!choose_system(options, &system))
		return false;
	layout = address_layout_of(&system);
	for (size_t i = 0; layout && layout->is_32_bit && i < trial->count; i++) {
		if (!is_live(&trial->target[i]))
			continue;
		complain(
		    options->command,
		    "target %s places blocks in 47 bits of addresses, as the 64-bit program that it is in "
		    "here, and a program on machine %s has 3 GiB; take targets engine[:POLICY] and recorded, "
		    "or "
		    "a system with memory_layout=x86-64",
		    trial->target[i].name, layout->name);
		return false;
	}
	return true;
}

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
	if (options->mmu.count == 0)
		return true;
	if (trace->accesses > 0)
		return may_be_placed(trial, options);
	complain(options->command,
		 "%s has no references, which --mmu needs; record them with `faultline record --accesses`, "
		 "or import "
		 "a stream of them (lackey, champsim, pinatrace)",
		 trial->trace_path);
	return false;
}

/* --- What is said and shown --------------------------------------------------------------------------------------------- */

static uint32_t process_of(const struct trial *trial, const struct replay_options *options)
{
	if (trial->memory_plan)
		return plan_totals(trial->memory_plan)->process;
	return options->process == PLAN_PROCESS_LARGEST ? SPACES_ALL_PROCESSES : options->process;
}

static void show_placement(const struct trial *trial, size_t target)
{
	if (trial->options.progress)
		(void)fprintf(stderr, "\r\033[Kplacement: %s", trial->target[target].name);
}

static void show_passes(void *context, size_t done)
{
	const struct jobs *jobs = context;

	if (jobs->trial->options.progress)
		(void)fprintf(stderr, "\r\033[KMMUs: %zu of %zu passes", done, jobs->count);
}

/* --- Passes ------------------------------------------------------------------------------------------------------------- */

static enum trace_status run_pass(const struct jobs *jobs, struct job *job, struct placer *placer,
				  struct trace_error *error)
{
	const struct replay_options *options = jobs->options;
	struct mmu_pass_options pass = {
	    .trace = jobs->trial->trace_path,
	    .policy = &jobs->system,
	    .addresses = options->addresses_forced ? SPACES_FORCED : SPACES_FREE,
	    .names = (const char *const *)options->mmu.name,
	    .geometries = options->mmu.geometry,
	    .mmus = options->mmu.count,
	    .has_sizes = options->output != NULL,
	    .process = process_of(jobs->trial, options),
	    .placer = placer,
	    .without_allocator = options->without_allocator,
	    .memory_bytes = options->memory_bytes,
	    .processors = options->processors,
	    .samples = jobs->trial->options.samples,
	    .check = options->check,
	};

	return mmu_pass_run(&job->pass, &pass, error);
}

static enum trace_status run_engine(const struct jobs *jobs, struct job *job, struct trace_error *error)
{
	const struct target *target = &jobs->trial->target[job->target];
	struct policy heap;
	struct engine_placer_options engine = {.policy = &heap,
					       .memory_bytes = jobs->options->memory_bytes,
					       .seed = jobs->trial->options.seed,
					       .is_single = jobs->trial->options.memory_mode == MODE_SINGLE};

	if (policy_parse(&heap, target->options) != STATUS_OK)
		return trace_fail(error, TRACE_UNSUPPORTED,
				  "%s: no such policy, key or value; `faultline policies` lists them",
				  target->name);
	struct placer *placer = engine_placer_create(&engine);

	if (!placer)
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the engine's placement");
	enum trace_status status = run_pass(jobs, job, placer, error);

	engine_placer_destroy(placer);
	return status;
}

static enum trace_status run_live(const struct jobs *jobs, struct job *job, struct trace_error *error)
{
	const struct trial *trial = jobs->trial;
	struct placer *placer;
	enum trace_status status = placement_placer_create(&placer, trial->placement[job->target], job->take,
							   plan_trace(trial->memory_plan), error);

	if (status != TRACE_OK)
		return status;
	status = run_pass(jobs, job, placer, error);
	placement_placer_destroy(placer);
	return status;
}

static enum trace_status run_job(void *context, size_t number, struct trace_error *error)
{
	const struct jobs *jobs = context;
	struct job *job = &jobs->job[number];

	switch (jobs->trial->target[job->target].kind) {
	case TARGET_RECORDED:
		return run_pass(jobs, job, NULL, error);
	case TARGET_ENGINE:
		return run_engine(jobs, job, error);
	default:
		return run_live(jobs, job, error);
	}
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

/* The placements of all live targets, one after the other: their replays are processes of their own. */
static enum trace_status find_placements(struct trial *trial, const struct replay_options *options,
					 struct trace_error *error)
{
	enum trace_status status = TRACE_OK;

	for (size_t i = 0; i < trial->count && status == TRACE_OK; i++) {
		if (!is_live(&trial->target[i]))
			continue;
		show_placement(trial, i);
		if (trial->options.memory_mode == MODE_PARALLEL)
			status = trace_fail(
			    error, TRACE_UNSUPPORTED,
			    "--mmu of a live allocator needs --mode single or baton: with parallel threads "
			    "blocks lie otherwise every time");
		else
			status = find_placement(&trial->placement[i], trial, options, i, error);
	}
	return status;
}

/* --- All of them -------------------------------------------------------------------------------------------------------- */

static unsigned passes_of(const struct trial *trial, size_t target)
{
	if (trial->target[target].kind == TARGET_NULL)
		return 0;
	return trial->placement[target] ? trial->placement[target]->takes : 1;
}

static bool list_jobs(struct jobs *jobs)
{
	const struct trial *trial = jobs->trial;
	size_t count = 0;

	for (size_t i = 0; i < trial->count; i++)
		count += passes_of(trial, i);
	jobs->job = calloc(count + 1, sizeof(jobs->job[0]));
	for (size_t i = 0; i < trial->count && jobs->job; i++) {
		for (unsigned take = 0; take < passes_of(trial, i); take++)
			jobs->job[jobs->count++] = (struct job){.target = i, .take = take};
	}
	return jobs->job != NULL;
}

/* Of the passes of each target, the one to show. */
static void take_passes(const struct jobs *jobs)
{
	struct trial *trial = jobs->trial;
	struct mmu_pass *passes[PLACEMENT_TAKES_MAX];

	for (size_t i = 0; i < jobs->count;) {
		const size_t target = jobs->job[i].target;
		unsigned count = 0;

		for (; i < jobs->count && jobs->job[i].target == target; i++) {
			if (jobs->job[i].pass)
				passes[count++] = jobs->job[i].pass;
		}
		if (count > 0)
			trial->pass[target] =
			    trial->placement[target]
				? mmu_pass_choose(passes, count, trial->placement[target]->hash)
				: passes[0];
	}
}

static enum trace_status run_jobs(struct jobs *jobs, struct trace_error *error)
{
	enum trace_status status = find_placements(jobs->trial, jobs->options, error);

	if (status != TRACE_OK)
		return status;
	if (!list_jobs(jobs))
		return trace_fail(error, TRACE_NO_MEMORY, "not enough memory for the passes through MMUs");
	const struct workers workers = {
	    .tasks = jobs->count, .context = jobs, .work = run_job, .tell = show_passes};

	status = workers_run(&workers, 0, error);
	take_passes(jobs);
	return status;
}

bool trial_mmu_run(struct trial *trial, const struct replay_options *options)
{
	struct jobs jobs = {.trial = trial, .options = options};
	struct trace_error error = {""};

	if (!choose_system(options, &jobs.system))
		return false;
	const bool ok = run_jobs(&jobs, &error) == TRACE_OK;

	free(jobs.job);
	if (trial->options.progress)
		(void)fputs("\r\033[K", stderr);
	if (!ok)
		complain(options->command, "%s: %s", trial->trace_path, error.message);
	return ok;
}
