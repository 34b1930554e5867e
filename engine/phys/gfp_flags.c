#include "config.h"

#include "engine/phys/gfp_flags.h"

#include <string.h>

struct gfp_name {
	const char *name;
	unsigned flags;
};

/* Larger combinations first, as the kernel's include/trace/events/mmflags.h has them. */
static const struct gfp_name names[] = {
    {"GFP_TRANSHUGE", GFP_TRANSHUGE},
    {"GFP_TRANSHUGE_LIGHT", GFP_TRANSHUGE_LIGHT},
    {"GFP_HIGHUSER_MOVABLE", GFP_HIGHUSER_MOVABLE},
    {"GFP_HIGHUSER", GFP_HIGHUSER},
    {"GFP_USER", GFP_USER},
    {"GFP_KERNEL_ACCOUNT", GFP_KERNEL_ACCOUNT},
    {"GFP_KERNEL", GFP_KERNEL},
    {"GFP_NOFS", GFP_NOFS},
    {"GFP_ATOMIC", GFP_ATOMIC},
    {"GFP_NOIO", GFP_NOIO},
    {"GFP_NOWAIT", GFP_NOWAIT},
    {"GFP_DMA", GFP_DMA},
    {"__GFP_HIGHMEM", GFP_HIGHMEM},
    {"GFP_DMA32", GFP_DMA32},
    {"__GFP_RECLAIM", GFP_RECLAIM},
    {"__GFP_DMA", GFP_DMA},
    {"__GFP_DMA32", GFP_DMA32},
    {"__GFP_MOVABLE", GFP_MOVABLE},
    {"__GFP_RECLAIMABLE", GFP_RECLAIMABLE},
    {"__GFP_HIGH", GFP_HIGH},
    {"__GFP_IO", GFP_IO},
    {"__GFP_FS", GFP_FS},
    {"__GFP_ZERO", GFP_ZERO},
    {"__GFP_DIRECT_RECLAIM", GFP_DIRECT_RECLAIM},
    {"__GFP_KSWAPD_RECLAIM", GFP_KSWAPD_RECLAIM},
    {"__GFP_WRITE", GFP_WRITE},
    {"__GFP_NOWARN", GFP_NOWARN},
    {"__GFP_RETRY_MAYFAIL", GFP_RETRY_MAYFAIL},
    {"__GFP_NOFAIL", GFP_NOFAIL},
    {"__GFP_NORETRY", GFP_NORETRY},
    {"__GFP_MEMALLOC", GFP_MEMALLOC},
    {"__GFP_COMP", GFP_COMP},
    {"__GFP_NOMEMALLOC", GFP_NOMEMALLOC},
    {"__GFP_HARDWALL", GFP_HARDWALL},
    {"__GFP_THISNODE", GFP_THISNODE},
    {"__GFP_ACCOUNT", GFP_ACCOUNT},
    {"__GFP_ZEROTAGS", GFP_ZEROTAGS},
};

#define NAMES (sizeof(names) / sizeof(names[0]))

bool gfp_flags_are_valid(unsigned flags)
{
	unsigned zone = flags & GFP_ZONE_MODIFIERS;

	return (zone & (zone - 1)) == 0 && (flags & GFP_MOBILITY) != GFP_MOBILITY &&
	       (flags & ~(unsigned)GFP_KNOWN) == 0;
}

enum zone_kind gfp_zone(unsigned flags, enum memory_layout_name layout)
{
	if (flags & GFP_DMA)
		return ZONE_DMA;
	if (flags & GFP_DMA32)
		return layout == MEMORY_X86_64 ? ZONE_DMA32 : ZONE_NORMAL;
	if (!(flags & GFP_HIGHMEM))
		return ZONE_NORMAL;
	if (flags & GFP_MOVABLE)
		return ZONE_MOVABLE;
	return layout == MEMORY_I386 ? ZONE_HIGHMEM : ZONE_NORMAL;
}

unsigned gfp_flags_of_name(const char *name, size_t length)
{
	for (size_t i = 0; i < NAMES; i++) {
		if (strlen(names[i].name) == length && memcmp(names[i].name, name, length) == 0)
			return names[i].flags;
	}
	return 0;
}

const char *gfp_flags_text(unsigned flags, char *text)
{
	size_t used = 0;

	for (size_t i = 0; i < NAMES && flags != 0; i++) {
		size_t length = strlen(names[i].name);

		if ((flags & names[i].flags) != names[i].flags || used + length + 2 > GFP_TEXT_BYTES)
			continue;
		if (used > 0)
			text[used++] = '|';
		memcpy(text + used, names[i].name, length);
		used += length;
		flags &= ~names[i].flags;
	}
	text[used] = '\0';
	return used > 0 ? text : memcpy(text, "none", sizeof("none"));
}
