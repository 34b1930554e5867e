/* block_types.h: which pageblocks of a zone have which migrate type, where only sums are known: of each type, how many free blocks of
 * each order lie in its pageblocks.
 *
 *   sums            order 0   1   2 ..                 pageblocks       type   free blocks    content
 *   Unmovable             9   2   0   <-- told         17               U      4  1  0 ..     500 frames of the kernel
 *                         4   1   0   <-- found        18               M      5  1  0 ..      12
 *
 * Pageblocks of two types change places as long as that makes the sums fit better, by more than it spoils what is likely by their contents:
 * BLOCK_TYPES_FRAMES frames weigh as much as a free block. How many pageblocks a type has stays as it is. Found are types that fit, not
 * always those that were: pageblocks with equal free blocks cannot be told apart, which matters to nobody.
 *
 * Invariants, proved by block_types_check():
 *   I1: every type is below MIGRATE_PCPTYPES
 *   I2: missing = told free blocks - those of the pageblocks - those of pageblocks that are not asked for
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_BLOCK_TYPES_H
#define FAULTLINE_BENCH_PHYSICAL_BLOCK_TYPES_H

#include "bench/physical/pagetypeinfo_text.h"
#include "engine/phys/pageblock.h"

#include <stddef.h>

#define BLOCK_TYPES_FRAMES 32
#define BLOCK_TYPES_LOOKS (UINT64_C(1) << 28) /* pairs, at most: a machine of 24 GiB has some ten millions */

struct block_contents {
	uint64_t block;			/* pageblock */
	uint32_t type;			/* enum migrate_type, below MIGRATE_PCPTYPES */
	uint16_t free[PAGEBLOCK_ORDER]; /* free blocks of each order that is smaller than a pageblock */
	int32_t kernel;			/* frames of the kernel, less those of processes and files */
	int32_t slab;			/* of them, slab pages, less the others */
};

struct block_types {
	struct block_contents *block; /* the caller's */
	size_t blocks;
	int64_t missing[MIGRATE_PCPTYPES][PAGEBLOCK_ORDER]; /* free blocks: told, less those found */
	uint64_t looks;					    /* pairs so far */
	uint64_t swaps;					    /* of them, those that changed places */
};

/* The free blocks of a zone, less those of pageblocks whose type is known: block_types_know(). */
void block_types_create(struct block_types *types, const struct pagetypeinfo_zone *told);
void block_types_know(struct block_types *types, const struct block_contents *contents);

/* Changes the types of pageblocks, of which each has one that is likely by its contents, until no change of two makes them fit better, or
 * BLOCK_TYPES_LOOKS pairs were looked at. */
void block_types_fit(struct block_types *types, struct block_contents *block, size_t blocks);

/* Sum over types and orders of |missing|: free blocks. */
uint64_t block_types_misfit(const struct block_types *types);

/* NULL, or the text of the first invariant that does not hold. `beginning` is a copy of before block_types_fit(). */
const char *block_types_check(const struct block_types *types, const struct block_types *beginning);

#endif
