#include "config.h"

#include "bench/placement/range_set.h"

#include <stdlib.h>
#include <string.h>

/* Index of the first range that ends at or behind `address`. */
static size_t first_ending(const struct range_set *set, uint64_t address)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->range[middle].end >= address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Ranges [first, last) are replaced by the `count` of `with`. */
static bool replace(struct range_set *set, size_t first, size_t last, const struct range *with, size_t count)
{
	size_t left = set->count - (last - first) + count;

	if (left > set->capacity) {
		size_t capacity = set->capacity ? 2 * set->capacity : 16;
		struct range *larger = realloc(set->range, capacity * sizeof(larger[0]));

		if (!larger)
			return false;
		set->range = larger;
		set->capacity = capacity;
	}
	memmove(set->range + first + count, set->range + last, (set->count - last) * sizeof(set->range[0]));
	for (size_t i = 0; i < count; i++)
		set->range[first + i] = with[i];
	set->count = left;
	return true;
}

bool range_set_add(struct range_set *set, uint64_t start, uint64_t end)
{
	size_t first = first_ending(set, start), last = first;
	struct range whole = {.start = start, .end = end};

	if (start >= end)
		return true;
	for (; last < set->count && set->range[last].start <= end; last++) {
		if (set->range[last].start < whole.start)
			whole.start = set->range[last].start;
		if (set->range[last].end > whole.end)
			whole.end = set->range[last].end;
	}
	return replace(set, first, last, &whole, 1);
}

bool range_set_remove(struct range_set *set, uint64_t start, uint64_t end)
{
	struct range rest[2];
	size_t first = first_ending(set, start), last = first, count = 0;

	if (start >= end)
		return true;
	for (; last < set->count && set->range[last].start < end; last++) {
		if (set->range[last].start < start)
			rest[count++] = (struct range){.start = set->range[last].start, .end = start};
		if (set->range[last].end > end)
			rest[count++] = (struct range){.start = end, .end = set->range[last].end};
		if (count == 2)
			return replace(set, first, last + 1, rest, count);
	}
	return first == last || replace(set, first, last, rest, count);
}

bool range_set_holds(const struct range_set *set, uint64_t start, uint64_t end)
{
	size_t at = first_ending(set, end);

	return at < set->count && set->range[at].start <= start;
}

bool range_set_meets(const struct range_set *set, uint64_t start, uint64_t end)
{
	size_t at = first_ending(set, start + 1);

	return start < end && at < set->count && set->range[at].start < end;
}

void range_set_clear(struct range_set *set)
{
	free(set->range);
	memset(set, 0, sizeof(*set));
}

const char *range_set_check(const struct range_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->range[i].start >= set->range[i].end)
			return "I1: no range is empty";
		if (i > 0 && set->range[i - 1].end >= set->range[i].start)
			return "I2: ranges are in order and neither overlap nor touch";
	}
	return NULL;
}
