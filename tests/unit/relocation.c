#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/spaces/relocation.h"

#include <string.h>

static void assert_at(const struct relocation *relocation, uint64_t address, uint64_t ours, uint64_t end)
{
	struct relocation_found found = relocation_find(relocation, address);

	assert_int_equal(found.ours, ours);
	assert_int_equal(found.end, end);
	assert_null(relocation_check(relocation));
}

static void test_nothing_has_moved(void **state)
{
	struct relocation relocation = {.pieces = 0};

	(void)state;
	assert_at(&relocation, 0x1234, 0x1234, UINT64_MAX);
	assert_false(relocation_find(&relocation, 0x1234).is_known);
	assert_true(relocation_remove(&relocation, 0, UINT64_MAX));
}

static void test_pieces_are_cut_and_joined(void **state)
{
	struct relocation relocation = {.pieces = 0};

	(void)state;
	assert_true(relocation_set(&relocation, 0x1000, 0x3000, 0x101000));
	assert_at(&relocation, 0x3fff, 0x103fff, 0x4000);
	assert_at(&relocation, 0x0fff, 0x0fff, 0x1000);
	assert_true(relocation_set(&relocation, 0x4000, 0x1000, 0x104000));
	assert_int_equal(relocation.pieces, 1);
	assert_true(relocation_set(&relocation, 0x2000, 0x1000, 0x902000));
	assert_int_equal(relocation.pieces, 3);
	assert_at(&relocation, 0x1800, 0x101800, 0x2000);
	assert_at(&relocation, 0x2800, 0x902800, 0x3000);
	assert_at(&relocation, 0x3800, 0x103800, 0x5000);
	assert_true(relocation_remove(&relocation, 0x1800, 0x2000));
	assert_at(&relocation, 0x17ff, 0x1017ff, 0x1800);
	assert_at(&relocation, 0x2000, 0x2000, 0x3800);
	assert_at(&relocation, 0x3800, 0x103800, 0x5000);
	relocation_clear(&relocation);
	assert_at(&relocation, 0x3800, 0x3800, UINT64_MAX);
}

static void test_wrapping_and_empty_ranges_are_ignored(void **state)
{
	struct relocation relocation = {.pieces = 0};

	(void)state;
	assert_true(relocation_set(&relocation, UINT64_MAX - 10, 100, 0));
	assert_true(relocation_set(&relocation, 0x1000, 0, 0));
	assert_int_equal(relocation.pieces, 0);
}

static void test_copies_are_of_their_own(void **state)
{
	struct relocation relocation = {.pieces = 0}, copy;

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		assert_true(relocation_set(&relocation, i << 20, 0x1000, (i << 20) + 0x7000 + i));
	assert_true(relocation_copy(&copy, &relocation));
	assert_true(relocation_remove(&relocation, 0, UINT64_MAX));
	assert_int_equal(relocation.pieces, 0);
	assert_at(&copy, 50 << 20, (50 << 20) + 0x7000 + 50, (50 << 20) + 0x1000);
	relocation_clear(&relocation);
	relocation_clear(&copy);
}

static void test_check_says_what_is_broken(void **state)
{
	struct relocated pieces[2] = {{0x1000, 0x2000, 0}, {0x1800, 0x3000, 0}};
	struct relocation relocation = {.piece = pieces, .pieces = 2, .capacity = 2};

	(void)state;
	assert_string_equal(relocation_check(&relocation),
			    "I1: pieces are in order of start, none is empty, no two overlap");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_has_moved),
	    cmocka_unit_test(test_pieces_are_cut_and_joined),
	    cmocka_unit_test(test_wrapping_and_empty_ranges_are_ignored),
	    cmocka_unit_test(test_copies_are_of_their_own),
	    cmocka_unit_test(test_check_says_what_is_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
