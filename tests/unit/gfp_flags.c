#include "config.h"

#include "engine/phys/gfp_flags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The kernel's gfp_zone() for every combination of its four bits; ZONE_KINDS: it refuses. */
static void test_zones(void **state)
{
	static const enum zone_kind x86_64[16] = {
	    ZONE_NORMAL, ZONE_DMA, ZONE_NORMAL,	 ZONE_KINDS, ZONE_DMA32, ZONE_KINDS, ZONE_KINDS, ZONE_KINDS,
	    ZONE_NORMAL, ZONE_DMA, ZONE_MOVABLE, ZONE_KINDS, ZONE_DMA32, ZONE_KINDS, ZONE_KINDS, ZONE_KINDS,
	};

	(void)state;
	for (unsigned flags = 0; flags < 16; flags++) {
		bool valid = x86_64[flags] != ZONE_KINDS;

		assert_int_equal(gfp_flags_are_valid(flags), valid);
		if (valid)
			assert_int_equal(gfp_zone(flags, MEMORY_X86_64), x86_64[flags]);
	}
	assert_int_equal(gfp_zone(GFP_HIGHUSER, MEMORY_I386), ZONE_HIGHMEM);
	assert_int_equal(gfp_zone(GFP_DMA32, MEMORY_I386), ZONE_NORMAL);
	assert_false(gfp_flags_are_valid(0x200));
	assert_false(gfp_flags_are_valid(0x1000000));
}

static void test_mobility(void **state)
{
	(void)state;
	assert_int_equal(gfp_migrate_type(GFP_KERNEL), MIGRATE_UNMOVABLE);
	assert_int_equal(gfp_migrate_type(GFP_HIGHUSER_MOVABLE), MIGRATE_MOVABLE);
	assert_int_equal(gfp_migrate_type(GFP_KERNEL | GFP_RECLAIMABLE), MIGRATE_RECLAIMABLE);
}

/* The numbers that Linux 6.18 prints for its combinations. */
static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(GFP_ATOMIC, 0x820);
	assert_int_equal(GFP_KERNEL, 0xcc0);
	assert_int_equal(GFP_KERNEL_ACCOUNT, 0x400cc0);
	assert_int_equal(GFP_NOWAIT, 0x2800);
	assert_int_equal(GFP_NOFS, 0xc40);
	assert_int_equal(GFP_HIGHUSER, 0x100cc2);
	assert_int_equal(GFP_HIGHUSER_MOVABLE, 0x100cca);
	assert_int_equal(GFP_TRANSHUGE_LIGHT, 0x1c20ca);
	assert_int_equal(GFP_TRANSHUGE, 0x1c24ca);
}

static void test_names(void **state)
{
	static const char *const texts[] = {"GFP_KERNEL",    "GFP_KERNEL|__GFP_ZERO",
					    "GFP_ATOMIC",    "GFP_HIGHUSER_MOVABLE",
					    "GFP_TRANSHUGE", "GFP_NOWAIT|__GFP_COMP|__GFP_NOMEMALLOC",
					    "__GFP_MOVABLE", "GFP_DMA32",
					    "none"};
	char text[GFP_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		unsigned flags = 0;

		for (const char *at = texts[i]; *at != '\0';) {
			size_t length = strcspn(at, "|");

			flags |= gfp_flags_of_name(at, length);
			at += length + (at[length] == '|');
		}
		assert_string_equal(gfp_flags_text(flags, text), texts[i]);
	}
	assert_int_equal(gfp_flags_of_name("__GFP_ATOMIC", 12), 0);
	assert_int_equal(gfp_flags_of_name("GFP_KERN", 8), 0);
	assert_true(strlen(gfp_flags_text(GFP_KNOWN, text)) < GFP_TEXT_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_zones),
	    cmocka_unit_test(test_mobility),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
