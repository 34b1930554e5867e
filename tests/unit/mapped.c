#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/placement/mapped.h"

#include <string.h>

#define PAGE MAPPED_PAGE_BYTES

static const char *apply(struct mapped *mapped, unsigned kind, struct event_call call)
{
	bool no_memory;
	const char *wrong = mapped_apply(mapped, kind, &call, &no_memory);

	assert_false(no_memory);
	assert_null(mapped_check(mapped));
	return wrong;
}

static struct event_call range(uint64_t page, uint64_t pages)
{
	return (struct event_call){.address = page * PAGE, .length = pages * PAGE};
}

static struct event_call made(uint64_t page, uint64_t bytes)
{
	return (struct event_call){.result = page * PAGE, .length = bytes};
}

static bool holds(const struct mapped *mapped, uint64_t page, uint64_t pages)
{
	return range_set_holds(&mapped->now, page * PAGE, (page + pages) * PAGE);
}

static void mappings_come_and_go(void **state)
{
	struct mapped mapped = {.program_break = 0};

	(void)state;
	assert_null(apply(&mapped, EVENT_MMAP, made(16, 3 * PAGE - 1)));
	assert_true(holds(&mapped, 16, 3));
	assert_false(holds(&mapped, 16, 4));
	assert_null(apply(&mapped, EVENT_MPROTECT, range(17, 2)));
	assert_null(apply(&mapped, EVENT_MUNMAP, range(17, 1)));
	assert_string_equal(apply(&mapped, EVENT_MADVISE, range(16, 3)),
			    "mprotect or madvise of what is not mapped");
	assert_string_equal(apply(&mapped, EVENT_MUNMAP, range(17, 1)), "munmap of what is not mapped");
	assert_true(range_set_holds(&mapped.ever, 16 * PAGE, 19 * PAGE));
	mapped_clear(&mapped);
}

static void mremap_moves(void **state)
{
	struct mapped mapped = {.program_break = 0};
	struct event_call move = {
	    .address = 16 * PAGE, .length = 2 * PAGE, .new_length = 4 * PAGE, .result = 32 * PAGE};

	(void)state;
	assert_string_equal(apply(&mapped, EVENT_MREMAP, move), "mremap of what is not mapped");
	assert_null(apply(&mapped, EVENT_MMAP, made(16, 2 * PAGE)));
	assert_null(apply(&mapped, EVENT_MREMAP, move));
	assert_false(range_set_meets(&mapped.now, 16 * PAGE, 18 * PAGE));
	assert_true(holds(&mapped, 32, 4));
	move = (struct event_call){
	    .address = 32 * PAGE, .length = 4 * PAGE, .new_length = PAGE, .result = 32 * PAGE};
	assert_null(apply(&mapped, EVENT_MREMAP, move));
	assert_false(holds(&mapped, 32, 2));
	move.length = 0;
	assert_string_equal(apply(&mapped, EVENT_MREMAP, move), "mremap of what are no pages");
	mapped_clear(&mapped);
}

static void the_break_must_be_known(void **state)
{
	struct mapped mapped = {.program_break = 0};
	struct event_call call = {.address = 20 * PAGE, .result = 20 * PAGE};

	(void)state;
	assert_string_equal(apply(&mapped, EVENT_BRK, call), "the break is moved before it is known");
	assert_null(apply(&mapped, EVENT_BRK, (struct event_call){.result = 10 * PAGE}));
	assert_null(apply(&mapped, EVENT_BRK, call));
	assert_true(holds(&mapped, 10, 10));
	call.address = call.result = 15 * PAGE;
	assert_null(apply(&mapped, EVENT_BRK, call));
	assert_true(holds(&mapped, 10, 5));
	assert_false(holds(&mapped, 10, 6));
	call.result = MAPPED_END;
	assert_string_equal(apply(&mapped, EVENT_BRK, call), "the break is no address");
	mapped_clear(&mapped);
}

static void numbers_that_are_no_addresses(void **state)
{
	static const struct event_call none[] = {
	    {.result = 1, .length = PAGE},
	    {.result = 0, .length = PAGE},
	    {.result = PAGE, .length = 0},
	    {.result = MAPPED_END, .length = PAGE},
	    {.result = PAGE, .length = MAPPED_END},
	    {.result = PAGE, .length = UINT64_MAX},
	    {.result = UINT64_MAX & ~(PAGE - 1), .length = PAGE},
	};
	struct mapped mapped = {.program_break = 0};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_string_equal(apply(&mapped, EVENT_MMAP, none[i]), "mmap of what are no pages");
	assert_string_equal(apply(&mapped, EVENT_MLOCK, range(1, 1)), "a call that no placement has");
	assert_int_equal(mapped.ever.count, 0);
	mapped_clear(&mapped);
}

static void blocks_lie_in_mappings(void **state)
{
	struct mapped mapped = {.program_break = 0};

	(void)state;
	assert_null(apply(&mapped, EVENT_MMAP, made(16, PAGE)));
	assert_true(mapped_holds_block(&mapped, 16 * PAGE, PAGE));
	assert_true(mapped_holds_block(&mapped, 17 * PAGE - 1, 0));
	assert_false(mapped_holds_block(&mapped, 17 * PAGE - 1, 2));
	assert_false(mapped_holds_block(&mapped, 17 * PAGE, 0));
	assert_false(mapped_holds_block(&mapped, 16 * PAGE, UINT64_MAX));
	mapped_clear(&mapped);
}

static void each_invariant_is_watched(void **state)
{
	struct mapped mapped = {.program_break = 0};

	(void)state;
	assert_null(apply(&mapped, EVENT_MMAP, made(16, PAGE)));
	assert_true(range_set_remove(&mapped.ever, 16 * PAGE, 17 * PAGE));
	assert_string_equal(mapped_check(&mapped), "I2: what is mapped now is part of what ever was");
	mapped.now.range[0].end = mapped.now.range[0].start;
	assert_string_equal(mapped_check(&mapped), "I1: range_set_check() holds for both sets");
	mapped_clear(&mapped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mappings_come_and_go),    cmocka_unit_test(mremap_moves),
	    cmocka_unit_test(the_break_must_be_known), cmocka_unit_test(numbers_that_are_no_addresses),
	    cmocka_unit_test(blocks_lie_in_mappings),  cmocka_unit_test(each_invariant_is_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
