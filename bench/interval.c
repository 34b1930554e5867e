#include "config.h"

#include "bench/interval.h"

#include <math.h>
#include <stdlib.h>

static int compare_doubles(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

size_t interval_order(size_t samples)
{
	double term = pow(0.5, (double)samples); /* P(Binomial = 0) */
	double tail = term;
	size_t order = 0;

	while (order < samples / 2 && 1 - 2 * tail >= 0.95) {
		order++;
		term *= (double)(samples - order + 1) / (double)order;
		tail += term;
	}
	return order;
}

static struct interval interval_of_sorted(const double *sorted, size_t count)
{
	struct interval interval = {.median = NAN, .low = NAN, .high = NAN, .samples = count};

	if (count == 0)
		return interval;
	interval.median = count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
	size_t order = interval_order(count);

	if (order > 0) {
		interval.exists = true;
		interval.low = sorted[order - 1];
		interval.high = sorted[count - order];
	}
	return interval;
}

struct interval interval_of(const double *samples, size_t count)
{
	double sorted[INTERVAL_MAX_SAMPLES];
	size_t kept = 0;

	for (size_t i = 0; i < count && kept < INTERVAL_MAX_SAMPLES; i++) {
		if (!isnan(samples[i]))
			sorted[kept++] = samples[i];
	}
	qsort(sorted, kept, sizeof(sorted[0]), compare_doubles);
	return interval_of_sorted(sorted, kept);
}

struct interval interval_of_ratios(const double *numerator, const double *denominator, size_t count)
{
	double ratios[INTERVAL_MAX_SAMPLES];
	size_t kept = 0;

	for (size_t i = 0; i < count && kept < INTERVAL_MAX_SAMPLES; i++) {
		if (!isnan(numerator[i]) && denominator[i] > 0)
			ratios[kept++] = numerator[i] / denominator[i];
	}
	return interval_of(ratios, kept);
}
