#include "config.h"

#include "traces/import/address_map.h"

#include <stdlib.h>
#include <string.h>

#define ADDRESS_MAP_FIRST_CAPACITY ((size_t)1 << 12)

/* The finaliser of splitmix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA
 * 2014). */
static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

static size_t home_slot(const struct address_map *map, uint32_t process, uint64_t address)
{
	uint64_t key = address ^ map->seed ^ ((uint64_t)process << 40 | process);

	return (size_t)mix(key) & (map->capacity - 1);
}

static size_t next_slot(const struct address_map *map, size_t slot)
{
	return (slot + 1) & (map->capacity - 1);
}

bool address_map_create(struct address_map *map, uint64_t seed)
{
	*map = (struct address_map){.capacity = ADDRESS_MAP_FIRST_CAPACITY, .seed = seed};
	map->slots = calloc(map->capacity, sizeof(*map->slots));
	return map->slots != NULL;
}

void address_map_destroy(struct address_map *map)
{
	free(map->slots);
	*map = (struct address_map){0};
}

const struct address_entry *address_map_find(const struct address_map *map, uint32_t process,
					     uint64_t address)
{
	size_t slot = home_slot(map, process, address);

	for (; map->slots[slot].address; slot = next_slot(map, slot)) {
		const struct address_entry *entry = &map->slots[slot];

		if (entry->address == address && entry->process == process)
			return entry;
	}
	return NULL;
}

static void place(struct address_map *map, const struct address_entry *entry)
{
	size_t slot = home_slot(map, entry->process, entry->address);

	while (map->slots[slot].address)
		slot = next_slot(map, slot);
	map->slots[slot] = *entry;
}

static bool grow(struct address_map *map)
{
	struct address_map larger = *map;

	if (map->capacity > SIZE_MAX / 2 / sizeof(*map->slots))
		return false;
	larger.capacity = map->capacity * 2;
	larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (size_t slot = 0; slot < map->capacity; slot++) {
		if (map->slots[slot].address)
			place(&larger, &map->slots[slot]);
	}
	free(map->slots);
	*map = larger;
	return true;
}

bool address_map_add(struct address_map *map, const struct address_entry *entry)
{
	if ((map->entries + 1) * 2 > map->capacity && !grow(map))
		return false;
	place(map, entry);
	map->entries++;
	map->live_bytes += entry->size;
	return true;
}

/* Whether an entry whose home is `home` and that lies in `from` may move back to `hole`: its home must not
 * lie in the cyclic interval (hole, from]. */
static bool may_move(size_t hole, size_t home, size_t from)
{
	if (hole <= from)
		return home <= hole || home > from;
	return home <= hole && home > from;
}

void address_map_remove(struct address_map *map, const struct address_entry *entry)
{
	size_t hole = (size_t)(entry - map->slots);

	map->entries--;
	map->live_bytes -= entry->size;
	for (size_t slot = next_slot(map, hole); map->slots[slot].address; slot = next_slot(map, slot)) {
		const struct address_entry *candidate = &map->slots[slot];

		if (may_move(hole, home_slot(map, candidate->process, candidate->address), slot)) {
			map->slots[hole] = *candidate;
			hole = slot;
		}
	}
	map->slots[hole] = (struct address_entry){0};
}

static const char *check_entry(const struct address_map *map, size_t slot)
{
	const struct address_entry *entry = &map->slots[slot];
	size_t probe = home_slot(map, entry->process, entry->address);

	for (; probe != slot; probe = next_slot(map, probe)) {
		if (!map->slots[probe].address)
			return "I4: no empty slot lies between an entry's home and its slot";
		if (map->slots[probe].address == entry->address &&
		    map->slots[probe].process == entry->process)
			return "I5: no (process, address) is stored twice";
	}
	return NULL;
}

const char *address_map_check(const struct address_map *map)
{
	size_t entries = 0;
	uint64_t bytes = 0;

	if (map->capacity < 16 || (map->capacity & (map->capacity - 1)))
		return "I1: capacity is a power of two >= 16";
	if (map->entries > map->capacity / 2)
		return "I2: 2 x entries <= capacity";
	for (size_t slot = 0; slot < map->capacity; slot++) {
		if (map->slots[slot].address) {
			entries++;
			bytes += map->slots[slot].size;
		}
	}
	if (entries != map->entries)
		return "I3: entries = number of slots whose address is not 0";
	for (size_t slot = 0; slot < map->capacity; slot++) {
		const char *broken = map->slots[slot].address ? check_entry(map, slot) : NULL;

		if (broken)
			return broken;
	}
	return bytes == map->live_bytes ? NULL : "I6: live_bytes = sum of the entries' sizes (modulo 2^64)";
}
