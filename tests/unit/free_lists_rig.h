/* free_lists_rig.h: free lists over a small range, with their pages and pageblocks; and blocks taken from them as the page
 * allocator takes them, their order and kind marked in their first page.
 */
#ifndef FAULTLINE_TESTS_UNIT_FREE_LISTS_RIG_H
#define FAULTLINE_TESTS_UNIT_FREE_LISTS_RIG_H

#include "engine/phys/free_lists.h"

struct free_lists_rig {
	struct page_array array; /* frames 0 .. first+pages-1, rounded up to 1024 */
	struct pageblocks pageblocks;
	struct free_lists lists;
};

/* Empty lists over a range; everything is Movable. Fails the running test when there is no memory. */
void rig_make(struct free_lists_rig *rig, pfn_t first, uint64_t pages);
void rig_drop(struct free_lists_rig *rig);

/* A request of these three things. */
struct zone_request rig_request(unsigned order, enum migrate_type type, unsigned flags);

/* The block has an owner: its first page says so, and whether he can have it moved. */
void rig_mark(struct free_lists_rig *rig, pfn_t pfn, unsigned order, bool is_movable);

/* Takes a block, whose owner can have it moved if its type is Movable; PFN_NONE when there is none. */
pfn_t rig_take(struct free_lists_rig *rig, struct zone_request request);

/* Gives it back. */
void rig_give(struct free_lists_rig *rig, pfn_t pfn, unsigned order, unsigned flags);

#endif
