#include "config.h"

#include "engine/phys/pageblock.h"

#include "engine/base/check.h"

#include <string.h>

#define KNOWN_BITS ((unsigned)PAGEBLOCK_TYPE | PAGEBLOCK_SKIP | PAGEBLOCK_ISOLATED)

enum status pageblocks_create(struct pageblocks *pageblocks, pfn_t first, uint64_t pages)
{
	pfn_t start = pageblock_start(first);
	uint64_t count = (first + pages - start + PAGEBLOCK_PAGES - 1) >> PAGEBLOCK_ORDER;
	enum status status = reservation_create(&pageblocks->memory, count, PAGE_BYTES);

	pageblocks->first = start;
	pageblocks->count = count;
	pageblocks->bits = pageblocks->memory.memory;
	for (unsigned type = 0; type < MIGRATE_TYPES; type++)
		pageblocks->blocks[type] = type == MIGRATE_MOVABLE ? count : 0;
	if (status == STATUS_OK)
		memset(pageblocks->memory.memory, MIGRATE_MOVABLE, count);
	return status;
}

void pageblocks_destroy(struct pageblocks *pageblocks)
{
	reservation_destroy(&pageblocks->memory);
}

static void set_bits(struct pageblocks *pageblocks, pfn_t pfn, unsigned clear, unsigned set)
{
	unsigned bits = (pageblock_bits(pageblocks, pfn) & ~clear) | set;
	enum migrate_type before = pageblock_type(pageblocks, pfn);

	atomic_store_explicit(pageblock_byte(pageblocks, pfn), (uint8_t)bits, memory_order_relaxed);
	atomic_fetch_sub_explicit(&pageblocks->blocks[before], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&pageblocks->blocks[pageblock_type(pageblocks, pfn)], 1,
				  memory_order_relaxed);
}

void pageblock_set_type(struct pageblocks *pageblocks, pfn_t pfn, enum migrate_type type)
{
	CHECK((unsigned)type < MIGRATE_ISOLATE, "a pageblock's type is one that its pages can have");
	set_bits(pageblocks, pfn, PAGEBLOCK_TYPE, type);
}

void pageblock_set_isolated(struct pageblocks *pageblocks, pfn_t pfn, bool is_isolated)
{
	set_bits(pageblocks, pfn, PAGEBLOCK_ISOLATED, is_isolated ? PAGEBLOCK_ISOLATED : 0);
}

void pageblocks_forget_skips(struct pageblocks *pageblocks)
{
	for (uint64_t block = 0; block < pageblocks->count; block++)
		pageblocks->bits[block] &= (uint8_t)~PAGEBLOCK_SKIP;
}

const char *pageblocks_check(const struct pageblocks *pageblocks)
{
	uint64_t blocks[MIGRATE_TYPES] = {0};

	for (uint64_t block = 0; block < pageblocks->count; block++) {
		unsigned bits = pageblocks->bits[block];

		if ((bits & ~KNOWN_BITS) != 0 || (bits & PAGEBLOCK_TYPE) >= MIGRATE_ISOLATE)
			return "I1: a block's byte holds a type below Isolate, and no unknown bits";
		blocks[bits & PAGEBLOCK_ISOLATED ? MIGRATE_ISOLATE : bits & PAGEBLOCK_TYPE]++;
	}
	for (unsigned type = 0; type < MIGRATE_TYPES; type++) {
		if (blocks[type] != pageblocks->blocks[type])
			return "I2: blocks[type] = blocks that answer this type";
	}
	return NULL;
}
