#include "config.h"

#include "bench/run.h"

#include "bench/host.h"
#include "bench/latency.h"

#include <math.h>

const char *run_mode_name(enum replay_mode mode)
{
	static const char *const names[MODE_COUNT] = {"single", "baton", "parallel"};

	return names[mode];
}

const char *run_touch_name(enum replay_touch touch)
{
	static const char *const names[TOUCH_COUNT] = {"none", "first", "pages", "all", "recorded"};

	return names[touch];
}

const char *run_pace_name(enum replay_pace pace)
{
	static const char *const names[PACE_COUNT] = {"full", "recorded"};

	return names[pace];
}

json_t *run_number(double value)
{
	if (!isfinite(value))
		return json_null();
	/* Whole numbers as integers: exact, and the same on every library version. */
	if (value == floor(value) && fabs(value) < 9e15)
		return json_integer((json_int_t)value);
	return json_real(value);
}

static json_t *rounded(double value)
{
	return run_number(round(value * 1000) / 1000);
}

static json_t *figure(uint64_t value)
{
	return value == FIGURE_MISSING ? json_null() : json_integer((json_int_t)value);
}

static json_t *bounds(const struct interval *interval)
{
	return interval->exists ? json_pack("[o,o]", rounded(interval->low), rounded(interval->high))
				: json_null();
}

static json_t *trace_json(const struct run *run)
{
	const struct plan_totals *totals = run->totals;

	/* What was recorded online is in no file. */
	return json_pack(
	    "{s:s?, s:s?, s:I, s:I, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "path", run->trace_path,
	    "hash", run->trace_path ? run->trace->hash : NULL, "events", (json_int_t)run->trace->events,
	    "threads", (json_int_t)totals->threads, "process", (int)totals->process, "calls",
	    (json_int_t)totals->calls, "live_peak_bytes", (json_int_t)totals->live_peak_bytes,
	    "live_peak_objects", (json_int_t)totals->live_peak_objects, "foreign_frees",
	    (json_int_t)totals->foreign_frees, "foreign_reallocs", (json_int_t)totals->foreign_reallocs,
	    "failed_calls", (json_int_t)totals->failed_calls, "inherited", (json_int_t)totals->inherited,
	    "exec_frees", (json_int_t)totals->exec_frees);
}

static json_t *policy_json(const struct run *run)
{
	return run->model ? model_policy_json(run->model) : json_object();
}

static json_t *allocator_json(const struct run *run)
{
	const struct target *target = run->measurement->target;
	const struct session_figures missing = {FIGURE_MISSING,
						FIGURE_MISSING,
						FIGURE_MISSING,
						FIGURE_MISSING,
						FIGURE_MISSING,
						FIGURE_MISSING,
						""};
	const struct session_figures *own =
	    run->measurement->memory ? &run->measurement->memory->figures : &missing;
	char title[256];

	target_title(target, run->measurement->version, title, sizeof(title));
	return json_pack("{s:s, s:o, s:s, s:s, s:{s:o, s:o, s:o, s:o, s:o, s:o}}", "name", title, "version",
			 run->measurement->version[0] ? json_string(run->measurement->version) : json_null(),
			 "config", target->options, "library", target->library, "own", "allocated",
			 figure(own->allocated_bytes), "active", figure(own->active_bytes), "resident",
			 figure(own->resident_bytes), "mapped", figure(own->mapped_bytes), "metadata",
			 figure(own->metadata_bytes), "retained", figure(own->retained_bytes));
}

static json_t *throughput_json(const struct run *run)
{
	const struct measurement *measurement = run->measurement;
	unsigned rounds = measurement->rounds;
	struct interval gross = interval_of(measurement->gross_ns, rounds);
	struct interval net = interval_of(measurement->net_ns, rounds);
	struct interval null = interval_of(measurement->null_ns, rounds);
	bool has_net = rounds > 0 && net.samples * 2 > rounds;

	return json_pack("{s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:s, s:s}", "events_per_s",
			 rounded(measurement_rate(gross.median)), "gross_ns_per_event", rounded(gross.median),
			 "net_ns_per_event", has_net ? rounded(net.median) : json_null(), "ci95_ns",
			 has_net ? bounds(&net) : json_null(), "rounds", (int)rounds, "gross_ci95_ns",
			 bounds(&gross), "null_ns_per_event", rounded(null.median), "mode",
			 run_mode_name(run->options->speed_mode), "clock",
			 run->options->speed_mode == MODE_SINGLE ? "processor time" : "wall clock");
}

static json_t *latency_kind_json(const struct run *run, enum latency_kind kind)
{
	const struct session_reply *reply = run->measurement->latency;
	json_t *object = json_object(), *below = json_array();

	(void)json_object_set_new(object, "count", json_integer((json_int_t)reply->latency[kind].samples));
	(void)json_object_set_new(object, "mean_batched",
				  rounded(measurement_mean_batched(run->measurement, kind)));
	for (unsigned i = 0; i < latency_key_count; i++) {
		struct latency latency = latency_quantile(reply, kind, latency_keys[i].quantile);

		(void)json_object_set_new(object, latency_keys[i].name,
					  latency.exists ? rounded(latency.ns) : json_null());
		if (latency.exists && latency.below_resolution)
			(void)json_array_append_new(below, json_string(latency_keys[i].name));
	}
	(void)json_object_set_new(object, "below_resolution", below);
	(void)json_object_set_new(object, "preempted",
				  json_integer((json_int_t)reply->preempted[kind].samples));
	return object;
}

static json_t *latency_json(const struct run *run)
{
	const struct session_reply *reply = run->measurement->latency;

	if (!reply)
		return json_null();
	json_t *object = json_pack("{s:o, s:o, s:s}", "resolution_ns", rounded(latency_resolution_ns(reply)),
				   "clock_overhead_ns", rounded(latency_clock_overhead_ns(reply)), "mode",
				   run_mode_name(run->options->speed_mode));

	for (unsigned kind = 0; kind < LATENCY_KINDS; kind++)
		(void)json_object_set_new(object, latency_kind_name(kind),
					  latency_kind_json(run, (enum latency_kind)kind));
	return object;
}

static json_t *memory_json(const struct run *run)
{
	const struct measurement *measurement = run->measurement;
	const struct session_reply *reply = measurement->memory;
	unsigned rounds = measurement->memory_rounds;

	if (!reply || measurement->target->kind == TARGET_NULL)
		return json_null();
	struct interval peak = interval_of(measurement->footprint_peak, rounds);
	struct interval end = interval_of(measurement->footprint_end, rounds);
	struct interval drained = interval_of(measurement->footprint_drained, rounds);
	double live = (double)run->totals->live_peak_bytes;

	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:i, s:I, s:s}", "footprint_peak_bytes",
			 run_number(round(peak.median)), "footprint_end_bytes", run_number(round(end.median)),
			 "footprint_drained_bytes", run_number(round(drained.median)), "footprint_over_live",
			 live > 0 ? rounded(peak.median / live) : json_null(), "lazyfree_bytes",
			 (json_int_t)reply->end.lazyfree_bytes, "anon_huge_bytes",
			 (json_int_t)reply->end.anon_huge_bytes, "footprint_peak_ci95_bytes", bounds(&peak),
			 "rounds", (int)rounds, "baseline_bytes", (json_int_t)reply->baseline.resident_bytes,
			 "mode", run_mode_name(run->options->memory_mode));
}

static json_t *host_json(const struct run *run)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "throughput",
			 run->measurement->rounds ? throughput_json(run) : json_null(), "latency_ns",
			 latency_json(run), "memory", memory_json(run), "machine",
			 host_json_machine(run->options->thp_disable));
}

/* The parts of the model that were run; NULL without memory. */
static json_t *model_parts_json(const struct run *run)
{
	json_t *model = run->model ? model_json(run->model) : json_null();

	if (!run->pass)
		return model;
	if (!run->model) {
		json_decref(model);
		model = json_pack("{s:n}", "memory");
	}
	if (model && mmu_pass_json(run->pass, model))
		return model;
	json_decref(model);
	return NULL;
}

json_t *run_json(const struct run *run)
{
	const struct measurement_options *options = run->options;

	return json_pack(
	    "{s:i, s:o, s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:s, s:s, s:o}", "schema", 1, "trace",
	    trace_json(run), "target", run->measurement->target->name, "mode",
	    run_mode_name(options->memory_mode), "pace", run_pace_name(options->pace), "touch",
	    run_touch_name(options->touch), "seed", (json_int_t)options->seed, "policy", policy_json(run),
	    "allocator", allocator_json(run), "host", host_json(run), "model", model_parts_json(run),
	    "version", PACKAGE_VERSION, "command", run->command, "verified",
	    options->what & MEASURE_VERIFY ? json_boolean(run->measurement->verified) : json_null());
}
