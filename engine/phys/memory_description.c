#include "config.h"

#include "engine/phys/memory_description.h"

#include <string.h>

#define MIB_PAGES ((pfn_t)1 << (20 - PAGE_SHIFT))
#define PAGES_MIN (64 * MIB_PAGES)
#define PAGES_STEP 1024u
#define PLAN_ZONES 3u

/* The end of each zone in frames; the last one takes the rest. */
struct zone_plan {
	enum zone_kind kind;
	pfn_t end;
};

static const struct zone_plan plans[][PLAN_ZONES] = {
    [MEMORY_X86_64] = {{ZONE_DMA, 16 * MIB_PAGES}, {ZONE_DMA32, 4096 * MIB_PAGES}, {ZONE_NORMAL, PFN_NONE}},
    [MEMORY_I386] = {{ZONE_DMA, 16 * MIB_PAGES}, {ZONE_NORMAL, 896 * MIB_PAGES}, {ZONE_HIGHMEM, PFN_NONE}},
};

static void add_zone(struct memory_description *description, const struct memory_zone_description *zone)
{
	if (zone->spanned_pages > 0)
		description->zone[description->zones++] = *zone;
}

/* The zones of a node that has the frames first .. end-1. */
static void describe_node(struct memory_description *description, unsigned node, pfn_t first, pfn_t end,
			  const struct memory_size *size)
{
	pfn_t movable = end - size->movable_pages;
	pfn_t next = first;

	for (unsigned i = 0; i < PLAN_ZONES && next < movable; i++) {
		const struct zone_plan *plan = &plans[size->layout][i];
		pfn_t limit = plan->end < movable ? plan->end : movable;
		struct memory_zone_description zone = {
		    .kind = plan->kind, .node = node, .first = next, .managed_pages = MEMORY_MANAGED_ALL};

		if (limit <= next)
			continue;
		zone.spanned_pages = limit - next;
		add_zone(description, &zone);
		next = limit;
	}
	add_zone(description, &(struct memory_zone_description){.kind = ZONE_MOVABLE,
								.node = node,
								.first = movable,
								.spanned_pages = end - movable,
								.managed_pages = MEMORY_MANAGED_ALL});
}

static bool size_is_valid(const struct memory_size *size, unsigned nodes)
{
	return size->pages >= PAGES_MIN && size->pages <= MEMORY_PAGES_MAX && size->pages % PAGES_STEP == 0 &&
	       size->layout <= MEMORY_I386 && nodes <= MEMORY_NODES &&
	       size->movable_pages % PAGES_STEP == 0 &&
	       size->movable_pages < size->pages / nodes / PAGES_STEP * PAGES_STEP;
}

enum status memory_describe(struct memory_description *description, const struct memory_size *size)
{
	unsigned nodes = size->nodes ? size->nodes : 1;
	pfn_t first = 0;

	*description = (struct memory_description){.layout = size->layout, .nodes = nodes};
	if (!size_is_valid(size, nodes))
		return STATUS_BAD_ARGUMENT;
	uint64_t part = size->pages / nodes / PAGES_STEP * PAGES_STEP;

	for (unsigned node = 0; node < nodes; node++) {
		pfn_t end = node + 1 < nodes ? first + part : size->pages;

		describe_node(description, node, first, end, size);
		memset(description->distance[node], MEMORY_REMOTE_DISTANCE, nodes);
		description->distance[node][node] = MEMORY_LOCAL_DISTANCE;
		first = end;
	}
	description->present = (struct memblock_list){.count = 1, .range = {{0, size->pages}}};
	description->reserved = (struct memblock_list){.count = 1, .range = {{0, MIB_PAGES}}};
	return memory_description_check(description) ? STATUS_BAD_ARGUMENT : STATUS_OK;
}

pfn_t memory_description_end(const struct memory_description *description)
{
	const struct memory_zone_description *last = &description->zone[description->zones - 1];

	return last->first + last->spanned_pages;
}

static bool is_second_of_its_kind(const struct memory_description *description, unsigned i)
{
	for (unsigned j = 0; j < i; j++) {
		if (description->zone[j].node == description->zone[i].node &&
		    description->zone[j].kind == description->zone[i].kind)
			return true;
	}
	return false;
}

static bool zones_are_sound(const struct memory_description *description)
{
	pfn_t end = 0;

	for (unsigned i = 0; i < description->zones; i++) {
		const struct memory_zone_description *zone = &description->zone[i];

		if (zone->spanned_pages == 0 || zone->first < end || zone->first >= MEMORY_PAGES_MAX ||
		    zone->spanned_pages > MEMORY_PAGES_MAX - zone->first ||
		    zone->node >= description->nodes || (unsigned)zone->kind >= ZONE_KINDS ||
		    is_second_of_its_kind(description, i))
			return false;
		end = zone->first + zone->spanned_pages;
	}
	return true;
}

/* Do the zones cover the range without a gap? */
static bool is_covered(const struct memory_description *description, const struct memblock_range *range)
{
	pfn_t next = range->first;

	for (unsigned i = 0; i < description->zones && next < range->end; i++) {
		const struct memory_zone_description *zone = &description->zone[i];

		if (zone->first <= next && next - zone->first < zone->spanned_pages)
			next = zone->first + zone->spanned_pages;
	}
	return next >= range->end;
}

static bool distances_are_sound(const struct memory_description *description)
{
	for (unsigned from = 0; from < description->nodes; from++) {
		for (unsigned to = 0; to < description->nodes; to++) {
			uint8_t distance = description->distance[from][to];

			if (distance < MEMORY_LOCAL_DISTANCE ||
			    (from == to && distance != MEMORY_LOCAL_DISTANCE))
				return false;
		}
	}
	return true;
}

const char *memory_description_check(const struct memory_description *description)
{
	if (description->nodes < 1 || description->nodes > MEMORY_NODES || description->zones < 1 ||
	    description->zones > MEMORY_ZONES || description->present.count > MEMBLOCK_RANGES ||
	    description->reserved.count > MEMBLOCK_RANGES)
		return "I1: 1 <= nodes <= MEMORY_NODES, 1 <= zones <= MEMORY_ZONES, present and reserved "
		       "ranges "
		       "at most "
		       "MEMBLOCK_RANGES";
	if (!zones_are_sound(description))
		return "I2: zones are not empty, ascend, do not overlap, end below MEMORY_PAGES_MAX, and "
		       "belong "
		       "to a node; "
		       "no node has two of a kind";
	for (unsigned i = 0; i < description->present.count; i++) {
		if (!is_covered(description, &description->present.range[i]))
			return "I3: every present frame lies in a zone";
	}
	return distances_are_sound(description) ? NULL
						: "I4: a distance is at least 10, to itself exactly 10";
}
