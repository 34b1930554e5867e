/* block_table.h: the blocks of one process that are live at a point of a trace, found by object id.
 *
 * An open-addressing table with linear probing, at most 3/4 full; a removal moves later members of its run back, so that there
 * are no tombstones and memory follows the live peak, not the number of objects.
 *
 *   I1  count = number of occupied entries (object != 0), at most 3/4 of the capacity
 *   I2  every member is found from its home position without crossing an empty entry
 */
#ifndef FAULTLINE_BENCH_REPLAY_BLOCK_TABLE_H
#define FAULTLINE_BENCH_REPLAY_BLOCK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live_block {
	uint64_t object; /* 0 = empty entry */
	uint64_t size;	 /* requested bytes */
	uint64_t born;	 /* number of the heap call that made it, for lifetimes */
	uint32_t slot;
	uint8_t alignment_log2;
	uint8_t zeroed; /* from calloc */
};

struct block_table {
	struct live_block *entry;
	size_t capacity; /* power of two, or 0 before the first insertion */
	size_t count;
};

/* The member with this id, or NULL. Valid until the next insertion or removal. */
struct live_block *block_table_find(const struct block_table *set, uint64_t object);

/* Adds a copy of *block, whose id is not 0 and not a member. False when there is no memory. */
bool block_table_insert(struct block_table *set, const struct live_block *block);

/* Removes the member with this id, which exists. */
void block_table_remove(struct block_table *set, uint64_t object);

/* The members in order of their ids, `count` of them, to be freed by the caller; NULL without memory or members. */
struct live_block *block_table_sorted(const struct block_table *set);

/* Removes all members and gives the memory back. A zeroed block_table is empty. */
void block_table_clear(struct block_table *set);

/* NULL or the first broken invariant. */
const char *block_table_check(const struct block_table *set);

#endif
