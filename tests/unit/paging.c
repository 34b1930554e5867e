#include "config.h"

#include "engine/virt/paging.h"

#include "engine/base/random.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static void test_presets_are_valid_and_found(void **state)
{
	unsigned number = 0;

	(void)state;
	for (const struct paging *paging; (paging = paging_preset(number)) != NULL; number++) {
		assert_null(paging_check(paging));
		assert_ptr_equal(paging_find(paging->name), paging);
		assert_non_null(paging->source);
		for (unsigned level = 1; level <= paging->levels; level++)
			assert_non_null(paging_level_name(paging, level));
	}
	assert_true(number >= 8);
	assert_null(paging_find("vax"));
}

/* The figures that everybody knows. */
static void test_known_sizes(void **state)
{
	static const struct {
		const char *name;
		uint64_t level, leaf_bytes, table_bytes;
		bool may_be_leaf;
	} known[] = {
	    {"i386", 2, 4u << 20, 4096, true},
	    {"pae", 2, 2u << 20, 4096, true},
	    {"pae", 3, 1u << 30, 32, false},
	    {"x86-64", 2, 2u << 20, 4096, true},
	    {"x86-64", 3, 1u << 30, 4096, true},
	    {"x86-64", 4, (uint64_t)512 << 30, 4096, false},
	    {"x86-64-5", 5, (uint64_t)256 << 40, 4096, false},
	    {"arm64-16k", 2, 32u << 20, 16384, true},
	    {"arm64-64k", 2, 512u << 20, 65536, true},
	    {"alpha", 1, 8192, 8192, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct paging *paging = paging_find(known[i].name);

		assert_true(paging_leaf_bytes(paging, (unsigned)known[i].level) == known[i].leaf_bytes);
		assert_true(paging_table_bytes(paging, (unsigned)known[i].level) == known[i].table_bytes);
		assert_int_equal(paging_may_be_leaf(paging, (unsigned)known[i].level), known[i].may_be_leaf);
		assert_int_equal(paging_table_order(paging, (unsigned)known[i].level), 0);
	}
}

/* 0x91220B01 = 10010 00100 10001 00000 101100000001. */
static void test_five_five_five_five_twelve(void **state)
{
	struct paging paging;

	(void)state;
	assert_int_equal(paging_parse(&paging, "5,5,5,5,12"), STATUS_OK);
	assert_int_equal(paging.levels, 4);
	assert_int_equal(paging.virtual_bits, 32);
	assert_int_equal(paging.entry_bytes, 4);
	assert_int_equal(paging_index(&paging, 4, 0x91220B01), 18);
	assert_int_equal(paging_index(&paging, 3, 0x91220B01), 4);
	assert_int_equal(paging_index(&paging, 2, 0x91220B01), 17);
	assert_int_equal(paging_index(&paging, 1, 0x91220B01), 0);
	assert_int_equal(0x91220B01 & (paging_leaf_bytes(&paging, 1) - 1), 0xB01);
}

/* Indices and offset put together again are the address. */
static void test_indices_make_the_address(void **state)
{
	struct random random = {1};

	(void)state;
	for (unsigned number = 0; paging_preset(number); number++) {
		const struct paging *paging = paging_preset(number);

		for (unsigned round = 0; round < 1000; round++) {
			uint64_t address = paging_page_number(paging, random_next(&random), 0);
			uint64_t together = address & (paging_leaf_bytes(paging, 1) - 1);

			for (unsigned level = 1; level <= paging->levels; level++)
				together |= (uint64_t)paging_index(paging, level, address)
					    << paging->shift[level];
			assert_true(together == address);
		}
	}
}

static void test_canonical(void **state)
{
	const struct paging *x86 = paging_find("x86-64");
	const struct paging *i386 = paging_find("i386");

	(void)state;
	assert_true(paging_is_canonical(x86, 0x7fffffffffff));
	assert_false(paging_is_canonical(x86, 0x800000000000));
	assert_false(paging_is_canonical(x86, 0xffff7fffffffffff));
	assert_true(paging_is_canonical(x86, 0xffff800000000000));
	assert_true(paging_is_canonical(x86, UINT64_MAX));
	assert_true(paging_is_canonical(i386, 0xffffffff));
	assert_false(paging_is_canonical(i386, 0x100000000));
	assert_true(paging_is_canonical(paging_find("x86-64-5"), 0x800000000000));
}

static void test_words_that_are_no_shape(void **state)
{
	static const char *const bad[] = {
	    "",
	    "12",
	    "5,12,",
	    ",12",
	    ",",
	    "5,,12",
	    "5 12",
	    "a,12",
	    "9,9,9,9,9,9,12",
	    "0,12",
	    "21,12",
	    "9,7",
	    "9,31",
	    "-5,12",
	    "5,5,5,5,12x",
	    "100,12",
	    "20,20,20,12",
	    "9,9,9,9,9,9,9,9,9,9",
	    "12,12,12,12,12",
	    "999999999999,12",
	};
	struct paging paging;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(paging_parse(&paging, bad[i]), STATUS_BAD_ARGUMENT);
	assert_int_equal(paging_parse(&paging, "9,9,9,9,9,12"), STATUS_OK);
	assert_int_equal(paging_parse(&paging, "20,12"), STATUS_OK);
	assert_int_equal(paging_table_order(&paging, 1), 10);
	assert_int_equal(paging_parse(&paging, "10,10,10"), STATUS_OK);
	assert_int_equal(paging_leaf_bytes(&paging, 1), 1024);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct paging paging;

	(void)state;
#define BROKEN(change, text)                                                                                 \
	do {                                                                                                 \
		paging = *paging_find("x86-64");                                                             \
		change;                                                                                      \
		assert_non_null(paging_check(&paging));                                                      \
		assert_memory_equal(paging_check(&paging), text, strlen(text));                              \
	} while (0)
	BROKEN(paging.levels = 0, "I1: ");
	BROKEN(paging.levels = 6, "I1: ");
	BROKEN(paging.bits[2] = 0, "I1: ");
	BROKEN(paging.entry_bytes = 16, "I1: ");
	BROKEN(paging.shift[3]++, "I2: ");
	BROKEN(paging.virtual_bits++, "I2: ");
	BROKEN(paging.leaf_levels = 0x0c, "I3: ");
	BROKEN(paging.leaf_levels = 0x2e, "I3: ");
	BROKEN((paging.bits[4] = 19, paging.shift[5] = 58, paging.virtual_bits = 58), "I4: ");
#undef BROKEN
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_presets_are_valid_and_found),
	    cmocka_unit_test(test_known_sizes),
	    cmocka_unit_test(test_five_five_five_five_twelve),
	    cmocka_unit_test(test_indices_make_the_address),
	    cmocka_unit_test(test_canonical),
	    cmocka_unit_test(test_words_that_are_no_shape),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
