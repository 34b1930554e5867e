/* slot_pool.h: numbers for live blocks, dense and reused.
 *
 * With one lane the slot freed last is used first, and there are never more slots than blocks were live at once. With several
 * lanes that run at the same time (mode parallel), a reuse across lanes makes the new owner wait for the old one's free, which
 * the program never did. So a lane first reuses what it freed itself (up to SLOT_POOL_OWN), and what goes between lanes waits in a
 * queue of SLOT_POOL_SHARED before it is used again:
 *
 *   I1  slots handed out at most = live peak + lanes * SLOT_POOL_OWN + SLOT_POOL_SHARED   (the last two are 0 for one lane)
 *   I2  no slot is free twice, none is both free and live
 */
#ifndef FAULTLINE_BENCH_REPLAY_SLOT_POOL_H
#define FAULTLINE_BENCH_REPLAY_SLOT_POOL_H

#include <stdbool.h>
#include <stdint.h>

#define SLOT_POOL_OWN 64u
#define SLOT_POOL_SHARED 1024u
#define SLOT_NONE UINT32_MAX

struct slot_pool {
	uint32_t *next;	      /* per slot: the free slot after it, SLOT_NONE at the end */
	uint32_t capacity;    /* of `next` */
	uint32_t slots;	      /* ever handed out */
	uint32_t first, last; /* queue of free slots of all lanes */
	uint32_t shared;      /* length of that queue */
	uint32_t keep;	      /* the queue gives only what it holds beyond this */
	uint32_t *own;	      /* per lane: stack of free slots; NULL with one lane */
	uint32_t *own_count;
};

/* `lanes` 1, or the number of lanes that run at once. False when there is no memory. */
bool slot_pool_create(struct slot_pool *pool, uint32_t lanes);

/* A free slot for `lane`; SLOT_NONE when there is no memory (or 2^32 - 2 blocks are live). */
uint32_t slot_pool_take(struct slot_pool *pool, uint32_t lane);

/* Gives back a slot that slot_pool_take gave, from whichever lane. */
void slot_pool_give(struct slot_pool *pool, uint32_t lane, uint32_t slot);

void slot_pool_destroy(struct slot_pool *pool);

#endif
