/* frame_pool.h: the frames that a generated kernel recording names: which are free, so that no frame is given twice and blocks are aligned.
 *
 *   block    512 frames      used  0 ... 512
 *   bucket   used = 0 | 1 | 2 ... 511      blocks of each fill, linked; a single frame comes from the fullest that has one left,
 *                                          512 at once from one of which none is used
 *
 * That breaks up as few blocks as can be, so that requests of 512 are served whenever so much is free: what a policy makes of the same
 * requests is not limited by what the recording says.
 *
 * Invariants, proved by frame_pool_check():
 *   I1: used of a block is the number of its frames that are not free
 *   I2: every block of which a frame is free is linked in the bucket of its fill, no other is
 */
#ifndef FAULTLINE_TRACES_GENERATE_FRAME_POOL_H
#define FAULTLINE_TRACES_GENERATE_FRAME_POOL_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_POOL_ORDER 9u
#define FRAME_POOL_BLOCK 512u /* frames */
#define FRAME_POOL_WORDS (FRAME_POOL_BLOCK / 64)
#define FRAME_POOL_NONE UINT64_MAX

struct frame_pool_block {
	uint64_t free[FRAME_POOL_WORDS]; /* a bit per frame */
	uint32_t next, previous;	 /* in the bucket; block numbers + 1, 0: none */
	uint32_t used;			 /* frames */
};

struct frame_pool {
	uint32_t blocks;
	struct frame_pool_block *block;
	uint32_t bucket[FRAME_POOL_BLOCK]; /* [used]: number of the first block + 1 */
	uint64_t filled[FRAME_POOL_WORDS]; /* a bit per bucket that has a block */
};

/* All frames 0 .. blocks * 512 - 1 are free (1 <= blocks < 2^31). False without memory. */
bool frame_pool_create(struct frame_pool *pool, uint32_t blocks);
void frame_pool_destroy(struct frame_pool *pool);

/* The first frame of a block of order 0 or FRAME_POOL_ORDER; FRAME_POOL_NONE: there is none. */
uint64_t frame_pool_take(struct frame_pool *pool, unsigned order);

/* Gives back what was taken. */
void frame_pool_give(struct frame_pool *pool, uint64_t frame, unsigned order);

/* NULL, or the text of the first invariant that does not hold. */
const char *frame_pool_check(const struct frame_pool *pool);

#endif
