#include "config.h"

#include "traces/import/address_map.h"

#include "tests/unit/model.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#define MODEL_ADDRESSES 3000u
#define MODEL_PROCESSES 3u

static struct address_entry entry_of(uint32_t process, uint64_t address, uint64_t object, uint64_t size)
{
	return (struct address_entry){.address = address, .object = object, .size = size, .process = process};
}

static void put(struct address_map *map, uint32_t process, uint64_t address, uint64_t size)
{
	struct address_entry entry = entry_of(process, address, address + 1, size);

	assert_true(address_map_add(map, &entry));
}

static void processes_have_their_own_addresses(void **state)
{
	struct address_map map;

	(void)state;
	assert_true(address_map_create(&map, 1));
	put(&map, 0, 64, 10);
	put(&map, 1, 64, 20);
	assert_int_equal(address_map_find(&map, 0, 64)->size, 10);
	assert_int_equal(address_map_find(&map, 1, 64)->size, 20);
	assert_null(address_map_find(&map, 2, 64));
	address_map_remove(&map, address_map_find(&map, 0, 64));
	assert_null(address_map_find(&map, 0, 64));
	assert_int_equal(map.live_bytes, 20);
	address_map_destroy(&map);
}

/* The oracle is an array: which object lies at slot a of process p. The operations come in growing and
 * shrinking phases, so that clusters build up and come apart. */
struct oracle {
	struct address_map map;
	uint64_t object[MODEL_PROCESSES][MODEL_ADDRESSES];
	uint64_t live, live_bytes;
};

static const char *oracle_step(struct oracle *oracle, uint64_t operation, uint64_t number)
{
	uint32_t process = (uint32_t)(operation % MODEL_PROCESSES);
	uint64_t slot = (operation >> 8) % MODEL_ADDRESSES, *object = &oracle->object[process][slot];
	const struct address_entry *found = address_map_find(&oracle->map, process, 16 + slot * 16);
	bool shrinks = number / 2000 % 2 == 1;
	struct address_entry entry = entry_of(process, 16 + slot * 16, number + 1, operation >> 32);

	if ((found ? found->object : 0) != *object)
		return "the map and the array hold different objects";
	if (found && (shrinks || operation >> 62 == 0)) {
		oracle->live_bytes -= found->size;
		oracle->live--;
		*object = 0;
		address_map_remove(&oracle->map, found);
	} else if (!found && (!shrinks || operation >> 62 == 0)) {
		if (!address_map_add(&oracle->map, &entry))
			return "no memory";
		oracle->live_bytes += entry.size;
		oracle->live++;
		*object = entry.object;
	}
	if (oracle->map.entries != oracle->live || oracle->map.live_bytes != oracle->live_bytes)
		return "entries or live_bytes differ from the array's";
	return number % 512 == 0 ? address_map_check(&oracle->map) : NULL;
}

static const char *oracle_run(const void *context, const uint64_t *operations, size_t count)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));
	const char *wrong = NULL;

	(void)context;
	assert_non_null(oracle);
	assert_true(address_map_create(&oracle->map, count));
	for (size_t index = 0; index < count && !wrong; index++)
		wrong = oracle_step(oracle, operations[index], index);
	if (!wrong)
		wrong = address_map_check(&oracle->map);
	address_map_destroy(&oracle->map);
	free(oracle);
	return wrong;
}

static void against_an_array(void **state)
{
	const struct model model = {
	    .name = "address_map", .run = oracle_run, .operations = 20000, .rounds = 10};

	(void)state;
	model_test(&model);
}

static struct address_entry *any_entry(struct address_map *map)
{
	size_t slot = 0;

	while (!map->slots[slot].address)
		slot++;
	return &map->slots[slot];
}

/* An entry that is pushed on from its home: removing the one before it by hand leaves a gap. */
static size_t slot_before_displaced_entry(const struct address_map *map)
{
	for (size_t slot = 1; slot < map->capacity; slot++) {
		struct address_map alone = *map;
		const struct address_entry *entry = &map->slots[slot];

		if (!entry->address || !map->slots[slot - 1].address)
			continue;
		alone.slots = calloc(map->capacity, sizeof(*alone.slots));
		assert_non_null(alone.slots);
		alone.entries = 0;
		assert_true(address_map_add(&alone, entry));
		if (!alone.slots[slot].address) {
			free(alone.slots);
			return slot - 1;
		}
		free(alone.slots);
	}
	fail_msg("no displaced entry");
	return 0;
}

static void every_invariant_is_noticed(void **state)
{
	struct address_map map;
	struct address_entry kept;
	size_t slot;

	(void)state;
	assert_true(address_map_create(&map, 3));
	for (uint64_t address = 1; address <= 1500; address++)
		put(&map, 0, address, address);
	assert_null(address_map_check(&map));

	map.capacity = 4095;
	assert_string_equal(address_map_check(&map), "I1: capacity is a power of two >= 16");
	map.capacity = 4096;
	map.entries = 2049;
	assert_string_equal(address_map_check(&map), "I2: 2 x entries <= capacity");
	map.entries = 1499;
	assert_string_equal(address_map_check(&map), "I3: entries = number of slots whose address is not 0");
	map.entries = 1500;

	slot = slot_before_displaced_entry(&map);
	kept = map.slots[slot];
	map.slots[slot] = (struct address_entry){0};
	map.entries--;
	assert_string_equal(address_map_check(&map),
			    "I4: no empty slot lies between an entry's home and its slot");
	map.slots[slot] = kept;
	map.entries++;

	kept = *any_entry(&map);
	address_map_remove(&map, any_entry(&map));
	assert_true(address_map_add(&map, &kept));
	assert_true(address_map_add(&map, &kept));
	assert_string_equal(address_map_check(&map), "I5: no (process, address) is stored twice");
	address_map_remove(&map, address_map_find(&map, kept.process, kept.address));
	assert_null(address_map_check(&map));

	map.live_bytes++;
	assert_string_equal(address_map_check(&map),
			    "I6: live_bytes = sum of the entries' sizes (modulo 2^64)");
	address_map_destroy(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(processes_have_their_own_addresses),
	    cmocka_unit_test(against_an_array),
	    cmocka_unit_test(every_invariant_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
