/* bitmap.h: a set of small numbers as a hierarchical bitmap, with search in constant depth.
 *
 * Level 0 holds one bit per number, in 64-bit words. A bit of level n+1 says that the word of level n with
 * its number is not zero. The topmost level is a single word, so the first set bit of a map of 2^18 numbers
 * is found with three words:
 *
 *   level 2                       [ . . 1 . . . . . ]                            1 word
 *   level 1          [ . . . . ]  [ . 1 . . ]  [ . . . . ] ...                  64 words
 *   level 0   ...  [....]  [....]  [..1.1...]  [....] ...                     4096 words
 *
 * The memory is handed in by the caller and must read as zero; making an (empty) map of any size touches none
 * of it. The levels above the first cost 1/64 + 1/4096 + ... of it.
 *
 * Invariants, proved by bitmap_check():
 *   I1: bit i of level n+1 is set <=> word i of level n is not zero
 *   I2: no bit at or beyond `bits` is set
 *
 * Not thread-safe; the owner locks.
 */
#ifndef FAULTLINE_ENGINE_BASE_BITMAP_H
#define FAULTLINE_ENGINE_BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_LEVELS 6
#define BITMAP_WORD_SHIFT 6
#define BITMAP_WORD_BITS 64u
#define BITMAP_NONE UINT64_MAX

/* The largest map: 64^6 numbers. */
#define BITMAP_BITS_MAX ((uint64_t)1 << (BITMAP_LEVELS * BITMAP_WORD_SHIFT))

struct bitmap {
	uint64_t bits;			/* numbers the map can hold: 0 .. bits-1 */
	uint32_t levels;		/* levels in use, 1 .. BITMAP_LEVELS */
	uint64_t *level[BITMAP_LEVELS]; /* level[0] has one bit per number, level[levels-1] is one word */
};

/* Bytes of memory a map of `bits` numbers (1 .. BITMAP_BITS_MAX) needs: a multiple of 8. */
size_t bitmap_bytes(uint64_t bits);

/* Makes an empty map over `memory`: bitmap_bytes(bits) bytes, aligned to 8, reading as zero. Touches none of
 * it. */
void bitmap_create(struct bitmap *map, uint64_t bits, void *memory);

/* Numbers in the set. Reads the whole of level 0. */
uint64_t bitmap_count(const struct bitmap *map);

/* The smallest number in the set that is at least `from`, or BITMAP_NONE. At most 2 * levels words are read.
 */
uint64_t bitmap_find_from(const struct bitmap *map, uint64_t from);

/* NULL, or the text of the first invariant that does not hold. */
const char *bitmap_check(const struct bitmap *map);

static inline bool bitmap_test(const struct bitmap *map, uint64_t bit)
{
	return (map->level[0][bit >> BITMAP_WORD_SHIFT] >> (bit % BITMAP_WORD_BITS)) & 1;
}

static inline bool bitmap_is_empty(const struct bitmap *map)
{
	return map->level[map->levels - 1][0] == 0;
}

/* Adds `bit` (below `bits`). Adding twice is harmless. Every level is written: that costs less than a branch that the
 * processor cannot predict. */
static inline void bitmap_set(struct bitmap *map, uint64_t bit)
{
	for (uint32_t level = 0; level < map->levels; level++) {
		map->level[level][bit >> BITMAP_WORD_SHIFT] |= (uint64_t)1 << (bit % BITMAP_WORD_BITS);
		bit >>= BITMAP_WORD_SHIFT;
	}
}

/* The same for a map that is empty: nothing is read. */
static inline void bitmap_set_first(struct bitmap *map, uint64_t bit)
{
	for (uint32_t level = 0; level < map->levels; level++) {
		map->level[level][bit >> BITMAP_WORD_SHIFT] = (uint64_t)1 << (bit % BITMAP_WORD_BITS);
		bit >>= BITMAP_WORD_SHIFT;
	}
}

/* Adds, or removes, `bit` as `present` says, in the same way. */
static inline void bitmap_assign(struct bitmap *map, uint64_t bit, bool present)
{
	for (uint32_t level = 0; level < map->levels; level++) {
		uint64_t *word = &map->level[level][bit >> BITMAP_WORD_SHIFT];
		unsigned shift = bit % BITMAP_WORD_BITS;

		*word = (*word & ~((uint64_t)1 << shift)) | (uint64_t)present << shift;
		present = *word != 0;
		bit >>= BITMAP_WORD_SHIFT;
	}
}

/* Removes `bit` (below `bits`). Removing what is not there is harmless. */
static inline void bitmap_clear(struct bitmap *map, uint64_t bit)
{
	bitmap_assign(map, bit, false);
}

/* The same for the only number of a set: nothing is read. */
static inline void bitmap_clear_last(struct bitmap *map, uint64_t bit)
{
	for (uint32_t level = 0; level < map->levels; level++) {
		bit >>= BITMAP_WORD_SHIFT;
		map->level[level][bit] = 0;
	}
}

/* The smallest number of a set that is not empty. Reads `levels` words. */
static inline uint64_t bitmap_first(const struct bitmap *map)
{
	uint64_t bit = 0;

	for (uint32_t level = map->levels; level-- > 0;)
		bit = bit << BITMAP_WORD_SHIFT | (unsigned)__builtin_ctzll(map->level[level][bit]);
	return bit;
}

#endif
