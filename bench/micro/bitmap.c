#include "config.h"

#include "engine/base/bitmap.h"

#include "bench/micro/gbench.h"
#include "bench/micro/table.h"
#include "engine/base/random.h"

#include <stdlib.h>

#define BATCH 1000
#define BITS ((uint64_t)1 << 18)

/* The yardstick: the same words without levels above them, searched one by one. */
static uint64_t flat_find_from(const uint64_t *words, uint64_t from)
{
	uint64_t word = from / 64;
	uint64_t bits = words[word] >> (from % 64);

	if (bits != 0)
		return from + (unsigned)__builtin_ctzll(bits);
	while (++word < BITS / 64) {
		if (words[word] != 0)
			return word * 64 + (unsigned)__builtin_ctzll(words[word]);
	}
	return BITMAP_NONE;
}

/* A map in which `*context` bits of 2^18 are set at random. */
static bool make(struct gbench_state *state, struct bitmap *map, uint64_t set)
{
	struct random random = {.state = 9};
	void *memory = calloc(1, bitmap_bytes(BITS));

	if (!memory) {
		gbench_fail(state, "the host has no memory");
		return false;
	}
	bitmap_create(map, BITS, memory);
	for (uint64_t i = 0; i < set; i++)
		bitmap_set(map, random_below(&random, BITS));
	return true;
}

static void bench_flat(struct gbench_state *state, void *context)
{
	struct random random = {.state = 2};
	struct bitmap map;

	if (!make(state, &map, *(const uint64_t *)context))
		return;
	while (gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++)
			gbench_keep(flat_find_from(map.level[0], random_next(&random) % BITS));
	}
	free(map.level[0]);
}

static void bench_levels(struct gbench_state *state, void *context)
{
	struct random random = {.state = 2};
	struct bitmap map;

	if (!make(state, &map, *(const uint64_t *)context))
		return;
	while (gbench_keep_running(state, BATCH)) {
		for (int i = 0; i < BATCH; i++)
			gbench_keep(bitmap_find_from(&map, random_next(&random) % BITS));
	}
	free(map.level[0]);
}

int main(int argc, char **argv)
{
	static uint64_t few = 16;
	static uint64_t many = 40000;

	(void)gbench_register("find, 16 of 262144 set:word by word", bench_flat, &few);
	(void)gbench_register("find, 16 of 262144 set:hierarchical", bench_levels, &few);
	(void)gbench_register("find, 15 % set:word by word", bench_flat, &many);
	(void)gbench_register("find, 15 % set:hierarchical", bench_levels, &many);
	return table_main("Bitmap: the next set bit from a random place", argc, argv);
}
