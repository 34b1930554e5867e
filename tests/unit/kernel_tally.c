#include "config.h"

#include "traces/kernel_tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void count(struct kernel_tally *tally, struct event event)
{
	assert_null(event_kernel_fault(&event));
	assert_true(kernel_tally_add(tally, &event));
	assert_null(kernel_tally_check(tally));
}

static void fill(struct kernel_tally *tally)
{
	*tally = (struct kernel_tally){.recorder = 1};
	count(tally, (struct event){.kind = EVENT_PAGE_ALLOC,
				    .kernel = {.frame = 9, .order = 2, .migrate_type = 1, .gfp = 40}});
	count(tally, (struct event){.kind = EVENT_PAGE_ALLOC, .process = 1, .kernel = {.frame = 9}});
	count(tally, (struct event){.kind = EVENT_PAGE_ALLOC, .flags = EVENT_FAILED, .kernel.order = 9});
	count(tally, (struct event){.kind = EVENT_PAGE_FREE, .kernel = {.frame = 9, .order = 5}});
	count(tally, (struct event){.kind = EVENT_PAGE_FREE_BATCHED, .kernel.frame = 9});
	count(tally, (struct event){.kind = EVENT_KMEM_ALLOC,
				    .kernel = {.address = 8, .bytes = 100, .granted = 128, .cache = 3}});
	count(tally, (struct event){.kind = EVENT_KMEM_ALLOC, .flags = EVENT_FAILED, .kernel.bytes = 100});
	count(tally, (struct event){.kind = EVENT_KMEM_FREE, .kernel = {.address = 8, .cache = 3}});
	count(tally, (struct event){.kind = EVENT_KMEM_FREE}); /* kfree(NULL) */
}

static void counts(void **state)
{
	struct kernel_tally tally;

	(void)state;
	fill(&tally);
	assert_int_equal(tally.page_allocs[2], 1);
	assert_int_equal(tally.page_allocs[0], 1);
	assert_int_equal(tally.page_allocs[9], 0);
	assert_int_equal(tally.page_frees[5], 1);
	assert_int_equal(tally.page_frees[0], 0);
	assert_int_equal(tally.types[1], 1);
	assert_int_equal(tally.gfp[40], 1);
	assert_int_equal(tally.gfp[0], 1);
	assert_int_equal(tally.cache[3].allocs, 1);
	assert_int_equal(tally.cache[3].frees, 1);
	assert_int_equal(tally.cache[3].bytes, 100);
	assert_int_equal(tally.cache[3].granted, 128);
	assert_int_equal(tally.cache[0].allocs, 0);
	assert_int_equal(tally.cache[0].frees, 0);
	assert_int_equal(tally.own, 8);
	kernel_tally_end(&tally);
	assert_int_equal(tally.recorder, 1);
	assert_int_equal(kernel_tally_bytes(&tally), 0);
}

/* As bytes and back; cut anywhere it is malformed. */
static void as_bytes(void **state)
{
	struct kernel_tally tally, back = {.recorder = 1};
	uint8_t *bytes, *end;
	size_t values;

	(void)state;
	fill(&tally);
	bytes = malloc(kernel_tally_bytes(&tally));
	assert_non_null(bytes);
	end = kernel_tally_put(&tally, bytes, &values);
	assert_true((size_t)(end - bytes) <= kernel_tally_bytes(&tally) && values <= (size_t)(end - bytes));
	assert_int_equal(kernel_tally_get(&back, bytes, end), KERNEL_TALLY_READ);
	assert_true(kernel_tally_equal(&tally, &back));
	back.cache[3].granted++;
	assert_false(kernel_tally_equal(&tally, &back));
	kernel_tally_end(&back);
	for (const uint8_t *cut = bytes; cut < end; cut++) {
		assert_int_equal(kernel_tally_get(&back, bytes, cut), KERNEL_TALLY_MALFORMED);
		kernel_tally_end(&back);
	}
	bytes[0] = EVENT_MAX_ORDERS + 1;
	assert_int_equal(kernel_tally_get(&back, bytes, end), KERNEL_TALLY_MALFORMED);
	kernel_tally_end(&back);
	kernel_tally_end(&tally);
	free(bytes);
}

static void broken(void **state)
{
	struct kernel_tally tally;
	uint64_t *const numbers[] = {&tally.page_allocs[0], &tally.types[0], NULL};

	(void)state;
	fill(&tally);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t *number = numbers[i] ? numbers[i] : &tally.gfp[0];

		++*number;
		assert_string_equal(
		    kernel_tally_check(&tally),
		    "I1: the allocations by order, by migrate type and by gfp set have one sum");
		--*number;
	}
	kernel_tally_end(&tally);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(counts), cmocka_unit_test(as_bytes),
					   cmocka_unit_test(broken)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
