/* frames.h: workloads for page-frame allocators, the same code for each of them.
 *
 * The allocator is a table of functions that is known at compile time: every workload is an always-inline function,
 * instantiated once per allocator by the benchmark, so that the calls are direct ones to functions of another
 * translation unit, as a kernel's would be.
 *
 * The mixed workload draws orders 0 .. 9 with P(order) = 2^-(order+1), so that each order takes about as many bytes.
 */
#ifndef FAULTLINE_BENCH_MICRO_FRAMES_H
#define FAULTLINE_BENCH_MICRO_FRAMES_H

#include "engine/base/random.h"
#include "engine/base/units.h"

#include <stdlib.h>

#define FRAMES_PAGES ((uint64_t)1 << 18) /* 1 GiB */
#define FRAMES_BATCH 1000
#define FRAMES_MIXED_ORDER 9u
#define FRAMES_INLINE static inline __attribute__((always_inline))

struct frames_allocator {
	void *(*create)(int variant); /* over FRAMES_PAGES free frames; NULL when the host has no memory */
	void (*destroy)(void *self);
	pfn_t (*allocate)(void *self, unsigned order); /* PFN_NONE when there is none */
	void (*free)(void *self, pfn_t pfn, unsigned order);
};

/* A block: its pfn, and above these 32 bits its order. One number, because a load of what was stored in two parts has to wait for
 * both. */
typedef uint64_t frames_block;

/* An allocator with the blocks that are live in it. */
struct frames {
	void *self;
	struct random random;
	uint64_t pages; /* what it may use */
	uint64_t used_pages;
	uint64_t blocks;	    /* live ones: live[0 .. blocks-1] */
	uint64_t failed, attempted; /* allocations */
	frames_block *live;	    /* room for `pages` */
};

/* False when the host has no memory. */
bool frames_make(struct frames *frames, const struct frames_allocator *allocator, int variant);
void frames_drop(struct frames *frames, const struct frames_allocator *allocator);

/* The part of a thread, numbered from 0, in an allocator that several share: `self` is what the thread calls it by, and stays the
 * caller's. */
bool frames_join(struct frames *frames, void *self, unsigned thread, uint64_t pages);
void frames_leave(struct frames *frames, const struct frames_allocator *allocator);

/* Puts the live blocks in random order. */
void frames_shuffle(struct frames *frames);

FRAMES_INLINE bool frames_take(struct frames *frames, const struct frames_allocator *allocator,
			       unsigned order)
{
	pfn_t pfn = allocator->allocate(frames->self, order);

	frames->attempted++;
	if (pfn == PFN_NONE) {
		frames->failed++;
		return false;
	}
	frames->live[frames->blocks++] = pfn | (frames_block)order << 32;
	frames->used_pages += (uint64_t)1 << order;
	return true;
}

FRAMES_INLINE void frames_give(struct frames *frames, const struct frames_allocator *allocator,
			       uint64_t victim)
{
	frames_block block = frames->live[victim];
	unsigned order = (unsigned)(block >> 32);

	frames->live[victim] = frames->live[--frames->blocks];
	frames->used_pages -= (uint64_t)1 << order;
	allocator->free(frames->self, (uint32_t)block, order);
}

/* A random live block, by a multiplication instead of a division. */
FRAMES_INLINE uint64_t frames_victim(struct frames *frames)
{
	return (random_next(&frames->random) >> 32) * frames->blocks >> 32;
}

/* Takes single frames until `pages` are used. */
FRAMES_INLINE void frames_fill(struct frames *frames, const struct frames_allocator *allocator,
			       uint64_t pages)
{
	while (frames->used_pages < pages && frames_take(frames, allocator, 0))
		;
}

/* Takes all its frames, then frees a random half of them: no huge block is left. */
FRAMES_INLINE void frames_halve(struct frames *frames, const struct frames_allocator *allocator)
{
	frames_fill(frames, allocator, frames->pages);
	frames_shuffle(frames);
	while (frames->used_pages > frames->pages / 2)
		frames_give(frames, allocator, frames->blocks - 1);
}

/* One operation of mixed churn around `pages` used: an allocation of a random order below it, else a random free. */
FRAMES_INLINE void frames_mix(struct frames *frames, const struct frames_allocator *allocator, uint64_t pages)
{
	if (frames->used_pages < pages) {
		uint64_t bits = random_next(&frames->random) | (uint64_t)1 << FRAMES_MIXED_ORDER;

		if (frames_take(frames, allocator, (unsigned)__builtin_ctzll(bits)))
			return;
	}
	if (frames->blocks > 0)
		frames_give(frames, allocator, frames_victim(frames));
}

#endif
