#include "config.h"

#include "engine/phys/gfp.h"

#include "engine/base/check.h"

#include <string.h>

/* The highest zone that a request may use. */
static unsigned best_zone(const struct node *node, unsigned flags)
{
	unsigned best = node->zones - 1;
	unsigned limit = flags & GFP_DMA ? 0 : flags & GFP_DMA32 ? 1 : best;

	while (!(flags & GFP_HIGHMEM) && limit > 0 && node->zone[limit].buddy.first >= node->arena.pages)
		limit--;
	return limit < best ? limit : best;
}

static void clear_block(const struct node *node, pfn_t pfn, unsigned order)
{
	if (node->arena.backing == ARENA_REAL && pfn < node->arena.pages)
		memset((void *)page_address(node, pfn), 0, PAGE_BYTES << order);
}

static struct page *hand_out(struct node *node, const struct gfp *gfp, unsigned zone, pfn_t pfn,
			     unsigned order)
{
	struct page *page = page_of_pfn(&node->pages, pfn);

	*page = (struct page){.flags = PAGE_HEAD, .zone = zone, .count = 1, .private = order};
	if (gfp->flags & GFP_ZERO)
		clear_block(node, pfn, order);
	return page;
}

struct page *alloc_pages(struct node *node, const struct gfp *gfp, unsigned order)
{
	enum zone_watermark watermark = gfp->flags & GFP_HIGH ? WATERMARKS : WATERMARK_MIN;

	for (unsigned zone = best_zone(node, gfp->flags) + 1; zone-- > 0;) {
		if (order > node->zone[zone].buddy.max_order)
			return NULL;
		pfn_t pfn = zone_allocate(&node->zone[zone], gfp->cpu, order, watermark);

		if (pfn != PFN_NONE)
			return hand_out(node, gfp, zone, pfn, order);
	}
	return NULL;
}

void free_pages_of(struct node *node, int cpu, struct page *page, unsigned order)
{
	CHECK(page->flags & PAGE_HEAD,
	      "a freed page is the first of an allocated block (double free, or inside one)");
	CHECK(page->private == order, "a block is freed with the order it was allocated with (wrong order)");
	CHECK(page->count == 1 && page->mapcount == 0,
	      "a freed page has one reference, its owner's, and is not mapped");
	page->flags = 0;
	page->count = 0;
	zone_free(&node->zone[page->zone], cpu, pfn_of_page(&node->pages, page), order);
}

uintptr_t get_free_pages(struct node *node, const struct gfp *gfp, unsigned order)
{
	CHECK(!(gfp->flags & GFP_HIGHMEM), "an address is asked for memory that is mapped");
	struct page *page = alloc_pages(node, gfp, order);

	return page ? page_address(node, pfn_of_page(&node->pages, page)) : 0;
}

void free_pages(struct node *node, int cpu, uintptr_t address, unsigned order)
{
	struct page *page = virt_to_page(node, address);

	CHECK(page && address % PAGE_BYTES == 0, "freed pages lie in the direct map");
	free_pages_of(node, cpu, page, order);
}
