#include "config.h"

#include "engine/phys/memory.h"

#include "engine/base/check.h"

/* So that 1 GiB blocks are aligned by address as they are by frame number. */
#define ARENA_ALIGNMENT_BYTES ((uint64_t)1 << 30)

/* --- Boot --------------------------------------------------------------------------------------------------------- */

static enum status add_ranges(struct memblock *memblock, const struct memory_description *description)
{
	enum status status = STATUS_OK;

	for (unsigned i = 0; i < description->present.count && status == STATUS_OK; i++) {
		const struct memblock_range *range = &description->present.range[i];

		status = range->first <= range->end
			     ? memblock_add(memblock, range->first, range->end - range->first)
			     : STATUS_BAD_ARGUMENT;
	}
	for (unsigned i = 0; i < description->reserved.count && status == STATUS_OK; i++) {
		const struct memblock_range *range = &description->reserved.range[i];

		status = range->first <= range->end
			     ? memblock_reserve(memblock, range->first, range->end - range->first)
			     : STATUS_BAD_ARGUMENT;
	}
	return status;
}

static enum status boot_arena(struct memory *memory, const struct memory_shape *shape, pfn_t end)
{
	struct arena_shape arena = {.pages = end, .alignment_bytes = ARENA_ALIGNMENT_BYTES};
	uint64_t mapped = MEMORY_I386_MAPPED_BYTES >> PAGE_SHIFT;

	arena.backing = shape->backing;
	if (memory->layout == MEMORY_I386) {
		arena.none_base = MEMORY_I386_BASE;
		if (arena.pages > mapped)
			arena.pages = mapped;
	}
	return arena_create(&memory->arena, &arena);
}

static unsigned cpus_of_node(const struct memory *memory, unsigned node)
{
	unsigned cpus = 0;

	for (unsigned cpu = 0; cpu < memory->cpus; cpu++)
		cpus += memory_node_of_cpu(memory, (int)cpu) == node;
	return cpus;
}

static enum status boot_zone(struct memory *memory, const struct memory_shape *shape,
			     const struct memory_zone_description *described)
{
	struct zone_shape zone = {
	    .kind = described->kind,
	    .node = described->node,
	    .buddy = {.first = described->first,
		      .pages = described->spanned_pages,
		      .max_order = shape->max_order,
		      .placement = shape->placement},
	    .cpus = shape->cpus,
	    .local_cpus = memory->node[described->node].cpus,
	    .tuning = shape->tuning,
	    .keeper = shape->keeper,
	    .array = &memory->pages,
	};
	enum status status = zone_create(&memory->zone[memory->zones], &zone);

	if (status == STATUS_OK)
		memory->zones++;
	if (described->kind != ZONE_MOVABLE && described->kind > memory->policy_zone)
		memory->policy_zone = described->kind;
	return status;
}

static enum status boot_zones(struct memory *memory, const struct memory_shape *shape,
			      const struct memory_description *description)
{
	enum status status = STATUS_OK;

	for (unsigned node = 0; node < description->nodes; node++)
		memory->node[node] = (struct node){.id = node, .cpus = cpus_of_node(memory, node)};
	for (unsigned i = 0; i < description->zones && status == STATUS_OK; i++)
		status = boot_zone(memory, shape, &description->zone[i]);
	if (status == STATUS_OK)
		nodes_link(memory->node, description);
	return status;
}

/* The next free range of memblock that lies in the zone, from `from` on; false when there is none. */
static bool next_free(const struct memory *memory, const struct zone *zone, pfn_t from,
		      struct memblock_range *range)
{
	if (!memblock_next_free(&memory->memblock, from > zone->first ? from : zone->first, range) ||
	    range->first >= zone->end)
		return false;
	if (range->end > zone->end)
		range->end = zone->end;
	return true;
}

static uint64_t free_of_zone(const struct memory *memory, const struct zone *zone)
{
	struct memblock_range range = {0, 0};
	uint64_t pages = 0;

	while (next_free(memory, zone, range.end, &range))
		pages += range.end - range.first;
	return pages;
}

/* Keeps the frames with the highest numbers back, so that the zone has so many as it is said to manage. */
static enum status hold_back(struct memory *memory, const struct zone *zone, uint64_t managed)
{
	uint64_t free = free_of_zone(memory, zone);
	enum status status = STATUS_OK;

	if (managed == MEMORY_MANAGED_ALL)
		return STATUS_OK;
	if (managed > free)
		return STATUS_BAD_ARGUMENT;
	for (uint64_t rest = free - managed; rest > 0 && status == STATUS_OK;) {
		struct memblock_range range = {0, 0};
		struct memblock_range last = {0, 0};

		while (next_free(memory, zone, range.end, &range))
			last = range;
		uint64_t pages = rest < last.end - last.first ? rest : last.end - last.first;

		status = memblock_reserve(&memory->memblock, last.end - pages, pages);
		if (status == STATUS_OK)
			status = memblock_reserve(&memory->late, last.end - pages, pages);
		rest -= pages;
	}
	return status;
}

/* Only what boot itself reserved: the pages of memory that is not initialised yet are not written. */
static void mark_reserved(struct memory *memory, const struct memblock_list *reserved)
{
	for (unsigned i = 0; i < reserved->count; i++) {
		pfn_t end = reserved->range[i].end < memory->pages.pages ? reserved->range[i].end
									 : memory->pages.pages;

		for (pfn_t pfn = reserved->range[i].first; pfn < end; pfn++)
			page_of_pfn(&memory->pages, pfn)->flags = PAGE_RESERVED;
	}
}

static void count_present(const struct memory *memory, struct zone *zone)
{
	const struct memblock_list *present = &memory->memblock.memory;

	for (unsigned i = 0; i < present->count; i++) {
		pfn_t first = present->range[i].first > zone->first ? present->range[i].first : zone->first;
		pfn_t end = present->range[i].end < zone->end ? present->range[i].end : zone->end;

		zone->present_pages += end > first ? end - first : 0;
	}
}

/* Hands the free ranges of memblock to the zones: the end of the boot stage. */
static enum status release_memory(struct memory *memory, const struct memory_description *description)
{
	for (unsigned i = 0; i < memory->zones; i++) {
		struct zone *zone = &memory->zone[i];
		struct memblock_range range = {0, 0};
		enum status status = hold_back(memory, zone, description->zone[i].managed_pages);

		if (status != STATUS_OK)
			return status;
		count_present(memory, zone);
		while (next_free(memory, zone, range.end, &range))
			zone_add(zone, range.first, range.end - range.first);
	}
	return STATUS_OK;
}

static enum status boot(struct memory *memory, const struct memory_shape *shape,
			const struct memory_description *description)
{
	pfn_t end = memory_description_end(description);
	enum status status = add_ranges(&memory->memblock, description);

	memory->nodes = description->nodes;
	if (status == STATUS_OK)
		status = page_array_create(&memory->pages, 0, end);
	if (status == STATUS_OK && shape->remembers_owners)
		status = page_owners_create(&memory->owners, end);
	if (status == STATUS_OK)
		status = boot_arena(memory, shape, end);
	if (status == STATUS_OK && end > memory->arena.pages)
		status =
		    kmap_create(&memory->kmap, memory->arena.pages, end - memory->arena.pages, shape->cpus);
	if (status == STATUS_OK)
		status = boot_zones(memory, shape, description);
	if (status != STATUS_OK)
		return status;
	mark_reserved(memory, &memory->memblock.reserved);
	return release_memory(memory, description);
}

enum status memory_create(struct memory *memory, const struct memory_shape *shape)
{
	struct memory_description plain;
	const struct memory_description *description = shape->description;

	*memory = (struct memory){
	    .max_order = shape->max_order, .cpus = shape->cpus, .watermarks = shape->watermarks};
	if (!description) {
		if (memory_describe(&plain, &shape->size) != STATUS_OK)
			return STATUS_BAD_ARGUMENT;
		description = &plain;
	}
	if (memory_description_check(description) ||
	    shape->watermarks.scale_factor > WATERMARK_SCALE_FACTOR_MAX)
		return STATUS_BAD_ARGUMENT;
	memory->layout = description->layout;
	memblock_create(&memory->memblock);
	memblock_create(&memory->late);
	enum status status = boot(memory, shape, description);

	if (status != STATUS_OK) {
		memory_destroy(memory);
		return status;
	}
	memory->min_free_kbytes = watermarks_set(memory->zone, memory->zones, &memory->watermarks);
	return STATUS_OK;
}

void memory_destroy(struct memory *memory)
{
	for (unsigned i = 0; i < memory->zones; i++)
		zone_destroy(&memory->zone[i]);
	memory->zones = 0;
	kmap_destroy(&memory->kmap);
	arena_destroy(&memory->arena);
	page_owners_destroy(&memory->owners);
	page_array_destroy(&memory->pages);
}

/* --- Later -------------------------------------------------------------------------------------------------------- */

/* The lowest frames of the zone that are not initialised yet, at most `pages`; false when there are none. */
static bool next_late(const struct memory *memory, const struct zone *zone, uint64_t pages,
		      struct memblock_range *piece)
{
	const struct memblock_list *late = &memory->late.reserved;

	for (unsigned i = 0; i < late->count; i++) {
		pfn_t first = late->range[i].first > zone->first ? late->range[i].first : zone->first;
		pfn_t end = late->range[i].end < zone->end ? late->range[i].end : zone->end;

		if (first >= end)
			continue;
		*piece = (struct memblock_range){first, end - first > pages ? first + pages : end};
		return true;
	}
	return false;
}

uint64_t memory_grow_zone(struct memory *memory, struct zone *zone, uint64_t pages)
{
	struct memblock_range piece;
	uint64_t grown = 0;

	while (grown < pages && next_late(memory, zone, pages - grown, &piece)) {
		uint64_t length = piece.end - piece.first;

		if (memblock_unreserve(&memory->memblock, piece.first, length) != STATUS_OK ||
		    memblock_unreserve(&memory->late, piece.first, length) != STATUS_OK)
			break;
		zone_add(zone, piece.first, length);
		grown += length;
	}
	if (grown > 0)
		memory->min_free_kbytes = watermarks_set(memory->zone, memory->zones, &memory->watermarks);
	return grown;
}

struct zone *memory_zone_of(struct memory *memory, pfn_t pfn)
{
	for (unsigned i = 0; i < memory->zones; i++) {
		if (zone_holds(&memory->zone[i], pfn))
			return &memory->zone[i];
	}
	return NULL;
}

uint64_t memory_page_array_bytes(const struct memory *memory)
{
	return memory->pages.pages * sizeof(struct page);
}

uint64_t memory_map_bytes(const struct memory *memory)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < memory->zones; i++)
		bytes += memory->zone[i].maps.bytes + memory->zone[i].pageblocks.memory.bytes;
	return bytes;
}

/* --- Checking ----------------------------------------------------------------------------------------------------- */

static const char I1[] = "I1: memblock_check(), arena_check(), kmap_check(), zone_check() of every zone, and "
			 "node_check() of every "
			 "node";
static const char I2[] = "I2: the zones ascend without overlap and end with the page array; every frame of "
			 "memblock's memory lies in one";
static const char I3[] =
    "I3: no reserved frame is free; managed frames of all zones = free frames of memblock";

static bool has_free_reserved(const struct memory *memory)
{
	const struct memblock_list *reserved = &memory->memblock.reserved;

	for (unsigned i = 0; i < reserved->count; i++) {
		for (pfn_t pfn = reserved->range[i].first; pfn < reserved->range[i].end; pfn++) {
			for (unsigned zone = 0; zone < memory->zones; zone++) {
				if (zone_holds(&memory->zone[zone], pfn) &&
				    zone_is_free(&memory->zone[zone], pfn))
					return true;
			}
		}
	}
	return false;
}

static const char *check_parts(const struct memory *memory)
{
	if (memblock_check(&memory->memblock) || memblock_check(&memory->late) ||
	    arena_check(&memory->arena) || kmap_check(&memory->kmap))
		return I1;
	for (unsigned i = 0; i < memory->zones; i++) {
		if (zone_check(&memory->zone[i]))
			return I1;
	}
	for (unsigned i = 0; i < memory->nodes; i++) {
		if (node_check(&memory->node[i], memory->zone, memory->zones))
			return I1;
	}
	return NULL;
}

static const char *check_zones(const struct memory *memory)
{
	uint64_t present = 0;
	pfn_t end = 0;

	for (unsigned i = 0; i < memory->zones; i++) {
		if (memory->zone[i].first < end)
			return I2;
		end = memory->zone[i].end;
		present += memory->zone[i].present_pages;
	}
	return end == memory->pages.pages && present == memblock_pages(&memory->memblock.memory) ? NULL : I2;
}

const char *memory_check(const struct memory *memory)
{
	struct memblock_range range = {0, 0};
	const char *broken = check_parts(memory);
	uint64_t managed = 0;
	uint64_t free = 0;

	if (!broken)
		broken = check_zones(memory);
	if (broken)
		return broken;
	for (unsigned i = 0; i < memory->zones; i++)
		managed += memory->zone[i].managed_pages;
	while (memblock_next_free(&memory->memblock, range.end, &range))
		free += range.end - range.first;
	return free == managed && !has_free_reserved(memory) ? NULL : I3;
}
