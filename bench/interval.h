/* interval.h: what a handful of rounds says about a median, without assuming how the noise is shaped.
 *
 * The median of the underlying distribution lies between the j-th smallest and the j-th largest of n independent samples
 * with probability 1 - 2 * P(Binomial(n, 1/2) < j), whatever the distribution (David and Nagaraja, Order Statistics, 3rd ed.,
 * section 7.1). The interval takes the largest j that keeps at least 95 %:
 *
 *     n <= 5: none    n = 6..8: [1st, n-th]    n = 9..11: [2nd, (n-1)-th]    n = 12..14: [3rd, ...]
 *
 *   I1  low <= median <= high where the interval exists
 */
#ifndef FAULTLINE_BENCH_INTERVAL_H
#define FAULTLINE_BENCH_INTERVAL_H

#include <stdbool.h>
#include <stddef.h>

struct interval {
	double median; /* of the samples; NaN when there is none */
	double low;    /* bounds of the 95 % interval; NaN where `exists` is false */
	double high;
	bool exists; /* at least 6 samples */
	size_t samples;
};

/* Median and 95 % interval of samples[0..count). Samples that are NaN are left out. The array is not changed.
 * At most INTERVAL_MAX_SAMPLES are looked at (the first ones). */
#define INTERVAL_MAX_SAMPLES 1024
struct interval interval_of(const double *samples, size_t count);

/* The interval of the per-round ratios numerator[i] / denominator[i]: noise that both sides of one round share cancels. A
 * round in which either is NaN or the denominator is not positive is left out. */
struct interval interval_of_ratios(const double *numerator, const double *denominator, size_t count);

/* The largest j of the table above, 0 when there is no 95 % interval. */
size_t interval_order(size_t samples);

#endif
