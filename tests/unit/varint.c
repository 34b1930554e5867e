#include "config.h"

#include "traces/flt_varint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VALUES 4000

static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	return z ^ (z >> 27);
}

static void test_known_forms(void **state)
{
	static const struct {
		uint64_t value;
		uint8_t bytes[FLT_VARINT_BYTES];
		size_t count;
	} forms[] = {
	    {0, {0}, 1},
	    {127, {0x7f}, 1},
	    {128, {0x80, 0x01}, 2},
	    {300, {0xac, 0x02}, 2},
	    {UINT64_C(1) << 56, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, 9},
	    {UINT64_MAX, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 10},
	};
	uint8_t out[FLT_VARINT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const uint8_t *in = out;
		uint64_t value;

		assert_int_equal(flt_varint_put(out, forms[i].value) - out, forms[i].count);
		assert_memory_equal(out, forms[i].bytes, forms[i].count);
		assert_true(flt_varint_get(&in, out + forms[i].count, &value));
		assert_true(value == forms[i].value && in == out + forms[i].count);
		in = out;
		assert_false(flt_varint_get(&in, out + forms[i].count - 1, &value));
	}
}

static void test_above_64_bits(void **state)
{
	static const uint8_t too_large[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					    0x02, 0,	0,    0,    0,	  0,	0,    0,    0};
	static const uint8_t endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
					  0x01, 0,    0,    0,	  0,	0,    0,    0,	  0};
	const uint8_t *in = too_large;
	uint64_t value;

	(void)state;
	assert_false(flt_varint_get(&in, too_large + 10, &value));
	assert_false(flt_varint_unpack(too_large, 10, &value, 1));
	in = endless;
	assert_false(flt_varint_get(&in, endless + 11, &value));
	assert_false(flt_varint_unpack(endless, 11, &value, 1));
}

/* Unpacking agrees with one-by-one decoding for every mix of lengths, and refuses other counts. */
static void test_unpack(void **state)
{
	uint64_t *values = calloc(VALUES, sizeof(*values)), *got = calloc(VALUES + 1, sizeof(*got));
	uint8_t *bytes = calloc(VALUES, FLT_VARINT_BYTES + FLT_VARINT_PADDING);
	uint64_t random = 7;

	(void)state;
	assert_true(values && got && bytes);
	for (unsigned widest = 1; widest <= 64; widest++) {
		uint8_t *end = bytes;

		for (size_t i = 0; i < VALUES; i++) {
			values[i] = draw(&random) >> (64 - 1 - draw(&random) % widest);
			end = flt_varint_put(end, values[i]);
		}
		const size_t count = (size_t)(end - bytes);

		memset(end, 0xff, FLT_VARINT_PADDING);
		assert_true(flt_varint_unpack(bytes, count, got, VALUES));
		assert_memory_equal(got, values, VALUES * sizeof(*values));
		assert_false(flt_varint_unpack(bytes, count, got, VALUES - 1));
		assert_false(flt_varint_unpack(bytes, count, got, VALUES + 1));
		assert_false(flt_varint_unpack(bytes, count - 1, got, VALUES));
	}
	assert_true(flt_varint_unpack(bytes, 0, got, 0));
	free(values);
	free(got);
	free(bytes);
}

static void test_zigzag(void **state)
{
	(void)state;
	assert_true(flt_zigzag(0) == 0 && flt_zigzag((uint64_t)-1) == 1 && flt_zigzag(1) == 2);
	assert_true(flt_zigzag((uint64_t)INT64_MIN) == UINT64_MAX);
	for (unsigned bit = 0; bit < 64; bit++) {
		const uint64_t value = UINT64_C(1) << bit;

		assert_true(flt_unzigzag(flt_zigzag(value)) == value);
		assert_true(flt_unzigzag(flt_zigzag(0 - value)) == 0 - value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_known_forms),
	    cmocka_unit_test(test_above_64_bits),
	    cmocka_unit_test(test_unpack),
	    cmocka_unit_test(test_zigzag),
	};

	return cmocka_run_group_tests_name("varint", tests, NULL, NULL);
}
