/* live_table.h: the live blocks of a machine: address -> bytes asked for.
 *
 * The heap does not remember what was asked for, only what it granted; the difference is internal fragmentation. The table
 * is a hash table with open addressing and linear probing, at most half full, whose slots move back on removal so that there
 * are no tombstones (Knuth, TAOCP 3, 6.4, algorithm R).
 *
 * Invariants, proved by live_table_check():
 *   I1: `objects` slots are used, `bytes` is the sum of theirs
 *   I2: no empty slot lies between an entry's home and the entry
 *   I3: slots is a power of two, and objects <= slots / 2
 */
#ifndef FAULTLINE_ENGINE_LIVE_TABLE_H
#define FAULTLINE_ENGINE_LIVE_TABLE_H

#include "engine/base/reservation.h"
#include "engine/base/status.h"
#include "engine/base/units.h"

struct live_block {
	uintptr_t address; /* 0 = the slot is empty */
	uint64_t bytes;	   /* asked for */
};

struct live_table {
	struct live_block *block;
	uint64_t slots;
	uint64_t objects;
	uint64_t bytes;
	struct reservation memory;
};

/* An empty table. STATUS_NO_MEMORY. */
MUST_USE enum status live_table_create(struct live_table *table);
void live_table_destroy(struct live_table *table);

/* Enters a block at an address that is not live. STATUS_NO_MEMORY when the table cannot grow. */
MUST_USE enum status live_table_add(struct live_table *table, uintptr_t address, uint64_t bytes);

/* The live block at this address, or NULL. Valid until the next change. */
const struct live_block *live_table_find(const struct live_table *table, uintptr_t address);

/* Removes the block at this address, which is live, and returns what was asked for it. */
uint64_t live_table_remove(struct live_table *table, uintptr_t address);

/* NULL, or the text of the first invariant that does not hold. */
const char *live_table_check(const struct live_table *table);

#endif
