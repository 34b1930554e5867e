/* arena.h: what physical memory is made of, and the direct map that makes address <-> frame plain arithmetic.
 *
 *   frame      first                                  first + pages
 *              |------------------------------------------|
 *   address    base                                   base + pages * 4096
 *
 * With backing *real* the direct map is memory of this process: reserved in one piece, given by the system
 * page by page as it is touched, and given back by arena_release(). With backing *none* there is only the
 * arithmetic: the addresses start at ARENA_NONE_BASE and must not be touched. Nothing of an allocator's
 * metadata lies in an arena, so that offsets from its base are the same with both backings.
 *
 * Invariants, proved by arena_check():
 *   I1: base is aligned to alignment_bytes, and the frames first .. first+pages-1 to addresses without wrapping
 *   I2: with backing real the reservation is the arena: same base, same length; with none it is empty
 *   I3: dumped_pages <= pages
 *
 * Constant after creation but for dumped_pages and the counters, which the owner's lock guards.
 */
#ifndef FAULTLINE_ENGINE_PHYS_ARENA_H
#define FAULTLINE_ENGINE_PHYS_ARENA_H

#include "engine/base/reservation.h"
#include "engine/base/status.h"
#include "engine/base/units.h"

/* Where the direct map lies when there is no memory behind it: the direct map of x86-64 Linux starts at
 * 0xffff888000000000 (Documentation/arch/x86/x86_64/mm.rst); its lower half is used here, which user space
 * cannot reach. */
#define ARENA_NONE_BASE ((uintptr_t)0xffff888000000000u)

enum arena_backing {
	ARENA_NONE,
	ARENA_REAL,
};

struct arena_shape {
	pfn_t first;		  /* the frame at the base */
	uint64_t pages;		  /* at least 1 */
	uint64_t alignment_bytes; /* of the base: a power of two, at least a page */
	enum arena_backing backing;
	uintptr_t none_base; /* with ARENA_NONE: the base; 0 = ARENA_NONE_BASE */
};

struct arena {
	uintptr_t base; /* address of frame `first` */
	pfn_t first;
	uint64_t pages;
	uint64_t alignment_bytes;
	enum arena_backing backing;
	struct reservation memory; /* the memory itself, with ARENA_REAL */
	uint64_t dumped_pages;	   /* core dumps hold so many from the base on */
	uint64_t released_pages;   /* pages ever given back to the system */
	uint64_t release_calls;	   /* calls that gave them back */
};

/* STATUS_BAD_ARGUMENT when the shape describes no arena, STATUS_NO_MEMORY when the system has no address
 * space for it. */
MUST_USE enum status arena_create(struct arena *arena, const struct arena_shape *shape);
void arena_destroy(struct arena *arena);

/* These frames are about to hold data: core dumps have them, with all below, from now on. Cheap when they lie below
 * frames that were used before. */
void arena_use(struct arena *arena, pfn_t pfn, uint64_t pages);

/* Gives the memory of allocated or free frames back to the system: they read as zero when touched again. Only
 * counts when there is no memory behind them. */
void arena_release(struct arena *arena, pfn_t pfn, uint64_t pages);

/* NULL, or the text of the first invariant that does not hold. */
const char *arena_check(const struct arena *arena);

/* The direct map, both ways. The frame, or address, lies in the arena. */
static inline uintptr_t arena_address(const struct arena *arena, pfn_t pfn)
{
	return arena->base + ((uintptr_t)(pfn - arena->first) << PAGE_SHIFT);
}

static inline pfn_t arena_pfn(const struct arena *arena, uintptr_t address)
{
	return arena->first + ((address - arena->base) >> PAGE_SHIFT);
}

/* Does this address lie in the arena? Any number may be asked. */
static inline bool arena_holds(const struct arena *arena, uintptr_t address)
{
	return address - arena->base < arena->pages << PAGE_SHIFT;
}

#endif
