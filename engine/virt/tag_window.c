#include "config.h"

#include "engine/virt/tag_window.h"

#include "engine/base/check.h"

#include <string.h>

/* 2^64 / golden ratio: multiplying spreads neighbours over the table (Knuth, volume 3, 6.4). */
#define SPREAD 0x9e3779b97f4a7c15u

static size_t slots_of(const struct tag_windows *windows)
{
	return (size_t)1 << (64 - windows->hash_shift);
}

enum status tag_windows_create(struct tag_windows *windows, unsigned low_bits)
{
	CHECK(low_bits >= TAG_LOW_BITS_MIN && low_bits <= TAG_LOW_BITS_MAX,
	      "a tag has low bits and a number");
	*windows = (struct tag_windows){
	    .low_bits = low_bits,
	    .limit = ((uint32_t)1 << (32 - low_bits)) - 1,
	    .hash_shift = 64 - (33 - low_bits),
	};
	size_t upper_bytes = ((size_t)windows->limit + 2) * sizeof(*windows->upper);
	enum status status = reservation_create(
	    &windows->memory, upper_bytes + slots_of(windows) * sizeof(*windows->slot), sizeof(uint64_t));

	if (status != STATUS_OK)
		return status;
	windows->upper = (uint64_t *)windows->memory.memory + 1;
	windows->upper[-1] = UINT64_MAX;
	windows->slot = (uint32_t *)(void *)(windows->upper + windows->limit + 1);
	return STATUS_OK;
}

void tag_windows_destroy(struct tag_windows *windows)
{
	reservation_destroy(&windows->memory);
}

/* The slot of a window: its own, or the empty one where it would be put. */
static uint32_t *slot_of(const struct tag_windows *windows, uint64_t upper)
{
	size_t at = upper * SPREAD >> windows->hash_shift;

	while (windows->slot[at] != 0 && windows->upper[windows->slot[at] - 1] != upper)
		at = (at + 1) & (slots_of(windows) - 1);
	return &windows->slot[at];
}

static uint32_t tag_of(const struct tag_windows *windows, uint32_t number, uint64_t key)
{
	return number << windows->low_bits | ((uint32_t)key & (((uint32_t)1 << windows->low_bits) - 1));
}

uint32_t tag_windows_find(const struct tag_windows *windows, uint64_t key)
{
	uint32_t slot = *slot_of(windows, key >> windows->low_bits);

	return slot == 0 ? TAG_NONE : tag_of(windows, slot - 1, key);
}

uint32_t tag_windows_make(struct tag_windows *windows, uint64_t key)
{
	uint32_t *slot = slot_of(windows, key >> windows->low_bits);

	if (*slot == 0) {
		CHECK(windows->count < windows->limit, "there is a number for every window");
		windows->upper[windows->count++] = key >> windows->low_bits;
		*slot = windows->count;
	}
	return tag_of(windows, *slot - 1, key);
}

bool tag_windows_make_all(const struct tag_windows *windows, const uint64_t *keys, uint32_t count,
			  uint32_t *tags)
{
	const uint64_t *uppers = windows->upper;
	const uint32_t *slots = windows->slot;
	unsigned low_bits = windows->low_bits, hash_shift = windows->hash_shift;
	uint32_t low = ((uint32_t)1 << low_bits) - 1;
	uint64_t differs = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t upper = keys[i] >> low_bits;
		int64_t number = (int64_t)slots[upper * SPREAD >> hash_shift] - 1;

		differs |= uppers[number] ^ upper;
		tags[i] = (uint32_t)number << low_bits | ((uint32_t)keys[i] & low);
	}
	return differs == 0;
}

void tag_windows_keep(struct tag_windows *windows, uint32_t *used)
{
	uint32_t before = windows->count;

	memset(windows->slot, 0, slots_of(windows) * sizeof(*windows->slot));
	windows->count = 0;
	windows->renewals++;
	for (uint32_t number = 0; number < before; number++) {
		uint64_t upper = windows->upper[number];

		if (used[number] == 0)
			continue;
		used[number] = windows->count;
		windows->upper[windows->count++] = upper;
		*slot_of(windows, upper) = windows->count;
	}
}

static const char I1[] =
    "I1: count <= limit, and every number below count is found by its window's upper bits";

const char *tag_windows_check(const struct tag_windows *windows)
{
	if (windows->count > windows->limit)
		return I1;
	for (uint32_t number = 0; number < windows->count; number++) {
		if (*slot_of(windows, windows->upper[number]) != number + 1)
			return I1;
	}
	return NULL;
}
