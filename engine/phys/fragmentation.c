#include "config.h"

#include "engine/phys/fragmentation.h"

static uint64_t pages_from(const struct free_blocks *free, unsigned order)
{
	uint64_t pages = 0;

	for (; order < FRAGMENTATION_ORDERS; order++)
		pages += free->blocks[order] << order;
	return pages;
}

uint64_t free_blocks_pages(const struct free_blocks *free)
{
	return pages_from(free, 0);
}

struct ratio fragmentation_unusable(const struct free_blocks *free, unsigned order)
{
	uint64_t pages = free_blocks_pages(free);

	return (struct ratio){(int64_t)(pages - pages_from(free, order)), pages};
}

/* 1 - (1 + F / 2^j) / B  =  (B * 2^j - 2^j - F) / (B * 2^j) */
struct ratio fragmentation_external(const struct free_blocks *free, unsigned order)
{
	uint64_t blocks = 0;

	if (pages_from(free, order) != 0)
		return RATIO_NONE;
	for (unsigned smaller = 0; smaller < order; smaller++)
		blocks += free->blocks[smaller];
	if (blocks == 0)
		return RATIO_NONE;
	int64_t whole = (int64_t)(blocks << order);

	return (struct ratio){whole - ((int64_t)1 << order) - (int64_t)free_blocks_pages(free),
			      (uint64_t)whole};
}

struct ratio fragmentation_huge_over_optimal(const struct free_blocks *free)
{
	return (struct ratio){(int64_t)(pages_from(free, HUGE_ORDER) >> HUGE_ORDER),
			      free_blocks_pages(free) >> HUGE_ORDER};
}
