/* gfp_flags.h: the bits with which a caller says what pages it wants and what may be done to get them.
 *
 * Names, numbers and meanings are those of include/linux/gfp_types.h, Linux 6.18; C reserves names that begin with two
 * underscores, so __GFP_ZERO is GFP_ZERO here (no combination has the same name as another bit). A recording names flags as
 * text, because the bits differ between kernels: gfp_flags_of_name() knows them with the underscores.
 *
 *   zone        GFP_DMA  GFP_DMA32  GFP_HIGHMEM     at most one; with GFP_MOVABLE, GFP_HIGHMEM means the Movable zone
 *   mobility    GFP_MOVABLE  GFP_RECLAIMABLE        at most one; neither: Unmovable
 *   reserves    GFP_HIGH  GFP_MEMALLOC  GFP_NOMEMALLOC                   zone_request.h says how deep
 *   reclaim     GFP_IO  GFP_FS  GFP_DIRECT_RECLAIM  GFP_KSWAPD_RECLAIM   may wait for memory, may wake who frees some
 *   effort      GFP_NORETRY  GFP_RETRY_MAYFAIL  GFP_NOFAIL               give up early, late, never
 *   result      GFP_ZERO  GFP_COMP                                       cleared; one compound page
 */
#ifndef FAULTLINE_ENGINE_PHYS_GFP_FLAGS_H
#define FAULTLINE_ENGINE_PHYS_GFP_FLAGS_H

#include "engine/phys/memory_description.h"
#include "engine/phys/zone_request.h"

#include <stddef.h>
#include <stdint.h>

enum gfp_flag {
	GFP_DMA = 0x1,
	GFP_HIGHMEM = 0x2, /* need not be mapped */
	GFP_DMA32 = 0x4,
	GFP_MOVABLE = 0x8,
	GFP_RECLAIMABLE = 0x10,
	GFP_HIGH = 0x20, /* may take half of what `min` keeps */
	GFP_IO = 0x40,
	GFP_FS = 0x80,
	GFP_ZERO = 0x100, /* reads as zero (with backing none there is nothing to clear) */
	GFP_DIRECT_RECLAIM = 0x400,
	GFP_KSWAPD_RECLAIM = 0x800,
	GFP_WRITE = 0x1000, /* will be dirty */
	GFP_NOWARN = 0x2000,
	GFP_RETRY_MAYFAIL = 0x4000,
	GFP_NOFAIL = 0x8000,
	GFP_NORETRY = 0x10000,
	GFP_MEMALLOC = 0x20000, /* may take everything: it will free more */
	GFP_COMP = 0x40000,
	GFP_NOMEMALLOC = 0x80000, /* never takes from the reserves */
	GFP_HARDWALL = 0x100000,
	GFP_THISNODE = 0x200000, /* from the preferred node or not at all */
	GFP_ACCOUNT = 0x400000,
	GFP_ZEROTAGS = 0x800000,

	GFP_RECLAIM = GFP_DIRECT_RECLAIM | GFP_KSWAPD_RECLAIM,
	GFP_ATOMIC = GFP_HIGH | GFP_KSWAPD_RECLAIM,
	GFP_KERNEL = GFP_RECLAIM | GFP_IO | GFP_FS,
	GFP_KERNEL_ACCOUNT = GFP_KERNEL | GFP_ACCOUNT,
	GFP_NOWAIT = GFP_KSWAPD_RECLAIM | GFP_NOWARN,
	GFP_NOIO = GFP_RECLAIM,
	GFP_NOFS = GFP_RECLAIM | GFP_IO,
	GFP_USER = GFP_KERNEL | GFP_HARDWALL,
	GFP_HIGHUSER = GFP_USER | GFP_HIGHMEM,
	GFP_HIGHUSER_MOVABLE = GFP_HIGHUSER | GFP_MOVABLE,
	GFP_TRANSHUGE_LIGHT =
	    (GFP_HIGHUSER_MOVABLE | GFP_COMP | GFP_NOMEMALLOC | GFP_NOWARN) & ~(unsigned)GFP_RECLAIM,
	GFP_TRANSHUGE = GFP_TRANSHUGE_LIGHT | GFP_DIRECT_RECLAIM,

	GFP_ZONE_MODIFIERS = GFP_DMA | GFP_HIGHMEM | GFP_DMA32,
	GFP_MOBILITY = GFP_MOVABLE | GFP_RECLAIMABLE,
	GFP_KNOWN = 0xfffdff,
};

/* Are there at most one zone modifier and one mobility, and no unknown bits? */
bool gfp_flags_are_valid(unsigned flags);

/* The best zone that valid flags allow, with this layout. */
enum zone_kind gfp_zone(unsigned flags, enum memory_layout_name layout);

/* The migrate type of valid flags. */
static inline enum migrate_type gfp_migrate_type(unsigned flags)
{
	return flags & GFP_MOVABLE	 ? MIGRATE_MOVABLE
	       : flags & GFP_RECLAIMABLE ? MIGRATE_RECLAIMABLE
					 : MIGRATE_UNMOVABLE;
}

/* The bits of one name of the kernel's ("GFP_KERNEL", "__GFP_ZERO"), as its tracepoints print them; 0 when it is none of
 * this kernel's. */
unsigned gfp_flags_of_name(const char *name, size_t length);

/* The flags in the kernel's words, joined by "|": combinations first, as its tracepoints print them. "none" for 0. `text` has
 * GFP_TEXT_BYTES; it is returned. */
#define GFP_TEXT_BYTES 512u
const char *gfp_flags_text(unsigned flags, char *text);

#endif
