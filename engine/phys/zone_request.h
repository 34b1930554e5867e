/* zone_request.h: what one allocation asks of a zone: how much, of which mobility, and how far it may dig.
 *
 * The flags are those that Linux makes of the caller's gfp bits on its way through the zones (mm/internal.h, 6.18), with
 * its names and numbers. A zone stays above a watermark; what a request may dip into below it (mm/page_alloc.c,
 * __zone_watermark_ok, 6.18):
 *
 *   flags                                   of the mark stays untouched
 *   (none)                                  all of it, and the blocks kept for HighAtomic
 *   ALLOC_MIN_RESERVE                       1/2            __GFP_HIGH
 *   ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK     3/8            GFP_ATOMIC
 *   ALLOC_OOM                               1/2            a process that is about to end; with the others 1/4 and 3/16
 *   ALLOC_NO_WATERMARKS                     nothing        __GFP_MEMALLOC
 */
#ifndef FAULTLINE_ENGINE_PHYS_ZONE_REQUEST_H
#define FAULTLINE_ENGINE_PHYS_ZONE_REQUEST_H

#include "engine/phys/migrate.h"

/* What zones are for, in the kernel's order: a request may use its best zone and those before it. */
enum zone_kind {
	ZONE_DMA,     /* below 16 MiB */
	ZONE_DMA32,   /* below 4 GiB */
	ZONE_NORMAL,  /* directly mapped */
	ZONE_HIGHMEM, /* without an address of its own */
	ZONE_MOVABLE, /* for movable pages only */
	ZONE_KINDS,
};

enum zone_watermark {
	WATERMARK_MIN,	 /* below it only those who may dig */
	WATERMARK_LOW,	 /* below it reclaim is woken */
	WATERMARK_HIGH,	 /* above it reclaim stops */
	WATERMARK_PROMO, /* above it pages move up from slower memory */
	WATERMARKS,
};

enum allocation_flag {
	ALLOC_WMARK_MIN = WATERMARK_MIN,
	ALLOC_WMARK_LOW = WATERMARK_LOW,
	ALLOC_WMARK_HIGH = WATERMARK_HIGH,
	ALLOC_WMARK_MASK = 0x3,
	ALLOC_NO_WATERMARKS = 0x4,
	ALLOC_OOM = 0x8,
	ALLOC_NON_BLOCK = 0x10,
	ALLOC_MIN_RESERVE = 0x20,
	ALLOC_CMA = 0x80,	  /* may take from CMA pageblocks */
	ALLOC_NOFRAGMENT = 0x100, /* rather another zone than a pageblock of another type */
	ALLOC_HIGHATOMIC = 0x200, /* may take what is kept for HighAtomic */
	ALLOC_KSWAPD = 0x800,	  /* wakes reclaim */
	ALLOC_RESERVES = ALLOC_OOM | ALLOC_NON_BLOCK | ALLOC_MIN_RESERVE,
};

struct zone_request {
	unsigned order;		/* 2^order frames; at most the zone's largest */
	enum migrate_type type; /* below MIGRATE_PCPTYPES */
	unsigned flags;		/* enum allocation_flag, or-ed with the watermark to keep */
	enum zone_kind
	    highest; /* the best zone the request could have: lowmem_reserve protects lower ones from it */
	int cpu;     /* the calling CPU, whose page set may serve it, or -1 */
};

#endif
