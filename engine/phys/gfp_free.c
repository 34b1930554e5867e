#include "config.h"

#include "engine/base/check.h"
#include "engine/phys/gfp_step.h"

/* --- Mistakes ----------------------------------------------------------------------------------------------------- */

static void fill_owner(const struct memory *memory, pfn_t pfn, struct page_misuse *misuse)
{
	const struct page *head = page_head(memory, pfn);

	if (head) {
		misuse->block_order = (unsigned)head->private;
		pfn = pfn_of_page(&memory->pages, head);
	}
	if (memory->owners.owner)
		misuse->owner = memory->owners.owner[pfn];
}

void gfp_report(const struct memory *memory, enum page_mistake mistake, pfn_t pfn, unsigned order)
{
	struct page_misuse misuse = {.mistake = mistake, .pfn = pfn, .order = order};

	if (pfn != PFN_NONE)
		fill_owner(memory, pfn, &misuse);
	page_misuse_report(&memory->misuse, &misuse);
}

/* Is it a page of the array? Any pointer may be asked. */
static bool is_page(const struct memory *memory, const struct page *page)
{
	uintptr_t offset = (uintptr_t)page - (uintptr_t)memory->pages.page;

	return offset % sizeof(*page) == 0 && offset / sizeof(*page) < memory->pages.pages;
}

/* What is wrong with taking this page for the first of an allocated block of this order. */
static enum page_mistake mistake_of(const struct memory *memory, const struct page *page, unsigned order)
{
	pfn_t pfn = pfn_of_page(&memory->pages, page);

	if (page->flags & PAGE_RESERVED)
		return MISTAKE_RESERVED;
	if (!(page->flags & PAGE_HEAD))
		return page_head(memory, pfn) ? MISTAKE_INSIDE : MISTAKE_DOUBLE_FREE;
	return page->private != order ? MISTAKE_ORDER : MISTAKE_MAPPED;
}

static void report_page(const struct memory *memory, const struct page *page, unsigned order)
{
	if (is_page(memory, page))
		gfp_report(memory, mistake_of(memory, page, order), pfn_of_page(&memory->pages, page), order);
	else
		gfp_report(memory, MISTAKE_FOREIGN, PFN_NONE, order);
}

static bool is_block(const struct memory *memory, const struct page *page, unsigned order)
{
	return is_page(memory, page) && (page->flags & PAGE_HEAD) && page->private == order;
}

/* --- Freeing ------------------------------------------------------------------------------------------------------ */

static void dissolve_compound(struct page *page, unsigned order)
{
	for (uint64_t i = 1; i < (uint64_t)1 << order; i++)
		page[i] = (struct page){.flags = 0};
}

static void free_block(struct memory *memory, int cpu, struct page *page, unsigned order)
{
	if (page->flags & PAGE_COMPOUND)
		dissolve_compound(page, order);
	page->flags = 0;
	page->count = 0;
	zone_free(&memory->zone[page->zone], cpu, pfn_of_page(&memory->pages, page), order);
}

/* Somebody still has a reference: what is left to it is the first frame. */
static void free_tail(struct memory *memory, int cpu, struct page *page, unsigned order)
{
	page->count--;
	if (order == 0 || (page->flags & PAGE_COMPOUND))
		return;
	split_page(memory, page, order);
	for (uint64_t i = 1; i < (uint64_t)1 << order; i++)
		free_page_of(memory, cpu, page + i);
}

void free_pages_of(struct memory *memory, int cpu, struct page *page, unsigned order)
{
	if (__builtin_expect(!is_block(memory, page, order) || page->mapcount != 0, 0)) {
		report_page(memory, page, order);
		return;
	}
	if (__builtin_expect(page->count == 1, 1))
		free_block(memory, cpu, page, order);
	else
		free_tail(memory, cpu, page, order);
}

void free_pages(struct memory *memory, int cpu, uintptr_t address, unsigned order)
{
	struct page *page = virt_to_page(memory, address);

	if (address == 0)
		return;
	if (!page || address % PAGE_BYTES != 0)
		gfp_report(memory, page ? MISTAKE_MISALIGNED : MISTAKE_FOREIGN,
			   page ? pfn_of_page(&memory->pages, page) : PFN_NONE, order);
	else
		free_pages_of(memory, cpu, page, order);
}

/* --- Parts and references ----------------------------------------------------------------------------------------- */

static void split_owner(struct memory *memory, pfn_t pfn, unsigned order)
{
	struct page_owner *owner = &memory->owners.owner[pfn];

	owner->order = 0;
	for (uint64_t i = 1; i < (uint64_t)1 << order; i++)
		owner[i] = *owner;
}

void split_page(struct memory *memory, struct page *page, unsigned order)
{
	if (!is_block(memory, page, order)) {
		report_page(memory, page, order);
		return;
	}
	pfn_t pfn = pfn_of_page(&memory->pages, page);

	if (page->flags & PAGE_COMPOUND) {
		gfp_report(memory, MISTAKE_COMPOUND, pfn, order);
		return;
	}
	if (order == 0)
		return;
	zone_split(&memory->zone[page->zone], pfn, order);
	page->private = 0;
	for (uint64_t i = 1; i < (uint64_t)1 << order; i++)
		page[i] = (struct page){
		    .flags = PAGE_HEAD | (page->flags & PAGE_LRU), .zone = page->zone, .count = 1};
	if (memory->owners.owner)
		split_owner(memory, pfn, order);
}

/* The first page of the block that references are counted in; NULL, and reported, when the page is nobody's. */
static struct page *referenced(const struct memory *memory, struct page *page)
{
	struct page *head = is_page(memory, page) ? compound_head(page) : NULL;

	if (head && (head->flags & PAGE_HEAD) && head->count > 0)
		return head;
	report_page(memory, page, 0);
	return NULL;
}

void get_page(struct memory *memory, struct page *page)
{
	struct page *head = referenced(memory, page);

	if (head)
		head->count++;
}

void put_page(struct memory *memory, int cpu, struct page *page)
{
	struct page *head = referenced(memory, page);

	if (!head)
		return;
	if (head->count > 1)
		head->count--;
	else
		free_pages_of(memory, cpu, head, compound_order(head));
}
