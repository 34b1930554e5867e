#include "config.h"

#include "engine/virt/mmu_sieve.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Small pages by number; in upper case their fetches. */
static void begin(struct mmu_sieved *keys, const char *text)
{
	static struct mmu_block block;

	block = (struct mmu_block){.count = (uint32_t)strlen(text)};
	for (uint32_t i = 0; i < block.count; i++) {
		bool is_fetch = text[i] < 'a';

		block.key[i] = tlb_key((uint64_t)(text[i] | 0x20) - 'a', 1, 0);
		block.kind[i] = is_fetch ? TLB_FETCH : TLB_DATA;
		block.has_fetches |= is_fetch;
	}
	mmu_sieve_begin(keys, &block);
}

/* What is left of `text` behind the sieve, and that numbers and keys belong together. */
static void passes(struct mmu_sieve *sieve, unsigned shift, const char *text, const char *left)
{
	struct mmu_sieved keys;

	begin(&keys, text);
	mmu_sieve_pass(sieve, shift, &keys);
	assert_int_equal(keys.count, strlen(left));
	for (uint32_t i = 0; i < keys.count; i++) {
		char letter = text[keys.number[i]];

		assert_int_equal(letter, left[i]);
		assert_int_equal(keys.key[i], tlb_key((uint64_t)(letter | 0x20) - 'a', 1, 0));
		assert_int_equal(keys.has_fetches && keys.kind[i], letter < 'a');
	}
}

static struct mmu_sieve *make(void)
{
	struct mmu_sieve *sieve = calloc(1, sizeof(*sieve));

	assert_non_null(sieve);
	mmu_sieve_forget(sieve);
	return sieve;
}

static void test_the_last_of_each_set_stays_out(void **state)
{
	struct mmu_sieve *sieve = make();

	(void)state;
	passes(sieve, 0, "aabba", "aba");
	passes(sieve, 0, "ab", "b"); /* it remembers the last one */
	passes(sieve, 1, "aabba", "ab");
	passes(sieve, 1, "acbda", "cda");
	passes(sieve, 2, "abcdabcdeaebf", "abcdeaef");
	free(sieve);
}

static void test_fetches_and_data_take_each_others_place(void **state)
{
	struct mmu_sieve *sieve = make();

	(void)state;
	passes(sieve, 1, "aAaAA", "aAaA");
	passes(sieve, 1, "Ab", "b");
	passes(sieve, 1, "ab", "a"); /* data alone forgets what was fetched */
	passes(sieve, 1, "Ab", "A");
	passes(sieve, 1, "Ab", "");
	free(sieve);
}

static void test_what_was_flushed_or_missed_is_forgotten(void **state)
{
	struct mmu_sieve *sieve = make();

	(void)state;
	passes(sieve, 1, "ab", "ab");
	passes(sieve, 2, "ab", "ab");
	mmu_sieve_skip(sieve, 1);
	passes(sieve, 2, "ab", "");
	passes(sieve, 1, "ab", "ab");
	passes(sieve, 1, "ab", "");
	mmu_sieve_forget(sieve);
	passes(sieve, 1, "ab", "ab");
	passes(sieve, 2, "ab", "ab");
	free(sieve);
}

/* The finest sieve that every part of level 1 allows. */
static void test_sets_divide_those_of_every_part(void **state)
{
	static const struct {
		const char *geometry;
		unsigned shift;
	} known[] = {
	    {"l1=64x4", 4},
	    {"l1=64xfull", 0},
	    {"l1=96x4", 3},
	    {"l1d=64x4,l1i=8x2", 2},
	    {"l1d.4k=64x4,l1d.2m=8x4,l1i=64x4", 1},
	    {"l1=65536x4", MMU_SIEVE_SHIFT_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct tlb_geometry geometry;
		struct tlb_geometry_error error;
		struct tlb tlb;

		assert_int_equal(tlb_geometry_parse(&geometry, known[i].geometry, &error), STATUS_OK);
		assert_int_equal(tlb_create(&tlb, &geometry, paging_find("x86-64"), 1), STATUS_OK);
		assert_int_equal(mmu_sieve_shift(&tlb), known[i].shift);
		tlb_destroy(&tlb);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_last_of_each_set_stays_out),
	    cmocka_unit_test(test_fetches_and_data_take_each_others_place),
	    cmocka_unit_test(test_what_was_flushed_or_missed_is_forgotten),
	    cmocka_unit_test(test_sets_divide_those_of_every_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
