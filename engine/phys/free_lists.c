#include "config.h"

#include "engine/phys/free_lists_step.h"

#include "engine/base/check.h"

static bool shape_is_valid(const struct free_lists_shape *shape)
{
	const struct page_array *array = shape->array;
	const struct pageblocks *pageblocks = shape->pageblocks;
	pfn_t end = shape->first + shape->pages;

	return shape->pages > 0 && end > shape->first && shape->first >= array->first &&
	       end <= array->first + array->pages && shape->first >= pageblocks->first &&
	       end <= pageblocks->first + pageblocks->count * PAGEBLOCK_PAGES;
}

enum status free_lists_create(struct free_lists *lists, const struct free_lists_shape *shape)
{
	*lists = (struct free_lists){.array = shape->array, .pageblocks = shape->pageblocks};
	for (unsigned order = 0; order < FREE_LISTS_ORDERS; order++) {
		for (unsigned type = 0; type < MIGRATE_TYPES; type++)
			list_create(&lists->order[order].type[type]);
	}
	if (!shape_is_valid(shape))
		return STATUS_BAD_ARGUMENT;
	lists->first = shape->first;
	lists->end = shape->first + shape->pages;
	lists->is_mobility_ignored = shape->is_mobility_ignored;
	return STATUS_OK;
}

static bool is_in_range(const struct free_lists *lists, pfn_t pfn, uint64_t pages)
{
	return pfn >= lists->first && pfn < lists->end && pages <= lists->end - pfn;
}

uint64_t free_lists_expand(struct free_lists *lists, struct free_block block, unsigned to)
{
	pfn_t first = block.pfn;
	uint64_t pages = 0;

	while (block.order > to) {
		block.order--;
		block.pfn = first + ((pfn_t)1 << block.order);
		free_lists_enter(lists, block, false);
		pages += (uint64_t)1 << block.order;
	}
	return pages;
}

pfn_t free_lists_take_first(struct free_lists *lists, unsigned order, unsigned found, enum migrate_type type)
{
	struct free_block block = {.order = found, .type = type};

	block.pfn = free_lists_pfn(lists, lists->order[found].type[type].next);
	free_lists_leave(lists, block);
	(void)free_lists_expand(lists, block, order);
	free_lists_account(lists, -((uint64_t)1 << order), type);
	return block.pfn;
}

pfn_t free_lists_smallest(struct free_lists *lists, unsigned order, enum migrate_type type)
{
	uint32_t sufficient = lists->nonempty[type] >> order;

	if (sufficient == 0)
		return PFN_NONE;
	return free_lists_take_first(lists, order, order + (unsigned)__builtin_ctz(sufficient), type);
}

/* Whoever waits gets the block, if it is of a kind that he may use: no urgent or lent memory and, below a pageblock, no movable
 * block for what cannot be moved. */
static bool capture(struct free_lists *lists, pfn_t pfn, unsigned order, enum migrate_type type)
{
	struct free_lists_capture *waiting = lists->capture;

	if (!waiting || waiting->pfn != PFN_NONE || order != waiting->order || type == MIGRATE_CMA ||
	    type == MIGRATE_ISOLATE)
		return false;
	if (order < PAGEBLOCK_ORDER && type == MIGRATE_MOVABLE && waiting->type != MIGRATE_MOVABLE)
		return false;
	if (type != waiting->type)
		extfrag_count(&lists->extfrag, &(struct extfrag){.pfn = pfn,
								 .alloc_order = order,
								 .fallback_order = order,
								 .type = waiting->type,
								 .fallback_type = type,
								 .change_ownership = false});
	waiting->pfn = pfn;
	return true;
}

/* The buddy's type if the two may become one, else MIGRATE_TYPES. */
static enum migrate_type merging_type(const struct free_lists *lists, pfn_t buddy, unsigned order,
				      enum migrate_type type)
{
	if (order < PAGEBLOCK_ORDER)
		return type;
	enum migrate_type other = pageblock_type(lists->pageblocks, buddy);

	if (other == type || (migrate_type_is_mergeable(type) && migrate_type_is_mergeable(other)))
		return other;
	return MIGRATE_TYPES;
}

/* The block above this one would become whole if its buddy, in use now, were freed: is the one beside that free? */
static bool merge_is_likely(const struct free_lists *lists, pfn_t pfn, unsigned order)
{
	pfn_t above = pfn & ~((pfn_t)1 << order);

	return order < FREE_LISTS_ORDER_MAX - 1 &&
	       free_lists_is_block(lists, above ^ (pfn_t)2 << order, order + 1);
}

void free_lists_merge(struct free_lists *lists, pfn_t pfn, unsigned order, unsigned flags)
{
	enum migrate_type type = pageblock_type(lists->pageblocks, pfn);

	free_lists_account(lists, (uint64_t)1 << order, type);
	for (; order < FREE_LISTS_ORDER_MAX; order++) {
		pfn_t buddy = pfn ^ (pfn_t)1 << order;

		if (lists->capture && capture(lists, pfn, order, type)) {
			free_lists_account(lists, -((uint64_t)1 << order), type);
			return;
		}
		if (!free_lists_is_block(lists, buddy, order))
			break;
		enum migrate_type other = merging_type(lists, buddy, order, type);

		if (other == MIGRATE_TYPES)
			break;
		free_lists_leave(lists, (struct free_block){buddy, order, other});
		if (other != type)
			free_lists_convert(lists, buddy, order, type);
		pfn &= buddy;
	}
	free_lists_enter(lists, (struct free_block){pfn, order, type},
			 (flags & FREE_TO_TAIL) || merge_is_likely(lists, pfn, order));
}

void free_lists_free(struct free_lists *lists, pfn_t pfn, unsigned order, unsigned flags)
{
	unsigned piece = order < PAGEBLOCK_ORDER ? order : PAGEBLOCK_ORDER;

	CHECK(order <= FREE_LISTS_ORDER_MAX, "a freed block's order is at most the largest (wrong order)");
	uint64_t pages = (uint64_t)1 << order;

	CHECK((pfn & (pages - 1)) == 0, "a freed block is aligned to its size (misaligned)");
	CHECK(is_in_range(lists, pfn, pages), "a freed block lies in the range (foreign pfn)");
	for (uint64_t done = 0; done < pages; done += (uint64_t)1 << piece) {
		CHECK(!(free_lists_page(lists, pfn + done)->flags & PAGE_FREE),
		      "a freed block is not free (double free)");
		free_lists_merge(lists, pfn + done, piece, flags);
	}
}

uint64_t free_lists_blocks_of_order(const struct free_lists *lists, unsigned order)
{
	uint64_t blocks = 0;

	for (unsigned type = 0; type < MIGRATE_TYPES; type++)
		blocks += lists->order[order].blocks[type];
	return blocks;
}

bool free_lists_find(const struct free_lists *lists, pfn_t pfn, pfn_t *first, unsigned *order)
{
	for (unsigned larger = 0; larger < FREE_LISTS_ORDERS; larger++) {
		pfn_t head = pfn >> larger << larger;

		if (head < lists->first || pfn >= lists->end)
			return false;
		const struct page *page = free_lists_page(lists, head);

		if ((page->flags & PAGE_FREE) && page->private >= larger) {
			*first = head;
			*order = (unsigned)page->private;
			return true;
		}
	}
	return false;
}
