#include "config.h"

#include "engine/base/bitmap.h"

#include "engine/base/check.h"

static uint64_t words_of(uint64_t bits)
{
	return (bits + BITMAP_WORD_BITS - 1) >> BITMAP_WORD_SHIFT;
}

size_t bitmap_bytes(uint64_t bits)
{
	uint64_t words = 0;

	do {
		bits = words_of(bits);
		words += bits;
	} while (bits > 1);
	return words * sizeof(uint64_t);
}

void bitmap_create(struct bitmap *map, uint64_t bits, void *memory)
{
	uint64_t *words = memory;

	CHECK(bits > 0 && bits <= BITMAP_BITS_MAX, "a bitmap has 1 .. 64^6 bits");
	*map = (struct bitmap){.bits = bits};
	do {
		map->level[map->levels++] = words;
		bits = words_of(bits);
		words += bits;
	} while (bits > 1);
}

uint64_t bitmap_count(const struct bitmap *map)
{
	uint64_t count = 0;

	for (uint64_t word = 0; word < words_of(map->bits); word++)
		count += (unsigned)__builtin_popcountll(map->level[0][word]);
	return count;
}

/* The first bit below the set bit `bit` of `level`, seen at level 0. */
static uint64_t descend(const struct bitmap *map, uint32_t level, uint64_t bit)
{
	while (level-- > 0)
		bit = bit << BITMAP_WORD_SHIFT | (unsigned)__builtin_ctzll(map->level[level][bit]);
	return bit;
}

uint64_t bitmap_find_from(const struct bitmap *map, uint64_t from)
{
	uint64_t bits = map->bits;

	for (uint32_t level = 0; level < map->levels && from < bits; level++) {
		uint64_t word = map->level[level][from >> BITMAP_WORD_SHIFT] >> (from % BITMAP_WORD_BITS);

		if (word != 0)
			return descend(map, level, from + (unsigned)__builtin_ctzll(word));
		from = (from >> BITMAP_WORD_SHIFT) + 1;
		bits = words_of(bits);
	}
	return BITMAP_NONE;
}

static bool has_bits_beyond(const uint64_t *words, uint64_t bits)
{
	return bits % BITMAP_WORD_BITS != 0 &&
	       words[bits >> BITMAP_WORD_SHIFT] >> (bits % BITMAP_WORD_BITS) != 0;
}

const char *bitmap_check(const struct bitmap *map)
{
	uint64_t bits = map->bits;

	for (uint32_t level = 0; level < map->levels; level++) {
		if (has_bits_beyond(map->level[level], bits))
			return "I2: no bit at or beyond `bits` is set";
		bits = words_of(bits);
		for (uint64_t word = 0; level + 1 < map->levels && word < bits; word++) {
			bool summary =
			    map->level[level + 1][word >> BITMAP_WORD_SHIFT] >> (word % BITMAP_WORD_BITS) & 1;

			if (summary != (map->level[level][word] != 0))
				return "I1: bit i of level n+1 is set <=> word i of level n is not zero";
		}
	}
	return NULL;
}
