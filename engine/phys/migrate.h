/* migrate.h: the migrate types: what can be done about a page that stands in the way of a larger block.
 *
 *   Unmovable     nothing: the kernel's own data, named by addresses of the direct map
 *   Movable       it can be copied elsewhere: pages of processes and of the page cache, found by their page tables
 *   Reclaimable   it can be dropped when asked: caches that shrink (inodes, dentries)
 *   HighAtomic    kept back for urgent requests above order 0
 *   CMA           lent to movable pages until its owner wants the range
 *   Isolate       about to be taken away: nothing is allocated from it
 *
 * Keeping pages of one type together in pageblocks (pageblock.h) makes it likely that a whole block can be emptied. A request
 * that finds none of its own type takes from another, in this order (mm/page_alloc.c, Linux 6.18: fallbacks[]); the last three
 * types neither fall back nor are fallen back on:
 *
 *   Unmovable   -> Reclaimable, Movable
 *   Movable     -> Reclaimable, Unmovable
 *   Reclaimable -> Unmovable, Movable
 *
 * Numbers and names are those of include/linux/mmzone.h and /proc/pagetypeinfo (mm/page_alloc.c: migratetype_names) of a 6.18
 * kernel with CMA and isolation; without CMA the kernel's Isolate has the number 4.
 */
#ifndef FAULTLINE_ENGINE_PHYS_MIGRATE_H
#define FAULTLINE_ENGINE_PHYS_MIGRATE_H

#include <stdbool.h>

/* The types with per-CPU lists of their own, which fall back on each other: 0 .. MIGRATE_PCPTYPES-1. */
#define MIGRATE_PCPTYPES 3u
#define MIGRATE_FALLBACKS (MIGRATE_PCPTYPES - 1)

enum migrate_type {
	MIGRATE_UNMOVABLE,
	MIGRATE_MOVABLE,
	MIGRATE_RECLAIMABLE,
	MIGRATE_HIGHATOMIC,
	MIGRATE_CMA,
	MIGRATE_ISOLATE,
	MIGRATE_TYPES,
};

/* The name as /proc/pagetypeinfo prints it. `type` is below MIGRATE_TYPES. */
static inline const char *migrate_type_name(enum migrate_type type)
{
	static const char *const names[MIGRATE_TYPES] = {
	    "Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate",
	};

	return names[type];
}

/* The `nth` type (0 .. MIGRATE_FALLBACKS-1) that a request of `type` (below MIGRATE_PCPTYPES) falls back on. */
static inline enum migrate_type migrate_fallback(enum migrate_type type, unsigned nth)
{
	static const unsigned char fallbacks[MIGRATE_PCPTYPES][MIGRATE_FALLBACKS] = {
	    [MIGRATE_UNMOVABLE] = {MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE},
	    [MIGRATE_MOVABLE] = {MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE},
	    [MIGRATE_RECLAIMABLE] = {MIGRATE_UNMOVABLE, MIGRATE_MOVABLE},
	};

	return (enum migrate_type)fallbacks[type][nth];
}

/* May a free block of this type become one with a neighbour of another such type? (mm/page_alloc.c, Linux 6.18:
 * migratetype_is_mergeable) */
static inline bool migrate_type_is_mergeable(enum migrate_type type)
{
	return (unsigned)type < MIGRATE_PCPTYPES;
}

#endif
