#include "config.h"

#include "traces/generate/fixed.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void multiply_and_divide(void **state)
{
	(void)state;
	assert_int_equal(fixed_multiply_divide(6, 7, 2), 21);
	assert_int_equal(fixed_multiply_divide(1, 1, 2), 1); /* rounds to the nearest, halves up */
	assert_int_equal(fixed_multiply_divide(1, 1, 3), 0);
	assert_int_equal(fixed_multiply_divide(2, 1, 3), 1);
	assert_true(fixed_multiply_divide(UINT64_MAX, UINT64_MAX, UINT64_MAX) == UINT64_MAX);
	assert_true(fixed_multiply_divide(UINT64_MAX, 3, 3) == UINT64_MAX);
	assert_true(fixed_multiply_divide(UINT64_MAX - 1, 1000, 1000) == UINT64_MAX - 1);
	assert_true(fixed_multiply_divide(UINT64_C(1) << 63, 6, 3) == UINT64_MAX); /* does not fit */
	assert_true(fixed_multiply_divide(1, 1, 0) == UINT64_MAX);
	assert_true(fixed_multiply_divide(UINT64_C(0x123456789abcdef0), UINT64_C(0xfedcba9876543210),
					  UINT64_C(0xfedcba9876543210)) == UINT64_C(0x123456789abcdef0));
	assert_int_equal(fixed_multiply_q32(3, UINT64_C(1) << 32), 3);
	assert_int_equal(fixed_multiply_q32(3, UINT64_C(1) << 31), 2);
	assert_true(fixed_multiply_q32(UINT64_MAX, UINT64_C(1) << 33) == UINT64_MAX);
	assert_true(fixed_multiply_q32(UINT64_MAX - 5, UINT64_C(1) << 32) == UINT64_MAX - 5);
}

/* The quotient q of a b / c satisfies |a b - q c| <= c / 2: checked modulo 2^64, where the difference is
 * small. */
static void against_the_definition(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int round = 0; round < 100000; round++) {
		uint64_t a, b, c, q, rest;

		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		a = random;
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		b = random >> (random & 31);
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		c = (b | 1) + (random >> 34);
		q = fixed_multiply_divide(a, b, c);
		rest = a * b - q * c;
		if (q < UINT64_MAX)
			assert_true(rest <= c / 2 + 1 || 0 - rest <= c / 2 + 1);
	}
}

static void logarithms(void **state)
{
	(void)state;
	assert_int_equal(fixed_log2(1), 0);
	assert_true(fixed_log2(UINT64_C(1) << 40) == UINT64_C(40) << 32);
	for (uint64_t value = 3; value < UINT64_MAX / 3; value = value * 3 + 1)
		assert_true(fabs((double)fixed_log2(value) / 4294967296.0 - log2((double)value)) <
			    1.0 / (1 << 23));
	assert_true(fixed_log2(UINT64_MAX) < UINT64_C(64) << 32);
	assert_true(fabs((double)FIXED_LN2 / 4294967296.0 - log(2)) < 1e-9);
}

static uint64_t parsed(const char *text, unsigned digits)
{
	struct scan scan = scan_text(text, strlen(text));
	uint64_t number;

	assert_true(fixed_parse(&scan, digits, &number));
	assert_true(scan_ended(&scan));
	return number;
}

static void decimal_fractions(void **state)
{
	static const char *const wrong[] = {"",	   ".", "x", "e5", "1e", "1e101", "99999999999999999999",
					    "1e20"};
	uint64_t number;

	(void)state;
	assert_int_equal(parsed("158.53139989144336", 9), UINT64_C(158531399891));
	assert_int_equal(parsed("12.5", 0), 12);
	assert_int_equal(parsed("12.5", 3), 12500);
	assert_int_equal(parsed("1.25e-3", 6), 1250);
	assert_int_equal(parsed("1.25E+3", 0), 1250);
	assert_int_equal(parsed("2.3295416160962006e-06", 9), 2329);
	assert_int_equal(parsed(".5", 1), 5);
	assert_int_equal(parsed("5.", 1), 50);
	assert_int_equal(parsed("0", 9), 0);
	assert_int_equal(parsed("0.000000000000000000000001", 9), 0);
	assert_int_equal(parsed("1e-100", 9), 0);
	/* 18 significant digits are kept. */
	assert_true(parsed("12345678901234567890", 0) == UINT64_C(12345678901234567800));
	for (size_t index = 0; index < sizeof(wrong) / sizeof(wrong[0]); index++) {
		struct scan scan = scan_text(wrong[index], strlen(wrong[index]));

		assert_false(fixed_parse(&scan, 9, &number));
		assert_ptr_equal(scan.at, wrong[index]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(multiply_and_divide),
	    cmocka_unit_test(against_the_definition),
	    cmocka_unit_test(logarithms),
	    cmocka_unit_test(decimal_fractions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
