/* address_map.h: which live object lies at which address of which process.
 *
 * An open-addressing hash table with linear probing. The home slot of (process, address) is the low bits of a
 * seeded mixing hash; an entry lies at its home or in one of the slots right behind it, with no gap between:
 *
 *      home(b)
 *        v
 *   ... [a] [b] [c] [ ] [d] ...      a's home is b's too, so b and c were pushed on
 *
 * Removal closes the gap by moving later entries back, so there are no tombstones and a map that shrinks
 * stays fast. The seed keeps a crafted file from aiming at one slot; no result depends on it, since the map
 * is never iterated.
 *
 * Invariants (address_map_check):
 *   I1: capacity is a power of two >= 16
 *   I2: 2 x entries <= capacity
 *   I3: entries = number of slots whose address is not 0
 *   I4: no empty slot lies between an entry's home and its slot
 *   I5: no (process, address) is stored twice
 *   I6: live_bytes = sum of the entries' sizes (modulo 2^64)
 */
#ifndef FAULTLINE_TRACES_IMPORT_ADDRESS_MAP_H
#define FAULTLINE_TRACES_IMPORT_ADDRESS_MAP_H

#include "traces/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_entry {
	uint64_t address; /* 0 = empty slot: NULL is never live */
	uint64_t object;  /* the trace's id of the block */
	uint64_t size;	  /* requested bytes */
	uint32_t process; /* dense number */
};

struct address_map {
	struct address_entry *slots;
	size_t capacity;
	size_t entries;
	uint64_t live_bytes;
	uint64_t seed;
};

/* An empty map; false when there is no memory. */
bool address_map_create(struct address_map *map, uint64_t seed) TRACE_MUST_USE;
void address_map_destroy(struct address_map *map);

/* The live entry, or NULL; valid until the next change of the map. Constant time on average. */
const struct address_entry *address_map_find(const struct address_map *map, uint32_t process,
					     uint64_t address);

/* Adds an entry whose address is not 0 and not live; false when there is no memory, the map is then as
 * before. */
bool address_map_add(struct address_map *map, const struct address_entry *entry) TRACE_MUST_USE;

/* Removes the entry that address_map_find returned. */
void address_map_remove(struct address_map *map, const struct address_entry *entry);

/* NULL, or the text of the first invariant that does not hold. Linear in the capacity. */
const char *address_map_check(const struct address_map *map);

#endif
