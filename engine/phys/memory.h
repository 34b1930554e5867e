/* memory.h: the physical memory of a machine: the boot stage, the array of struct page, the nodes with their zones, and the
 * direct map.
 *
 *   frames     |  DMA  |  DMA32 / Normal              |  Normal / HighMem        |   zone.h, of nodes (node.h)
 *   pages      |.......|..............................|..........................|   page.h
 *   memblock   |rrr|---|------------------------------|--------------------------|   r = reserved
 *   arena      |<------------ direct map ------------------------------->|           arena.h
 *
 * Building it is a machine's boot, from a description (memory_description.h): memory is added to memblock, ranges are
 * reserved, the array is made, and what is neither reserved nor a hole becomes the zones' free frames. There is no kernel
 * image in a plain machine, because the simulated kernel's data lies elsewhere:
 *
 * *All metadata lies outside the memory it manages*, in reservations of its own. So the frames handed out, and with them all
 * addresses relative to the direct map, are the same whether memory stands behind it (backing real) or not.
 *
 * Addresses of the direct map are base + pfn * 4096. With layout i386 only the first 896 MiB are mapped, at 3 GiB with
 * backing none: [3 GiB, 3 GiB + len) <-> [0, len); a page of HighMem has an address while it has a window (kmap.h, highmem.h).
 * With layout x86-64 all memory is mapped.
 *
 * Invariants, proved by memory_check() while nothing runs:
 *   I1: memblock_check(), arena_check(), kmap_check(), zone_check() of every zone, and node_check() of every node
 *   I2: the zones ascend without overlap and end with the page array; every frame of memblock's memory lies in one
 *   I3: no reserved frame is free; managed frames of all zones = free frames of memblock
 */
#ifndef FAULTLINE_ENGINE_PHYS_MEMORY_H
#define FAULTLINE_ENGINE_PHYS_MEMORY_H

#include "engine/phys/arena.h"
#include "engine/phys/kmap.h"
#include "engine/phys/memblock.h"
#include "engine/phys/memory_description.h"
#include "engine/phys/node.h"
#include "engine/phys/page.h"
#include "engine/phys/page_owner.h"
#include "engine/phys/reclaim_hook.h"
#include "engine/phys/watermark.h"
#include "engine/phys/zone.h"

/* Where i386 Linux maps memory, and how much of it: 1 GiB less 128 MiB for vmalloc and fixed mappings. */
#define MEMORY_I386_BASE ((uintptr_t)3 << 30)
#define MEMORY_I386_MAPPED_BYTES ((uint64_t)896 << 20)

struct memory_shape {
	const struct memory_description *description; /* or NULL: a plain machine of `size` */
	struct memory_size size;
	enum arena_backing backing;
	enum buddy_placement placement;
	unsigned max_order; /* of the zones */
	unsigned cpus;	    /* page sets per zone, dealt out over the nodes; 0 = none */
	enum pcp_tuning tuning;
	enum zone_keeper keeper;
	struct watermark_settings watermarks;
	bool remembers_owners; /* page_owner.h */
};

struct memory {
	enum memory_layout_name layout;
	unsigned max_order;
	unsigned cpus;
	struct watermark_settings watermarks;
	uint64_t min_free_kbytes;
	struct memblock memblock;
	struct memblock
	    late; /* its reserved ranges are frames that are not initialised yet; memblock reserves them, too */
	struct page_array pages;
	struct arena arena; /* the direct map */
	struct kmap kmap;   /* windows to the frames without it */
	struct page_owners owners;
	struct page_misuse_handler misuse;
	struct reclaim_hook hook;
	struct reclaim_counts shortage;
	enum zone_kind policy_zone; /* the best zone that is not Movable: memory policies hold for it */
	unsigned nodes, zones;
	struct node node[MEMORY_NODES];
	struct zone zone[MEMORY_ZONES]; /* ascending */
};

/* Boots. STATUS_BAD_ARGUMENT when the shape is out of its bounds or the description describes no machine (or wants more
 * managed pages than it has free ones), STATUS_NO_MEMORY, STATUS_LIMIT when its ranges are too many for memblock. */
MUST_USE enum status memory_create(struct memory *memory, const struct memory_shape *shape);
void memory_destroy(struct memory *memory);

/* A zone gets `pages` more of its frames, the lowest that were not initialised yet; watermarks and page sets follow. Returns
 * how many it got: fewer when it has no more. */
uint64_t memory_grow_zone(struct memory *memory, struct zone *zone, uint64_t pages);

/* The zone that holds the frame, or NULL. */
struct zone *memory_zone_of(struct memory *memory, pfn_t pfn);

/* The number of the node that the CPU is near to; 0 for -1. */
static inline unsigned memory_node_of_cpu(const struct memory *memory, int cpu)
{
	return cpu < 0 || (unsigned)cpu >= memory->cpus ? 0 : (unsigned)cpu * memory->nodes / memory->cpus;
}

/* The address of a frame in the direct map, or of its window; 0 when it has neither. */
static inline uintptr_t page_address(const struct memory *memory, pfn_t pfn)
{
	return pfn < memory->arena.pages ? arena_address(&memory->arena, pfn)
					 : kmap_address(&memory->kmap, pfn);
}

/* The page of a directly mapped address; NULL for any other number. */
static inline struct page *virt_to_page(const struct memory *memory, uintptr_t address)
{
	return arena_holds(&memory->arena, address)
		   ? page_of_pfn(&memory->pages, arena_pfn(&memory->arena, address))
		   : NULL;
}

/* The first page of the allocated block that holds the frame, or NULL when it is free or reserved. O(orders). */
static inline struct page *page_head(const struct memory *memory, pfn_t pfn)
{
	for (unsigned order = 0; order <= memory->max_order; order++) {
		struct page *page = page_of_pfn(&memory->pages, pfn >> order << order);

		if (page->flags & PAGE_HEAD)
			return page->private >= order ? page : NULL;
	}
	return NULL;
}

/* Bytes of metadata: what the page array costs for the frames that were ever managed, and the zones' maps. */
uint64_t memory_page_array_bytes(const struct memory *memory);
uint64_t memory_map_bytes(const struct memory *memory);

/* NULL, or the text of the first invariant that does not hold. */
const char *memory_check(const struct memory *memory);

#endif
