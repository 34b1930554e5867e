/* xoshiro.h: the random numbers of the generators.
 *
 * xoshiro256** by Blackman and Vigna ("Scrambled Linear Pseudorandom Number Generators", ACM TOMS 47, 2021),
 * its four words filled by splitmix64 (Steele, Lea, Flood, OOPSLA 2014) from one seed. Integers only: a seed
 * gives the same numbers with every compiler and on every machine.
 */
#ifndef FAULTLINE_TRACES_GENERATE_XOSHIRO_H
#define FAULTLINE_TRACES_GENERATE_XOSHIRO_H

#include <stdbool.h>
#include <stdint.h>

struct xoshiro {
	uint64_t word[4]; /* not all 0 */
};

void xoshiro_seed(struct xoshiro *random, uint64_t seed);

/* 64 uniform bits. */
uint64_t xoshiro_next(struct xoshiro *random);

/* A uniform number of 0 ... bound - 1; 0 for a bound of 0. Unbiased: draws that would favour small numbers
 * are repeated. */
uint64_t xoshiro_below(struct xoshiro *random, uint64_t bound);

/* A uniform number of low ... high, both included; low <= high. */
uint64_t xoshiro_between(struct xoshiro *random, uint64_t low, uint64_t high);

/* True in `percent` of 100 draws. Draws nothing for 0 and for 100 and more. */
bool xoshiro_percent(struct xoshiro *random, uint64_t percent);

/* An exponentially distributed number with this mean, rounded to the nearest; mean <= 2^56. The relative
 * error of the distribution is below 2^-20 (fixed.h). */
uint64_t xoshiro_exponential(struct xoshiro *random, uint64_t mean);

#endif
