#include "config.h"

#include "bench/histogram.h"

#include <math.h>
#include <stddef.h>

static uint32_t bin_shift(uint32_t bin)
{
	return bin < 2u * HISTOGRAM_SUB ? 0 : (bin >> HISTOGRAM_SUB_BITS) - 1;
}

uint64_t histogram_bin_low(uint32_t bin)
{
	uint32_t shift = bin_shift(bin);

	return (uint64_t)(bin - (shift << HISTOGRAM_SUB_BITS)) << shift;
}

uint64_t histogram_bin_high(uint32_t bin)
{
	return histogram_bin_low(bin) + (UINT64_C(1) << bin_shift(bin)) - 1;
}

void histogram_add_shared(struct histogram *histogram, uint64_t steps)
{
	uint64_t maximum = __atomic_load_n(&histogram->maximum, __ATOMIC_RELAXED);

	__atomic_fetch_add(&histogram->samples, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&histogram->sum, steps, __ATOMIC_RELAXED);
	__atomic_fetch_add(&histogram->bin[histogram_bin(steps)], 1, __ATOMIC_RELAXED);
	while (steps > maximum && !__atomic_compare_exchange_n(&histogram->maximum, &maximum, steps, true,
							       __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other)
{
	histogram->samples += other->samples;
	histogram->sum += other->sum;
	if (other->maximum > histogram->maximum)
		histogram->maximum = other->maximum;
	for (uint32_t bin = 0; bin < HISTOGRAM_BINS; bin++)
		histogram->bin[bin] += other->bin[bin];
}

uint64_t histogram_quantile(const struct histogram *histogram, double quantile)
{
	if (histogram->samples == 0)
		return 0;
	uint64_t rank = (uint64_t)ceil(quantile * (double)histogram->samples);
	uint64_t seen = 0;

	for (uint32_t bin = 0; bin < HISTOGRAM_BINS - 1; bin++) {
		seen += histogram->bin[bin];
		if (seen < rank || histogram->bin[bin] == 0)
			continue;
		uint64_t low = histogram_bin_low(bin);
		uint64_t middle = low + (histogram_bin_high(bin) - low) / 2;

		return middle < histogram->maximum ? middle : histogram->maximum;
	}
	return histogram->maximum;
}

bool histogram_supports(uint64_t samples, double quantile)
{
	/* The small slack keeps 0.9999 (not exact in binary) from demanding 100,001 samples. */
	return quantile < 1 && (double)samples * (1 - quantile) >= 10 * (1 - 1e-9);
}

const char *histogram_check(const struct histogram *histogram)
{
	uint64_t samples = 0;
	uint32_t top = 0;

	for (uint32_t bin = 0; bin < HISTOGRAM_BINS; bin++) {
		samples += histogram->bin[bin];
		if (histogram->bin[bin])
			top = bin;
	}
	if (samples != histogram->samples)
		return "I1: samples = sum of bin[i]";
	if (samples > 0 && top != histogram_bin(histogram->maximum))
		return "I2: the maximum's bin is filled and no bin above it";
	return NULL;
}
