/* histogram.h: how often each latency was seen, in bins that grow with the value.
 *
 * Values are whole *steps* of the clock (a bin is never finer than the clock). The first 2 * HISTOGRAM_SUB values have a
 * bin each; from there every doubling is divided into HISTOGRAM_SUB equal bins, so that a bin's width is at most
 * 1/HISTOGRAM_SUB (1.6 %) of its value:
 *
 *     value   0 1 2 ... 127 | 128 130 132 ... 254 | 256 260 ... 508 | ...
 *     width         1       |          2          |        4        |
 *
 * A histogram is a plain array of counters without pointers, so that it can lie in memory shared between processes.
 *
 *   I1  samples = sum of bin[i]
 *   I2  samples > 0  implies  bin[histogram_bin(maximum)] > 0 and no bin above it is filled
 */
#ifndef FAULTLINE_BENCH_HISTOGRAM_H
#define FAULTLINE_BENCH_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6u
#define HISTOGRAM_SUB (1u << HISTOGRAM_SUB_BITS)
/* Values from 2^HISTOGRAM_VALUE_BITS on are counted in the last bin; `maximum` and `sum` keep them exactly. */
#define HISTOGRAM_VALUE_BITS 40u
#define HISTOGRAM_BINS ((HISTOGRAM_VALUE_BITS - HISTOGRAM_SUB_BITS + 1u) * HISTOGRAM_SUB)

struct histogram {
	uint64_t samples;	      /* values counted */
	uint64_t sum;		      /* of the values, in steps */
	uint64_t maximum;	      /* largest value, in steps */
	uint64_t bin[HISTOGRAM_BINS]; /* values per bin */
};

/* The bin of `steps`: monotone, and below HISTOGRAM_BINS for every value. */
static inline uint32_t histogram_bin(uint64_t steps)
{
	if (steps < UINT64_C(2) * HISTOGRAM_SUB)
		return (uint32_t)steps;
	if (steps >> HISTOGRAM_VALUE_BITS)
		return HISTOGRAM_BINS - 1;
	uint32_t shift = 63u - (uint32_t)__builtin_clzll(steps) - HISTOGRAM_SUB_BITS;

	return (shift << HISTOGRAM_SUB_BITS) + (uint32_t)(steps >> shift);
}

/* Smallest and largest value of a bin, in steps. `bin` is below HISTOGRAM_BINS. */
uint64_t histogram_bin_low(uint32_t bin);
uint64_t histogram_bin_high(uint32_t bin);

/* Counts one value. Only for a histogram that one thread owns. */
static inline void histogram_add(struct histogram *histogram, uint64_t steps)
{
	histogram->samples++;
	histogram->sum += steps;
	if (steps > histogram->maximum)
		histogram->maximum = steps;
	histogram->bin[histogram_bin(steps)]++;
}

/* The same for a histogram that several threads fill at once; no order is implied. */
void histogram_add_shared(struct histogram *histogram, uint64_t steps);

/* Adds the counts of `other`. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);

/* The value below which a share `quantile` (0 < quantile <= 1) of the samples lies: the middle of the bin that holds the
 * sample of rank ceil(quantile * samples), never above `maximum`. The exact percentile of the sorted samples lies in the same
 * bin. 0 for an empty histogram. */
uint64_t histogram_quantile(const struct histogram *histogram, double quantile);

/* Whether there are enough samples to say something about `quantile`: 10 / (1 - quantile). False for quantile >= 1. */
bool histogram_supports(uint64_t samples, double quantile);

/* NULL or the first broken invariant. */
const char *histogram_check(const struct histogram *histogram);

#endif
