#include "config.h"

#include "traces/generate/frame_pool.h"

#include <stdlib.h>
#include <string.h>

/* --- Buckets ------------------------------------------------------------------------------------------------------------ */

static void link_block(struct frame_pool *pool, uint32_t number)
{
	struct frame_pool_block *block = &pool->block[number];
	uint32_t *first = &pool->bucket[block->used];

	block->previous = 0;
	block->next = *first;
	if (*first)
		pool->block[*first - 1].previous = number + 1;
	*first = number + 1;
	pool->filled[block->used / 64] |= UINT64_C(1) << block->used % 64;
}

static void unlink_block(struct frame_pool *pool, uint32_t number)
{
	const struct frame_pool_block *block = &pool->block[number];

	if (block->next)
		pool->block[block->next - 1].previous = block->previous;
	if (block->previous)
		pool->block[block->previous - 1].next = block->next;
	else
		pool->bucket[block->used] = block->next;
	if (!pool->bucket[block->used])
		pool->filled[block->used / 64] &= ~(UINT64_C(1) << block->used % 64);
}

/* A full block is in no bucket. */
static void change_used(struct frame_pool *pool, uint32_t number, uint32_t used)
{
	if (pool->block[number].used < FRAME_POOL_BLOCK)
		unlink_block(pool, number);
	pool->block[number].used = used;
	if (used < FRAME_POOL_BLOCK)
		link_block(pool, number);
}

/* One past the number of a block; 0: all are full. */
static uint32_t fullest(const struct frame_pool *pool)
{
	for (unsigned word = FRAME_POOL_WORDS; word-- > 0;) {
		if (pool->filled[word])
			return pool->bucket[word * 64 + 63 - (unsigned)__builtin_clzll(pool->filled[word])];
	}
	return 0;
}

/* --- The pool ----------------------------------------------------------------------------------------------------------- */

bool frame_pool_create(struct frame_pool *pool, uint32_t blocks)
{
	*pool = (struct frame_pool){.blocks = blocks, .block = calloc(blocks, sizeof(*pool->block))};
	if (!pool->block)
		return false;
	for (uint32_t number = blocks; number-- > 0;) {
		memset(pool->block[number].free, 0xff, sizeof(pool->block[number].free));
		link_block(pool, number);
	}
	return true;
}

void frame_pool_destroy(struct frame_pool *pool)
{
	free(pool->block);
	pool->block = NULL;
}

static uint64_t take_block(struct frame_pool *pool)
{
	if (!pool->bucket[0])
		return FRAME_POOL_NONE;
	const uint32_t number = pool->bucket[0] - 1;

	memset(pool->block[number].free, 0, sizeof(pool->block[number].free));
	change_used(pool, number, FRAME_POOL_BLOCK);
	return (uint64_t)number * FRAME_POOL_BLOCK;
}

static uint64_t take_frame(struct frame_pool *pool)
{
	const uint32_t found = fullest(pool);
	unsigned word = 0;

	if (!found)
		return FRAME_POOL_NONE;
	struct frame_pool_block *block = &pool->block[found - 1];

	while (!block->free[word])
		word++;
	const unsigned bit = (unsigned)__builtin_ctzll(block->free[word]);

	block->free[word] &= ~(UINT64_C(1) << bit);
	change_used(pool, found - 1, block->used + 1);
	return (uint64_t)(found - 1) * FRAME_POOL_BLOCK + (uint64_t)word * 64 + bit;
}

uint64_t frame_pool_take(struct frame_pool *pool, unsigned order)
{
	return order == 0 ? take_frame(pool) : take_block(pool);
}

void frame_pool_give(struct frame_pool *pool, uint64_t frame, unsigned order)
{
	const uint32_t number = (uint32_t)(frame / FRAME_POOL_BLOCK);
	struct frame_pool_block *block = &pool->block[number];

	if (order > 0) {
		memset(block->free, 0xff, sizeof(block->free));
		change_used(pool, number, 0);
		return;
	}
	block->free[frame % FRAME_POOL_BLOCK / 64] |= UINT64_C(1) << frame % 64;
	change_used(pool, number, block->used - 1);
}

/* --- Check -------------------------------------------------------------------------------------------------------------- */

static uint32_t free_frames(const struct frame_pool_block *block)
{
	uint32_t frames = 0;

	for (unsigned word = 0; word < FRAME_POOL_WORDS; word++)
		frames += (uint32_t)__builtin_popcountll(block->free[word]);
	return frames;
}

/* Blocks in the bucket; UINT32_MAX when one does not belong there, or the links go round. */
static uint32_t count_bucket(const struct frame_pool *pool, uint32_t used)
{
	uint32_t blocks = 0, before = 0;

	for (uint32_t at = pool->bucket[used]; at; at = pool->block[at - 1].next) {
		if (at > pool->blocks || pool->block[at - 1].used != used ||
		    pool->block[at - 1].previous != before || blocks++ == pool->blocks)
			return UINT32_MAX;
		before = at;
	}
	return (pool->filled[used / 64] >> used % 64 & 1) == (blocks > 0) ? blocks : UINT32_MAX;
}

const char *frame_pool_check(const struct frame_pool *pool)
{
	static const char links[] =
	    "I2: every block of which a frame is free is linked in the bucket of its fill, no other is";
	uint32_t open = 0, linked = 0;

	for (uint32_t number = 0; number < pool->blocks; number++) {
		const struct frame_pool_block *block = &pool->block[number];

		if (block->used + free_frames(block) != FRAME_POOL_BLOCK)
			return "I1: used of a block is the number of its frames that are not free";
		open += block->used < FRAME_POOL_BLOCK;
	}
	for (uint32_t used = 0; used < FRAME_POOL_BLOCK; used++) {
		const uint32_t blocks = count_bucket(pool, used);

		if (blocks == UINT32_MAX)
			return links;
		linked += blocks;
	}
	return linked == open ? NULL : links;
}
