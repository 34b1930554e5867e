#include "config.h"

#include "engine/phys/free_lists_step.h"

static const char I1[] = "I1: list_check() of every list";
static const char I2[] =
    "I2: what is in the list of an order and type lies in the range, is aligned to its order, and has "
    "PAGE_FREE and the order in its page, whose pageblocks have the list's type";
static const char I3[] = "I3: every page with PAGE_FREE is in a list, and no two free blocks overlap";
static const char I4[] =
    "I4: blocks[type] = length of the list; bit k of nonempty[type] is set <=> the list of order k is "
    "not empty";
static const char I5[] = "I5: below order 9, a free block's buddy is not a free block of the same order";
static const char I6[] =
    "I6: free_pages = frames in lists other than Isolate, free_cma_pages and free_highatomic_pages "
    "those in these types, free_huge_pages those of free_pages in blocks of order 9 and 10; "
    "free_pages is at most managed_pages";
static const char I7[] =
    "I7: highatomic_pages = frames of pageblocks whose type is HighAtomic, isolated_blocks = "
    "pageblocks that are isolated";

/* Lengths of all lists, as they are. */
struct lengths {
	uint64_t blocks[FREE_LISTS_ORDERS][MIGRATE_TYPES];
	uint64_t all;
};

static bool is_member(const struct free_lists *lists, const struct list *link, struct free_block block)
{
	const struct page *page = list_entry_const(link, struct page, lru);

	if (page < lists->array->page || page >= lists->array->page + lists->array->pages)
		return false;
	pfn_t pfn = pfn_of_page(lists->array, page);
	uint64_t pages = (uint64_t)1 << block.order;

	if (pfn < lists->first || pfn >= lists->end || pages > lists->end - pfn || (pfn & (pages - 1)) != 0 ||
	    !(page->flags & PAGE_FREE) || page->private != block.order)
		return false;
	for (uint64_t done = 0; done < pages; done += PAGEBLOCK_PAGES) {
		if (pageblock_type(lists->pageblocks, pfn + done) != block.type)
			return false;
	}
	return true;
}

static const char *check_list(const struct free_lists *lists, unsigned order, enum migrate_type type,
			      struct lengths *lengths)
{
	const struct list *head = &lists->order[order].type[type];
	struct free_block block = {0, order, type};

	if (list_check(head, lists->end - lists->first + 1))
		return I1;
	for (const struct list *link = head->next; link != head; link = link->next) {
		if (!is_member(lists, link, block))
			return I2;
		lengths->blocks[order][type]++;
		lengths->all++;
	}
	return NULL;
}

static const char *check_pages(const struct free_lists *lists, const struct lengths *lengths)
{
	uint64_t marked = 0;
	pfn_t covered = lists->first;

	for (pfn_t pfn = lists->first; pfn < lists->end; pfn++) {
		const struct page *page = free_lists_page(lists, pfn);

		if (!(page->flags & PAGE_FREE))
			continue;
		if (pfn < covered)
			return I3;
		covered = pfn + ((pfn_t)1 << page->private);
		marked++;
	}
	return marked == lengths->all ? NULL : I3;
}

static const char *check_lengths(const struct free_lists *lists, const struct lengths *lengths)
{
	for (unsigned order = 0; order < FREE_LISTS_ORDERS; order++) {
		for (unsigned type = 0; type < MIGRATE_TYPES; type++) {
			uint64_t blocks = lengths->blocks[order][type];

			if (lists->order[order].blocks[type] != blocks ||
			    (lists->nonempty[type] >> order & 1) != (blocks != 0))
				return I4;
		}
	}
	return NULL;
}

static const char *check_buddies(const struct free_lists *lists)
{
	for (pfn_t pfn = lists->first; pfn < lists->end; pfn++) {
		const struct page *page = free_lists_page(lists, pfn);
		unsigned order = (unsigned)page->private;

		if ((page->flags & PAGE_FREE) && order < PAGEBLOCK_ORDER &&
		    free_lists_is_block(lists, pfn ^ (pfn_t)1 << order, order))
			return I5;
	}
	return NULL;
}

static const char *check_sums(const struct free_lists *lists, const struct lengths *lengths)
{
	uint64_t pages[MIGRATE_TYPES] = {0};
	uint64_t huge_pages = 0;
	uint64_t free_pages = 0;

	for (unsigned type = 0; type < MIGRATE_ISOLATE; type++) {
		for (unsigned order = 0; order < FREE_LISTS_ORDERS; order++) {
			uint64_t of_order = lengths->blocks[order][type] << order;

			pages[type] += of_order;
			huge_pages += order >= PAGEBLOCK_ORDER ? of_order : 0;
		}
		free_pages += pages[type];
	}
	return lists->free_pages == free_pages && lists->free_cma_pages == pages[MIGRATE_CMA] &&
		       lists->free_highatomic_pages == pages[MIGRATE_HIGHATOMIC] &&
		       lists->free_huge_pages == huge_pages && free_pages <= lists->managed_pages
		   ? NULL
		   : I6;
}

static const char *check_pageblocks(const struct free_lists *lists)
{
	uint64_t highatomic = 0;
	uint64_t isolated = 0;

	for (pfn_t pfn = pageblock_start(lists->first); pfn < lists->end; pfn += PAGEBLOCK_PAGES) {
		highatomic += pageblock_kept_type(lists->pageblocks, pfn) == MIGRATE_HIGHATOMIC;
		isolated += pageblock_is_isolated(lists->pageblocks, pfn);
	}
	return lists->highatomic_pages == highatomic * PAGEBLOCK_PAGES && lists->isolated_blocks == isolated
		   ? NULL
		   : I7;
}

const char *free_lists_check(const struct free_lists *lists)
{
	struct lengths lengths = {.all = 0};
	const char *broken = NULL;

	for (unsigned order = 0; order < FREE_LISTS_ORDERS && !broken; order++) {
		for (unsigned type = 0; type < MIGRATE_TYPES && !broken; type++)
			broken = check_list(lists, order, (enum migrate_type)type, &lengths);
	}
	if (!broken)
		broken = check_pages(lists, &lengths);
	if (!broken)
		broken = check_lengths(lists, &lengths);
	if (!broken)
		broken = check_buddies(lists);
	if (!broken)
		broken = check_sums(lists, &lengths);
	return broken ? broken : check_pageblocks(lists);
}
