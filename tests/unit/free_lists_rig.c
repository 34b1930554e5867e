#include "config.h"

#include "tests/unit/free_lists_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

void rig_make(struct free_lists_rig *rig, pfn_t first, uint64_t pages)
{
	struct free_lists_shape shape = {
	    .first = first, .pages = pages, .array = &rig->array, .pageblocks = &rig->pageblocks};

	assert_int_equal(page_array_create(&rig->array, 0, round_up(first + pages, 1024)), STATUS_OK);
	assert_int_equal(pageblocks_create(&rig->pageblocks, first, pages), STATUS_OK);
	assert_int_equal(free_lists_create(&rig->lists, &shape), STATUS_OK);
}

void rig_drop(struct free_lists_rig *rig)
{
	pageblocks_destroy(&rig->pageblocks);
	page_array_destroy(&rig->array);
}

struct zone_request rig_request(unsigned order, enum migrate_type type, unsigned flags)
{
	return (struct zone_request){.order = order, .type = type, .flags = flags, .cpu = -1};
}

void rig_mark(struct free_lists_rig *rig, pfn_t pfn, unsigned order, bool is_movable)
{
	struct page *page = page_of_pfn(&rig->array, pfn);

	page->flags = PAGE_HEAD | (is_movable ? PAGE_LRU : 0);
	page->private = order;
	page->count = 1;
}

pfn_t rig_take(struct free_lists_rig *rig, struct zone_request request)
{
	pfn_t pfn = free_lists_allocate(&rig->lists, &request);

	if (pfn != PFN_NONE)
		rig_mark(rig, pfn, request.order, request.type == MIGRATE_MOVABLE);
	return pfn;
}

void rig_give(struct free_lists_rig *rig, pfn_t pfn, unsigned order, unsigned flags)
{
	struct page *page = page_of_pfn(&rig->array, pfn);

	page->flags = 0;
	page->private = 0;
	page->count = 0;
	free_lists_free(&rig->lists, pfn, order, flags);
}
