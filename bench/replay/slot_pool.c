#include "config.h"

#include "bench/replay/slot_pool.h"

#include <stdlib.h>
#include <string.h>

bool slot_pool_create(struct slot_pool *pool, uint32_t lanes)
{
	*pool = (struct slot_pool){.first = SLOT_NONE, .last = SLOT_NONE};
	if (lanes <= 1)
		return true;
	pool->keep = SLOT_POOL_SHARED;
	pool->own = malloc(lanes * sizeof(pool->own[0]));
	pool->own_count = calloc(lanes, sizeof(pool->own_count[0]));
	if (!pool->own || !pool->own_count) {
		slot_pool_destroy(pool);
		return false;
	}
	memset(pool->own, 0xff, lanes * sizeof(pool->own[0]));
	return true;
}

static uint32_t fresh(struct slot_pool *pool)
{
	if (pool->slots == pool->capacity) {
		uint32_t capacity = pool->capacity ? pool->capacity * 2 : 4096;
		uint32_t *next = capacity > pool->capacity
				     ? realloc(pool->next, (size_t)capacity * sizeof(next[0]))
				     : NULL;

		if (!next)
			return SLOT_NONE;
		pool->next = next;
		pool->capacity = capacity;
	}
	return pool->slots++;
}

uint32_t slot_pool_take(struct slot_pool *pool, uint32_t lane)
{
	uint32_t slot;

	if (pool->own && pool->own_count[lane]) {
		slot = pool->own[lane];
		pool->own[lane] = pool->next[slot];
		pool->own_count[lane]--;
		return slot;
	}
	if (pool->shared <= pool->keep)
		return fresh(pool);
	slot = pool->first;
	pool->first = pool->next[slot];
	pool->shared--;
	return slot;
}

void slot_pool_give(struct slot_pool *pool, uint32_t lane, uint32_t slot)
{
	if (pool->own && pool->own_count[lane] < SLOT_POOL_OWN) {
		pool->next[slot] = pool->own[lane];
		pool->own[lane] = slot;
		pool->own_count[lane]++;
		return;
	}
	if (!pool->own) { /* last in, first out */
		pool->next[slot] = pool->first;
		pool->first = slot;
		pool->shared++;
		return;
	}
	pool->next[slot] = SLOT_NONE;
	if (pool->shared++ == 0)
		pool->first = slot;
	else
		pool->next[pool->last] = slot;
	pool->last = slot;
}

void slot_pool_destroy(struct slot_pool *pool)
{
	free(pool->next);
	free(pool->own);
	free(pool->own_count);
	memset(pool, 0, sizeof(*pool));
}
