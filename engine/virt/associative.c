#include "config.h"

#include "engine/virt/associative.h"

#include "engine/base/check.h"
#include "engine/base/units.h"
#include "engine/virt/associative_wide.h"

#include <string.h>

#define TAG_ALIGNMENT 64u

static uint32_t run_portable(struct associative *array, const uint64_t *keys, uint32_t count,
			     uint16_t *missed)
{
	uint32_t misses = 0;

	CHECK(count <= ASSOCIATIVE_RUN_MAX, "a run's numbers fit in 16 bits");
	for (uint32_t i = 0; i < count; i++) {
		if (!associative_access(array, keys[i]))
			missed[misses++] = (uint16_t)i;
	}
	return misses;
}

static bool shape_is_valid(const struct associative_shape *shape)
{
	if (shape->ways == 0 || shape->ways > ASSOCIATIVE_WAYS_MAX || shape->entries < shape->ways ||
	    shape->entries > ASSOCIATIVE_ENTRIES_MAX || shape->entries % shape->ways != 0)
		return false;
	if (shape->replace == REPLACE_TREE_PLRU)
		return is_power_of_two(shape->ways) && shape->ways <= ASSOCIATIVE_TREE_WAYS_MAX;
	return shape->replace <= REPLACE_RANDOM;
}

enum status associative_create(struct associative *array, const struct associative_shape *shape)
{
	*array = (struct associative){.run = run_portable};
	if (!shape_is_valid(shape))
		return STATUS_BAD_ARGUMENT;
	array->ways = shape->ways;
	array->sets = shape->entries / shape->ways;
	array->lanes = (uint32_t)round_up(shape->ways, ASSOCIATIVE_LANES);
	array->even_shift = (uint32_t)__builtin_ctz(array->sets);
	array->odd = array->sets >> array->even_shift;
	array->replace = shape->replace;
	array->random.state = shape->seed;
	size_t tags = (size_t)array->sets * array->lanes * sizeof(uint64_t);
	size_t trees = shape->replace == REPLACE_TREE_PLRU ? array->sets * sizeof(uint64_t) : 0;
	enum status status = reservation_create(&array->memory, tags + trees, TAG_ALIGNMENT);

	if (status != STATUS_OK)
		return status;
	array->tag = array->memory.memory;
	array->tree = trees > 0 ? array->tag + tags / sizeof(uint64_t) : NULL;
	memset(array->tag, 0xff, tags);
	associative_batch *wide = associative_wide(array);

	if (wide)
		array->run = wide;
	return STATUS_OK;
}

void associative_destroy(struct associative *array)
{
	reservation_destroy(&array->memory);
}

void associative_use_portable(struct associative *array)
{
	array->run = run_portable;
}

/* --- One set ------------------------------------------------------------------------------------------------------ */

static uint64_t *tags_of(const struct associative *array, uint32_t set)
{
	return array->tag + (size_t)set * array->lanes;
}

/* The way of a key, or `ways` when it is not there. */
static uint32_t way_of(const struct associative *array, const uint64_t *tags, uint64_t key)
{
	uint32_t way = 0;

	while (way < array->ways && tags[way] != key)
		way++;
	return way;
}

/* Moves the tags before `way` one on and puts the key in front. */
static void move_to_front(uint64_t *tags, uint32_t way, uint64_t key)
{
	memmove(tags + 1, tags, way * sizeof(*tags));
	tags[0] = key;
}

/* Every node on the way to the used one points to the other half. Node 1 is the root, 2n and 2n+1 are under n; a bit of 1
 * says that the victim is in the right half. */
static void tree_touch(struct associative *array, uint32_t set, uint32_t way)
{
	uint64_t tree = array->tree[set];
	uint32_t node = array->ways + way;

	for (; node > 1; node /= 2) {
		uint64_t bit = (uint64_t)1 << (node / 2);

		tree = node % 2 == 0 ? tree | bit : tree & ~bit;
	}
	array->tree[set] = tree;
}

static uint32_t tree_victim(const struct associative *array, uint32_t set)
{
	uint32_t node = 1;

	while (node < array->ways)
		node = node * 2 + (uint32_t)(array->tree[set] >> node & 1);
	return node - array->ways;
}

static void note_use(struct associative *array, uint32_t set, uint32_t way)
{
	uint64_t *tags = tags_of(array, set);

	if (array->replace == REPLACE_LRU)
		move_to_front(tags, way, tags[way]);
	else if (array->replace == REPLACE_TREE_PLRU)
		tree_touch(array, set, way);
}

static void put_in(struct associative *array, uint32_t set, uint64_t key)
{
	uint64_t *tags = tags_of(array, set);
	uint32_t way;

	if (array->replace == REPLACE_LRU || array->replace == REPLACE_FIFO) {
		move_to_front(tags, array->ways - 1, key);
		return;
	}
	way = way_of(array, tags, ASSOCIATIVE_EMPTY);
	if (way == array->ways)
		way = array->replace == REPLACE_RANDOM ? (uint32_t)random_below(&array->random, array->ways)
						       : tree_victim(array, set);
	tags[way] = key;
	if (array->replace == REPLACE_TREE_PLRU)
		tree_touch(array, set, way);
}

/* --- The array ---------------------------------------------------------------------------------------------------- */

bool associative_find(struct associative *array, uint64_t key)
{
	uint32_t set = associative_set_of(array, key);
	uint32_t way = way_of(array, tags_of(array, set), key);

	if (way == array->ways)
		return false;
	note_use(array, set, way);
	return true;
}

void associative_insert(struct associative *array, uint64_t key)
{
	put_in(array, associative_set_of(array, key), key);
}

bool associative_access(struct associative *array, uint64_t key)
{
	if (associative_find(array, key))
		return true;
	associative_insert(array, key);
	return false;
}

bool associative_holds(const struct associative *array, uint64_t key)
{
	return way_of(array, tags_of(array, associative_set_of(array, key)), key) < array->ways;
}

/* With LRU and FIFO the ways behind close up, so that the empty ones stay last. */
static void empty_way(struct associative *array, uint64_t *tags, uint32_t way)
{
	if (array->replace == REPLACE_LRU || array->replace == REPLACE_FIFO) {
		memmove(tags + way, tags + way + 1, (array->ways - 1 - way) * sizeof(*tags));
		way = array->ways - 1;
	}
	tags[way] = ASSOCIATIVE_EMPTY;
}

bool associative_remove(struct associative *array, uint64_t key)
{
	uint64_t *tags = tags_of(array, associative_set_of(array, key));
	uint32_t way = way_of(array, tags, key);

	if (way == array->ways)
		return false;
	empty_way(array, tags, way);
	return true;
}

uint32_t associative_remove_matching(struct associative *array, uint64_t mask, uint64_t value)
{
	uint32_t removed = 0;

	for (uint32_t set = 0; set < array->sets; set++) {
		uint64_t *tags = tags_of(array, set);

		for (uint32_t way = array->ways; way-- > 0;) {
			if (tags[way] == ASSOCIATIVE_EMPTY || (tags[way] & mask) != value)
				continue;
			empty_way(array, tags, way);
			removed++;
		}
	}
	return removed;
}

uint32_t associative_count(const struct associative *array)
{
	uint32_t count = 0;

	for (size_t i = 0; i < (size_t)array->sets * array->lanes; i++)
		count += array->tag[i] != ASSOCIATIVE_EMPTY;
	return count;
}

/* --- Check -------------------------------------------------------------------------------------------------------- */

static const char I1[] = "I1: every tag lies in its own set, and once";
static const char I2[] =
    "I2: with LRU and FIFO no empty way lies before a used one; lanes beyond the ways are empty";
static const char I3[] = "I3: with tree-PLRU a set's bits are those of ways-1 nodes";

static const char *check_set(const struct associative *array, uint32_t set)
{
	const uint64_t *tags = tags_of(array, set);
	bool is_ordered = array->replace == REPLACE_LRU || array->replace == REPLACE_FIFO;

	for (uint32_t way = 0; way < array->lanes; way++) {
		if (tags[way] == ASSOCIATIVE_EMPTY)
			continue;
		if (way >= array->ways || (is_ordered && way > 0 && tags[way - 1] == ASSOCIATIVE_EMPTY))
			return I2;
		if (associative_set_of(array, tags[way]) != set || way_of(array, tags, tags[way]) != way)
			return I1;
	}
	if (array->tree &&
	    (array->tree[set] & 1 || (array->ways < 64 && array->tree[set] >> array->ways != 0)))
		return I3;
	return NULL;
}

const char *associative_check(const struct associative *array)
{
	const char *broken = NULL;

	for (uint32_t set = 0; set < array->sets && !broken; set++)
		broken = check_set(array, set);
	return broken;
}
