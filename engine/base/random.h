/* random.h: a small seeded generator of random numbers, the same on every machine.
 *
 * splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014): a counter
 * with a fixed odd step, put through a mixing function. The period is 2^64; every seed is good, zero too. Not
 * for secrets.
 */
#ifndef FAULTLINE_ENGINE_BASE_RANDOM_H
#define FAULTLINE_ENGINE_BASE_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t state; /* the seed, then the counter */
};

/* The next 64 random bits. */
static inline uint64_t random_next(struct random *random)
{
	uint64_t mixed = random->state += 0x9e3779b97f4a7c15u;

	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
	return mixed ^ mixed >> 31;
}

/* A number in 0 .. limit-1; limit at least 1. The bias is limit / 2^64. */
uint64_t random_below(struct random *random, uint64_t limit);

/* An order in 0 .. max with P(order) = 2^-(order+1), the rest at max: equal bytes per order on average. */
unsigned random_order(struct random *random, unsigned max);

#endif
