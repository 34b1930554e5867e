#include "config.h"

#include "bench/micro/list_buddy.h"

#include "engine/base/check.h"

#include <assert.h>

#define TOP_ORDER (LIST_BUDDY_ORDERS - 1)

static_assert(sizeof(struct list_page) == 64, "a descriptor is a cache line");

static void push(struct list_buddy *buddy, struct list_page *page, unsigned order)
{
	struct list_link *head = &buddy->list[order];

	page->state = LIST_PAGE_FREE;
	page->order = order;
	page->link.next = head->next;
	page->link.previous = head;
	head->next->previous = &page->link;
	head->next = &page->link;
	buddy->free_blocks[order]++;
	buddy->nonempty |= 1u << order;
}

static void unlink_page(struct list_buddy *buddy, struct list_page *page, unsigned order)
{
	page->link.next->previous = page->link.previous;
	page->link.previous->next = page->link.next;
	page->state = LIST_PAGE_INSIDE;
	if (--buddy->free_blocks[order] == 0)
		buddy->nonempty &= ~(1u << order);
}

void list_buddy_create(struct list_buddy *buddy, struct list_page *page, uint64_t pages)
{
	*buddy = (struct list_buddy){.pages = pages, .page = page};
	for (unsigned order = 0; order < LIST_BUDDY_ORDERS; order++)
		buddy->list[order] = (struct list_link){&buddy->list[order], &buddy->list[order]};
	for (uint64_t block = pages >> TOP_ORDER; block-- > 0;)
		push(buddy, &page[block << TOP_ORDER], TOP_ORDER);
}

pfn_t list_buddy_allocate(struct list_buddy *buddy, unsigned order)
{
	uint32_t orders = buddy->nonempty >> order;

	if (orders == 0)
		return PFN_NONE;
	unsigned found = order + (unsigned)__builtin_ctz(orders);
	struct list_page *page = (struct list_page *)(void *)buddy->list[found].next;

	unlink_page(buddy, page, found);
	while (found > order) {
		found--;
		push(buddy, page + ((uint64_t)1 << found), found);
	}
	page->state = LIST_PAGE_ALLOCATED;
	page->order = order;
	return (pfn_t)(page - buddy->page);
}

void list_buddy_free(struct list_buddy *buddy, pfn_t pfn, unsigned order)
{
	CHECK(pfn < buddy->pages && (pfn & (((pfn_t)1 << order) - 1)) == 0,
	      "a freed frame lies in the range");
	CHECK(buddy->page[pfn].state == LIST_PAGE_ALLOCATED && buddy->page[pfn].order == order,
	      "a block is freed as it was allocated");
	buddy->page[pfn].state = LIST_PAGE_INSIDE;
	while (order < TOP_ORDER) {
		struct list_page *other = &buddy->page[pfn ^ (pfn_t)1 << order];

		if (other->state != LIST_PAGE_FREE || other->order != order)
			break;
		unlink_page(buddy, other, order);
		pfn &= ~((pfn_t)1 << order);
		order++;
	}
	push(buddy, &buddy->page[pfn], order);
}
