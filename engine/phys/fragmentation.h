/* fragmentation.h: how broken the free memory is, from nothing but the number of free blocks of each order.
 *
 * With n_k free blocks of order k, F = sum of n_k * 2^k free pages and B = sum of n_k free blocks:
 *
 *   unusable free space index of order j    (F - sum over i >= j of n_i * 2^i) / F
 *       0: all free memory can serve order j; 1: none can. Without free memory it cannot be had. (Gorman and Whitcroft,
 *       "The what, the why and the where to of anti-fragmentation", OLS 2006; mm/vmstat.c)
 *   extfrag index of order j                1 - (1 + F / 2^j) / B
 *       Only where a request of order j would fail though there are free blocks. Towards 0: it fails for lack of memory,
 *       towards 1: because of fragmentation. (The same; it can be slightly below 0 when B = 1.)
 *   free huge over optimal                  free 2 MiB blocks / (F / 512)
 *       How much of what could be huge pages is. Free 2 MiB blocks inside larger ones count.
 *
 * They measure external fragmentation only. Each is a ratio of whole numbers; nothing is rounded.
 */
#ifndef FAULTLINE_ENGINE_PHYS_FRAGMENTATION_H
#define FAULTLINE_ENGINE_PHYS_FRAGMENTATION_H

#include "engine/base/ratio.h"
#include "engine/base/units.h"

#define FRAGMENTATION_ORDERS 19u

/* Free blocks of each order, of one buddy or several together. */
struct free_blocks {
	uint64_t blocks[FRAGMENTATION_ORDERS];
};

/* F. At most 2^45 pages. */
uint64_t free_blocks_pages(const struct free_blocks *free);

/* order: 0 .. FRAGMENTATION_ORDERS-1. */
struct ratio fragmentation_unusable(const struct free_blocks *free, unsigned order);
struct ratio fragmentation_external(const struct free_blocks *free, unsigned order);

/* None when there are fewer than 512 free pages. */
struct ratio fragmentation_huge_over_optimal(const struct free_blocks *free);

#endif
