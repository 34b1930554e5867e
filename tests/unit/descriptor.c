#include "config.h"

#include "engine/virt/descriptor.h"

#include "engine/base/random.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Every bit belongs to exactly one field, so decoding and encoding is the identity. */
static void test_every_bit_survives(void **state)
{
	struct random random = {1};

	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		struct descriptor one = descriptor_decode((uint64_t)1 << bit);
		struct descriptor rest = descriptor_decode(~((uint64_t)1 << bit));

		assert_true(descriptor_encode(&one) == (uint64_t)1 << bit);
		assert_true(descriptor_encode(&rest) == ~((uint64_t)1 << bit));
	}
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t bits = random_next(&random);
		struct descriptor descriptor = descriptor_decode(bits);

		assert_true(descriptor_encode(&descriptor) == bits);
	}
}

/* Linux's flat user segments, as every dump of a GDT shows them. */
static void test_known_descriptors(void **state)
{
	static const struct {
		uint64_t bits;
		struct descriptor descriptor;
		uint32_t limit_bytes, rights;
	} known[] = {
	    {0x00cffb000000ffff,
	     {0, 0xfffff, 11, 3, true, true, false, false, true, true},
	     0xffffffff,
	     0xc0fb00},
	    {0x00cff3000000ffff,
	     {0, 0xfffff, 3, 3, true, true, false, false, true, true},
	     0xffffffff,
	     0xc0f300},
	    {0x00affb000000ffff,
	     {0, 0xfffff, 11, 3, true, true, false, true, false, true},
	     0xffffffff,
	     0xa0fb00},
	    {0x12408234567800ff,
	     {0x12345678, 0xff, 2, 0, false, true, false, false, true, false},
	     0xff,
	     0x408200},
	    {0x00008b1000000067,
	     {0x100000, 0x67, 11, 0, false, true, false, false, false, false},
	     0x67,
	     0x8b00},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct descriptor decoded = descriptor_decode(known[i].bits);

		assert_true(descriptor_encode(&known[i].descriptor) == known[i].bits);
		assert_int_equal(decoded.base, known[i].descriptor.base);
		assert_int_equal(decoded.limit, known[i].descriptor.limit);
		assert_int_equal(descriptor_limit_bytes(&decoded), known[i].limit_bytes);
		assert_int_equal(descriptor_access_rights(known[i].bits), known[i].rights);
	}
}

/* A limit is the last offset; an expand-down segment holds what lies above it.
 *
 *   expand-up    [0 .......... limit]............
 *   expand-down   ..................[limit+1 ... 0xffff or 0xffffffff]
 */
static void test_limits(void **state)
{
	struct descriptor up = {.limit = 0xfff, .type = DESCRIPTOR_WRITABLE, .is_memory = true};
	struct descriptor pages = {
	    .limit = 1, .type = DESCRIPTOR_WRITABLE, .is_memory = true, .granular = true};
	struct descriptor down = {
	    .limit = 0xfff, .type = DESCRIPTOR_WRITABLE | DESCRIPTOR_EXPAND_DOWN, .is_memory = true};
	struct descriptor big = down;

	(void)state;
	assert_true(descriptor_holds(&up, 0, 0x1000));
	assert_true(descriptor_holds(&up, 0xfff, 1));
	assert_false(descriptor_holds(&up, 0xfff, 2));
	assert_false(descriptor_holds(&up, 0x1000, 1));
	assert_false(descriptor_holds(&up, UINT32_MAX, 2)); /* does not wrap */
	assert_true(descriptor_holds(&pages, 0x1fff, 1));
	assert_false(descriptor_holds(&pages, 0x2000, 1));
	assert_false(descriptor_holds(&down, 0xfff, 1));
	assert_true(descriptor_holds(&down, 0x1000, 1));
	assert_true(descriptor_holds(&down, 0xffff, 1));
	assert_false(descriptor_holds(&down, 0xffff, 2));
	big.is_big = true;
	assert_true(descriptor_holds(&big, 0xffff, 2));
	assert_true(descriptor_holds(&big, UINT32_MAX, 1));
	assert_false(descriptor_holds(&big, UINT32_MAX, 2));
	assert_false(descriptor_holds(&big, 0, 1));
}

static void test_types(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 32; type++) {
		struct descriptor descriptor = {.type = type & 15, .is_memory = type & 16};
		bool is_code = (type & 24) == 24;
		bool is_data = (type & 24) == 16;

		assert_int_equal(descriptor_is_code(&descriptor), is_code);
		assert_int_equal(descriptor_is_data(&descriptor), is_data);
		assert_int_equal(descriptor_is_readable(&descriptor), is_data || (is_code && (type & 2)));
		assert_int_equal(descriptor_is_writable(&descriptor), is_data && (type & 2));
		assert_int_equal(descriptor_expands_down(&descriptor), is_data && (type & 4));
		assert_true(strlen(descriptor_type_name(&descriptor)) > 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_bit_survives),
	    cmocka_unit_test(test_known_descriptors),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
