/* memory_description.h: what memory a machine has, said in ranges, before anything is built from it.
 *
 *   frames       0      256                     1048576                       1310720
 *   present      |--------------------------|   |-----------------------------|       System RAM of /proc/iomem
 *   reserved     |rrrrrr|                                   |rrrr|                    what boot keeps for itself
 *   zone         |DMA   |DMA32                  |Normal                       |       spans, of nodes
 *
 * A description is made for a plain machine of some size, or by whoever reads a recorded machine's /proc/zoneinfo (spans,
 * managed pages) and /proc/iomem (present and reserved ranges). A zone whose managed_pages are given gets exactly so many: the
 * present frames beyond that, those with the highest numbers, are not initialised yet, as a kernel that initialises memory
 * late leaves them.
 *
 * Nodes are numbered from 0. Distances are those of ACPI's SLIT: 10 is local, 20 twice as far.
 *
 * Invariants, proved by memory_description_check():
 *   I1: 1 <= nodes <= MEMORY_NODES, 1 <= zones <= MEMORY_ZONES, present and reserved ranges at most MEMBLOCK_RANGES
 *   I2: zones are not empty, ascend, do not overlap, end below MEMORY_PAGES_MAX, and belong to a node; no node has two of a kind
 *   I3: every present frame lies in a zone
 *   I4: a distance is at least 10, to itself exactly 10
 */
#ifndef FAULTLINE_ENGINE_PHYS_MEMORY_DESCRIPTION_H
#define FAULTLINE_ENGINE_PHYS_MEMORY_DESCRIPTION_H

#include "engine/phys/memblock.h"
#include "engine/phys/zone_request.h"

#define MEMORY_NODES 8u
#define MEMORY_ZONES 24u
#define MEMORY_PAGES_MAX (((uint64_t)1 << 32) - 1024)
#define MEMORY_MANAGED_ALL UINT64_MAX
#define MEMORY_LOCAL_DISTANCE 10u
#define MEMORY_REMOTE_DISTANCE 20u

/* How zones and the direct map lie. */
enum memory_layout_name {
	MEMORY_X86_64, /* all memory is directly mapped */
	MEMORY_I386,   /* only the first 896 MiB, at 3 GiB */
};

struct memory_zone_description {
	enum zone_kind kind;
	unsigned node;
	pfn_t first; /* of the span */
	uint64_t spanned_pages;
	uint64_t managed_pages; /* or MEMORY_MANAGED_ALL: what is present and not reserved */
};

struct memory_description {
	enum memory_layout_name layout;
	unsigned nodes, zones;
	struct memory_zone_description zone[MEMORY_ZONES]; /* ascending */
	struct memblock_list present, reserved;
	uint8_t distance[MEMORY_NODES][MEMORY_NODES];
};

/* A plain machine. */
struct memory_size {
	enum memory_layout_name layout;
	uint64_t pages; /* a multiple of 1024, at least 16384 (64 MiB), at most MEMORY_PAGES_MAX */
	unsigned nodes; /* 0 counts as 1; they share the pages evenly, in multiples of 1024 */
	uint64_t
	    movable_pages; /* of each node's, those at the end that only movable pages may use (movablecore=); a
				   multiple of 1024 */
};

/* All frames from 0 on, the first MiB reserved: firmware lives there, and x86 Linux leaves it alone since 5.13.
 * STATUS_BAD_ARGUMENT when the size is out of its bounds, or leaves a node without memory. */
MUST_USE enum status memory_describe(struct memory_description *description, const struct memory_size *size);

/* One past the last frame. */
pfn_t memory_description_end(const struct memory_description *description);

/* NULL, or the text of the first invariant that does not hold. */
const char *memory_description_check(const struct memory_description *description);

#endif
