#include "config.h"

#include "engine/phys/node.h"

#include "engine/base/check.h"

#define MIB_PAGES ((pfn_t)1 << (20 - PAGE_SHIFT))
/* So that 1 GiB blocks are aligned by address as they are by frame number. */
#define ARENA_ALIGNMENT_BYTES ((uint64_t)1 << 30)
#define PAGES_MIN (64 * MIB_PAGES)
#define PAGES_MAX (((uint64_t)1 << 32) - 1024)

/* The end of each zone but the last, in frames; the last one takes the rest. */
struct zone_plan {
	const char *name[NODE_ZONES];
	pfn_t end[NODE_ZONES - 1];
};

static const struct zone_plan zone_plans[] = {
    [NODE_X86_64] = {{"DMA", "DMA32", "Normal"}, {16 * MIB_PAGES, 4096 * MIB_PAGES}},
    [NODE_I386] = {{"DMA", "Normal", "HighMem"}, {16 * MIB_PAGES, 896 * MIB_PAGES}},
};

static bool shape_is_valid(const struct node_shape *shape)
{
	return shape->pages >= PAGES_MIN && shape->pages <= PAGES_MAX && shape->pages % 1024 == 0 &&
	       shape->layout <= NODE_I386;
}

static enum status boot_memory(struct node *node, const struct node_shape *shape)
{
	enum status status = memblock_add(&node->memblock, 0, shape->pages);

	return status == STATUS_OK ? memblock_reserve(&node->memblock, 0, MIB_PAGES) : status;
}

static enum status boot_arena(struct node *node, const struct node_shape *shape)
{
	struct arena_shape arena = {.pages = shape->pages, .alignment_bytes = ARENA_ALIGNMENT_BYTES};
	uint64_t mapped = NODE_I386_MAPPED_BYTES >> PAGE_SHIFT;

	arena.backing = shape->backing;
	if (shape->layout == NODE_I386) {
		arena.none_base = NODE_I386_BASE;
		if (arena.pages > mapped)
			arena.pages = mapped;
	}
	return arena_create(&node->arena, &arena);
}

static enum status boot_zone(struct node *node, const struct node_shape *shape, pfn_t first, pfn_t end)
{
	struct zone_shape zone = {
	    .name = zone_plans[shape->layout].name[node->zones],
	    .buddy = {.first = first,
		      .pages = end - first,
		      .max_order = shape->max_order,
		      .placement = shape->placement},
	    .cpus = shape->cpus,
	};
	enum status status = zone_create(&node->zone[node->zones], &zone);

	if (status == STATUS_OK)
		node->zones++;
	return status;
}

static enum status boot_zones(struct node *node, const struct node_shape *shape)
{
	const struct zone_plan *plan = &zone_plans[shape->layout];
	enum status status = STATUS_OK;
	pfn_t first = 0;

	for (unsigned zone = 0; zone < NODE_ZONES && first < shape->pages && status == STATUS_OK; zone++) {
		pfn_t end =
		    zone < NODE_ZONES - 1 && plan->end[zone] < shape->pages ? plan->end[zone] : shape->pages;

		status = boot_zone(node, shape, first, end);
		first = end;
	}
	return status;
}

static void mark_reserved(struct node *node)
{
	const struct memblock_list *reserved = &node->memblock.reserved;

	for (unsigned i = 0; i < reserved->count; i++) {
		for (pfn_t pfn = reserved->range[i].first; pfn < reserved->range[i].end; pfn++)
			page_of_pfn(&node->pages, pfn)->flags = PAGE_RESERVED;
	}
}

/* Hands the free ranges of memblock to the zones: the end of the boot stage. */
static void release_memory(struct node *node)
{
	for (unsigned i = 0; i < node->zones; i++) {
		struct zone *zone = &node->zone[i];
		struct memblock_range range;
		pfn_t from = zone->buddy.first;

		while (memblock_next_free(&node->memblock, from, &range) && range.first < zone->buddy.end) {
			pfn_t end = range.end < zone->buddy.end ? range.end : zone->buddy.end;

			zone_add(zone, range.first, end - range.first);
			from = end;
		}
	}
}

static uint64_t square_root(uint64_t number)
{
	uint64_t root = 0;

	for (uint64_t bit = (uint64_t)1 << 31; bit != 0; bit >>= 1) {
		if ((root | bit) * (root | bit) <= number)
			root |= bit;
	}
	return root;
}

/* min_free_kbytes = 4 * sqrt(KiB of memory), between 128 and 262144; every zone its share (mm/page_alloc.c:
 * init_per_zone_wmark_min, __setup_per_zone_wmarks). */
static void set_watermarks(struct node *node)
{
	uint64_t managed = 0;

	for (unsigned i = 0; i < node->zones; i++)
		managed += node->zone[i].boot_pages;
	uint64_t min_kib = square_root(16 * (managed << (PAGE_SHIFT - 10)));

	min_kib = min_kib < 128 ? 128 : min_kib > 262144 ? 262144 : min_kib;
	uint64_t min_pages = min_kib >> (PAGE_SHIFT - 10);

	for (unsigned i = 0; i < node->zones; i++)
		zone_set_watermarks(&node->zone[i], min_pages * node->zone[i].boot_pages / managed);
}

enum status node_create(struct node *node, const struct node_shape *shape)
{
	enum status status;

	*node = (struct node){.id = 0};
	if (!shape_is_valid(shape))
		return STATUS_BAD_ARGUMENT;
	memblock_create(&node->memblock);
	status = boot_memory(node, shape);
	if (status == STATUS_OK)
		status = page_array_create(&node->pages, 0, shape->pages);
	if (status == STATUS_OK)
		status = boot_arena(node, shape);
	if (status == STATUS_OK)
		status = boot_zones(node, shape);
	if (status != STATUS_OK) {
		node_destroy(node);
		return status;
	}
	mark_reserved(node);
	release_memory(node);
	set_watermarks(node);
	return STATUS_OK;
}

void node_destroy(struct node *node)
{
	for (unsigned i = 0; i < node->zones; i++)
		zone_destroy(&node->zone[i]);
	node->zones = 0;
	arena_destroy(&node->arena);
	page_array_destroy(&node->pages);
}

struct zone *node_zone_of(struct node *node, pfn_t pfn)
{
	for (unsigned i = 0; i < node->zones; i++) {
		if (zone_holds(&node->zone[i], pfn))
			return &node->zone[i];
	}
	return NULL;
}

uint64_t node_page_array_bytes(const struct node *node)
{
	return node->pages.pages * sizeof(struct page);
}

uint64_t node_map_bytes(const struct node *node)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < node->zones; i++)
		bytes += node->zone[i].maps.bytes;
	return bytes;
}

static const char I1[] = "I1: memblock_check(), arena_check(), and zone_check() of every zone";
static const char I2[] = "I2: the zones cover the node's frames, in ascending order, without gap or overlap";
static const char I3[] =
    "I3: no reserved frame is free; managed frames of all zones = free frames of memblock";

static bool has_free_reserved(const struct node *node)
{
	const struct memblock_list *reserved = &node->memblock.reserved;

	for (unsigned i = 0; i < reserved->count; i++) {
		for (pfn_t pfn = reserved->range[i].first; pfn < reserved->range[i].end; pfn++) {
			for (unsigned zone = 0; zone < node->zones; zone++) {
				pfn_t first;
				unsigned order;

				if (buddy_find(&node->zone[zone].buddy, pfn, &first, &order) == BUDDY_FREE)
					return true;
			}
		}
	}
	return false;
}

const char *node_check(const struct node *node)
{
	struct memblock_range range = {0, 0};
	uint64_t free = 0;
	uint64_t managed = 0;
	pfn_t end = 0;

	if (memblock_check(&node->memblock) || arena_check(&node->arena))
		return I1;
	for (unsigned i = 0; i < node->zones; i++) {
		if (zone_check(&node->zone[i]))
			return I1;
		if (node->zone[i].buddy.first != end)
			return I2;
		end = node->zone[i].buddy.end;
		managed += node->zone[i].boot_pages;
	}
	if (end != node->pages.pages)
		return I2;
	while (memblock_next_free(&node->memblock, range.end, &range))
		free += range.end - range.first;
	return free == managed && !has_free_reserved(node) ? NULL : I3;
}
