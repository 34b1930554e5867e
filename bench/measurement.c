#include "config.h"

#include "bench/measurement.h"

#include "bench/regression.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What runs now: passes done and to do, for the progress line. */
struct bench {
	struct measurement *measurements;
	const struct target *const *targets;
	size_t count;
	const struct measurement_options *options;
	struct target null;
	struct trace_error *error;
	uint64_t random;
	unsigned done, total;
};

double measurement_rate(double gross_ns)
{
	return 1e9 / gross_ns;
}

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void show_progress(struct bench *bench, const struct target *target, enum pass_kind kind)
{
	bench->done++;
	if (bench->options->progress)
		(void)fprintf(stderr, "\r\033[K[%u/%u] %s on %s", bench->done, bench->total,
			      pass_kind_name(kind), target->name);
}

static bool run_pass(struct bench *bench, const struct target *target, enum pass_kind kind, unsigned samples,
		     struct pass_result *result)
{
	const struct measurement_options *options = bench->options;
	bool memory = kind == PASS_MEMORY || kind == PASS_VERIFY;
	struct pass_options pass = {
	    .target = target,
	    .plan = memory ? options->memory_plan : options->speed_plan,
	    .mode = memory ? options->memory_mode : options->speed_mode,
	    .touch = options->touch,
	    .pace = options->pace,
	    .kind = kind,
	    .samples = samples,
	    .drain_ns = options->drain_ns,
	    .thp_disable = options->thp_disable,
	    .padding_bytes = (unsigned)(next_random(&bench->random) % 4096),
	    .watchdog_s = options->watchdog_s,
	};

	show_progress(bench, target, kind);
	return pass_run(result, &pass, bench->error);
}

/* What was recorded is over. */
static bool is_measured(const struct bench *bench, size_t i)
{
	return bench->targets[i]->kind != TARGET_RECORDED;
}

/* --- Throughput --------------------------------------------------------------------------------------------------------- */

static bool throughput_pass(struct bench *bench, const struct target *target, double *gross_ns)
{
	struct pass_result result;

	if (!run_pass(bench, target, PASS_THROUGHPUT, 0, &result))
		return false;
	*gross_ns = (double)result.elapsed_ns / (double)plan_totals(bench->options->speed_plan)->calls;
	pass_result_destroy(&result);
	return true;
}

static bool throughput_round(struct bench *bench, unsigned round)
{
	size_t places = bench->count + 1; /* the null target takes its turn like the others */
	double null_ns = NAN;

	for (size_t place = 0; place < places; place++) {
		size_t i = (place + round) % places;
		bool null = i == bench->count;

		if (!null && !is_measured(bench, i))
			bench->measurements[i].gross_ns[round] = NAN;
		else if (!throughput_pass(bench, null ? &bench->null : bench->targets[i],
					  null ? &null_ns : &bench->measurements[i].gross_ns[round]))
			return false;
	}
	for (size_t i = 0; i < bench->count; i++) {
		struct measurement *measurement = &bench->measurements[i];
		double gross_ns = measurement->gross_ns[round];

		measurement->null_ns[round] = null_ns;
		measurement->net_ns[round] = null_ns > gross_ns / 2 ? NAN : gross_ns - null_ns;
		measurement->rounds = round + 1;
	}
	return true;
}

/* --- Latency ------------------------------------------------------------------------------------------------------------ */

static bool reply_pass(struct bench *bench, const struct target *target, enum pass_kind kind,
		       struct session_reply **reply)
{
	struct pass_result result;

	if (!run_pass(bench, target, kind, 0, &result))
		return false;
	*reply = result.reply;
	result.reply = NULL;
	pass_result_destroy(&result);
	return true;
}

static bool has_batches(const struct measurement_options *options)
{
	return options->speed_mode != MODE_PARALLEL && options->pace == PACE_FULL;
}

static bool latency_passes(struct bench *bench)
{
	bool batches = has_batches(bench->options);

	if (batches && !reply_pass(bench, &bench->null, PASS_BATCH, &bench->measurements[0].null_batch))
		return false;
	for (size_t i = 0; i < bench->count; i++) {
		struct measurement *measurement = &bench->measurements[i];

		if (!is_measured(bench, i))
			continue;
		if (!reply_pass(bench, bench->targets[i], PASS_LATENCY, &measurement->latency))
			return false;
		if (batches && !reply_pass(bench, bench->targets[i], PASS_BATCH, &measurement->batch))
			return false;
		if (i > 0 && batches) {
			measurement->null_batch = malloc(sizeof(*measurement->null_batch));
			if (!measurement->null_batch)
				return trace_fail(bench->error, TRACE_NO_MEMORY,
						  "not enough memory for the results") == TRACE_OK;
			memcpy(measurement->null_batch, bench->measurements[0].null_batch,
			       sizeof(*measurement->null_batch));
		}
	}
	return true;
}

double measurement_mean_batched(const struct measurement *measurement, enum latency_kind kind)
{
	double gross[LATENCY_KINDS], null[LATENCY_KINDS];

	if (!measurement->batch || !measurement->null_batch)
		return NAN;
	regression_solve(&measurement->batch->regression, gross);
	regression_solve(&measurement->null_batch->regression, null);
	double net = gross[kind] - null[kind];

	return net > 0 ? net : NAN;
}

/* --- Memory ------------------------------------------------------------------------------------------------------------- */

static double less_baseline(const struct session_reply *reply, const struct session_memory *memory)
{
	uint64_t baseline = reply->baseline.resident_bytes, resident = memory->resident_bytes;

	return resident > baseline ? (double)(resident - baseline) : 0;
}

static bool memory_pass(struct bench *bench, size_t i, unsigned round)
{
	struct measurement *measurement = &bench->measurements[i];
	struct pass_result result;

	if (!run_pass(bench, bench->targets[i], PASS_MEMORY, round == 0 ? bench->options->samples : 16,
		      &result))
		return false;
	measurement->footprint_peak[round] = (double)timeline_footprint_peak(&result.timeline);
	measurement->footprint_end[round] = less_baseline(result.reply, &result.reply->end);
	measurement->footprint_drained[round] =
	    bench->options->drain_ns ? less_baseline(result.reply, &result.reply->drained) : NAN;
	measurement->memory_rounds = round + 1;
	if (round == 0) {
		measurement->memory = result.reply;
		measurement->timeline = result.timeline;
		memcpy(measurement->version, result.reply->figures.version, sizeof(measurement->version));
		memset(&result, 0, sizeof(result));
	}
	pass_result_destroy(&result);
	return true;
}

static void leave_memory_out(struct measurement *measurement, unsigned round)
{
	measurement->footprint_peak[round] = NAN;
	measurement->footprint_end[round] = NAN;
	measurement->footprint_drained[round] = NAN;
	measurement->memory_rounds = round + 1;
}

static bool memory_round(struct bench *bench, unsigned round)
{
	for (size_t place = 0; place < bench->count; place++) {
		size_t i = (place + round) % bench->count;

		if (!is_measured(bench, i))
			leave_memory_out(&bench->measurements[i], round);
		else if (!memory_pass(bench, i, round))
			return false;
	}
	return true;
}

static bool verify_passes(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++) {
		struct pass_result result;

		if (bench->targets[i]->kind == TARGET_NULL || !is_measured(bench, i))
			continue; /* all blocks of null overlap */
		if (!run_pass(bench, bench->targets[i], PASS_VERIFY, 0, &result))
			return false;
		bench->measurements[i].verified = true;
		pass_result_destroy(&result);
	}
	return true;
}

/* --- All of it ---------------------------------------------------------------------------------------------------------- */

static unsigned passes_to_do(const struct bench *bench)
{
	const struct measurement_options *options = bench->options;
	unsigned count = 0, total = 0;

	for (size_t i = 0; i < bench->count; i++)
		count += is_measured(bench, i);

	if (options->what & MEASURE_VERIFY)
		total += count;
	if (options->what & MEASURE_THROUGHPUT)
		total += options->rounds * (count + 1);
	if (options->what & MEASURE_LATENCY)
		total += has_batches(options) ? 2 * count + 1 : count;
	if (options->what & MEASURE_MEMORY)
		total += options->memory_rounds * count;
	return total;
}

static bool run_all(struct bench *bench)
{
	const struct measurement_options *options = bench->options;

	if (options->what & MEASURE_VERIFY && !verify_passes(bench))
		return false;
	for (unsigned round = 0; options->what & MEASURE_THROUGHPUT && round < options->rounds; round++) {
		if (!throughput_round(bench, round))
			return false;
	}
	if (options->what & MEASURE_LATENCY && !latency_passes(bench))
		return false;
	for (unsigned round = 0; options->what & MEASURE_MEMORY && round < options->memory_rounds; round++) {
		if (!memory_round(bench, round))
			return false;
	}
	return true;
}

bool measurement_run(struct measurement *measurements, const struct target *const *targets, size_t count,
		     const struct measurement_options *options, struct trace_error *error)
{
	struct bench bench = {.measurements = measurements,
			      .targets = targets,
			      .count = count,
			      .options = options,
			      .error = error,
			      .random = options->seed};
	struct target_error unused;

	memset(measurements, 0, count * sizeof(measurements[0]));
	for (size_t i = 0; i < count; i++)
		measurements[i].target = targets[i];
	if (!target_parse(&bench.null, "null", NULL, 0, &unused))
		return false;
	bench.total = passes_to_do(&bench);
	bool ok = run_all(&bench);

	if (options->progress)
		(void)fputs("\r\033[K", stderr);
	target_destroy(&bench.null);
	for (size_t i = 0; !ok && i < count; i++)
		measurement_destroy(&measurements[i]);
	return ok;
}

void measurement_destroy(struct measurement *measurement)
{
	free(measurement->latency);
	free(measurement->batch);
	free(measurement->null_batch);
	free(measurement->memory);
	timeline_destroy(&measurement->timeline);
	memset(measurement, 0, sizeof(*measurement));
}
