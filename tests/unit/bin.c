#include "config.h"

#include "engine/heap/bin.h"
#include "tests/unit/death.h"
#include "tests/unit/heap_rig.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLASS_BYTES 512u /* eight blocks in a span of one page */

static struct heap_rig rig;
static struct bin *bin;
static const struct size_class *class;

static int make(const char *policy)
{
	heap_rig_make(&rig, policy, 1024, ARENA_NONE);
	bin = &rig.heap.bins[size_class_of(&rig.heap.classes, CLASS_BYTES)];
	class = &rig.heap.classes.of[bin->class];
	return class->few.blocks == 8 ? 0 : -1;
}

static int set_up(void **state)
{
	(void)state;
	return make("default");
}

static int set_up_lowest(void **state)
{
	(void)state;
	return make("lowest-address");
}

static int set_up_random(void **state)
{
	(void)state;
	return make("freelist_order=random");
}

static int tear_down(void **state)
{
	(void)state;
	heap_rig_drop(&rig);
	return 0;
}

static unsigned take(uintptr_t *blocks, unsigned count)
{
	return bin_take(bin, &rig.heap.pages, class, blocks, count);
}

static void give(const uintptr_t *blocks, unsigned count)
{
	bin_give(bin, &rig.heap.pages, class, blocks, count);
}

static const char *check(void)
{
	return bin_check(bin, &rig.heap.pages);
}

/* blocks[k][0 .. 8) of three spans, all taken. */
static void take_three_spans(uintptr_t blocks[3][8])
{
	for (unsigned span = 0; span < 3; span++)
		assert_int_equal(take(blocks[span], 8), 8);
	assert_int_equal(bin->spans, 3);
	assert_int_equal(bin->free_blocks, 0);
	assert_null(check());
}

static void a_refill_stays_inside_what_is_there(void **state)
{
	uintptr_t blocks[20];

	(void)state;
	assert_int_equal(take(blocks, 5), 5);
	assert_int_equal(take(blocks, 20), 3); /* no new span while another has free blocks */
	assert_int_equal(take(blocks, 20), 8);
	assert_null(check());
}

static void the_fullest_span_is_used_first(void **state)
{
	uintptr_t blocks[3][8];
	uintptr_t block;

	(void)state;
	take_three_spans(blocks);
	give(blocks[0], 5);
	give(blocks[1], 1);
	give(blocks[2], 3);
	assert_null(check());
	assert_int_equal(take(&block, 1), 1);
	assert_int_equal(block, blocks[1][0]);
	assert_int_equal(take(&block, 1), 1);
	assert_int_equal(block >> PAGE_SHIFT, blocks[2][0] >> PAGE_SHIFT);
	assert_null(check());
}

static void the_lowest_span_is_used_first(void **state)
{
	uintptr_t blocks[3][8];
	uintptr_t block;
	uintptr_t lowest = UINTPTR_MAX;

	(void)state;
	take_three_spans(blocks);
	for (unsigned span = 3; span-- > 0;) {
		give(blocks[span], 1 + span);
		lowest = blocks[span][0] >> PAGE_SHIFT < lowest ? blocks[span][0] >> PAGE_SHIFT : lowest;
	}
	assert_null(check());
	assert_int_equal(take(&block, 1), 1);
	assert_int_equal(block >> PAGE_SHIFT, lowest);
	assert_null(check());
}

static void random_order_hands_out_every_block(void **state)
{
	uintptr_t blocks[8];
	bool seen[8] = {false};
	bool sorted = true;

	(void)state;
	assert_int_equal(take(blocks, 8), 8);
	for (unsigned i = 0; i < 8; i++) {
		seen[blocks[i] % PAGE_BYTES / CLASS_BYTES] = true;
		sorted = sorted && (i == 0 || blocks[i] < blocks[i - 1]);
	}
	for (unsigned i = 0; i < 8; i++)
		assert_true(seen[i]);
	assert_false(sorted);
}

static void an_empty_span_leaves_at_once(void **state)
{
	uintptr_t blocks[3][8];

	(void)state;
	take_three_spans(blocks);
	give(blocks[1], 8);
	assert_int_equal(bin->spans, 2);
	assert_int_equal(rig.heap.pages.used_pages, 2);
	give(blocks[0], 8);
	give(blocks[2], 8);
	assert_int_equal(bin->spans + bin->blocks + bin->pages + bin->free_blocks, 0);
	assert_null(check());
	assert_null(page_heap_check(&rig.heap.pages));
}

static void spans_grow_long_with_their_number(void **state)
{
	uintptr_t blocks[8];

	(void)state;
	while (bin->spans < LONG_SPAN_AFTER)
		assert_true(take(blocks, 8) > 0);
	assert_int_equal(bin->pages, LONG_SPAN_AFTER);
	while (bin->spans == LONG_SPAN_AFTER)
		assert_true(take(blocks, 8) > 0);
	assert_int_equal(bin->pages, LONG_SPAN_AFTER + class->many.pages);
	assert_null(check());
}

static void give_address(void *address)
{
	give(address, 1);
}

/* Into the tail of a span, where no block is; into a span of another class. */
static void wrong_blocks_are_found(void **state)
{
	unsigned odd = size_class_of(&rig.heap.classes, 1100);
	struct bin *other = &rig.heap.bins[odd];
	const struct size_class *odd_class = &rig.heap.classes.of[odd];
	uintptr_t block, tail;

	(void)state;
	assert_int_equal(bin_take(other, &rig.heap.pages, odd_class, &block, 1), 1);
	assert_dies(give_address, &block, "free(): the block was freed twice");
	bin = other;
	class = odd_class;
	tail = block - block % PAGE_BYTES + (uintptr_t) class->few.blocks * class->bytes;
	assert_true(tail % PAGE_BYTES != 0);
	assert_dies(give_address, &tail, "free(): the pointer is not the start of a block");
}

static void broken_invariants_are_named(void **state)
{
	uintptr_t blocks[3][8];
	struct span *span;

	(void)state;
	take_three_spans(blocks);
	give(blocks[0], 5);
	span = &rig.heap.pages.spans[rig.heap.pages.page_span[page_heap_pfn(&rig.heap.pages, blocks[0][0])]];
	span->bucket = SPAN_UNLISTED;
	assert_string_equal(check(), "I1: a span with free blocks is not listed");
	span->bucket = 1;
	assert_string_equal(check(), "I1: a span stands in the wrong list");
	span->bucket = 2;
	bin->occupied ^= 1;
	assert_string_equal(check(), "I2: occupied does not say which lists are empty");
	bin->occupied ^= 1;
	span->previous = 2;
	assert_string_equal(check(), "I2: a list's links do not lead back");
	span->previous = SPAN_NONE;
	bin->free_blocks++;
	assert_string_equal(check(), "I3: the counts are not what the spans say");
	bin->free_blocks--;
	assert_null(check());
}

static void a_broken_order_is_named(void **state)
{
	uintptr_t blocks[3][8];
	struct span *first, *second;
	uint32_t pfn;

	(void)state;
	take_three_spans(blocks);
	give(blocks[0], 1);
	give(blocks[1], 1);
	first = &rig.heap.pages.spans[bin->head[0]];
	second = &rig.heap.pages.spans[first->next];
	pfn = first->pfn;
	first->pfn = second->pfn;
	second->pfn = pfn;
	assert_string_equal(check(), "I4: the list is not sorted by address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_refill_stays_inside_what_is_there, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_fullest_span_is_used_first, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_lowest_span_is_used_first, set_up_lowest, tear_down),
	    cmocka_unit_test_setup_teardown(random_order_hands_out_every_block, set_up_random, tear_down),
	    cmocka_unit_test_setup_teardown(an_empty_span_leaves_at_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(spans_grow_long_with_their_number, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(wrong_blocks_are_found, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(broken_invariants_are_named, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_broken_order_is_named, set_up_lowest, tear_down),
	};

	return cmocka_run_group_tests_name("bin", tests, NULL, NULL);
}
