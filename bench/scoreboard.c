#include "config.h"

#include "bench/scoreboard.h"

#include "bench/latency.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define NAME_COLUMNS 30
#define LEAST_COLUMNS 11

const char *measure_name(enum measure measure)
{
	static const char *const names[MEASURE_COUNT] = {
	    "net time, ns/call",     "gross time, ns/call",    "malloc p50, ns",
	    "malloc p99, ns",	     "malloc p99.9, ns",       "free p99, ns",
	    "realloc p99, ns",	     "footprint peak, KiB",    "footprint / live peak",
	    "footprint at end, KiB", "footprint drained, KiB", "frames peak (model), KiB",
	    "internal fragmentation"};

	return names[measure];
}

static struct measured latency_of(const struct run *run, enum latency_kind kind, double quantile)
{
	const struct session_reply *reply = run->measurement->latency;

	if (!reply || run->measurement->target->kind == TARGET_NULL)
		return (struct measured){.value = NAN};
	struct latency latency = latency_quantile(reply, kind, quantile);

	if (!latency.exists)
		return (struct measured){.value = NAN};
	return (struct measured){.value =
				     latency.below_resolution ? latency_resolution_ns(reply) : latency.ns,
				 .below = latency.below_resolution};
}

static double rounds_median(const double *values, unsigned rounds)
{
	struct interval interval = interval_of(values, rounds);

	return interval.samples * 2 > rounds ? interval.median : NAN;
}

static double fragmentation_of(const struct run *run)
{
	const struct timeline *timeline = &run->measurement->timeline;
	const struct timeline_sample *fullest = NULL;

	for (size_t i = 0; i < timeline->count; i++) {
		if (!fullest || timeline->sample[i].live_bytes > fullest->live_bytes)
			fullest = &timeline->sample[i];
	}
	return fullest ? timeline_internal_fragmentation(fullest) : NAN;
}

static double footprint_of(const struct run *run, enum measure measure)
{
	const struct measurement *measurement = run->measurement;
	unsigned rounds = measurement->memory_rounds;

	if (measurement->target->kind == TARGET_NULL || rounds == 0)
		return NAN;
	switch (measure) {
	case MEASURE_FOOTPRINT_PEAK:
		return rounds_median(measurement->footprint_peak, rounds) / 1024;
	case MEASURE_FOOTPRINT_OVER_LIVE:
		return run->totals->live_peak_bytes ? rounds_median(measurement->footprint_peak, rounds) /
							  (double)run->totals->live_peak_bytes
						    : NAN;
	case MEASURE_FOOTPRINT_END:
		return rounds_median(measurement->footprint_end, rounds) / 1024;
	case MEASURE_FOOTPRINT_DRAINED:
		return rounds_median(measurement->footprint_drained, rounds) / 1024;
	default:
		return fragmentation_of(run);
	}
}

struct measured measure_value(const struct run *run, enum measure measure)
{
	const struct measurement *measurement = run->measurement;

	switch (measure) {
	case MEASURE_NET:
		return (struct measured){.value = rounds_median(measurement->net_ns, measurement->rounds)};
	case MEASURE_GROSS:
		return (struct measured){.value = rounds_median(measurement->gross_ns, measurement->rounds)};
	case MEASURE_MALLOC_P50:
		return latency_of(run, LATENCY_MALLOC, 0.5);
	case MEASURE_MALLOC_P99:
		return latency_of(run, LATENCY_MALLOC, 0.99);
	case MEASURE_MALLOC_P999:
		return latency_of(run, LATENCY_MALLOC, 0.999);
	case MEASURE_FREE_P99:
		return latency_of(run, LATENCY_FREE, 0.99);
	case MEASURE_REALLOC_P99:
		return latency_of(run, LATENCY_REALLOC, 0.99);
	case MEASURE_FRAMES_PEAK:
		return (struct measured){
		    .value = run->model ? (double)model_frames_peak_bytes(run->model) / 1024 : NAN};
	default:
		return (struct measured){.value = footprint_of(run, measure)};
	}
}

static int decimals_of(double value)
{
	return value < 10 ? 3 : value < 1000 ? 1 : 0;
}

static void print_cell(FILE *out, int width, struct measured measured, bool best)
{
	char text[64];

	if (isnan(measured.value))
		(void)snprintf(text, sizeof(text), "-");
	else if (measured.below)
		(void)snprintf(text, sizeof(text), "%s<%.0f", best ? "*" : "", measured.value);
	else
		(void)snprintf(text, sizeof(text), "%s%.*f", best ? "*" : "", decimals_of(measured.value),
			       measured.value);
	(void)fprintf(out, "%*s", width, text);
}

static bool is_speed(enum measure measure)
{
	return measure < MEASURE_FOOTPRINT_PEAK;
}

/* Equal values are all best; a row with one value has no best. */
static void print_row(const struct run *runs, size_t count, enum measure measure, FILE *out)
{
	struct measured values[MEASUREMENT_MAX_TARGETS];
	double best = INFINITY;
	size_t known = 0;

	for (size_t i = 0; i < count; i++) {
		values[i] = measure_value(&runs[i], measure);
		if (isnan(values[i].value))
			continue;
		known++;
		if (runs[i].measurement->target->kind != TARGET_NULL)
			best = fmin(best, values[i].below ? 0 : values[i].value);
	}
	if (known == 0)
		return;
	(void)fprintf(out, "%-*s", NAME_COLUMNS, measure_name(measure));
	for (size_t i = 0; i < count; i++) {
		int width = (int)strlen(runs[i].measurement->target->name) + 2;
		double value = values[i].below ? 0 : values[i].value;
		bool null = runs[i].measurement->target->kind == TARGET_NULL;

		print_cell(out, width > LEAST_COLUMNS ? width : LEAST_COLUMNS, values[i],
			   known > 1 && value == best && !null);
	}
	(void)fprintf(
	    out, "   %s\n",
	    run_mode_name(is_speed(measure) ? runs[0].options->speed_mode : runs[0].options->memory_mode));
}

void scoreboard_print(const struct run *runs, size_t count, FILE *out)
{
	const struct plan_totals *totals = runs[0].totals;

	(void)fprintf(out,
		      "%s: %" PRIu64 " calls, %" PRIu64 " threads, live peak %" PRIu64 " KiB in %" PRIu64
		      " blocks; touch %s, pace %s, %u rounds\n",
		      runs[0].trace_path, totals->calls, totals->threads, totals->live_peak_bytes / 1024,
		      totals->live_peak_objects, run_touch_name(runs[0].options->touch),
		      run_pace_name(runs[0].options->pace), runs[0].measurement->rounds);
	(void)fprintf(out, "%-*s", NAME_COLUMNS, "");
	for (size_t i = 0; i < count; i++) {
		int width = (int)strlen(runs[i].measurement->target->name) + 2;

		(void)fprintf(out, "%*s", width > LEAST_COLUMNS ? width : LEAST_COLUMNS,
			      runs[i].measurement->target->name);
	}
	(void)fputs("   mode\n", out);
	for (unsigned measure = 0; measure < MEASURE_COUNT; measure++)
		print_row(runs, count, (enum measure)measure, out);
}
