/* zone_line.h: how lines of /proc about a zone begin, and which zones have lines: by node, and of these those that have memory, from
 * the lowest up (walk_zones_in_node of mm/vmstat.c).
 *
 *   Node 0, zone   Normal
 */
#ifndef FAULTLINE_BENCH_PROC_ZONE_LINE_H
#define FAULTLINE_BENCH_PROC_ZONE_LINE_H

#include "bench/proc/machine.h"

/* The zone with the index *i of those with memory, counted node by node, and *i the next one's; NULL behind the last. O(zones). */
const struct zone *zone_line_next(const struct memory *memory, unsigned *i);

void zone_line_begin(const struct zone *zone, FILE *out);

/* A line per zone: of each order what `thousandths` says of the zone's free blocks, with three digits behind the point and at least
 * `width` characters before it. */
struct zone_line_index {
	int (*thousandths)(const struct free_blocks *free, unsigned order);
	int width;
};
void zone_line_indices(const struct memory *memory, const struct zone_line_index *index, FILE *out);

/* The zone of that kind of the node, or NULL. */
const struct zone *zone_line_find(const struct memory *memory, unsigned node, enum zone_kind kind);

#endif
