/* page_owner.h: who allocated each block, and what is said when somebody handles pages wrongly.
 *
 * The first page of an allocated block always knows enough to recognise a wrong order, a second free, a pointer into a block
 * and a foreign one (gfp.h). With page_owner=on every block also remembers its last allocation: who, how large, with which
 * flags; that stays after the free, so that a second free can be told whose block it was. It costs 16 bytes per frame that was
 * ever the first of a block (Linux: page_owner=on, mm/page_owner.c).
 *
 * A misuse is told to the memory's handler, which may go on: the call that was wrong then does nothing. Without a handler the
 * program dies by CHECK, in the same words.
 */
#ifndef FAULTLINE_ENGINE_PHYS_PAGE_OWNER_H
#define FAULTLINE_ENGINE_PHYS_PAGE_OWNER_H

#include "engine/base/reservation.h"
#include "engine/base/units.h"

#include <stdbool.h>
#include <stdint.h>

struct page_owner {
	const char *caller; /* as the request named it; NULL: nobody yet, or somebody without a name */
	uint32_t flags;	    /* enum gfp_flag */
	uint32_t order;
};

struct page_owners {
	struct page_owner *owner; /* [pfn], NULL when nobody is remembered */
	struct reservation memory;
};

/* STATUS_NO_MEMORY when there is no address space for `pages` frames. */
MUST_USE enum status page_owners_create(struct page_owners *owners, uint64_t pages);
void page_owners_destroy(struct page_owners *owners);

enum page_mistake {
	MISTAKE_FOREIGN,     /* a page or an address that is none of this memory's */
	MISTAKE_MISALIGNED,  /* an address inside a page */
	MISTAKE_RESERVED,    /* the frame was reserved at boot */
	MISTAKE_DOUBLE_FREE, /* the frame is free */
	MISTAKE_INSIDE,	     /* the frame is inside a block, not its first */
	MISTAKE_ORDER,	     /* the block has another order */
	MISTAKE_MAPPED,	     /* page-table entries still name the page */
	MISTAKE_COMPOUND,    /* a compound block cannot be split, nor freed in parts */
	MISTAKE_FLAGS,	     /* two zones, two mobilities, or unknown bits */
	MISTAKE_NO_ADDRESS,  /* an address was asked for memory that may have none */
	PAGE_MISTAKES,
};

/* One misuse. */
struct page_misuse {
	enum page_mistake mistake;
	pfn_t pfn;		 /* of the frame that was named, or PFN_NONE */
	unsigned order;		 /* as the caller said */
	unsigned block_order;	 /* of the block, with MISTAKE_ORDER and MISTAKE_INSIDE */
	struct page_owner owner; /* the block's; caller is NULL when nobody is remembered */
};

/* Told of every misuse. */
struct page_misuse_handler {
	void (*report)(void *receiver, const struct page_misuse *misuse); /* or NULL */
	void *receiver;
};

/* The misuse in one line: "double free: frame 0x1f00 is free; last allocated by fork, order 1, GFP_KERNEL". `text` has
 * PAGE_MISUSE_TEXT_BYTES; it is returned. */
#define PAGE_MISUSE_TEXT_BYTES 400u
const char *page_misuse_text(const struct page_misuse *misuse, char *text);

/* Tells the handler, or dies. */
void page_misuse_report(const struct page_misuse_handler *handler, const struct page_misuse *misuse);

#endif
