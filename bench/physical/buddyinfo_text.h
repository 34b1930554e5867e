/* buddyinfo_text.h: /proc/buddyinfo: the free blocks of every zone, per order.
 *
 *   Node 0, zone   Normal   1304    624    252 ...        blocks of order 0, 1, 2 ...
 *
 * Blocks in page sets are not free ones here.
 */
#ifndef FAULTLINE_BENCH_PHYSICAL_BUDDYINFO_TEXT_H
#define FAULTLINE_BENCH_PHYSICAL_BUDDYINFO_TEXT_H

#include "bench/physical/proc_text.h"
#include "engine/phys/fragmentation.h"

struct buddyinfo_zone {
	struct proc_zone zone;
	struct free_blocks free;
};

struct buddyinfo {
	unsigned zones;
	unsigned orders; /* that every line has, at most FRAGMENTATION_ORDERS */
	struct buddyinfo_zone zone[MEMORY_ZONES];
};

/* TRACE_BAD_INPUT when a line is none of a buddyinfo, lines have different numbers of orders, or there is none. */
enum trace_status buddyinfo_parse(struct buddyinfo *buddyinfo, const struct event_snapshot *snapshot,
				  struct trace_error *error) TRACE_MUST_USE;

/* The zone, or NULL. */
const struct buddyinfo_zone *buddyinfo_find(const struct buddyinfo *buddyinfo, const struct proc_zone *zone);

#endif
