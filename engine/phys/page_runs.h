/* page_runs.h: runs of neighbouring pages of any length, from whatever keeps free blocks.
 *
 *   run of 5     |# # # #|#|. . .|      a block of 8, of which the tail goes back
 *
 * Makers are the keepers: buddy.h, free_lists.h, and the parts of a zone (zone_parts.h); a zone has one of them (zone_runs()). A run
 * belongs to whoever took it: parts of it can be given back, in any pieces. Nothing here locks, but what parts need among themselves.
 */
#ifndef FAULTLINE_ENGINE_PHYS_PAGE_RUNS_H
#define FAULTLINE_ENGINE_PHYS_PAGE_RUNS_H

#include "engine/base/units.h"

struct buddy;
struct free_lists;

struct page_runs {
	void *keeper;

	/* Takes `pages` (at least 1), aligned to the next power of two, capped at the keeper's largest block. Nothing else
	 * is held. PFN_NONE when there is no such run. */
	pfn_t (*allocate)(void *keeper, uint64_t pages);

	/* Gives back any run of pages taken before. */
	void (*release)(void *keeper, pfn_t pfn, uint64_t pages);

	/* Takes exactly these pages, if all of them are free; else changes nothing and returns false. */
	bool (*claim)(void *keeper, pfn_t pfn, uint64_t pages);

	/* For checking: is the page free? NULL, or the text of the keeper's first invariant that does not hold. */
	bool (*is_free)(const void *keeper, pfn_t pfn);
	const char *(*check)(const void *keeper);

	uint64_t
	    huge_map_bytes; /* of the keeper's books, what belongs to one 2 MiB block once it is divided */
};

/* The runs of a keeper, which lives as long as they are used. Those of lists are movable memory. */
struct page_runs page_runs_of_buddy(struct buddy *buddy);
struct page_runs page_runs_of_lists(struct free_lists *lists);

#endif
