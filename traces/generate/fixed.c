#include "config.h"

#include "traces/generate/fixed.h"

#define FRACTION_BITS 24
#define EXPONENT_MAX 100

struct wide {
	uint64_t high, low;
};

static struct wide multiply(uint64_t a, uint64_t b)
{
	uint64_t a_low = a & UINT32_MAX, a_high = a >> 32, b_low = b & UINT32_MAX, b_high = b >> 32;
	uint64_t low = a_low * b_low;
	uint64_t middle = a_high * b_low + (low >> 32);
	uint64_t other = a_low * b_high + (middle & UINT32_MAX);

	return (struct wide){a_high * b_high + (middle >> 32) + (other >> 32),
			     other << 32 | (low & UINT32_MAX)};
}

/* Schoolbook division bit by bit; `high` of the dividend is below the divisor. */
static uint64_t divide(struct wide dividend, uint64_t divisor, uint64_t *remainder)
{
	uint64_t rest = dividend.high, quotient = 0;

	for (int bit = 63; bit >= 0; bit--) {
		bool carries = rest >> 63;

		rest = rest << 1 | (dividend.low >> bit & 1);
		if (carries || rest >= divisor) {
			rest -= divisor;
			quotient |= UINT64_C(1) << bit;
		}
	}
	*remainder = rest;
	return quotient;
}

uint64_t fixed_multiply_divide(uint64_t a, uint64_t b, uint64_t c)
{
	struct wide product = multiply(a, b);
	uint64_t quotient, remainder;

	if (c == 0 || product.high >= c)
		return UINT64_MAX;
	if (product.high == 0) {
		quotient = product.low / c;
		remainder = product.low % c;
	} else {
		quotient = divide(product, c, &remainder);
	}
	return quotient < UINT64_MAX && remainder >= c - remainder ? quotient + 1 : quotient;
}

uint64_t fixed_multiply_q32(uint64_t a, uint64_t b_q32)
{
	struct wide product = multiply(a, b_q32);
	uint64_t whole;

	if (product.high >> 32)
		return UINT64_MAX;
	whole = product.high << 32 | product.low >> 32;
	return whole < UINT64_MAX ? whole + (product.low >> 31 & 1) : whole;
}

/* Squaring a mantissa doubles its logarithm: each time it passes 2, the next bit of the fraction is 1. */
uint64_t fixed_log2(uint64_t value)
{
	unsigned whole = 63u - (unsigned)__builtin_clzll(value);
	uint64_t mantissa = value << (63 - whole) >> 32; /* 1 <= mantissa < 2 in 2^-31 */
	uint64_t fraction = 0;

	for (unsigned bit = 1; bit <= FRACTION_BITS; bit++) {
		mantissa = mantissa * mantissa >> 31;
		if (mantissa >> 32) {
			mantissa >>= 1;
			fraction |= UINT64_C(1) << (32 - bit);
		}
	}
	return (uint64_t)whole << 32 | fraction;
}

struct decimal {
	uint64_t mantissa;
	int exponent; /* of ten */
	bool any;     /* a digit was there */
};

/* Keeps the first 18 significant digits; later ones only move the exponent. */
static void take_digits(struct scan *scan, struct decimal *decimal, bool fraction)
{
	for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++) {
		bool kept = decimal->mantissa < UINT64_C(100000000000000000);

		if (kept)
			decimal->mantissa = decimal->mantissa * 10 + (uint64_t)(*scan->at - '0');
		decimal->exponent += (kept ? 0 : 1) - (fraction ? 1 : 0);
		decimal->any = true;
	}
}

static bool take_exponent(struct scan *scan, struct decimal *decimal)
{
	uint64_t exponent;
	bool negative;

	if (!scan_character(scan, 'e') && !scan_character(scan, 'E'))
		return true;
	negative = scan_character(scan, '-');
	if (!negative)
		(void)scan_character(scan, '+');
	if (!scan_decimal(scan, &exponent) || exponent > EXPONENT_MAX)
		return false;
	decimal->exponent += negative ? -(int)exponent : (int)exponent;
	return true;
}

bool fixed_parse(struct scan *scan, unsigned digits, uint64_t *number)
{
	struct scan at = *scan;
	struct decimal decimal = {0};

	take_digits(&at, &decimal, false);
	if (scan_character(&at, '.'))
		take_digits(&at, &decimal, true);
	if (!decimal.any || !take_exponent(&at, &decimal))
		return false;
	decimal.exponent += (int)digits;
	for (; decimal.exponent < 0 && decimal.mantissa > 0; decimal.exponent++)
		decimal.mantissa /= 10;
	for (; decimal.exponent > 0 && decimal.mantissa > 0; decimal.exponent--) {
		if (decimal.mantissa > UINT64_MAX / 10)
			return false;
		decimal.mantissa *= 10;
	}
	*scan = at;
	*number = decimal.mantissa;
	return true;
}
