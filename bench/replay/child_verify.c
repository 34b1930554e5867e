#include "config.h"

#include "bench/replay/child.h"

#include <string.h>

/* splitmix64 (Steele, Lea, Flood 2014): one word of a block's pattern. */
static uint64_t pattern_word(uint64_t tag, uint64_t index)
{
	uint64_t z = tag * UINT64_C(0xd1342543de82ef95) + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint8_t pattern_byte(uint64_t tag, uint64_t offset)
{
	return (uint8_t)(pattern_word(tag, offset / 8) >> offset % 8 * 8);
}

void verify_fill(struct child *child, uint32_t slot, uint64_t from, uint64_t bytes)
{
	uint8_t *block = (uint8_t *)child->slots[slot].address; /* NOLINT(performance-no-int-to-ptr) */
	uint64_t offset = from;

	if (from == 0)
		child->tags[slot] = atomic_fetch_add_explicit(&child->next_tag, 1, memory_order_relaxed) + 1;
	uint64_t tag = child->tags[slot];

	for (; offset < bytes && offset % 8; offset++)
		block[offset] = pattern_byte(tag, offset);
	for (; offset + 8 <= bytes; offset += 8) {
		uint64_t word = pattern_word(tag, offset / 8);

		memcpy(block + offset, &word, sizeof(word));
	}
	for (; offset < bytes; offset++)
		block[offset] = pattern_byte(tag, offset);
}

void verify_contents(struct child *child, struct lane *lane, uint32_t slot, uint64_t bytes,
		     enum failure_kind kind)
{
	const uint8_t *block =
	    (const uint8_t *)child->slots[slot].address; /* NOLINT(performance-no-int-to-ptr) */
	uint64_t tag = child->tags[slot], offset = 0;

	for (; offset + 8 <= bytes; offset += 8) {
		uint64_t word;

		memcpy(&word, block + offset, sizeof(word));
		if (word != pattern_word(tag, offset / 8))
			break;
	}
	for (; offset < bytes; offset++) {
		if (block[offset] != pattern_byte(tag, offset))
			child_fail(lane, kind, child->slots[slot].address, offset);
	}
}

void verify_zero(struct child *child, struct lane *lane, uint32_t slot, uint64_t bytes)
{
	const uint8_t *block =
	    (const uint8_t *)child->slots[slot].address; /* NOLINT(performance-no-int-to-ptr) */

	for (uint64_t offset = 0; offset < bytes; offset++) {
		if (block[offset] != 0)
			child_fail(lane, FAILURE_ZERO, child->slots[slot].address, offset);
	}
}
