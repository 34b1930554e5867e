/* area.h: what the page-fault path has to know of a mapping of an address space (a VMA): its range, its rights, and what
 * lies behind it.
 *
 *      start                                   end
 *        +---------------------------------------+
 *        |                 area                  |          page of the address a = first_page + (a - start) / page
 *        +---------------------------------------+
 *        :                                       :
 *        +---------------------------------------+
 *   ...  | first_page       file                 | ...      no file: private memory that reads as zero
 *        +---------------------------------------+
 *
 * A private area has a second layer above its file, or above nothing: its anonymous pages, made by the first write to each
 * page. `has_anonymous` says that there may be some; it is what Linux's vma->anon_vma says, and decides what a fork copies.
 */
#ifndef FAULTLINE_ENGINE_VIRT_AREA_H
#define FAULTLINE_ENGINE_VIRT_AREA_H

#include <stdbool.h>
#include <stdint.h>

struct file_pages;

enum area_flag {
	AREA_READ = 1 << 0,
	AREA_WRITE = 1 << 1,
	AREA_EXECUTE = 1 << 2,
	AREA_SHARED = 1 << 3,	       /* writes go to the file */
	AREA_GROWS_DOWN = 1 << 4,      /* a stack */
	AREA_LOCKED = 1 << 5,	       /* mlock: its pages are there as soon as they can be */
	AREA_LOCKED_ON_FAULT = 1 << 6, /* mlock2: locked, but not made to be there */
	AREA_HUGE = 1 << 7,	       /* MADV_HUGEPAGE */
	AREA_NO_HUGE = 1 << 8,	       /* MADV_NOHUGEPAGE */
	AREA_RANDOM = 1 << 9,	       /* MADV_RANDOM: no reading ahead */
	AREA_NO_FORK = 1 << 10,	       /* MADV_DONTFORK */
	AREA_WIPE_ON_FORK = 1 << 11,   /* MADV_WIPEONFORK */
};

#define AREA_RIGHTS (AREA_READ | AREA_WRITE | AREA_EXECUTE)

struct area {
	uint64_t start, end; /* addresses, multiples of the page; start < end */
	uint32_t flags;	     /* enum area_flag, or-ed */
	struct file_pages
	    *file; /* NULL: anonymous private memory; shared anonymous memory has a file of its own */
	uint64_t first_page; /* page of the file at `start` */
	bool
	    has_anonymous; /* set by the first anonymous page, true for all parts of a split area, or-ed in a merge */
};

/* Writes make private copies. */
static inline bool area_is_private(const struct area *area)
{
	return !(area->flags & AREA_SHARED);
}

/* A private area whose pages may be written to: what a fork has to write-protect. */
static inline bool area_copies_on_write(const struct area *area)
{
	return (area->flags & (AREA_SHARED | AREA_WRITE)) == AREA_WRITE;
}

#endif
