#include "config.h"

#include "engine/phys/memblock.h"

#include <string.h>

void memblock_create(struct memblock *memblock)
{
	*memblock = (struct memblock){.memory = {.count = 0}};
}

static void replace(struct memblock_list *list, unsigned from, unsigned to, const struct memblock_range *with,
		    unsigned count)
{
	memmove(&list->range[from + count], &list->range[to], (list->count - to) * sizeof(*list->range));
	memcpy(&list->range[from], with, count * sizeof(*with));
	list->count = list->count - (to - from) + count;
}

/* Ranges from .. *to-1 are those that overlap [first, end) or, with `touching`, touch it. */
static unsigned find_overlaps(const struct memblock_list *list, pfn_t first, pfn_t end, bool touching,
			      unsigned *to)
{
	unsigned from = 0;

	while (from < list->count && list->range[from].end < first + (touching ? 0 : 1))
		from++;
	*to = from;
	while (*to < list->count && list->range[*to].first < end + (touching ? 1 : 0))
		++*to;
	return from;
}

static enum status insert(struct memblock_list *list, pfn_t first, uint64_t pages)
{
	struct memblock_range merged = {first, first + pages};
	unsigned to;

	if (merged.end < first || merged.end == UINT64_MAX)
		return STATUS_BAD_ARGUMENT;
	if (pages == 0)
		return STATUS_OK;
	unsigned from = find_overlaps(list, first, merged.end, true, &to);

	if (from == to && list->count == MEMBLOCK_RANGES)
		return STATUS_LIMIT;
	if (from < to && list->range[from].first < merged.first)
		merged.first = list->range[from].first;
	if (from < to && list->range[to - 1].end > merged.end)
		merged.end = list->range[to - 1].end;
	replace(list, from, to, &merged, 1);
	return STATUS_OK;
}

enum status memblock_add(struct memblock *memblock, pfn_t first, uint64_t pages)
{
	return insert(&memblock->memory, first, pages);
}

enum status memblock_reserve(struct memblock *memblock, pfn_t first, uint64_t pages)
{
	return insert(&memblock->reserved, first, pages);
}

enum status memblock_unreserve(struct memblock *memblock, pfn_t first, uint64_t pages)
{
	struct memblock_list *list = &memblock->reserved;
	struct memblock_range rest[2];
	unsigned count = 0;
	unsigned to;

	if (first + pages < first)
		return STATUS_BAD_ARGUMENT;
	unsigned from = find_overlaps(list, first, first + pages, false, &to);

	if (pages == 0 || from == to)
		return STATUS_OK;
	if (list->range[from].first < first)
		rest[count++] = (struct memblock_range){list->range[from].first, first};
	if (list->range[to - 1].end > first + pages)
		rest[count++] = (struct memblock_range){first + pages, list->range[to - 1].end};
	if (list->count - (to - from) + count > MEMBLOCK_RANGES)
		return STATUS_LIMIT;
	replace(list, from, to, rest, count);
	return STATUS_OK;
}

bool memblock_next_free(const struct memblock *memblock, pfn_t from, struct memblock_range *range)
{
	const struct memblock_list *reserved = &memblock->reserved;

	for (unsigned i = 0; i < memblock->memory.count; i++) {
		pfn_t first = memblock->memory.range[i].first > from ? memblock->memory.range[i].first : from;
		pfn_t end = memblock->memory.range[i].end;
		unsigned next = 0;

		while (next < reserved->count && reserved->range[next].end <= first)
			next++;
		for (; next < reserved->count && reserved->range[next].first <= first && first < end; next++)
			first = reserved->range[next].end;
		if (first >= end)
			continue;
		if (next < reserved->count && reserved->range[next].first < end)
			end = reserved->range[next].first;
		*range = (struct memblock_range){first, end};
		return true;
	}
	return false;
}

pfn_t memblock_allocate(struct memblock *memblock, uint64_t pages, uint64_t alignment_pages, pfn_t limit)
{
	struct memblock_range range = {0, 0};
	pfn_t found = PFN_NONE;

	while (memblock_next_free(memblock, range.end, &range)) {
		pfn_t end = range.end < limit ? range.end : limit;

		if (range.first >= end || end - range.first < pages)
			continue;
		pfn_t first = (end - pages) & ~(alignment_pages - 1);

		if (first >= range.first)
			found = first;
	}
	if (found != PFN_NONE && memblock_reserve(memblock, found, pages) != STATUS_OK)
		return PFN_NONE;
	return found;
}

uint64_t memblock_pages(const struct memblock_list *list)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < list->count; i++)
		pages += list->range[i].end - list->range[i].first;
	return pages;
}

static const char *check_list(const struct memblock_list *list)
{
	if (list->count > MEMBLOCK_RANGES)
		return "I2: no more than MEMBLOCK_RANGES";
	for (unsigned i = 0; i < list->count; i++) {
		if (list->range[i].first >= list->range[i].end ||
		    (i > 0 && list->range[i - 1].end >= list->range[i].first))
			return "I1: ranges are not empty, sorted, and neither overlap nor touch";
	}
	return NULL;
}

const char *memblock_check(const struct memblock *memblock)
{
	const char *broken = check_list(&memblock->memory);

	return broken ? broken : check_list(&memblock->reserved);
}
