#include "config.h"

#include "bench/physical/page_latency.h"

#include "bench/latency.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void page_latency_create(struct page_latency *latency)
{
	memset(latency, 0, sizeof(*latency));
	clock_measure(&latency->clock);
}

void page_latency_add(struct page_latency *latency, enum page_operation operation, unsigned order,
		      uint64_t ticks)
{
	if (order < PAGE_LATENCY_ORDERS)
		histogram_add(&latency->histogram[operation][order],
			      (uint64_t)((double)ticks / latency->clock.step_ticks + 0.5));
}

/* By quantile, then by order: a line of a picture is a row of rows. */
static void write_quantile(const struct page_latency *latency, struct latency_clock clock,
			   enum page_operation operation, double quantile, FILE *file)
{
	static const char *const names[PAGE_OPERATIONS] = {"allocation", "release"};

	for (unsigned order = 0; order < PAGE_LATENCY_ORDERS; order++) {
		const struct histogram *histogram = &latency->histogram[operation][order];
		const struct latency one = latency_percentile(histogram, clock, quantile);

		if (one.exists)
			(void)fprintf(file, "%s\t%u\t%.7g\t%.1f\t%d\t%" PRIu64 "\n", names[operation], order,
				      quantile, one.ns, one.below_resolution, histogram->samples);
	}
}

void page_latency_write(const struct page_latency *latency, FILE *file)
{
	const double tick_ns = clock_ns_per_tick(&latency->clock);
	/* To a tenth, as everywhere: the rest is the error of the calibration. */
	const struct latency_clock clock = {round(latency->clock.step_ticks * tick_ns * 10) / 10,
					    latency->clock.overhead_ticks * tick_ns};

	(void)fputs("# operation\torder\tquantile\tlatency_ns\tbelow_resolution\tsamples\n", file);
	for (unsigned operation = 0; operation < PAGE_OPERATIONS; operation++) {
		for (unsigned i = 0; i < latency_key_count; i++)
			write_quantile(latency, clock, (enum page_operation)operation,
				       latency_keys[i].quantile, file);
	}
}
