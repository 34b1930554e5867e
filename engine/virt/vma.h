/* vma.h: the mappings of an address space: what each one is, the balanced tree that finds them, and their memory.
 *
 *          [0x400000,0x401000) r-x           a tree of disjoint ranges by address (avl_tree.h), each node with the
 *            /                \              largest gap of its subtree, so that the highest or lowest gap of a size
 *   [0x10000,0x11000)   [0x7f00..) rw-       is found in O(log n)
 *
 *   ... |  gap  | previous |    gap    |  vma  |  gap  | next | ...      and a ring by address for its neighbours
 *                          <- its gap ->
 *
 * A VMA's *gap* is the free room below it, down to its predecessor's end or to address 0. What lies above the last one
 * belongs to nobody.
 *
 * A VMA is an area (area.h: what a page fault has to know) and what only the system calls care for. Its *anonymous
 * identity* says which VMAs had their anonymous pages made as one: 0 before the first one is made, then a number
 * that all parts of the VMA keep. Two VMAs of different identity never merge, because their pages could not be found
 * again.
 *
 * Invariants, proved by vma_tree_check():
 *   I1: start < end, both multiples of the page; each VMA ends at or below its successor's start
 *   I2: avl_tree_check() holds of the tree, with the gaps as sizes; its nodes are those of the ring
 *   I3: previous and next are the neighbours by address; first and last are the ends; count is their number
 *   I4: has_anonymous <=> anonymous != 0
 *   I5: area.file = the file's pages; a VMA is shared only with a file
 */
#ifndef FAULTLINE_ENGINE_VIRT_VMA_H
#define FAULTLINE_ENGINE_VIRT_VMA_H

#include "engine/base/avl_tree.h"
#include "engine/base/reservation.h"
#include "engine/base/status.h"
#include "engine/base/units.h"
#include "engine/virt/area.h"
#include "engine/virt/open_file.h"

/* Flags of area.flags that faults do not look at; below them are those of area.h. A right that a VMA may be given by
 * mprotect is its right shifted by VMA_MAY_SHIFT. */
#define VMA_MAY_SHIFT 12

enum vma_flag {
	VMA_MAY_READ = AREA_READ << VMA_MAY_SHIFT,
	VMA_MAY_WRITE = AREA_WRITE << VMA_MAY_SHIFT,
	VMA_MAY_EXECUTE = AREA_EXECUTE << VMA_MAY_SHIFT,
	VMA_ACCOUNTED = 1 << 15,  /* its pages are charged to what the system has promised */
	VMA_NO_RESERVE = 1 << 16, /* MAP_NORESERVE: never charged */
	VMA_SEQUENTIAL = 1 << 17, /* MADV_SEQUENTIAL */
	VMA_NO_DUMP = 1 << 18,	  /* MADV_DONTDUMP */
	VMA_MERGEABLE = 1 << 19,  /* MADV_MERGEABLE: pages may be merged with equal ones */
	VMA_DROPPABLE = 1 << 20,  /* MAP_DROPPABLE */
	VMA_SPECIAL = 1 << 21,	  /* the kernel's own (vvar, vdso): never merged, resized or locked */
	VMA_SYNC = 1 << 22,	  /* MAP_SYNC was asked for */
	VMA_FOREIGN = 1 << 23,	  /* put in by mm_place: never merged */
};

#define VMA_MAY_RIGHTS (VMA_MAY_READ | VMA_MAY_WRITE | VMA_MAY_EXECUTE)
#define VMA_LOCKED_FLAGS (AREA_LOCKED | AREA_LOCKED_ON_FAULT)

struct vma {
	struct area area;	/* first, so that an area found in the tree is its VMA */
	struct open_file *file; /* NULL: private anonymous memory */
	uint64_t anonymous;	/* identity; 0: no anonymous page was ever made */
	bool is_inherited;	/* its identity descends from a parent's: it takes no other VMA into it */

	struct vma *previous, *next; /* by address */
	struct avl_node node;	     /* key: start; size: the gap, bytes */
};

/* The VMA that an area of a tree belongs to. */
static inline struct vma *vma_of_area(struct area *area)
{
	return (struct vma *)(void *)area;
}

static inline uint64_t vma_pages(const struct vma *vma)
{
	return (vma->area.end - vma->area.start) >> PAGE_SHIFT;
}

/* The file's page (of anonymous memory: the number that stands for it) at an address of the VMA. */
static inline uint64_t vma_page_at(const struct vma *vma, uint64_t address)
{
	return vma->area.first_page + ((address - vma->area.start) >> PAGE_SHIFT);
}

static inline uint64_t vma_gap(const struct vma *vma)
{
	return vma->area.start - (vma->previous ? vma->previous->area.end : 0);
}

/* --- Memory ------------------------------------------------------------------------------------------------------- */

/* The VMAs of all address spaces of a machine: one reservation of slots, which costs what is used of it. */
struct vma_store {
	struct reservation memory;
	struct vma *slots;
	uint64_t capacity; /* slots */
	uint64_t next;	   /* lowest slot never used */
	uint64_t in_use;
	struct vma *first_free; /* linked by `next` */
	uint64_t identities;	/* anonymous identities handed out */
};

/* STATUS_NO_MEMORY when the host reserves nothing; STATUS_BAD_ARGUMENT for no slots or more than 2^28. */
MUST_USE enum status vma_store_create(struct vma_store *store, uint64_t capacity);
void vma_store_destroy(struct vma_store *store);

/* A zeroed VMA; NULL when all slots are in use. */
struct vma *vma_store_take(struct vma_store *store);
void vma_store_give(struct vma_store *store, struct vma *vma);

/* A new anonymous identity. */
uint64_t vma_store_identity(struct vma_store *store);

/* --- Tree --------------------------------------------------------------------------------------------------------- */

struct vma_tree {
	struct avl_tree by_address;
	struct vma *first, *last;
	uint64_t count;
};

/* Puts a VMA in; its range is free. O(log n). */
void vma_tree_insert(struct vma_tree *tree, struct vma *vma);

/* Takes one out. O(log n). */
void vma_tree_remove(struct vma_tree *tree, struct vma *vma);

/* Gives a VMA of the tree another range, which overlaps no other VMA: its place in the order stays. O(log n). */
void vma_tree_resize(struct vma_tree *tree, struct vma *vma, uint64_t start, uint64_t end);

/* The first VMA that ends above `address`: the one that holds it, or else the next one up; NULL: none. O(log n). */
struct vma *vma_tree_find(const struct vma_tree *tree, uint64_t address);

/* The first one that overlaps [start, end), or NULL. */
struct vma *vma_tree_find_overlap(const struct vma_tree *tree, uint64_t start, uint64_t end);

/* Where a gap was found, and what lies above it. */
struct vma_gap_found {
	uint64_t start, end; /* of the gap, cut to the limits; start == end: none was found */
	struct vma *above;   /* NULL: the gap is above the last VMA */
};

/* The highest (lowest) gap with at least `bytes` inside [low, high). O(log n) for gaps away from the limits. */
struct vma_gap_found vma_tree_highest_gap(const struct vma_tree *tree, uint64_t low, uint64_t high,
					  uint64_t bytes);
struct vma_gap_found vma_tree_lowest_gap(const struct vma_tree *tree, uint64_t low, uint64_t high,
					 uint64_t bytes);

/* NULL, or the text of the first invariant that does not hold. */
const char *vma_tree_check(const struct vma_tree *tree);

#endif
