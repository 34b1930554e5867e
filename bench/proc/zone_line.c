#include "config.h"

#include "bench/proc/zone_line.h"

const struct zone *zone_line_find(const struct memory *memory, unsigned node, enum zone_kind kind)
{
	for (unsigned i = 0; i < memory->zones; i++) {
		if (memory->zone[i].node == node && memory->zone[i].kind == kind)
			return &memory->zone[i];
	}
	return NULL;
}

const struct zone *zone_line_next(const struct memory *memory, unsigned *i)
{
	unsigned left = (*i)++;

	for (unsigned place = 0; place < memory->nodes * ZONE_KINDS; place++) {
		const struct zone *zone =
		    zone_line_find(memory, place / ZONE_KINDS, (enum zone_kind)(place % ZONE_KINDS));

		if (zone && zone->present_pages > 0 && left-- == 0)
			return zone;
	}
	return NULL;
}

void zone_line_begin(const struct zone *zone, FILE *out)
{
	(void)fprintf(out, "Node %u, zone %8s ", zone->node, zone->name);
}

void zone_line_indices(const struct memory *memory, const struct zone_line_index *index, FILE *out)
{
	const struct zone *zone;

	for (unsigned i = 0; (zone = zone_line_next(memory, &i));) {
		struct free_blocks free;

		zone_free_blocks(zone, &free);
		zone_line_begin(zone, out);
		for (unsigned order = 0; order <= memory->max_order; order++) {
			const int value = index->thousandths(&free, order);

			(void)fprintf(out, "%*d.%03d ", index->width, value / 1000, value % 1000);
		}
		(void)fputc('\n', out);
	}
}
