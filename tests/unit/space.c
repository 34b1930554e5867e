#include "config.h"

#include "traces/record/space.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE UINT64_C(4096)
#define HEAP UINT64_C(0x10000)

static struct space *heap_of(uint64_t pages)
{
	const struct space_segment heap = {
	    .start = HEAP, .end = HEAP + pages * PAGE, .origin = HEAP, .base = 7, .place = ACCESS_REGION};
	struct space *space = space_create();

	assert_non_null(space);
	assert_true(space_map(space, &heap));
	return space;
}

static void demand_check(const struct space *space, const char *text)
{
	const char *broken = space_check(space);

	if (!text)
		assert_null(broken);
	else
		assert_string_equal(broken ? broken : "nothing", text);
}

/* Where `bytes` at `address` are, and what is found out on the way. */
static void expect(struct space *space, uint64_t address, struct access wanted, enum space_finding finding)
{
	struct access access = {.size = wanted.size};

	for (unsigned twice = 0; twice < 2; twice++) { /* from the tables, then from the cache */
		assert_int_equal(space_find(space, address, &access), finding);
		assert_int_equal(access.place, wanted.place);
		assert_int_equal(access.base, wanted.base);
		assert_int_equal(access.offset, wanted.offset);
	}
}

static struct access in_region(uint64_t base, uint64_t offset)
{
	return (struct access){.place = ACCESS_REGION, .base = base, .offset = offset, .size = 1};
}

static struct access in_object(uint64_t object, uint64_t offset)
{
	return (struct access){.place = ACCESS_OBJECT, .base = object, .offset = offset, .size = 1};
}

static struct access nowhere(uint64_t address)
{
	return (struct access){.place = ACCESS_WILD, .offset = address, .size = 1};
}

/*   region 7:  |....1111112222....|   then 2 is freed, then 3 lies over its end */
static void blocks_of_one_page(void **state)
{
	struct space *space = heap_of(4);

	(void)state;
	assert_true(space_allocate(space, HEAP + 0x20, 20, 1));
	assert_true(space_allocate(space, HEAP + 0x38, 32, 2));
	expect(space, HEAP + 0x18, in_region(7, 0x18), SPACE_FOUND);
	expect(space, HEAP + 0x20, in_object(1, 0), SPACE_FOUND);
	expect(space, HEAP + 0x33, in_object(1, 19), SPACE_FOUND);
	expect(space, HEAP + 0x34, in_object(1, 20), SPACE_BEYOND);
	expect(space, HEAP + 0x38, in_object(2, 0), SPACE_FOUND);
	expect(space, HEAP + 0x58, in_object(2, 32), SPACE_BEYOND);
	expect(space, HEAP + 0x58 + 63, in_object(2, 95), SPACE_BEYOND);
	expect(space, HEAP + 0x58 + 64, in_region(7, 0x98), SPACE_FOUND);
	space_release(space, HEAP + 0x38);
	expect(space, HEAP + 0x40, in_object(2, 8), SPACE_FREED);
	expect(space, HEAP + 0x58, in_region(7, 0x58), SPACE_FOUND);
	assert_true(space_allocate(space, HEAP + 0x48, 16, 3));
	expect(space, HEAP + 0x40, in_object(2, 8), SPACE_FREED);
	expect(space, HEAP + 0x48, in_object(3, 0), SPACE_FOUND);
	assert_true(space_allocate(space, HEAP + 0x38, 16, 4));
	expect(space, HEAP + 0x40, in_object(4, 8), SPACE_FOUND);
	demand_check(space, NULL);
	assert_int_equal(space->unused, 2); /* nothing names object 2 any more */
	space_destroy(space);
}

static void blocks_of_many_pages(void **state)
{
	struct space *space = heap_of(64);

	(void)state;
	assert_true(space_allocate(space, HEAP + 0x10, 10 * PAGE, 1));
	expect(space, HEAP + 0x10, in_object(1, 0), SPACE_FOUND);
	expect(space, HEAP + 5 * PAGE + 1, in_object(1, 5 * PAGE - 15), SPACE_FOUND);
	expect(space, HEAP + 10 * PAGE + 0xf, in_object(1, 10 * PAGE - 1), SPACE_FOUND);
	space_release(space, HEAP + 0x10);
	/* A block in the midst of what was one: the page gets its table. */
	assert_true(space_allocate(space, HEAP + 5 * PAGE + 0x100, 8, 2));
	expect(space, HEAP + 5 * PAGE + 0xff, in_object(1, 5 * PAGE + 0xef), SPACE_FREED);
	expect(space, HEAP + 5 * PAGE + 0x100, in_object(2, 0), SPACE_FOUND);
	demand_check(space, NULL);
	assert_true(space_unmap(space, HEAP, HEAP + 6 * PAGE));
	expect(space, HEAP + 5 * PAGE + 0x100, nowhere(HEAP + 5 * PAGE + 0x100), SPACE_FOUND);
	expect(space, HEAP + 7 * PAGE, in_object(1, 7 * PAGE - 16), SPACE_FREED);
	demand_check(space, NULL);
	space_destroy(space);
}

static void large_blocks(void **state)
{
	struct space *space = heap_of(2);

	(void)state;
	assert_true(space_allocate(space, 0x40000000, UINT64_C(1) << 40, 9));
	expect(space, 0x40000000, in_object(9, 0), SPACE_FOUND);
	expect(space, 0x40000000 + (UINT64_C(1) << 39), in_object(9, UINT64_C(1) << 39), SPACE_FOUND);
	assert_int_equal(space->pages, 1);
	assert_true(space_allocate(space, UINT64_MAX - 100, 50, 10));
	assert_true(space_unmap(space, 0, UINT64_MAX));
	expect(space, 0x40000000, nowhere(0x40000000), SPACE_FOUND);
	demand_check(space, NULL);
	space_destroy(space);
}

/*   AAAAAAAA  ->  AA.BB.AA : the rest of A keeps its region and offsets */
static void segments_are_cut(void **state)
{
	struct space *space = heap_of(8);
	const struct space_segment stack = {.start = HEAP + 3 * PAGE,
					    .end = HEAP + 5 * PAGE - 0x10,
					    .origin = HEAP + 5 * PAGE - 0x10,
					    .base = 2,
					    .place = ACCESS_STACK};

	(void)state;
	assert_true(space_unmap(space, HEAP + 2 * PAGE, HEAP + 6 * PAGE));
	assert_true(space_map(space, &stack));
	expect(space, HEAP + PAGE, in_region(7, PAGE), SPACE_FOUND);
	expect(space, HEAP + 2 * PAGE, nowhere(HEAP + 2 * PAGE), SPACE_FOUND);
	expect(space, HEAP + 5 * PAGE - 0x18,
	       (struct access){.place = ACCESS_STACK, .base = 2, .offset = (uint64_t)-8, .size = 8},
	       SPACE_FOUND);
	expect(space, HEAP + 5 * PAGE - 0x10, nowhere(HEAP + 5 * PAGE - 0x10), SPACE_FOUND);
	expect(space, HEAP + 6 * PAGE, in_region(7, 6 * PAGE), SPACE_FOUND);
	space_rename_stack(space, 2, 3);
	expect(space, HEAP + 3 * PAGE,
	       (struct access){
		   .place = ACCESS_STACK, .base = 3, .offset = (uint64_t)-2 * PAGE + 0x10, .size = 8},
	       SPACE_FOUND);
	demand_check(space, NULL);
	space_destroy(space);
}

static void a_fork_has_its_own(void **state)
{
	struct space *space = heap_of(8), *copy;

	(void)state;
	assert_true(space_allocate(space, HEAP + 0x20, 16, 1));
	assert_true(space_allocate(space, HEAP + 0x100, 3 * PAGE, 2));
	copy = space_copy(space);
	assert_non_null(copy);
	space_release(space, HEAP + 0x20);
	assert_true(space_allocate(copy, HEAP + 0x40, 16, 3));
	expect(copy, HEAP + 0x20, in_object(1, 0), SPACE_FOUND);
	expect(space, HEAP + 0x20, in_object(1, 0), SPACE_FREED);
	expect(space, HEAP + 0x40, in_region(7, 0x40), SPACE_FOUND);
	expect(copy, HEAP + 2 * PAGE, in_object(2, 2 * PAGE - 0x100), SPACE_FOUND);
	demand_check(space, NULL);
	demand_check(copy, NULL);
	space_destroy(space);
	space_destroy(copy);
}

#define MODEL_PAGES UINT64_C(6)
#define MODEL_BYTES (MODEL_PAGES * PAGE)

/* Random blocks beside an array that says for each byte whose it is. */
static void against_an_array(void **state)
{
	struct space *space = heap_of(MODEL_PAGES);
	uint64_t *owner = calloc(MODEL_BYTES / 8, sizeof(*owner)), seed = 1;

	(void)state;
	assert_non_null(owner);
	for (uint64_t object = 1; object < 3000; object++) {
		uint64_t at, bytes;
		seed = seed * UINT64_C(6364136223846793005) + 1;
		at = (seed >> 33) % (MODEL_BYTES / 8);
		bytes = 1 + (seed >> 20) % (object % 16 == 0 ? 3 * PAGE : 200);
		if (at * 8 + bytes > MODEL_BYTES)
			bytes = MODEL_BYTES - at * 8;
		assert_true(space_allocate(space, HEAP + at * 8, bytes, object));
		for (uint64_t cell = at; cell < at + (bytes + 7) / 8; cell++)
			owner[cell] = object;
		if (object % 3 == 0)
			space_release(space, HEAP + at * 8);
		if (object % 97 != 0)
			continue;
		demand_check(space, NULL);
		for (uint64_t cell = 0; cell < MODEL_BYTES / 8; cell++) {
			struct access access = {.size = 1};
			(void)space_find(space, HEAP + cell * 8, &access);
			if (owner[cell] != 0)
				assert_int_equal(access.base, owner[cell]);
		}
	}
	free(owner);
	space_destroy(space);
}

static void what_is_broken_is_named(void **state)
{
	struct space *space = heap_of(8);
	uint32_t one = 1;

	(void)state;
	assert_true(space_allocate(space, HEAP + 0x20, 16, 1));
	space->segment[0].end = HEAP;
	demand_check(space, "I1: segments are in order, none is empty, no two overlap");
	space->segment[0].end = HEAP + 8 * PAGE;
	space->block[1].cells++;
	demand_check(space,
		     "I2: block.cells is the number of cells and whole pages that name the block; one with "
		     "none that is freed is unused");
	space->block[1].cells--;
	space->page[1].whole = one;
	demand_check(space, "I3: no page has a whole block and a table");
	space->page[1].whole = 0;
	demand_check(space, NULL);
	space_destroy(space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blocks_of_one_page),
	    cmocka_unit_test(blocks_of_many_pages),
	    cmocka_unit_test(large_blocks),
	    cmocka_unit_test(segments_are_cut),
	    cmocka_unit_test(a_fork_has_its_own),
	    cmocka_unit_test(against_an_array),
	    cmocka_unit_test(what_is_broken_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
