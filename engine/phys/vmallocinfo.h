/* vmallocinfo.h: the areas of vmalloc as /proc/vmallocinfo lists them (Linux 6.18, mm/vmalloc.c: vmalloc_info_show).
 *
 *   0xffffc90000000000-0xffffc90000005000   20480 kernel_clone+0x94/0x3e0 pages=4 vmalloc N0=4
 *   start-end, guard page included          bytes caller                  what it is
 *
 * The kernel lists by address within each of its nodes of areas (one per CPU), a size class of addresses after the other; we list
 * by address. It prints addresses hashed unless the reader may see them.
 */
#ifndef FAULTLINE_ENGINE_PHYS_VMALLOCINFO_H
#define FAULTLINE_ENGINE_PHYS_VMALLOCINFO_H

#include "engine/phys/vmalloc.h"

struct vmallocinfo {
	uint64_t start, end; /* with the guard page */
	uint64_t pages;	     /* frames of its own: 0 for a device's memory and for vmap */
	uint64_t physical;
	uint64_t caller;
	unsigned flags; /* enum vm_flag; 0: freed and not purged */
};

#define VMALLOCINFO_LINE_BYTES 320u

/* The first area at or above the address. False when there is none. */
bool vmallocinfo_next(const struct vmap_space *space, uint64_t address, struct vmallocinfo *info);

/* The area's line, ending with a newline, in `buffer` (VMALLOCINFO_LINE_BYTES). `caller` is the name of info->caller, at most 128
 * characters of it are used, or NULL. Returns the line's length. */
size_t vmallocinfo_line(const struct vmallocinfo *info, const char *caller, char *buffer);

/* The areas that were freed and wait: the n-th, in the order of their frees. False past the last. The kernel's lines of these come
 * behind the others. */
bool vmallocinfo_unpurged(const struct vmap_space *space, uint64_t n, struct vmallocinfo *info);

#endif
