#include "config.h"

#include "engine/base/random.h"

uint64_t random_below(struct random *random, uint64_t limit)
{
	/* The high half of a 64 x 64 bit product, from 32-bit parts (C11 has no 128-bit type). */
	uint64_t number = random_next(random);
	uint64_t low = (uint32_t)number * (limit & UINT32_MAX);
	uint64_t middle = (number >> 32) * (limit & UINT32_MAX) + (low >> 32);
	uint64_t other = (uint32_t)number * (limit >> 32) + (uint32_t)middle;

	return (number >> 32) * (limit >> 32) + (middle >> 32) + (other >> 32);
}

unsigned random_order(struct random *random, unsigned max)
{
	unsigned order = (unsigned)__builtin_ctzll(random_next(random) | (uint64_t)1 << 63);

	return order < max ? order : max;
}
