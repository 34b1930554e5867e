/* node.h: the physical memory of a machine: the boot stage, the array of struct page, the zones and the direct map.
 *
 *   frames     |  DMA  |  DMA32 / Normal              |  Normal / HighMem        |
 *   pages      |.......|..............................|..........................|    page.h
 *   memblock   |rrr|---|------------------------------|--------------------------|    r = reserved
 *   arena      |<------------ direct map ------------------------------->|            arena.h
 *
 * Building a node is a machine's boot: memory is added to memblock, ranges are reserved, the array is made, and what is
 * neither reserved nor outside a zone becomes the zones' free frames. The first MiB is reserved, as x86 Linux does since
 * 5.13 (firmware lives there); there is no kernel image, because the simulated kernel's data lies elsewhere:
 *
 * *All metadata of the node lies outside the memory it manages*, in reservations of its own. So the frames handed out, and
 * with them all addresses relative to the direct map, are the same whether memory stands behind it (backing real) or not.
 *
 * Addresses of the direct map are base + pfn * 4096. With layout i386 only the first 896 MiB are mapped, at 3 GiB with
 * backing none: [3 GiB, 3 GiB + len) <-> [0, len); HighMem has no address. With layout x86-64 all memory is mapped.
 *
 * Invariants, proved by node_check() while nothing runs:
 *   I1: memblock_check(), arena_check(), and zone_check() of every zone
 *   I2: the zones cover the node's frames, in ascending order, without gap or overlap
 *   I3: no reserved frame is free; managed frames of all zones = free frames of memblock
 */
#ifndef FAULTLINE_ENGINE_PHYS_NODE_H
#define FAULTLINE_ENGINE_PHYS_NODE_H

#include "engine/phys/arena.h"
#include "engine/phys/memblock.h"
#include "engine/phys/page.h"
#include "engine/phys/zone.h"

#define NODE_ZONES 3u
/* Where i386 Linux maps memory, and how much of it: 1 GiB less 128 MiB for vmalloc and fixed mappings. */
#define NODE_I386_BASE ((uintptr_t)3 << 30)
#define NODE_I386_MAPPED_BYTES ((uint64_t)896 << 20)

enum node_layout {
	NODE_X86_64,
	NODE_I386,
};

struct node_shape {
	uint64_t pages; /* a multiple of 1024, at least 16384 (64 MiB), at most 2^32 - 1024 */
	enum node_layout layout;
	enum arena_backing backing;
	enum buddy_placement placement;
	unsigned max_order; /* of the zones' buddies */
	unsigned cpus;	    /* per-CPU lists; 0 = none */
};

struct node {
	unsigned id;
	struct memblock memblock;
	struct page_array pages;
	struct arena arena; /* the direct map */
	unsigned zones;
	struct zone zone[NODE_ZONES]; /* ascending; DMA first */
};

/* Boots the node in *node. STATUS_BAD_ARGUMENT when the shape is out of its bounds, STATUS_NO_MEMORY. */
MUST_USE enum status node_create(struct node *node, const struct node_shape *shape);
void node_destroy(struct node *node);

/* The zone that holds the frame, or NULL. */
struct zone *node_zone_of(struct node *node, pfn_t pfn);

/* The direct map of the kernel. page_address() of a frame that is not mapped is 0. */
static inline uintptr_t page_address(const struct node *node, pfn_t pfn)
{
	return pfn < node->arena.pages ? arena_address(&node->arena, pfn) : 0;
}

/* The page of a directly mapped address; NULL for any other number. */
static inline struct page *virt_to_page(const struct node *node, uintptr_t address)
{
	return arena_holds(&node->arena, address)
		   ? page_of_pfn(&node->pages, arena_pfn(&node->arena, address))
		   : NULL;
}

/* The first page of the allocated block that holds the frame, or NULL when it is free or reserved. O(orders). */
static inline struct page *page_head(const struct node *node, pfn_t pfn)
{
	for (unsigned order = 0; order <= node->zone[0].buddy.max_order; order++) {
		struct page *page = page_of_pfn(&node->pages, pfn >> order << order);

		if (page->flags & PAGE_HEAD)
			return page->private >= order ? page : NULL;
	}
	return NULL;
}

/* Bytes of metadata: what the page array costs for the frames that were ever managed, and the buddies' maps. */
uint64_t node_page_array_bytes(const struct node *node);
uint64_t node_map_bytes(const struct node *node);

/* NULL, or the text of the first invariant that does not hold. */
const char *node_check(const struct node *node);

#endif
