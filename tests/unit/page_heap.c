#include "config.h"

#include "engine/heap/page_heap.h"
#include "tests/unit/heap_rig.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGES 1024u
#define LARGE 9u

static struct heap_rig rig;
static struct page_heap heap;

static int set_up(void **state)
{
	(void)state;
	heap_rig_make_source(&rig, "default", PAGES, ARENA_NONE);
	return page_heap_create(&heap, &rig.source.source, LARGE) == STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	page_heap_destroy(&heap);
	heap_rig_drop_source(&rig);
	return 0;
}

static uint32_t acquire(unsigned class, uint64_t pages)
{
	struct page_request request = {.class = class, .pages = pages, .alignment_pages = 1};
	bool zero;

	return page_heap_acquire(&heap, &request, &zero);
}

static void pages_lead_to_their_span(void **state)
{
	uint32_t small = acquire(3, 2);
	uint32_t large = acquire(LARGE, 5);

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(heap.page_class[heap.spans[small].pfn + i], 3);
		assert_int_equal(heap.page_span[heap.spans[small].pfn + i], small);
	}
	assert_int_equal(heap.page_class[heap.spans[large].pfn], LARGE);
	assert_int_equal(heap.page_class[heap.spans[large].pfn + 1], 0);
	assert_int_equal(heap.used_pages, 7);
	assert_int_equal(heap.large_pages, 5);
	assert_null(page_heap_check(&heap));
	page_heap_release(&heap, small, false);
	page_heap_release(&heap, large, true);
	assert_int_equal(heap.used_pages + heap.large_blocks, 0);
	assert_null(page_heap_check(&heap));
}

static void a_large_block_changes_its_length(void **state)
{
	uint32_t large = acquire(LARGE, 4);
	uint32_t wall;

	(void)state;
	assert_true(page_heap_resize(&heap, large, 7));
	assert_int_equal(heap.spans[large].pages, 7);
	assert_true(page_heap_resize(&heap, large, 2));
	assert_true(page_heap_resize(&heap, large, 2));
	assert_null(page_heap_check(&heap));
	wall = acquire(2, 1);
	while (heap.spans[wall].pfn != heap.spans[large].pfn + 2)
		wall = acquire(2, 1);
	assert_false(page_heap_resize(&heap, large, 3));
	assert_false(page_heap_resize(&heap, large, PAGES + 1));
	assert_int_equal(heap.spans[large].pages, 2);
	assert_null(page_heap_check(&heap));
}

/* The rig's arena is aligned to 1 GiB; a heap that begins one page into it is not. */
static void alignment_holds_over_an_unaligned_base(void **state)
{
	struct page_request request = {.class = LARGE, .pages = 3, .alignment_pages = 64};
	uint32_t number;
	bool zero;

	(void)state;
	heap.base += PAGE_BYTES;
	for (unsigned i = 0; i < 5; i++) {
		number = page_heap_acquire(&heap, &request, &zero);
		assert_int_not_equal(number, SPAN_NONE);
		assert_int_equal(page_heap_address(&heap, heap.spans[number].pfn) % (64 * PAGE_BYTES), 0);
	}
	assert_int_equal(heap.used_pages, 15);
	assert_null(page_heap_check(&heap));
}

static void it_ends(void **state)
{
	(void)state;
	assert_int_equal(acquire(LARGE, PAGES + 1), SPAN_NONE);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_not_equal(acquire(1, 1), SPAN_NONE);
	assert_int_equal(acquire(1, 1), SPAN_NONE);
	assert_null(page_heap_check(&heap));
}

static void broken_invariants_are_named(void **state)
{
	uint32_t small = acquire(3, 2);
	uint32_t pfn = heap.spans[small].pfn;

	(void)state;
	(void)acquire(LARGE, 100);
	heap.page_class[pfn + 1] = 4;
	assert_string_equal(page_heap_check(&heap), "I1: a span's pages are mapped to something else");
	heap.page_class[pfn + 1] = 3;
	heap.page_span[pfn + 1] = small + 1;
	assert_string_equal(page_heap_check(&heap), "I1: a span's pages are mapped to something else");
	heap.page_span[pfn + 1] = small;
	heap.spans[small].pages = 1;
	assert_string_equal(page_heap_check(&heap), "I2: a page of no span has a class");
	heap.spans[small].pages = 2;
	heap.used_pages++;
	assert_string_equal(page_heap_check(&heap), "I3: used_pages is not the pages of all spans");
	heap.used_pages--;
	assert_null(page_heap_check(&heap));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(pages_lead_to_their_span, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_large_block_changes_its_length, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(alignment_holds_over_an_unaligned_base, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(it_ends, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(broken_invariants_are_named, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("page_heap", tests, NULL, NULL);
}
