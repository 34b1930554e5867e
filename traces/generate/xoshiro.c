#include "config.h"

#include "traces/generate/xoshiro.h"

#include "traces/generate/fixed.h"

static uint64_t splitmix(uint64_t *state)
{
	uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);

	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

static uint64_t rotate_left(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

void xoshiro_seed(struct xoshiro *random, uint64_t seed)
{
	for (unsigned index = 0; index < 4; index++)
		random->word[index] = splitmix(&seed);
}

uint64_t xoshiro_next(struct xoshiro *random)
{
	uint64_t *word = random->word;
	uint64_t result = rotate_left(word[1] * 5, 7) * 9;
	uint64_t shifted = word[1] << 17;

	word[2] ^= word[0];
	word[3] ^= word[1];
	word[1] ^= word[2];
	word[0] ^= word[3];
	word[2] ^= shifted;
	word[3] = rotate_left(word[3], 45);
	return result;
}

uint64_t xoshiro_below(struct xoshiro *random, uint64_t bound)
{
	uint64_t draw, mask;

	if (bound < 2)
		return 0;
	mask = UINT64_MAX >> __builtin_clzll(bound - 1);
	do {
		draw = xoshiro_next(random) & mask;
	} while (draw >= bound);
	return draw;
}

uint64_t xoshiro_between(struct xoshiro *random, uint64_t low, uint64_t high)
{
	uint64_t span = high - low;

	return span == UINT64_MAX ? xoshiro_next(random) : low + xoshiro_below(random, span + 1);
}

bool xoshiro_percent(struct xoshiro *random, uint64_t percent)
{
	if (percent == 0 || percent >= 100)
		return percent != 0;
	return xoshiro_below(random, 100) < percent;
}

/* -ln(U) = ln 2 x (64 - log2(2^64 U)), by inversion. */
uint64_t xoshiro_exponential(struct xoshiro *random, uint64_t mean)
{
	uint64_t draw = xoshiro_next(random);
	uint64_t bits = (UINT64_C(64) << 32) - fixed_log2(draw ? draw : 1);

	return fixed_multiply_q32(mean, fixed_multiply_q32(bits, FIXED_LN2));
}
