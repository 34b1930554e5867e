/* page.h: struct page, the kernel's knowledge of one frame, and the array of them.
 *
 *   page array    | page first | page first+1 | ...        one cache line each: 16 MiB per GiB of memory (1.56 %)
 *
 * The array is indexed by frame number, so that page <-> pfn is arithmetic; with the arena's direct map so is
 * page <-> address. It lies outside the managed memory and reads as zero until touched: a frame's page costs memory only
 * once somebody writes to it, so a machine of 1 TiB needs no 16 GiB for it.
 *
 * What the fields mean depends on who owns the frame:
 *
 *   owner             count   mapcount   mapping           index            private       lru
 *   nobody (free)     0       0          NULL              0                order (FREE)  a free list, at the block's first
 *   a caller          1       0          the caller's      the caller's     order (HEAD)  the caller's
 *   a slab cache      1       0          its kmem_cache    slots in use     order (HEAD)  the cache's list of slabs
 *   a process         1..     PTEs       its mapping       page of mapping  order         reclaim's lists
 *
 * PAGE_HEAD marks the first frame of an allocated block, with its order in `private`; nothing is written to the pages of
 * its other frames, unless it is a compound block.
 */
#ifndef FAULTLINE_ENGINE_PHYS_PAGE_H
#define FAULTLINE_ENGINE_PHYS_PAGE_H

#include "engine/base/list.h"
#include "engine/base/reservation.h"
#include "engine/base/units.h"

enum page_flag {
	PAGE_RESERVED = 1 << 0, /* reserved at boot: never in a free list */
	PAGE_HEAD = 1 << 1,	/* first frame of an allocated block; `private` is its order */
	PAGE_SLAB = 1 << 2,	/* a slab cache's */
	/* Of user pages (engine/virt/frames.h): */
	PAGE_ANONYMOUS = 1 << 3, /* first frame of a process's own block */
	PAGE_CACHED = 1 << 4,	 /* of a file */
	PAGE_EXCLUSIVE = 1 << 5, /* no other process can see it */
	PAGE_DIVIDED = 1 << 6,	 /* head of a huge block that is mapped in small pages, or was */
	PAGE_TAIL = 1 << 7,	 /* another frame of a divided block */
	PAGE_LAZY_FREE = 1 << 8, /* MADV_FREE: may be dropped as long as it is clean */
	PAGE_FREE = 1 << 9, /* first frame of a free block in a list (free_lists.h); `private` is its order */
	PAGE_LRU = 1 << 10, /* head of a block whose owner can have it moved: reclaim and migration know it */
	/* Of compound blocks (gfp.h): */
	PAGE_COMPOUND = 1 << 11,      /* first frame; PAGE_HEAD too */
	PAGE_COMPOUND_TAIL = 1 << 12, /* another frame; `index` is its distance to the first */
};

struct page {
	uint32_t flags;	  /* enum page_flag, or-ed */
	uint32_t zone;	  /* number of its zone in the memory, when it was ever allocated */
	int32_t count;	  /* references; 0 = free */
	int32_t mapcount; /* page-table entries that name it */
	void *mapping;	  /* the owner: file, anonymous mapping, slab cache */
	uint64_t index;	  /* its place within the mapping */
	uint64_t private; /* the owner's */
	struct list lru;  /* the owner's list */
	union {
		struct {
			uint32_t offset; /* bytes before its first slot */
			uint16_t slots;	 /* objects that it holds */
			uint16_t state;	 /* enum slab_state */
		} slab;
		struct {
			uint32_t huge_mapcount; /* of a huge block: huge entries that name it */
			uint32_t pins; /* of a user page: references that keep it where it is (frames.h) */
		};
	};
};

_Static_assert(sizeof(struct page) == 64, "a struct page is one cache line");

struct page_array {
	pfn_t first;
	uint64_t pages;
	struct page *page; /* page[pfn - first] */
	struct reservation memory;
};

/* The cost of describing 1 GiB of memory. */
#define PAGE_ARRAY_BYTES_PER_GIB (((uint64_t)1 << 30) / PAGE_BYTES * sizeof(struct page))

/* STATUS_NO_MEMORY when there is no address space for it. */
MUST_USE static inline enum status page_array_create(struct page_array *array, pfn_t first, uint64_t pages)
{
	enum status status = reservation_create(&array->memory, pages * sizeof(struct page), PAGE_BYTES);

	array->first = first;
	array->pages = pages;
	array->page = array->memory.memory;
	return status;
}

static inline void page_array_destroy(struct page_array *array)
{
	reservation_destroy(&array->memory);
}

/* The frame lies in the array, and the page in its memory. */
static inline struct page *page_of_pfn(const struct page_array *array, pfn_t pfn)
{
	return &array->page[pfn - array->first];
}

static inline pfn_t pfn_of_page(const struct page_array *array, const struct page *page)
{
	return array->first + (pfn_t)(page - array->page);
}

#endif
