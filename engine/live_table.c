#include "config.h"

#include "engine/live_table.h"

#include "engine/base/check.h"

#define FIRST_SLOTS 4096u

static uint64_t home_of(const struct live_table *table, uintptr_t address)
{
	uint64_t hash = address * 0x9e3779b97f4a7c15u;

	return (hash ^ hash >> 32) & (table->slots - 1);
}

static enum status make(struct live_table *table, uint64_t slots)
{
	enum status status =
	    reservation_create(&table->memory, slots * sizeof(struct live_block), PAGE_BYTES);

	table->block = table->memory.memory;
	table->slots = slots;
	return status;
}

enum status live_table_create(struct live_table *table)
{
	*table = (struct live_table){.block = NULL};
	return make(table, FIRST_SLOTS);
}

void live_table_destroy(struct live_table *table)
{
	reservation_destroy(&table->memory);
}

/* The slot of the address, or the empty one where it would go. */
static struct live_block *slot_of(const struct live_table *table, uintptr_t address)
{
	uint64_t slot = home_of(table, address);

	while (table->block[slot].address != 0 && table->block[slot].address != address)
		slot = (slot + 1) & (table->slots - 1);
	return &table->block[slot];
}

static enum status grow(struct live_table *table)
{
	struct live_table larger = *table;
	enum status status = make(&larger, table->slots * 2);

	if (status != STATUS_OK)
		return status;
	for (uint64_t slot = 0; slot < table->slots; slot++) {
		if (table->block[slot].address != 0)
			*slot_of(&larger, table->block[slot].address) = table->block[slot];
	}
	live_table_destroy(table);
	*table = larger;
	return STATUS_OK;
}

enum status live_table_add(struct live_table *table, uintptr_t address, uint64_t bytes)
{
	enum status status = table->objects + 1 > table->slots / 2 ? grow(table) : STATUS_OK;

	if (status != STATUS_OK)
		return status;
	struct live_block *block = slot_of(table, address);

	CHECK(address != 0 && block->address == 0, "a new block lies where no live one is");
	*block = (struct live_block){address, bytes};
	table->objects++;
	table->bytes += bytes;
	return STATUS_OK;
}

const struct live_block *live_table_find(const struct live_table *table, uintptr_t address)
{
	const struct live_block *block = slot_of(table, address);

	return address != 0 && block->address == address ? block : NULL;
}

/* Moves entries back into the gap until no entry behind it would rather be there. */
static void close_gap(struct live_table *table, uint64_t gap)
{
	uint64_t mask = table->slots - 1;

	for (uint64_t slot = (gap + 1) & mask; table->block[slot].address != 0; slot = (slot + 1) & mask) {
		uint64_t home = home_of(table, table->block[slot].address);

		if (((slot - home) & mask) >= ((slot - gap) & mask)) {
			table->block[gap] = table->block[slot];
			gap = slot;
		}
	}
	table->block[gap] = (struct live_block){0, 0};
}

uint64_t live_table_remove(struct live_table *table, uintptr_t address)
{
	struct live_block *block = slot_of(table, address);
	uint64_t bytes = block->bytes;

	CHECK(address != 0 && block->address == address, "what is freed is live");
	table->objects--;
	table->bytes -= bytes;
	close_gap(table, (uint64_t)(block - table->block));
	return bytes;
}

const char *live_table_check(const struct live_table *table)
{
	uint64_t objects = 0;
	uint64_t bytes = 0;

	if (!is_power_of_two(table->slots) || table->objects > table->slots / 2)
		return "I3: slots is a power of two, and objects <= slots / 2";
	for (uint64_t slot = 0; slot < table->slots; slot++) {
		if (table->block[slot].address == 0)
			continue;
		objects++;
		bytes += table->block[slot].bytes;
		if (slot_of(table, table->block[slot].address) != &table->block[slot])
			return "I2: no empty slot lies between an entry's home and the entry";
	}
	return objects == table->objects && bytes == table->bytes
		   ? NULL
		   : "I1: `objects` slots are used, `bytes` is the sum of theirs";
}
