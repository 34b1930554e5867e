#include "config.h"

#include "bench/physical/block_types.h"

#include <stdlib.h>
#include <string.h>

#define SWEEPS_MAX 8u

void block_types_create(struct block_types *types, const struct pagetypeinfo_zone *told)
{
	*types = (struct block_types){.blocks = 0};
	for (unsigned type = 0; type < MIGRATE_PCPTYPES; type++) {
		for (unsigned order = 0; order < PAGEBLOCK_ORDER; order++)
			types->missing[type][order] = (int64_t)told->free[type].blocks[order];
	}
}

static void subtract(int64_t *missing, const struct block_contents *contents)
{
	for (unsigned order = 0; order < PAGEBLOCK_ORDER; order++)
		missing[order] -= contents->free[order];
}

void block_types_know(struct block_types *types, const struct block_contents *contents)
{
	if (contents->type < MIGRATE_PCPTYPES)
		subtract(types->missing[contents->type], contents);
}

/* How likely contents are in a pageblock of a type, in frames. */
static int64_t likelihood(const struct block_contents *contents, uint32_t type)
{
	if (type == MIGRATE_MOVABLE)
		return -(int64_t)contents->kernel;
	return type == MIGRATE_RECLAIMABLE ? contents->slab : -(int64_t)contents->slab;
}

/* What the change of two pageblocks' types would gain, in frames as the contents weigh. */
static int64_t gain(const struct block_types *types, const struct block_contents *a,
		    const struct block_contents *b)
{
	const int64_t *of_a = types->missing[a->type], *of_b = types->missing[b->type];
	int64_t blocks = 0;

	for (unsigned order = 0; order < PAGEBLOCK_ORDER; order++) {
		int64_t more = (int64_t)a->free[order] - b->free[order];

		blocks += llabs(of_a[order]) + llabs(of_b[order]) - llabs(of_a[order] + more) -
			  llabs(of_b[order] - more);
	}
	return blocks * BLOCK_TYPES_FRAMES + likelihood(a, b->type) + likelihood(b, a->type) -
	       likelihood(a, a->type) - likelihood(b, b->type);
}

static void swap(struct block_types *types, struct block_contents *a, struct block_contents *b)
{
	uint32_t type = a->type;

	for (unsigned order = 0; order < PAGEBLOCK_ORDER; order++) {
		int64_t more = (int64_t)a->free[order] - b->free[order];

		types->missing[a->type][order] += more;
		types->missing[b->type][order] -= more;
	}
	a->type = b->type;
	b->type = type;
	types->swaps++;
}

/* Finds the pageblock of another type with which this one had best change places; NULL: it is best where it is. */
static struct block_contents *best_partner(struct block_types *types, const struct block_contents *of)
{
	struct block_contents *best = NULL;
	int64_t most = 0;

	for (size_t i = 0; i < types->blocks; i++) {
		struct block_contents *other = &types->block[i];

		if (other->type == of->type)
			continue;
		int64_t gained = gain(types, of, other);

		best = gained > most ? other : best;
		most = gained > most ? gained : most;
	}
	types->looks += types->blocks;
	return best;
}

/* Every pageblock of the kernel once; false when none changed places. */
static bool sweep(struct block_types *types)
{
	uint64_t before = types->swaps;

	for (size_t i = 0; i < types->blocks && types->looks < BLOCK_TYPES_LOOKS; i++) {
		struct block_contents *block = &types->block[i];
		struct block_contents *partner =
		    block->type == MIGRATE_MOVABLE ? NULL : best_partner(types, block);

		if (partner)
			swap(types, block, partner);
	}
	return types->swaps > before;
}

void block_types_fit(struct block_types *types, struct block_contents *block, size_t blocks)
{
	types->block = block;
	types->blocks = blocks;
	for (size_t i = 0; i < blocks; i++)
		subtract(types->missing[block[i].type], &block[i]);
	for (unsigned i = 0; i < SWEEPS_MAX && sweep(types); i++)
		continue;
}

uint64_t block_types_misfit(const struct block_types *types)
{
	uint64_t misfit = 0;

	for (unsigned type = 0; type < MIGRATE_PCPTYPES; type++) {
		for (unsigned order = 0; order < PAGEBLOCK_ORDER; order++)
			misfit += (uint64_t)llabs(types->missing[type][order]);
	}
	return misfit;
}

const char *block_types_check(const struct block_types *types, const struct block_types *beginning)
{
	struct block_types again = *beginning;

	for (size_t i = 0; i < types->blocks; i++) {
		if (types->block[i].type >= MIGRATE_PCPTYPES)
			return "I1: every type is below MIGRATE_PCPTYPES";
		subtract(again.missing[types->block[i].type], &types->block[i]);
	}
	return memcmp(again.missing, types->missing, sizeof(again.missing)) == 0
		   ? NULL
		   : "I2: missing = told free blocks - those of the pageblocks - those of pageblocks that "
		     "are not asked for";
}
