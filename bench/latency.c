#include "config.h"

#include "bench/latency.h"

#include <math.h>

const struct latency_key latency_keys[] = {{"p50", 0.5},    {"p90", 0.9},      {"p99", 0.99},
					   {"p999", 0.999}, {"p9999", 0.9999}, {"max", 1}};
const unsigned latency_key_count = sizeof(latency_keys) / sizeof(latency_keys[0]);

double latency_resolution_ns(const struct session_reply *reply)
{
	/* To a tenth: the rest is the error of the calibration, and would make equal values of two passes differ. */
	return round((double)reply->clock_step_ns_x1000 / 100) / 10;
}

double latency_clock_overhead_ns(const struct session_reply *reply)
{
	return (double)reply->clock_overhead_ns_x1000 / 1000;
}

struct latency latency_percentile(const struct histogram *histogram, struct latency_clock clock,
				  double quantile)
{
	struct latency latency = {0};

	latency.exists =
	    histogram->samples > 0 && (quantile >= 1 || histogram_supports(histogram->samples, quantile));
	if (!latency.exists)
		return latency;
	uint64_t steps = quantile >= 1 ? histogram->maximum : histogram_quantile(histogram, quantile);
	double net_steps = (double)steps - round(clock.overhead_ns / clock.resolution_ns);

	latency.below_resolution = net_steps < 1;
	latency.ns = latency.below_resolution ? 0 : net_steps * clock.resolution_ns;
	return latency;
}

struct latency latency_quantile(const struct session_reply *reply, enum latency_kind kind, double quantile)
{
	const struct latency_clock clock = {latency_resolution_ns(reply), latency_clock_overhead_ns(reply)};

	return latency_percentile(&reply->latency[kind], clock, quantile);
}
