#include "config.h"

#include "engine/virt/page_size.h"

#include <stdlib.h>

static int by_address(const void *left, const void *right)
{
	const struct page_size_range *a = left;
	const struct page_size_range *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

/* Aligned blocks of 2^shift bytes that hold a byte of the sorted ranges. */
static uint64_t count_blocks(const struct page_size_range *ranges, size_t count, unsigned shift)
{
	uint64_t blocks = 0;
	uint64_t next = 0; /* the lowest block not counted yet */

	for (size_t i = 0; i < count; i++) {
		uint64_t first = ranges[i].address >> shift;
		uint64_t last = (ranges[i].address + ranges[i].bytes - 1) >> shift;

		if (first < next)
			first = next;
		if (last + 1 > first) {
			blocks += last + 1 - first;
			next = last + 1;
		}
	}
	return blocks;
}

static struct page_size_cost cost_of(const struct page_size_range *ranges, size_t count, unsigned shift,
				     uint64_t live)
{
	struct page_size_cost cost = {.page_bytes = (uint64_t)1 << shift,
				      .pages = count_blocks(ranges, count, shift)};

	cost.waste_bytes = cost.pages * cost.page_bytes - live;
	cost.descriptor_bytes = cost.pages * PAGE_SIZE_DESCRIPTOR_BYTES;
	for (unsigned covered = shift; covered < PAGE_SIZE_ADDRESS_BITS;) {
		covered += shift - 3;
		cost.tables += count_blocks(ranges, count, covered);
	}
	cost.table_bytes = cost.tables * cost.page_bytes;
	return cost;
}

void page_size_costs(struct page_size_range *ranges, size_t count, struct page_size_cost costs[PAGE_SIZES])
{
	uint64_t live = 0;

	if (count > 0)
		qsort(ranges, count, sizeof(*ranges), by_address);
	for (size_t i = 0; i < count; i++)
		live += ranges[i].bytes;
	for (unsigned i = 0; i < PAGE_SIZES; i++)
		costs[i] = cost_of(ranges, count, PAGE_SIZE_SHIFT_MIN + i, live);
}
