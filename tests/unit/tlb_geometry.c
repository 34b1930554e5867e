#include "config.h"

#include "engine/virt/tlb_geometry.h"
#include "engine/virt/tlb.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static void test_words(void **state)
{
	struct tlb_geometry geometry;
	struct tlb_geometry_error error;

	(void)state;
	assert_int_equal(tlb_geometry_parse(&geometry, "l1d=64x4,l1i=128x8,l2=1536x12,replace=lru", &error),
			 STATUS_OK);
	assert_int_equal(geometry.parts, 3);
	assert_int_equal(geometry.part[0].entries, 64);
	assert_int_equal(geometry.part[0].ways, 4);
	assert_int_equal(geometry.part[0].kinds, 1u << TLB_DATA);
	assert_int_equal(geometry.part[1].kinds, 1u << TLB_FETCH);
	assert_int_equal(geometry.part[2].kinds, 3);
	assert_int_equal(geometry.part[2].level, 2);
	assert_int_equal(geometry.part[2].entries, 1536);
	assert_int_equal(geometry.replace, REPLACE_LRU);
	assert_string_equal(geometry.paging->name, "x86-64");
	assert_int_equal(
	    tlb_geometry_parse(&geometry,
			       "l1d.4k=64xfull,l1d.2m+1g=32x4,l1i=8x8,walk2=32x4,walk3=4xfull,replace=random,"
			       "coalesce=8,asid=no,probe-cycles=2,reference-cycles=20,paging=arm64-64k",
			       &error),
	    STATUS_OK);
	assert_int_equal(geometry.part[0].ways, 64);
	assert_true(geometry.part[0].sizes == 1u << 12);
	assert_true(geometry.part[1].sizes == (1u << 21 | 1u << 30));
	assert_int_equal(geometry.walk.cache[2].ways, 4);
	assert_int_equal(geometry.walk.cache[3].ways, 4);
	assert_int_equal(geometry.coalesce_pages, 8);
	assert_false(geometry.tagged);
	assert_int_equal(geometry.walk.cache_cycles, 2);
	assert_int_equal(geometry.walk.reference_cycles, 20);
	assert_string_equal(geometry.paging->name, "arm64-64k");
}

/* Where it stops making sense, and what would be right. */
static void test_words_that_are_no_geometry(void **state)
{
	static const struct {
		const char *text;
		size_t at;
		const char *want;
	} bad[] = {
	    {"", 0, "a setting"},
	    {"l1d", 3, "= and"},
	    {"l1d=", 4, "a number"},
	    {"l1d=64", 6, "ENTRIESxWAYS"},
	    {"l1d=64x", 7, "a number"},
	    {"l1d=64x5", 4, "a multiple"},
	    {"l1d=0x4", 4, "a multiple"},
	    {"l1d=64x0", 4, "a multiple"},
	    {"l1d=99999999999999999999x1", 11, "a number"},
	    {"l1d=131072x4", 4, "up to 65536"},
	    {"l1d=64x4;", 8, "a comma"},
	    {"l1d=64x4,", 9, "a setting"},
	    {"l1d=64x4,,", 9, "a setting"},
	    {"l3=64x4", 0, "a setting"},
	    {"l1d=64x4,l1d=32x4", 9, "one for each"},
	    {"l1=64x4,l1i=32x4", 8, "one for each"},
	    {"l1d.4k=64x4,l1d.2m+4k=32x4", 12, "one for each"},
	    {"l1d.3k=64x4", 6, "powers of two"},
	    {"l1d.4=64x4", 5, "powers of two"},
	    {"l1i=64x4", 8, "serves data"},
	    {"l2=64x4", 7, "serves data"},
	    {"l1d=64x4,replace=mru", 17, "lru, plru"},
	    {"l1d=64x4,replace=lru2", 17, "lru, plru"},
	    {"l1d=12x12,replace=plru", 22, "power of two"},
	    {"l1d=64x4,coalesce=2", 18, "1, 4 or 8"},
	    {"l1d=64x4,asid=maybe", 14, "yes or no"},
	    {"l1d=64x4,paging=vax", 16, "paging preset"},
	    {"l1d=64x4,walk1=4x4", 14, "walk2="},
	    {"l1d=64x4,walk6=4x4", 14, "walk2="},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tlb_geometry geometry;
		struct tlb_geometry_error error = {0, ""};

		assert_int_equal(tlb_geometry_parse(&geometry, bad[i].text, &error), STATUS_BAD_ARGUMENT);
		if (error.at != bad[i].at || !strstr(error.want, bad[i].want))
			fail_msg("'%s': at %zu, wants '%s'", bad[i].text, error.at, error.want);
	}
}

/* Every preset makes a TLB; every figure belongs to a preset and has a source; every preset has a figure. */
static void test_presets(void **state)
{
	(void)state;
	for (unsigned i = 0; tlb_preset(i); i++) {
		struct tlb_geometry geometry;
		struct tlb_geometry_error error;
		struct tlb tlb;
		unsigned figures = 0;

		assert_int_equal(tlb_geometry_find(&geometry, tlb_preset(i)->name, &error), STATUS_OK);
		assert_string_equal(geometry.name, tlb_preset(i)->name);
		assert_int_equal(tlb_create(&tlb, &geometry, geometry.paging, 0), STATUS_OK);
		assert_null(tlb_check(&tlb));
		tlb_destroy(&tlb);
		for (unsigned f = 0; tlb_preset_figure(f); f++)
			figures += strcmp(tlb_preset_figure(f)->preset, tlb_preset(i)->name) == 0;
		assert_true(figures > 0);
	}
	for (unsigned f = 0; tlb_preset_figure(f); f++) {
		assert_non_null(tlb_preset_find(tlb_preset_figure(f)->preset));
		assert_true(strlen(tlb_preset_figure(f)->source) > 5);
	}
}

/* Zen 4: 3,072 entries in 8 ways make 384 sets, which is no power of two; its 2 MiB array has 512. */
static void test_zen4(void **state)
{
	struct tlb_geometry geometry;
	struct tlb_geometry_error error;
	struct tlb tlb;

	(void)state;
	assert_int_equal(tlb_geometry_find(&geometry, "zen4", &error), STATUS_OK);
	assert_int_equal(tlb_create(&tlb, &geometry, geometry.paging, 0), STATUS_OK);
	assert_int_equal(tlb.part[tlb.route[1][TLB_DATA][1]].sets, 384);
	assert_int_equal(tlb.part[tlb.route[1][TLB_DATA][2]].sets, 512);
	assert_int_equal(tlb.part[tlb.route[0][TLB_DATA][3]].ways, 72);
	assert_int_equal(tlb.route[1][TLB_FETCH][3], TLB_NO_PART);
	tlb_destroy(&tlb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_words_that_are_no_geometry),
	    cmocka_unit_test(test_presets),
	    cmocka_unit_test(test_zen4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
