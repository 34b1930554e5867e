/* vmap_area.h: the areas of a range of virtual addresses, free ones and busy ones, in balanced trees.
 *
 *          [0x8000,0xa000)  largest 0x5000         a tree of disjoint areas by address (avl_tree.h), each with the
 *            /          \                           size of the largest area of its subtree
 *   [0x1000,0x6000)   [0xc000,0xd000)
 *
 * With that size the lowest area that holds a request is found in O(log n): a subtree whose largest is too small is not
 * entered (Linux 6.18, mm/vmalloc.c: find_vmap_lowest_match). Free neighbours are one area.
 *
 * Invariants, proved by vmap_tree_check():
 *   I1: start < end, multiples of the page; areas ascend without overlap; free ones do not touch
 *   I2: avl_tree_check() holds of the tree, with the bytes of areas as sizes
 *   I3: count is the number of areas, bytes the sum of their sizes
 */
#ifndef FAULTLINE_ENGINE_PHYS_VMAP_AREA_H
#define FAULTLINE_ENGINE_PHYS_VMAP_AREA_H

#include "engine/base/avl_tree.h"
#include "engine/base/list.h"
#include "engine/base/reservation.h"
#include "engine/base/units.h"

struct vmap_area {
	uint64_t start, end;  /* addresses; of a busy area the guard page is in it */
	struct avl_node node; /* key: start; size: bytes */

	/* Of busy areas: what they are for (vmalloc.h). */
	unsigned flags;	   /* enum vm_flag, or-ed */
	unsigned order;	   /* of its blocks of pages */
	uint64_t pages;	   /* that are mapped */
	uint64_t physical; /* address, with VM_IOREMAP */
	uint64_t caller;   /* any number that means something to the owner */
	struct list link;  /* in the list of areas to purge */
};

struct vmap_tree {
	struct avl_tree by_address;
	uint64_t count, bytes;
};

/* The memory of areas: one reservation of slots, which costs what is used of it. */
struct vmap_store {
	struct reservation memory;
	struct vmap_area *slots;
	uint64_t capacity, used;
	struct avl_node *first_free; /* linked by `left` */
};

/* STATUS_NO_MEMORY. */
MUST_USE enum status vmap_store_create(struct vmap_store *store, uint64_t capacity);
void vmap_store_destroy(struct vmap_store *store);

/* A zeroed area with that range; NULL when all slots are in use. */
struct vmap_area *vmap_store_take(struct vmap_store *store, uint64_t start, uint64_t end);
void vmap_store_give(struct vmap_store *store, struct vmap_area *area);

/* Puts an area in that overlaps none. O(log n). */
void vmap_tree_insert(struct vmap_tree *tree, struct vmap_area *area);

/* Takes one out. O(log n). */
void vmap_tree_remove(struct vmap_tree *tree, struct vmap_area *area);

/* The first area that ends above `address`: the one that holds it, or the next one up; NULL: none. O(log n). */
struct vmap_area *vmap_tree_find(const struct vmap_tree *tree, uint64_t address);

/* The last area that ends at or below `address`, or NULL. O(log n). */
struct vmap_area *vmap_tree_before(const struct vmap_tree *tree, uint64_t address);

struct vmap_request {
	uint64_t bytes;	    /* a multiple of the page */
	uint64_t alignment; /* a power of two, at least a page */
	uint64_t low, high; /* where it may lie */
};

/* The lowest area that holds the request, and where in it: 0 = there is none. For alignments above a page an area is looked for
 * that is long enough wherever it begins, as Linux does; `bytes` alone when the range is no longer than that. */
uint64_t vmap_tree_lowest_fit(const struct vmap_tree *tree, const struct vmap_request *request,
			      struct vmap_area **found);

/* Gives a range back to a tree of free areas: it becomes one with its neighbours. */
void vmap_tree_free(struct vmap_tree *tree, struct vmap_store *store, struct vmap_area *area);

/* Cuts [start, end) out of a free area. False, and nothing done, when there is no slot for the second rest. */
bool vmap_tree_cut(struct vmap_tree *tree, struct vmap_store *store, struct vmap_area *area,
		   const struct vmap_request *piece);

/* NULL, or the text of the first invariant that does not hold. `may_touch`: of busy areas. */
const char *vmap_tree_check(const struct vmap_tree *tree, bool may_touch);

#endif
