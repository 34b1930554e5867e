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

static uint32_t pass_portable(struct associative *array, const uint64_t *keys, uint32_t count,
			      uint64_t *passed)
{
	uint32_t misses = 0;

	CHECK(count <= ASSOCIATIVE_RUN_MAX, "a run's numbers fit in 16 bits");
	for (uint32_t i = 0; i < count; i++) {
		if (!associative_access(array, keys[i]))
			passed[misses++] = keys[i];
	}
	return misses;
}

static const struct associative_batches portable = {run_portable, pass_portable};

static bool shape_is_valid(const struct associative_shape *shape)
{
	if (shape->ways == 0 || shape->ways > ASSOCIATIVE_WAYS_MAX || shape->entries < shape->ways ||
	    shape->entries > ASSOCIATIVE_ENTRIES_MAX || shape->entries % shape->ways != 0)
		return false;
	if (shape->replace == REPLACE_TREE_PLRU)
		return is_power_of_two(shape->ways) && shape->ways <= ASSOCIATIVE_TREE_WAYS_MAX;
	return shape->replace <= REPLACE_RANDOM;
}

/* Behind the tags there is room for a number for each window. */
static enum status reserve_tags(struct associative *array)
{
	size_t tags = associative_places(array) * sizeof(*array->tag);
	size_t trees = array->replace == REPLACE_TREE_PLRU ? array->sets * sizeof(*array->tree) : 0;
	size_t numbers = (size_t)array->windows.limit * sizeof(uint32_t);
	enum status status = reservation_create(&array->memory, trees + tags + numbers, TAG_ALIGNMENT);

	if (status != STATUS_OK)
		return status;
	array->tag = array->memory.memory;
	memset(array->tag, 0xff, tags);
	if (trees > 0)
		array->tree = (uint64_t *)(void *)(array->tag + associative_places(array));
	if (associative_is_wide(array))
		array->batches = associative_wide(array);
	return STATUS_OK;
}

enum status associative_create(struct associative *array, const struct associative_shape *shape)
{
	*array = (struct associative){.batches = portable};
	if (!shape_is_valid(shape))
		return STATUS_BAD_ARGUMENT;
	array->ways = shape->ways;
	array->sets = shape->entries / shape->ways;
	array->lanes = shape->ways <= ASSOCIATIVE_LANES_FEW
			   ? ASSOCIATIVE_LANES_FEW
			   : (uint32_t)round_up(shape->ways, ASSOCIATIVE_LANES);
	array->even_shift = (uint32_t)__builtin_ctz(array->sets);
	array->odd = array->sets >> array->even_shift;
	array->odd_inverse = array->odd == 1 ? 0 : UINT64_MAX / array->odd + 1;
	array->replace = shape->replace;
	array->random.state = shape->seed;
	/* More windows than all entries and a run can have. */
	enum status status = tag_windows_create(
	    &array->windows, (unsigned)__builtin_clz(shape->entries + ASSOCIATIVE_RUN_MAX));

	if (status == STATUS_OK)
		status = reserve_tags(array);
	if (status != STATUS_OK)
		tag_windows_destroy(&array->windows);
	return status;
}

void associative_destroy(struct associative *array)
{
	tag_windows_destroy(&array->windows);
	reservation_destroy(&array->memory);
}

void associative_use_portable(struct associative *array)
{
	array->batches = portable;
}

/* --- Windows ------------------------------------------------------------------------------------------------------ */

static uint32_t *numbers_of(const struct associative *array)
{
	uint32_t *behind = array->tag + associative_places(array);

	return array->tree ? (uint32_t *)(void *)(array->tree + array->sets) : behind;
}

/* Takes back the numbers of the windows that have no tag here. */
static void renew_windows(struct associative *array)
{
	uint32_t *number = numbers_of(array);
	unsigned shift = array->windows.low_bits;
	uint32_t low = ((uint32_t)1 << shift) - 1;

	memset(number, 0, array->windows.count * sizeof(*number));
	for (size_t at = 0; at < associative_places(array); at++) {
		if (array->tag[at] != TAG_NONE)
			number[array->tag[at] >> shift] = 1;
	}
	tag_windows_keep(&array->windows, number);
	for (size_t at = 0; at < associative_places(array); at++) {
		if (array->tag[at] != TAG_NONE)
			array->tag[at] = number[array->tag[at] >> shift] << shift | (array->tag[at] & low);
	}
}

void associative_make_room(struct associative *array)
{
	if (!tag_windows_have_room(&array->windows, ASSOCIATIVE_RUN_MAX))
		renew_windows(array);
}

/* --- One set ------------------------------------------------------------------------------------------------------ */

static uint32_t *tags_of(const struct associative *array, uint32_t set)
{
	return array->tag + (size_t)set * array->lanes;
}

/* The way of a tag, or `ways` when it is not there. */
static uint32_t way_of(const struct associative *array, const uint32_t *tags, uint32_t tag)
{
	uint32_t way = 0;

	while (way < array->ways && tags[way] != tag)
		way++;
	return way;
}

/* The same for a key. */
static uint32_t way_of_key(const struct associative *array, const uint32_t *tags, uint64_t key)
{
	uint32_t tag = tag_windows_find(&array->windows, key);

	return tag == TAG_NONE ? array->ways : way_of(array, tags, tag);
}

/* Moves the tags before `way` one on and puts the tag in front. */
static void move_to_front(uint32_t *tags, uint32_t way, uint32_t tag)
{
	memmove(tags + 1, tags, way * sizeof(*tags));
	tags[0] = tag;
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
	uint32_t *tags = tags_of(array, set);

	if (array->replace == REPLACE_LRU)
		move_to_front(tags, way, tags[way]);
	else if (array->replace == REPLACE_TREE_PLRU)
		tree_touch(array, set, way);
}

static void put_in(struct associative *array, uint32_t set, uint32_t tag)
{
	uint32_t *tags = tags_of(array, set);
	uint32_t way;

	if (array->replace == REPLACE_LRU || array->replace == REPLACE_FIFO) {
		move_to_front(tags, array->ways - 1, tag);
		return;
	}
	way = way_of(array, tags, TAG_NONE);
	if (way == array->ways)
		way = array->replace == REPLACE_RANDOM ? (uint32_t)random_below(&array->random, array->ways)
						       : tree_victim(array, set);
	tags[way] = tag;
	if (array->replace == REPLACE_TREE_PLRU)
		tree_touch(array, set, way);
}

/* --- The array ---------------------------------------------------------------------------------------------------- */

bool associative_find(struct associative *array, uint64_t key)
{
	uint32_t set = associative_set_of(array, key);
	uint32_t way = way_of_key(array, tags_of(array, set), key);

	if (way == array->ways)
		return false;
	note_use(array, set, way);
	return true;
}

void associative_insert(struct associative *array, uint64_t key)
{
	associative_make_room(array);
	put_in(array, associative_set_of(array, key), tag_windows_make(&array->windows, key));
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
	return way_of_key(array, tags_of(array, associative_set_of(array, key)), key) < array->ways;
}

/* With LRU and FIFO the ways behind close up, so that the empty ones stay last. */
static void empty_way(struct associative *array, uint32_t *tags, uint32_t way)
{
	if (array->replace == REPLACE_LRU || array->replace == REPLACE_FIFO) {
		memmove(tags + way, tags + way + 1, (array->ways - 1 - way) * sizeof(*tags));
		way = array->ways - 1;
	}
	tags[way] = TAG_NONE;
}

bool associative_remove(struct associative *array, uint64_t key)
{
	uint32_t *tags = tags_of(array, associative_set_of(array, key));
	uint32_t way = way_of_key(array, tags, key);

	if (way == array->ways)
		return false;
	empty_way(array, tags, way);
	return true;
}

uint32_t associative_remove_matching(struct associative *array, uint64_t mask, uint64_t value)
{
	uint32_t removed = 0;

	for (uint32_t set = 0; set < array->sets; set++) {
		uint32_t *tags = tags_of(array, set);

		for (uint32_t way = array->ways; way-- > 0;) {
			if (tags[way] == TAG_NONE ||
			    (tag_windows_key(&array->windows, tags[way]) & mask) != value)
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

	for (size_t i = 0; i < associative_places(array); i++)
		count += array->tag[i] != TAG_NONE;
	return count;
}

/* --- State -------------------------------------------------------------------------------------------------------- */

/* What a state begins with; tags and trees follow as they lie in memory. */
struct state {
	uint64_t random;
	uint64_t renewals; /* tags mean the same keys as long as no number was taken back */
};

static size_t places_bytes(const struct associative *array)
{
	return associative_places(array) * sizeof(*array->tag) +
	       (array->tree ? array->sets * sizeof(*array->tree) : 0);
}

size_t associative_state_bytes(const struct associative *array)
{
	return sizeof(struct state) + (size_t)round_up(places_bytes(array), sizeof(uint64_t));
}

bool associative_note_state(const struct associative *array, void *state)
{
	const struct state now = {array->random.state, array->windows.renewals};
	struct state *noted = state;
	size_t bytes = places_bytes(array);

	if (noted->random == now.random && noted->renewals == now.renewals &&
	    memcmp(noted + 1, array->tag, bytes) == 0)
		return true;
	*noted = now;
	memcpy(noted + 1, array->tag, bytes);
	return false;
}

/* --- Check -------------------------------------------------------------------------------------------------------- */

static const char I1[] = "I1: every tag lies in its own set, and once";
static const char I2[] =
    "I2: with LRU and FIFO no empty way lies before a used one; lanes beyond the ways are empty";
static const char I3[] = "I3: with tree-PLRU a set's bits are those of ways-1 nodes";
static const char I4[] = "I4: the windows hold their own invariant, and every tag has one";

static const char *check_set(const struct associative *array, uint32_t set)
{
	const uint32_t *tags = tags_of(array, set);
	bool is_ordered = array->replace == REPLACE_LRU || array->replace == REPLACE_FIFO;

	for (uint32_t way = 0; way < array->lanes; way++) {
		if (tags[way] == TAG_NONE)
			continue;
		if (way >= array->ways || (is_ordered && way > 0 && tags[way - 1] == TAG_NONE))
			return I2;
		if (tags[way] >> array->windows.low_bits >= array->windows.count)
			return I4;
		if (associative_set_of(array, tag_windows_key(&array->windows, tags[way])) != set ||
		    way_of(array, tags, tags[way]) != way)
			return I1;
	}
	if (array->tree &&
	    (array->tree[set] & 1 || (array->ways < 64 && array->tree[set] >> array->ways != 0)))
		return I3;
	return NULL;
}

const char *associative_check(const struct associative *array)
{
	const char *broken = tag_windows_check(&array->windows) ? I4 : NULL;

	for (uint32_t set = 0; set < array->sets && !broken; set++)
		broken = check_set(array, set);
	return broken;
}
