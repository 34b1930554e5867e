/* fixed.h: exact arithmetic on numbers with a fraction, in integers.
 *
 * Floating point would make a generated trace depend on the compiler (contraction to fused operations, the
 * accuracy of log). A fixed-point number is an integer count of a unit that its name tells: _q32 counts
 * 2^-32.
 */
#ifndef FAULTLINE_TRACES_GENERATE_FIXED_H
#define FAULTLINE_TRACES_GENERATE_FIXED_H

#include "traces/import/scan.h"

#include <stdbool.h>
#include <stdint.h>

#define FIXED_LN2 UINT64_C(2977044472) /* ln 2 in 2^-32, rounded */

/* a x b / c rounded to the nearest, with a product of 128 bits; UINT64_MAX when the result does not fit or c
 * is 0. */
uint64_t fixed_multiply_divide(uint64_t a, uint64_t b, uint64_t c);

/* a x b_q32 rounded to the nearest: a times a number in 2^-32; UINT64_MAX when the result does not fit. */
uint64_t fixed_multiply_q32(uint64_t a, uint64_t b_q32);

/* log2(value) in 2^-32; value > 0. The error is below 2^-24, the cost 24 multiplications (C. Turner, "A Fast
 * Binary Logarithm Algorithm", IEEE Signal Processing Magazine 27, 2010). */
uint64_t fixed_log2(uint64_t value);

/* Recognises a decimal number, 12.5 or 1.25e-3, and gives it as a count of 10^-digits (digits <= 12), rounded
 * down. False when there is none or it does not fit. */
bool fixed_parse(struct scan *scan, unsigned digits, uint64_t *number);

#endif
