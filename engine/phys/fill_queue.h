/* fill_queue.h: the open 2 MiB blocks of a buddy, found by how full they are: a bucket queue.
 *
 * A block stands in the list [largest][bucket]: `largest` is the order of its largest free block, `bucket` its free
 * frames divided by 8. One word per `largest` says which of its 64 lists are not empty, so the fullest block that can
 * serve an order is found with at most nine words:
 *
 *   largest 8   occupied ...1..1.....   lists  [0] [1] ... [63]
 *   largest 7   occupied 1...1.......   lists  [0]-> block -> block  ...
 *   ...
 *
 * A block without a free frame, or one that is not open, stands in no list. The memory is handed in and must
 * read as zero; only the entries of blocks that were once open are touched.
 *
 * Invariants, proved by fill_queue_check() and, against the bits of the blocks, by buddy_check():
 *   I1: bit b of occupied[m] is set <=> list [m][b] is not empty
 *   I2: a block in list [m][b] knows it, has m as its largest order and b as free_frames / 8, and links back
 */
#ifndef FAULTLINE_ENGINE_PHYS_FILL_QUEUE_H
#define FAULTLINE_ENGINE_PHYS_FILL_QUEUE_H

#include "engine/base/units.h"

#define FILL_BUCKETS 64u
#define FILL_BUCKET_SHIFT 3
#define FILL_ORDERS HUGE_ORDER
#define FILL_NONE UINT32_MAX

struct fill_entry {
	uint32_t next;	      /* block + 1 of the next one in the list, 0 = the last */
	uint32_t previous;    /* block + 1 of the previous one, 0 = the first */
	uint16_t free_frames; /* 0 .. 511 */
	uint16_t orders;      /* bit k: the block has a free block of order k; the owner keeps it */
	uint16_t largest;     /* where it is listed: largest + 1, or 0 when in no list */
	uint16_t bucket;
};

struct fill_queue {
	uint64_t occupied[FILL_ORDERS];		  /* bit b: list [largest][b] is not empty */
	uint32_t head[FILL_ORDERS][FILL_BUCKETS]; /* block + 1, 0 = empty */
	struct fill_entry entry[];		  /* one per 2 MiB block */
};

/* Bytes for a queue of `blocks` blocks: 16 per block and 2.4 KiB. The queue is empty when the memory reads as zero. */
size_t fill_queue_bytes(uint64_t blocks);

/* Lists `block` by its free_frames and orders, after the owner changed them. O(1). */
void fill_queue_update(struct fill_queue *queue, uint32_t block);

/* The fullest block with a free block of at least `order` (0 .. 8), or FILL_NONE. Among equals the one that
 * changed its list last. O(1). */
uint32_t fill_queue_fullest(const struct fill_queue *queue, unsigned order);

/* NULL, or the text of the first invariant that does not hold. */
const char *fill_queue_check(const struct fill_queue *queue, uint64_t blocks);

#endif
