/* regression.h: the mean duration of each kind of call, from batches that mix them.
 *
 * A clock that steps by 10 ns cannot time a call of 6 ns, but it can time 64 calls. Every batch b gives one equation,
 * duration_b = sum over kinds of calls_b,k * mean_k + noise, and least squares over thousands of batches give the means: the solution
 * of the normal equations that struct session_regression has summed up.
 */
#ifndef FAULTLINE_BENCH_REGRESSION_H
#define FAULTLINE_BENCH_REGRESSION_H

#include "bench/replay/session.h"

/* Fewer calls of a kind than this give no mean. */
#define REGRESSION_MIN_CALLS 1000u

/* Writes the mean duration in ns of each kind into means[0..LATENCY_KINDS); NaN for a kind that is too rare or that the batches do
 * not tell apart from the others. Kinds that are too rare take no part. */
void regression_solve(const struct session_regression *regression, double means[LATENCY_KINDS]);

#endif
