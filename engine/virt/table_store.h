/* table_store.h: the host memory in which page tables are kept: one array of tables per level, shared by all address
 * spaces of a machine.
 *
 * A table is a slot of its level's arrays:
 *
 *   entry[slot << bits | index]   the entries (pte.h), bit for bit what the processor would read
 *   child[slot << bits | index]   above level 1: the slot of the table below, so that nobody has to look it up by frame
 *   table[slot]                   the table's frame, and how many of its entries are not empty
 *
 * Slot 0 is nobody's, so that child 0 says "no table". The arrays are reserved for the worst case and cost the host
 * what is used of them. A free slot's entries are all empty, because a table is only given back when its last one goes.
 *
 * Invariants, proved by table_store_check():
 *   I1: a free slot has no live entry, and the free lists hold every slot below `next` that is not in use
 */
#ifndef FAULTLINE_ENGINE_VIRT_TABLE_STORE_H
#define FAULTLINE_ENGINE_VIRT_TABLE_STORE_H

#include "engine/base/reservation.h"
#include "engine/base/status.h"
#include "engine/virt/paging.h"
#include "engine/virt/pte.h"

#define TABLE_NONE 0u

/* A child's slot with this bit belongs to another page table, which lent it (pagetable_borrow). */
#define TABLE_BORROWED 0x80000000u

/* At most this many tables of a level, or as many as fit in 32 GiB of entries. */
#define TABLE_SLOTS_MAX ((uint32_t)1 << 22)

struct table_slot {
	pfn_t frame;	    /* where the machine keeps it */
	uint32_t live;	    /* entries that are not empty */
	uint32_t next_free; /* of a free slot: the next one, or TABLE_NONE */
	bool in_use;
};

struct table_level {
	unsigned bits;	     /* log2 of the entries of a table */
	uint32_t slots;	     /* 1 .. slots-1 can be used */
	uint32_t next;	     /* the lowest slot never used */
	uint32_t first_free; /* of those used before, or TABLE_NONE */
	uint32_t in_use;
	struct table_slot *table;
	pte_t *entry;
	uint32_t *child; /* NULL at level 1 */
	struct reservation table_memory, entry_memory, child_memory;
};

struct table_store {
	const struct paging *paging;			 /* must live as long as the store */
	struct table_level level[PAGING_LEVELS_MAX + 1]; /* [1 .. paging->levels] */
};

/* STATUS_NO_MEMORY when the host reserves nothing. */
MUST_USE enum status table_store_create(struct table_store *store, const struct paging *paging);
void table_store_destroy(struct table_store *store);

/* A slot with empty entries for a table of `level` in `frame`; TABLE_NONE when all are in use. */
uint32_t table_store_take(struct table_store *store, unsigned level, pfn_t frame);

/* Gives back a slot whose entries are all empty. */
void table_store_give(struct table_store *store, unsigned level, uint32_t slot);

/* NULL, or the text of the first invariant that does not hold. Reads every slot. */
const char *table_store_check(const struct table_store *store);

/* Where entry `index` of a table lies in the level's arrays. */
static inline size_t table_place(const struct table_level *level, uint32_t slot, unsigned index)
{
	return (size_t)slot << level->bits | index;
}

#endif
