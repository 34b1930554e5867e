#include "config.h"

#include "engine/phys/arena.h"

#include "tests/unit/death.h"

#include <stdarg.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

static void make(struct arena *arena, enum arena_backing backing)
{
	struct arena_shape shape = {
	    .first = 1000, .pages = 5000, .alignment_bytes = 1 << 21, .backing = backing};

	assert_int_equal(arena_create(arena, &shape), STATUS_OK);
	assert_null(arena_check(arena));
}

static void test_direct_map_is_arithmetic(void **state)
{
	(void)state;
	for (int backing = ARENA_NONE; backing <= ARENA_REAL; backing++) {
		struct arena arena;

		make(&arena, (enum arena_backing)backing);
		assert_int_equal(arena.base % (1 << 21), 0);
		for (pfn_t pfn = 1000; pfn < 6000; pfn += 7) {
			uintptr_t address = arena_address(&arena, pfn);

			assert_int_equal(address - arena.base, (pfn - 1000) * 4096);
			assert_int_equal(arena_pfn(&arena, address), pfn);
			assert_int_equal(arena_pfn(&arena, address + 4095), pfn);
			assert_true(arena_holds(&arena, address));
		}
		assert_false(arena_holds(&arena, arena.base - 1));
		assert_false(arena_holds(&arena, arena.base + 5000 * PAGE_BYTES));
		assert_false(arena_holds(&arena, 0));
		arena_destroy(&arena);
	}
}

static void test_released_memory_reads_as_zero(void **state)
{
	struct arena arena;

	(void)state;
	make(&arena, ARENA_REAL);
	unsigned char *memory = (void *)arena_address(&arena, 1010);

	memset(memory, 7, 3 * PAGE_BYTES);
	arena_release(&arena, 1011, 1);
	assert_int_equal(memory[0], 7);
	assert_int_equal(memory[4096], 0);
	assert_int_equal(memory[2 * PAGE_BYTES], 7);
	assert_int_equal(arena.released_pages, 1);
	assert_int_equal(arena.release_calls, 1);
	arena_destroy(&arena);
}

static void test_dumps_follow_use(void **state)
{
	struct arena arena;

	(void)state;
	make(&arena, ARENA_REAL);
	assert_int_equal(arena.dumped_pages, 0);
	arena_use(&arena, 1000, 1);
	assert_int_equal(arena.dumped_pages, 512);
	arena_use(&arena, 1000 + 511, 1);
	assert_int_equal(arena.dumped_pages, 512);
	arena_use(&arena, 1000 + 4095, 2);
	assert_int_equal(arena.dumped_pages, 4608);
	arena_use(&arena, 1000 + 4608, 1);
	assert_int_equal(arena.dumped_pages, 5000);
	assert_null(arena_check(&arena));
	arena_destroy(&arena);
	make(&arena, ARENA_NONE);
	arena_use(&arena, 1000, 5000);
	assert_int_equal(arena.dumped_pages, 0);
	arena_destroy(&arena);
}

static void test_shapes_out_of_bounds(void **state)
{
	static const struct arena_shape bad[] = {
	    {.pages = 0, .alignment_bytes = 4096},
	    {.pages = 1, .alignment_bytes = 2048},
	    {.pages = 1, .alignment_bytes = 12288},
	    {.pages = UINT64_MAX, .alignment_bytes = 4096},
	    {.pages = 1, .alignment_bytes = 1 << 21, .none_base = 4096},
	    {.pages = 16, .alignment_bytes = 4096, .none_base = UINTPTR_MAX - 4095},
	};
	struct arena arena;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(arena_create(&arena, &bad[i]), STATUS_BAD_ARGUMENT);
}

static void test_no_address_space_is_a_status(void **state)
{
	struct arena_shape shape = {
	    .pages = (uint64_t)1 << 42, .alignment_bytes = 4096, .backing = ARENA_REAL};
	struct arena arena;

	(void)state;
	assert_int_equal(arena_create(&arena, &shape), STATUS_NO_MEMORY);
}

static void release_outside(void *arena)
{
	arena_release(arena, 5999, 2);
}

static void test_release_outside_dies(void **state)
{
	struct arena arena;

	(void)state;
	make(&arena, ARENA_NONE);
	assert_dies(release_outside, &arena, "released frames lie in the arena");
	arena_destroy(&arena);
}

static void test_check_finds_each_broken_invariant(void **state)
{
	struct arena arena;

	(void)state;
	make(&arena, ARENA_REAL);
	arena.base += 4096;
	assert_memory_equal(arena_check(&arena), "I1", 2);
	arena.base += (1 << 21) - 4096;
	assert_memory_equal(arena_check(&arena), "I2", 2);
	arena.base -= 1 << 21;
	arena.memory.bytes -= 4096;
	assert_memory_equal(arena_check(&arena), "I2", 2);
	arena.memory.bytes += 4096;
	arena.dumped_pages = arena.pages + 1;
	assert_memory_equal(arena_check(&arena), "I3", 2);
	arena.dumped_pages = arena.pages;
	assert_null(arena_check(&arena));
	arena_destroy(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_direct_map_is_arithmetic),
	    cmocka_unit_test(test_released_memory_reads_as_zero),
	    cmocka_unit_test(test_dumps_follow_use),
	    cmocka_unit_test(test_shapes_out_of_bounds),
	    cmocka_unit_test(test_no_address_space_is_a_status),
	    cmocka_unit_test(test_release_outside_dies),
	    cmocka_unit_test(test_check_finds_each_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
