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

static uint64_t source_pages(void)
{
	struct span_source_statistics statistics;

	heap.source->statistics(heap.source, &statistics);
	return statistics.used_pages;
}

static void a_recent_run_is_taken_over(void **state)
{
	uint32_t first = acquire(LARGE, 68);
	uint32_t pfn = heap.spans[first].pfn;

	(void)state;
	page_heap_release(&heap, first, false);
	assert_int_equal(heap.recent_pages, 68);
	assert_int_equal(source_pages(), 68);
	assert_null(page_heap_check(&heap));
	assert_int_equal(heap.spans[acquire(LARGE, 68)].pfn, pfn);
	assert_int_equal(heap.recent_pages, 0);
}

/* Other lengths make room for a longer run, single pages and runs that are long do not stay at all. */
static void recent_runs_stand_in_nobodys_way(void **state)
{
	uint32_t runs[RECENT_RUNS + 2];

	(void)state;
	for (unsigned i = 0; i < RECENT_RUNS + 2; i++)
		runs[i] = acquire(LARGE, 3);
	for (unsigned i = 0; i < RECENT_RUNS + 2; i++)
		page_heap_release(&heap, runs[i], false);
	assert_int_equal(heap.recent_pages, RECENT_RUNS * 3);
	assert_null(page_heap_check(&heap));
	page_heap_release(&heap, acquire(LARGE, RECENT_PAGES_MAX + 1), false);
	page_heap_release(&heap, acquire(1, 1), false);
	assert_int_equal(heap.recent_pages + source_pages(), 0);
	page_heap_release(&heap, acquire(LARGE, 100), false);
	assert_int_not_equal(acquire(LARGE, PAGES / 2), SPAN_NONE);
	page_heap_release(&heap, acquire(LARGE, 100), false);
	page_heap_purge(&heap);
	assert_int_equal(heap.recent_pages, 0);
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
	heap.recent_pages++;
	assert_string_equal(page_heap_check(&heap), "I4: recent_pages is not the pages of the recent runs");
	heap.recent_pages--;
	heap.recent[3] = (struct page_run){pfn, 2};
	assert_string_equal(page_heap_check(&heap), "I4: a page of a recent run has a class");
	heap.recent[3].pages = 0;
	assert_null(page_heap_check(&heap));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(pages_lead_to_their_span, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_large_block_changes_its_length, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(alignment_holds_over_an_unaligned_base, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_recent_run_is_taken_over, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(recent_runs_stand_in_nobodys_way, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(it_ends, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(broken_invariants_are_named, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("page_heap", tests, NULL, NULL);
}
