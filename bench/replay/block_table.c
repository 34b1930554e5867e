#include "config.h"

#include "bench/replay/block_table.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 1024

static size_t home(const struct block_table *set, uint64_t object)
{
	return (size_t)(object * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (set->capacity - 1);
}

struct live_block *block_table_find(const struct block_table *set, uint64_t object)
{
	if (set->count == 0 || object == 0)
		return NULL;
	for (size_t at = home(set, object); set->entry[at].object; at = (at + 1) & (set->capacity - 1)) {
		if (set->entry[at].object == object)
			return &set->entry[at];
	}
	return NULL;
}

static void place(struct block_table *set, const struct live_block *block)
{
	size_t at = home(set, block->object);

	while (set->entry[at].object)
		at = (at + 1) & (set->capacity - 1);
	set->entry[at] = *block;
}

static bool grow(struct block_table *set)
{
	struct block_table larger = {.capacity = set->capacity ? set->capacity * 2 : FIRST_CAPACITY,
				     .count = set->count};

	larger.entry = calloc(larger.capacity, sizeof(larger.entry[0]));
	if (!larger.entry)
		return false;
	for (size_t i = 0; i < set->capacity; i++) {
		if (set->entry[i].object)
			place(&larger, &set->entry[i]);
	}
	free(set->entry);
	*set = larger;
	return true;
}

bool block_table_insert(struct block_table *set, const struct live_block *block)
{
	if ((set->count + 1) * 4 > set->capacity * 3 && !grow(set))
		return false;
	place(set, block);
	set->count++;
	return true;
}

void block_table_remove(struct block_table *set, uint64_t object)
{
	size_t mask = set->capacity - 1;
	size_t hole = (size_t)(block_table_find(set, object) - set->entry);

	for (size_t next = (hole + 1) & mask; set->entry[next].object; next = (next + 1) & mask) {
		size_t distance = (next - home(set, set->entry[next].object)) & mask;

		if (distance >= ((next - hole) & mask)) {
			set->entry[hole] = set->entry[next];
			hole = next;
		}
	}
	set->entry[hole].object = 0;
	set->count--;
}

static int compare_objects(const void *left, const void *right)
{
	const struct live_block *a = left, *b = right;

	return (a->object > b->object) - (a->object < b->object);
}

struct live_block *block_table_sorted(const struct block_table *set)
{
	struct live_block *sorted = set->count ? malloc(set->count * sizeof(sorted[0])) : NULL;
	size_t kept = 0;

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < set->capacity; i++) {
		if (set->entry[i].object)
			sorted[kept++] = set->entry[i];
	}
	qsort(sorted, kept, sizeof(sorted[0]), compare_objects);
	return sorted;
}

void block_table_clear(struct block_table *set)
{
	free(set->entry);
	memset(set, 0, sizeof(*set));
}

const char *block_table_check(const struct block_table *set)
{
	size_t occupied = 0;

	for (size_t i = 0; i < set->capacity; i++)
		occupied += set->entry[i].object != 0;
	if (occupied != set->count || set->count * 4 > set->capacity * 3)
		return "I1: count = occupied entries, at most 3/4 of the capacity";
	for (size_t i = 0; i < set->capacity; i++) {
		if (set->entry[i].object && block_table_find(set, set->entry[i].object) != &set->entry[i])
			return "I2: every member is found from its home position";
	}
	return NULL;
}
