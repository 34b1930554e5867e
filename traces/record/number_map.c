#include "config.h"

#include "traces/record/number_map.h"

#include <stdlib.h>
#include <string.h>

#define SMALLEST_CAPACITY 64

/* Blocks are 16 bytes apart: the multiplication moves the bits that differ to the top. */
static size_t home_of(const struct number_map *map, uint64_t key)
{
	return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (map->capacity - 1);
}

static size_t find(const struct number_map *map, uint64_t key)
{
	size_t at = home_of(map, key);

	while (map->slot[at].key != 0 && map->slot[at].key != key)
		at = (at + 1) & (map->capacity - 1);
	return at;
}

void number_map_clear(struct number_map *map)
{
	free(map->slot);
	*map = (struct number_map){0};
}

static bool grow(struct number_map *map)
{
	struct number_map larger = {.capacity = map->capacity ? 2 * map->capacity : SMALLEST_CAPACITY};

	larger.slot = calloc(larger.capacity, sizeof(*larger.slot));
	if (!larger.slot)
		return false;
	for (size_t i = 0; i < map->capacity; i++) {
		if (map->slot[i].key != 0)
			larger.slot[find(&larger, map->slot[i].key)] = map->slot[i];
	}
	larger.entries = map->entries;
	free(map->slot);
	*map = larger;
	return true;
}

bool number_map_put(struct number_map *map, uint64_t key, uint64_t value, uint64_t *previous)
{
	struct number_map_slot *slot;

	*previous = 0;
	if (2 * (map->entries + 1) > map->capacity && !grow(map))
		return false;
	slot = &map->slot[find(map, key)];
	if (slot->key == key)
		*previous = slot->value;
	else
		map->entries++;
	*slot = (struct number_map_slot){key, value};
	return true;
}

uint64_t number_map_get(const struct number_map *map, uint64_t key)
{
	size_t at;

	if (map->entries == 0)
		return 0;
	at = find(map, key);
	return map->slot[at].key == key ? map->slot[at].value : 0;
}

uint64_t number_map_take(struct number_map *map, uint64_t key)
{
	size_t hole, at;
	uint64_t value;

	if (map->entries == 0)
		return 0;
	hole = find(map, key);
	if (map->slot[hole].key != key)
		return 0;
	value = map->slot[hole].value;
	for (at = (hole + 1) & (map->capacity - 1); map->slot[at].key != 0;
	     at = (at + 1) & (map->capacity - 1)) {
		size_t home = home_of(map, map->slot[at].key);
		/* An entry may move back into the hole unless its home lies behind the hole. */
		if (((at - home) & (map->capacity - 1)) >= ((at - hole) & (map->capacity - 1))) {
			map->slot[hole] = map->slot[at];
			hole = at;
		}
	}
	map->slot[hole] = (struct number_map_slot){0};
	map->entries--;
	return value;
}

bool number_map_copy(struct number_map *copy, const struct number_map *map)
{
	if (map->entries == 0)
		return true;
	copy->slot = malloc(map->capacity * sizeof(*copy->slot));
	if (!copy->slot)
		return false;
	memcpy(copy->slot, map->slot, map->capacity * sizeof(*copy->slot));
	copy->capacity = map->capacity;
	copy->entries = map->entries;
	return true;
}

const char *number_map_check(const struct number_map *map)
{
	size_t entries = 0;

	if ((map->capacity & (map->capacity - 1)) != 0 || 2 * map->entries > map->capacity)
		return "I1: entries <= capacity / 2, capacity is a power of two or 0";
	for (size_t i = 0; i < map->capacity; i++) {
		if (map->slot[i].key == 0)
			continue;
		entries++;
		if (find(map, map->slot[i].key) != i)
			return "I3: from the home slot of a key to the slot that holds it, no slot is empty";
	}
	return entries == map->entries ? NULL : "I2: an empty slot has key 0; no key is 0";
}
