/* number_map.h: a map from numbers to numbers: a process's addresses to its objects, serials to places in an array.
 *
 * Open addressing with linear probing over pairs of (key, value); a removal shifts the entries behind it back, so that
 * there are no tombstones, and copying (a fork) is one memcpy.
 *
 *   I1  entries <= capacity / 2, capacity is a power of two or 0
 *   I2  an empty slot has key 0; no key is 0
 *   I3  from the home slot of a key to the slot that holds it, no slot is empty
 */
#ifndef FAULTLINE_TRACES_RECORD_NUMBER_MAP_H
#define FAULTLINE_TRACES_RECORD_NUMBER_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct number_map_slot {
	uint64_t key; /* 0 = empty */
	uint64_t value;
};

struct number_map {
	struct number_map_slot *slot;
	size_t capacity; /* slots */
	size_t entries;
};

/* An empty map is all zero. Frees the slots and makes the map empty. */
void number_map_clear(struct number_map *map);

/* Sets `key` (not 0) to `value`; *previous is the value it had, 0 if none. False: no memory, nothing changed. */
bool number_map_put(struct number_map *map, uint64_t key, uint64_t value, uint64_t *previous);

/* The value of `key`, 0 if none. */
uint64_t number_map_get(const struct number_map *map, uint64_t key);

/* Removes `key` and returns the value it had, 0 if none. */
uint64_t number_map_take(struct number_map *map, uint64_t key);

/* Makes `copy`, which must be empty, equal to `map`. False: no memory, `copy` stays empty. */
bool number_map_copy(struct number_map *copy, const struct number_map *map);

/* NULL, or the text of the first invariant that does not hold. */
const char *number_map_check(const struct number_map *map);

#endif
