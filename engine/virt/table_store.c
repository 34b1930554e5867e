#include "config.h"

#include "engine/virt/table_store.h"

#include "engine/base/check.h"
#include "engine/base/units.h"

#define ENTRIES_BYTES_MAX ((uint64_t)32 << 30)

static enum status create_level(struct table_level *level, unsigned bits, bool has_children)
{
	uint64_t entries = (uint64_t)1 << bits;
	uint64_t slots = ENTRIES_BYTES_MAX / (entries * sizeof(pte_t));

	if (slots > TABLE_SLOTS_MAX)
		slots = TABLE_SLOTS_MAX;
	*level = (struct table_level){.bits = bits, .slots = (uint32_t)slots, .next = 1};
	enum status status =
	    reservation_create(&level->table_memory, slots * sizeof(struct table_slot), PAGE_BYTES);

	if (status == STATUS_OK)
		status =
		    reservation_create(&level->entry_memory, slots * entries * sizeof(pte_t), PAGE_BYTES);
	if (status == STATUS_OK && has_children)
		status =
		    reservation_create(&level->child_memory, slots * entries * sizeof(uint32_t), PAGE_BYTES);
	level->table = level->table_memory.memory;
	level->entry = level->entry_memory.memory;
	level->child = level->child_memory.memory;
	return status;
}

enum status table_store_create(struct table_store *store, const struct paging *paging)
{
	enum status status = STATUS_OK;

	CHECK(paging_check(paging) == NULL, "a table store is made for a valid shape");
	*store = (struct table_store){.paging = paging};
	for (unsigned level = 1; level <= paging->levels && status == STATUS_OK; level++)
		status = create_level(&store->level[level], paging->bits[level], level > 1);
	if (status != STATUS_OK)
		table_store_destroy(store);
	return status;
}

void table_store_destroy(struct table_store *store)
{
	for (unsigned level = 1; level <= PAGING_LEVELS_MAX; level++) {
		reservation_destroy(&store->level[level].table_memory);
		reservation_destroy(&store->level[level].entry_memory);
		reservation_destroy(&store->level[level].child_memory);
	}
}

uint32_t table_store_take(struct table_store *store, unsigned level, pfn_t frame)
{
	struct table_level *tables = &store->level[level];
	uint32_t slot = tables->first_free;

	if (slot != TABLE_NONE)
		tables->first_free = tables->table[slot].next_free;
	else if (tables->next < tables->slots)
		slot = tables->next++;
	else
		return TABLE_NONE;
	tables->table[slot] = (struct table_slot){.frame = frame, .in_use = true};
	tables->in_use++;
	return slot;
}

void table_store_give(struct table_store *store, unsigned level, uint32_t slot)
{
	struct table_level *tables = &store->level[level];

	CHECK(tables->table[slot].in_use && tables->table[slot].live == 0,
	      "a table that is given back is empty");
	tables->table[slot] = (struct table_slot){.next_free = tables->first_free};
	tables->first_free = slot;
	tables->in_use--;
}

/* --- Check ------------------------------------------------------------------------------------------------------- */

static const char I1[] =
    "I1: a free slot has no live entry, and the free lists hold every slot below `next` that is not in use";

static const char *check_level(const struct table_level *level)
{
	uint32_t in_use = 0;
	uint32_t free = 0;

	for (uint32_t slot = 1; slot < level->next; slot++) {
		in_use += level->table[slot].in_use;
		for (unsigned index = 0; index < 1u << level->bits && !level->table[slot].in_use; index++) {
			if (level->entry[table_place(level, slot, index)] != 0)
				return I1;
		}
	}
	for (uint32_t slot = level->first_free; slot != TABLE_NONE && free < level->next; free++) {
		if (level->table[slot].in_use)
			return I1;
		slot = level->table[slot].next_free;
	}
	return in_use == level->in_use && in_use + free + 1 == level->next ? NULL : I1;
}

const char *table_store_check(const struct table_store *store)
{
	const char *broken = NULL;

	for (unsigned level = 1; level <= store->paging->levels && !broken; level++)
		broken = check_level(&store->level[level]);
	return broken;
}
