#include "config.h"

#include "engine/virt/page_source.h"

#include "engine/base/check.h"
#include "engine/phys/gfp.h"

static pfn_t buddy_take(void *owner, unsigned order)
{
	struct buddy *buddy = owner;

	return order <= buddy->max_order ? buddy_allocate(buddy, order) : PFN_NONE;
}

static void buddy_give(void *owner, pfn_t frame, unsigned order)
{
	buddy_free(owner, frame, order);
}

struct page_source page_source_of_buddy(struct buddy *buddy)
{
	return (struct page_source){buddy, buddy_take, buddy_give};
}

static pfn_t take_with(struct memory *memory, unsigned flags, unsigned order)
{
	struct gfp gfp = {.flags = flags, .cpu = -1};
	struct page *page = alloc_pages(memory, &gfp, order);

	return page ? pfn_of_page(&memory->pages, page) : PFN_NONE;
}

static pfn_t memory_take(void *owner, unsigned order)
{
	return take_with(owner, GFP_HIGHUSER | GFP_ZERO, order);
}

static pfn_t movable_take(void *owner, unsigned order)
{
	return take_with(owner, GFP_HIGHUSER | GFP_MOVABLE | GFP_ZERO, order);
}

/* The allocator finds its marks in the page again, whoever owned it meanwhile. */
static void memory_give(void *owner, pfn_t frame, unsigned order)
{
	struct memory *memory = owner;
	struct page *page = page_of_pfn(&memory->pages, frame);

	page->flags = PAGE_HEAD;
	page->count = 1;
	page->private = order;
	free_pages_of(memory, -1, page, order);
}

struct page_source page_source_of_memory(struct memory *memory)
{
	return (struct page_source){memory, memory_take, memory_give};
}

struct page_source page_source_of_movable_memory(struct memory *memory)
{
	return (struct page_source){memory, movable_take, memory_give};
}

void counting_source_create(struct counting_source *source, pfn_t first, uint64_t pages)
{
	*source = (struct counting_source){.next = first, .limit_pages = first + pages};
}

static pfn_t counter_take(void *owner, unsigned order)
{
	struct counting_source *source = owner;
	uint64_t pages = (uint64_t)1 << order;
	pfn_t frame;

	if (order >= COUNTING_ORDERS)
		return PFN_NONE;
	if (source->free_count[order] > 0) {
		frame = source->free[order][--source->free_count[order]];
	} else {
		frame = round_up(source->next, pages);
		if (frame >= source->limit_pages || pages > source->limit_pages - frame)
			return PFN_NONE;
		source->next = frame + pages;
	}
	source->takes++;
	source->taken_pages += pages;
	if (source->taken_pages > source->peak_pages)
		source->peak_pages = source->taken_pages;
	return frame;
}

static void counter_give(void *owner, pfn_t frame, unsigned order)
{
	struct counting_source *source = owner;
	uint64_t pages = (uint64_t)1 << order;

	CHECK(order < COUNTING_ORDERS && source->taken_pages >= pages,
	      "pages that are given back were taken");
	source->gives++;
	source->taken_pages -= pages;
	if (source->free_count[order] < COUNTING_FREE_MAX)
		source->free[order][source->free_count[order]++] = frame;
}

struct page_source page_source_of_counter(struct counting_source *source)
{
	return (struct page_source){source, counter_take, counter_give};
}
